/** System calls of the kernel log: decode, then delegate to printk/syslog.ts. */
import { doSyslog } from '../printk/syslog.ts';
import { syscall } from './table.ts';

/** syslog(2). */
syscall(116, 'syslog', ['int', 'ptr', 'int'], (k, task, action, buf, len) =>
  doSyslog(k, task, action, buf, len),
);
