/** find, grep, sed, awk, tar, compressors, diff and the small tools, with what they print on a real Linux. */
import { suiteOfStories } from './story-suite.ts';

suiteOfStories('tools');
