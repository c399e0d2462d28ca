/** /proc/kmsg: the log as syslog(2) reads it, destructively (fs/proc/kmsg.c). */
import { Errno } from '../../abi/errno.ts';
import { mayOpenProcKmsg, syslogRead, syslogReady } from '../../printk/syslog.ts';
import { special } from '../kernfs.ts';
import { defineFileOps } from '../ops.ts';

const O_NONBLOCK = 0o4000;
const POLLIN = 0x41;

defineFileOps('proc.kmsg', {
  read: (k, task, file, buf) => syslogRead(k, task, buf, (file.flags & O_NONBLOCK) !== 0),
  write: () => -Errno.EIO,
  poll: (k) => ({ events: syslogReady(k) ? POLLIN : 0, queues: [k.printk.wait] }),
});

export const kmsgFile = special('proc.kmsg', 0o400, { check: (k, task) => mayOpenProcKmsg(k, task) });
