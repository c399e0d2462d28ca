/** Larger C programs, compiled and run in the VM: threads, libraries, sockets, timers. */
import { suiteOfStories } from './story-suite.ts';

suiteOfStories('programs');
