/** bash at work: what scripts may ask of a kernel, with the answers of a real Linux. */
import { suiteOfStories } from './story-suite.ts';

suiteOfStories('bash');
