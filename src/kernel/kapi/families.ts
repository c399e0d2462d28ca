/** Door to the families of memory, log, strings, user access, devices and files: importing it registers their functions. */
import './printk.ts';
import './memory.ts';
import './pages.ts';
import './area.ts';
import './uaccess.ts';
import './string.ts';
import './chrdev.ts';
import './device.ts';
import './sysfs.ts';
import './procfs.ts';
import './seqfile.ts';
import './poll.ts';
import './seek.ts';
import './lib.ts';
import './rbtree.ts';
