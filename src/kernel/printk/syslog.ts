/** syslog(2) and /proc/kmsg (do_syslog of kernel/printk/printk.c; man 2 syslog). */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import type { IoBuf } from '../mm/types.ts';
import { copyToIo, userBuf } from '../mm/uio.ts';
import { defineStep, type Outcome, wait } from '../outcome.ts';
import { CAP, capable } from '../task/capability.ts';
import type { Task } from '../task/types.ts';
import { bytesOf, recordText } from './format.ts';
import { firstSeq, recordAt } from './printk.ts';

/** SYSLOG_ACTION_* (man 2 syslog). */
const Action = {
  CLOSE: 0,
  OPEN: 1,
  READ: 2,
  READ_ALL: 3,
  READ_CLEAR: 4,
  CLEAR: 5,
  CONSOLE_OFF: 6,
  CONSOLE_ON: 7,
  CONSOLE_LEVEL: 8,
  SIZE_UNREAD: 9,
  SIZE_BUFFER: 10,
} as const;

/** Whether the task may do that action by the system call: 0 or -EPERM (check_syslog_permissions). */
export function syslogPermission(k: Kernel, task: Task, action: number): number {
  const open = action === Action.READ_ALL || action === Action.SIZE_BUFFER;
  if (open && !k.printk.dmesgRestrict) return 0;
  const { cred } = task;
  return capable(cred, CAP.SYSLOG) || capable(cred, CAP.SYS_ADMIN) ? 0 : -Errno.EPERM;
}

/** Opening /proc/kmsg or reading /dev/kmsg asks the same (SYSLOG_ACTION_OPEN, SYSLOG_ACTION_READ_ALL). */
export const mayReadLog = (k: Kernel, task: Task): boolean =>
  syslogPermission(k, task, Action.READ_ALL) === 0;
/** Whether the task may open /proc/kmsg (which reads destructively, so it is always privileged). */
export const mayOpenProcKmsg = (k: Kernel, task: Task): number => syslogPermission(k, task, Action.OPEN);

function catchUp(k: Kernel): void {
  const log = k.printk;
  if (log.syslogSeq >= firstSeq(log)) return;
  log.syslogSeq = firstSeq(log);
  log.syslogPartial = 0;
}

/** Whether syslog's reader has something to read: poll of /proc/kmsg. */
export const syslogReady = (k: Kernel): boolean => k.printk.syslogSeq < k.printk.nextSeq;

/** Reads on from where syslog(2) stands, parking while there is nothing. Shared by /proc/kmsg. */
export function syslogRead(k: Kernel, task: Task, buf: IoBuf, nonblock = false): Outcome {
  const log = k.printk;
  catchUp(k);
  while (buf.done < buf.length) {
    const record = recordAt(log, log.syslogSeq);
    if (!record) break;
    const rest = recordText(record, true).slice(log.syslogPartial);
    const room = buf.length - buf.done;
    if (rest.length > room && buf.done > 0) break;
    const moved = copyToIo(k, task, buf, bytesOf(rest.slice(0, room)));
    if (moved < 0) return buf.done > 0 ? buf.done : moved;
    if (rest.length > room) log.syslogPartial += room;
    else {
      log.syslogSeq++;
      log.syslogPartial = 0;
    }
  }
  if (buf.done > 0 || buf.length === 0) return buf.done;
  if (nonblock) return -Errno.EAGAIN;
  return wait([log.wait], { then: [{ step: readStep, state: { buf } }] });
}

const readStep = defineStep('syslog.read', (k, task, state: { buf: IoBuf }, entry) =>
  entry.by === 'signal' ? -Errno.ERESTARTSYS : syslogRead(k, task, state.buf),
);

/** The last records since the last clear that fit into `size` bytes. */
function readAll(k: Kernel, task: Task, buf: number, size: number): number {
  const log = k.printk;
  const start = Math.max(log.clearSeq, firstSeq(log)) - firstSeq(log);
  const texts: string[] = [];
  let total = 0;
  for (let i = log.records.length - 1; i >= start; i--) {
    const text = recordText(log.records[i], true);
    if (total + text.length > size) break;
    total += text.length;
    texts.push(text);
  }
  return copyToIo(k, task, userBuf(buf, size), bytesOf(texts.reverse().join('')));
}

function unreadBytes(k: Kernel): number {
  catchUp(k);
  const log = k.printk;
  let total = -log.syslogPartial;
  for (let seq = log.syslogSeq; seq < log.nextSeq; seq++) {
    const record = recordAt(log, seq);
    if (record) total += recordText(record, true).length;
  }
  return total;
}

function setConsoleLevel(k: Kernel, level: number): number {
  if (level < 1 || level > 8) return -Errno.EINVAL;
  k.printk.levels[0] = Math.max(level, k.printk.levels[2]);
  k.printk.savedConsoleLevel = -1;
  return 0;
}

/** syslog(2). */
export function doSyslog(k: Kernel, task: Task, action: number, buf: number, len: number): Outcome {
  const log = k.printk;
  const refused = syslogPermission(k, task, action);
  if (refused) return refused;
  switch (action) {
    case Action.CLOSE:
    case Action.OPEN:
      return 0;
    case Action.READ:
    case Action.READ_ALL:
    case Action.READ_CLEAR: {
      if (buf === 0 || len < 0) return -Errno.EINVAL;
      if (len === 0) return 0;
      if (action === Action.READ) return syslogRead(k, task, userBuf(buf, len));
      const result = readAll(k, task, buf, len);
      if (action === Action.READ_CLEAR && result >= 0) log.clearSeq = log.nextSeq;
      return result;
    }
    case Action.CLEAR:
      log.clearSeq = log.nextSeq;
      return 0;
    case Action.CONSOLE_OFF:
      if (log.savedConsoleLevel === -1) log.savedConsoleLevel = log.levels[0];
      log.levels[0] = log.levels[2];
      return 0;
    case Action.CONSOLE_ON:
      if (log.savedConsoleLevel !== -1) {
        log.levels[0] = log.savedConsoleLevel;
        log.savedConsoleLevel = -1;
      }
      return 0;
    case Action.CONSOLE_LEVEL:
      return setConsoleLevel(k, len);
    case Action.SIZE_UNREAD:
      return unreadBytes(k);
    case Action.SIZE_BUFFER:
      return log.maxBytes;
    default:
      return -Errno.EINVAL;
  }
}
