/** One recorded section of each kind, replayed; recordings.slow.ts takes them all. */
import { replayed } from './suite.ts';

replayed(
  ['load.10-simple', 'ones.30-leaks', 'oops.20-badwrite', 'oops.40-exit', 'oops.60-panic', 'strace.20-tty'],
  ['simple', 'ones', 'ones_leaknode', 'badwrite', 'oops_exit', 'panicm'],
);
