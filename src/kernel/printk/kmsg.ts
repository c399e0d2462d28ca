/**
 * /dev/kmsg (Documentation/ABI/testing/dev-kmsg). Always true: one read gives one record; a reader that was overtaken by the
 * ring gets EPIPE once and goes on with the oldest record. Also the file behind /proc/kmsg, which shares syslog(2)'s position.
 */
import { Errno } from '../abi/errno.ts';
import { O, Poll } from '../fs/flags.ts';
import { defineFileOps } from '../fs/ops.ts';
import type { File } from '../fs/types.ts';
import type { Kernel } from '../kernel.ts';
import type { IoBuf } from '../mm/types.ts';
import { copyFromIo, copyToIo } from '../mm/uio.ts';
import { defineStep, type Outcome, wait } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { bytesOf, kmsgText } from './format.ts';
import { firstSeq, newRatelimit, printk, ratelimit, recordAt } from './printk.ts';
import { mayReadLog, syslogRead, syslogReady } from './syslog.ts';
import type { Ratelimit } from './types.ts';

interface KmsgFile {
  seq: number;
  limit: Ratelimit;
}

const LOG_LINE_MAX = 992;
const LOG_USER = 1;

/** Completes an open of character device 1:11 (devkmsg_open). */
export function openKmsg(k: Kernel, task: Task, file: File): number {
  const access = file.flags & O.ACCMODE;
  if (k.printk.devkmsg === 'off' && access === O.WRONLY) return -Errno.EPERM;
  if (access !== O.WRONLY && !mayReadLog(k, task)) return -Errno.EPERM;
  file.kind = 'kmsg';
  file.data = { seq: firstSeq(k.printk), limit: newRatelimit() } satisfies KmsgFile;
  return 0;
}

function readRecord(k: Kernel, task: Task, file: File, buf: IoBuf): Outcome {
  const reader = file.data as KmsgFile;
  const log = k.printk;
  if (reader.seq < firstSeq(log)) {
    reader.seq = firstSeq(log);
    return -Errno.EPIPE;
  }
  const record = recordAt(log, reader.seq);
  if (!record) {
    if ((file.flags & O.NONBLOCK) !== 0) return -Errno.EAGAIN;
    return wait([log.wait], { then: [{ step: readStep, state: { file, buf } }] });
  }
  reader.seq++;
  const text = kmsgText(record);
  if (text.length > buf.length - buf.done) return -Errno.EINVAL;
  return copyToIo(k, task, buf, bytesOf(text));
}

const readStep = defineStep('kmsg.read', (k, task, state: { file: File; buf: IoBuf }, entry) =>
  entry.by === 'signal' ? -Errno.ERESTARTSYS : readRecord(k, task, state.file, state.buf),
);

/** A line from user space: `<N>` in front gives priority and facility (devkmsg_write). */
function writeRecord(k: Kernel, task: Task, file: File, buf: IoBuf): number {
  const { limit } = file.data as KmsgFile;
  if (buf.length > LOG_LINE_MAX) return -Errno.EINVAL;
  if (k.printk.devkmsg === 'off') return buf.length;
  const bytes = copyFromIo(k, task, buf, buf.length);
  if (typeof bytes === 'number') return bytes;
  if (k.printk.devkmsg === 'ratelimit' && !ratelimit(k, limit, task.comm)) return buf.length;
  let text = String.fromCharCode(...bytes);
  const zero = text.indexOf('\0');
  if (zero >= 0) text = text.slice(0, zero);
  let level = -1;
  let facility = LOG_USER;
  const prefix = /^<(\d{1,9})>/.exec(text);
  if (prefix) {
    level = Number(prefix[1]) & 7;
    if (Number(prefix[1]) >> 3 !== 0) facility = Number(prefix[1]) >> 3;
    text = text.slice(prefix[0].length);
  }
  printk(k, level, text, facility);
  return buf.length;
}

const SEEK_SET = 0;
const SEEK_END = 2;
const SEEK_DATA = 3;

defineFileOps('kmsg', {
  read: readRecord,
  write: writeRecord,
  llseek(k, _task, file, offset, whence) {
    const reader = file.data as KmsgFile;
    if (offset !== 0) return -Errno.ESPIPE;
    if (whence === SEEK_SET) reader.seq = firstSeq(k.printk);
    else if (whence === SEEK_DATA) reader.seq = k.printk.clearSeq;
    else if (whence === SEEK_END) reader.seq = k.printk.nextSeq;
    else return -Errno.EINVAL;
    return 0;
  },
  poll(k, file) {
    const { seq } = file.data as KmsgFile;
    let events = 0;
    if (seq < k.printk.nextSeq) events |= Poll.IN | Poll.RDNORM;
    if (seq < firstSeq(k.printk)) events |= Poll.ERR | Poll.PRI;
    return { events, queues: [k.printk.wait] };
  },
});

/** /proc/kmsg (fs/proc/kmsg.c): its open sets this kind after {@link mayOpenProcKmsg}. */
defineFileOps('proc_kmsg', {
  read: (k, task, file, buf) => syslogRead(k, task, buf, (file.flags & O.NONBLOCK) !== 0),
  poll: (k) => ({ events: syslogReady(k) ? Poll.IN | Poll.RDNORM : 0, queues: [k.printk.wait] }),
});
