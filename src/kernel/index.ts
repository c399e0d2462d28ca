/** Importing this fills every table of behaviour: system calls, steps, file systems, file kinds, drivers, timers. */
import './drivers/index.ts';
import './fs/index.ts';
import './kapi/families.ts';
import './kapi/tasks-index.ts';
import './mm/index.ts';
import './module/index.ts';
import './net/index.ts';
import './panic/index.ts';
import './printk/index.ts';
import './signal/index.ts';
import './syscalls/index.ts';
import './task/index.ts';
import './time/index.ts';
import './tty/index.ts';
