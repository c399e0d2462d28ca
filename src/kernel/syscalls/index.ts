/** Importing this declares every system call. */
import './exec.ts';
import './fd.ts';
import './fs.ts';
import './mm.ts';
import './mount.ts';
import './pipe.ts';
import './poll.ts';
import './printk.ts';
import './tty.ts';
import './xattr.ts';
