/** Importing this declares every system call. */
import './cred.ts';
import './exec.ts';
import './fd.ts';
import './fs.ts';
import './futex.ts';
import './misc.ts';
import './mm.ts';
import './mount.ts';
import './pipe.ts';
import './poll.ts';
import './printk.ts';
import './sched.ts';
import './signal.ts';
import './task.ts';
import './time.ts';
import './tty.ts';
import './xattr.ts';
