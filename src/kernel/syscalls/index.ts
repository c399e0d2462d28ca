/** Importing this declares every system call. */
import './exec.ts';
import './fd.ts';
import './fs.ts';
import './mm.ts';
import './printk.ts';
import './tty.ts';
