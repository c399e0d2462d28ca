/** make and gcc, and what their programs do: processes, signals, crashes. */
import { suiteOfStories } from './story-suite.ts';

suiteOfStories('build');
