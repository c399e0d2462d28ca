/**
 * Pseudo terminals (drivers/tty/pty.c). Always true: a Pty is in `k.tty.ptys` while its master or any slave file is open, and its
 * devpts node has a name exactly while the master is. What the slave writes is the master's input, and the other way round.
 */
import { Errno } from '../abi/errno.ts';
import { O, Poll } from '../fs/flags.ts';
import { newInode } from '../fs/inode.ts';
import { defineFileOps } from '../fs/ops.ts';
import type { File } from '../fs/types.ts';
import type { Kernel } from '../kernel.ts';
import type { IoBuf } from '../mm/types.ts';
import { copyFromIo, copyToIo } from '../mm/uio.ts';
import { defineStep, newWaitQueue, type Outcome, wait } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { wakeUp } from '../task/wait.ts';
import { newSlave } from './device.ts';
import { type DevptsOptions, PTS_FIRST_INO } from './devpts.ts';
import { fromWire, wireRoom } from './flow.ts';
import { hangupTty } from './hangup.ts';
import { clearSessionTty } from './job.ts';
import { masterIoctl } from './master-ioctl.ts';
import { drain } from './output.ts';
import type { Pty } from './types.ts';

const S_IFCHR = 0o020000;
/** What one read of a master gives at most: the buffer behind it. */
const MAX_READ = 4095;

/** What an open file of kind `pty master` holds. */
export interface MasterFile {
  pty: Pty;
}

/** A new pseudo terminal, whose slave is locked, with its node in devpts; -ENODEV, -ENOSPC. */
export function newPty(k: Kernel, uid: number, gid: number): Pty | number {
  const sb = k.tty.devpts;
  if (!sb) return -Errno.ENODEV;
  const options = sb.data as DevptsOptions;
  let index = 0;
  while (k.tty.ptys.has(index)) index++;
  if (index >= Math.min(k.tty.maxPtys, options.max)) return -Errno.ENOSPC;
  const slave = newSlave(index);
  const inode = newInode(k, sb, {
    ino: PTS_FIRST_INO + index,
    mode: S_IFCHR | options.mode,
    uid: options.uid ?? uid,
    gid: options.gid ?? gid,
    nlink: 1,
    rdev: slave.rdev,
  });
  const pty: Pty = {
    index,
    slave,
    masterOpens: 1,
    locked: true,
    packet: false,
    status: 0,
    otherClosed: false,
    readWait: newWaitQueue(),
    writeWait: newWaitQueue(),
    inode,
  };
  k.tty.ptys.set(index, pty);
  return pty;
}

/** Opens /dev/ptmx: a new pseudo terminal (ptmx_open). */
export function openMaster(k: Kernel, task: Task, file: File): number {
  const pty = newPty(k, task.cred.fsuid, task.cred.fsgid);
  if (typeof pty === 'number') return pty;
  file.kind = 'pty master';
  file.data = { pty } satisfies MasterFile;
  return 0;
}

function readMaster(k: Kernel, task: Task, file: File, buf: IoBuf): Outcome {
  const { pty } = file.data as MasterFile;
  const { slave } = pty;
  if (buf.length === 0) return 0;
  if (pty.packet && pty.status !== 0) {
    const status = pty.status;
    const moved = copyToIo(k, task, buf, Uint8Array.of(status));
    if (moved > 0) pty.status = 0;
    return moved;
  }
  const ready = slave.outputBytes > 0 && !slave.stopped;
  if (ready) {
    if (pty.packet) {
      const moved = copyToIo(k, task, buf, Uint8Array.of(0));
      if (moved < 0) return moved;
    }
    const bytes = drain(k, slave, Math.min(MAX_READ, buf.length - buf.done));
    const moved = bytes.length > 0 ? copyToIo(k, task, buf, bytes) : 0;
    return moved < 0 && buf.done === 0 ? moved : buf.done;
  }
  if (pty.otherClosed) return -Errno.EIO;
  if ((file.flags & O.NONBLOCK) !== 0) return -Errno.EAGAIN;
  return wait([pty.readWait], { then: [{ step: readStep, state: { file, buf } }] });
}

const readStep = defineStep('pty.read', (k, task, state: { file: File; buf: IoBuf }, entry) =>
  entry.by === 'signal' ? -Errno.ERESTARTSYS : readMaster(k, task, state.file, state.buf),
);

function writeMaster(k: Kernel, task: Task, file: File, buf: IoBuf): Outcome {
  const { pty } = file.data as MasterFile;
  while (buf.done < buf.length) {
    const room = wireRoom(pty.slave);
    if (room > 0) {
      const bytes = copyFromIo(k, task, buf, room);
      if (typeof bytes === 'number') return buf.done > 0 ? buf.done : bytes;
      fromWire(k, pty.slave, bytes);
    } else if ((file.flags & O.NONBLOCK) !== 0) return buf.done > 0 ? buf.done : -Errno.EAGAIN;
    else return wait([pty.writeWait], { then: [{ step: writeStep, state: { file, buf } }] });
  }
  return buf.done;
}

const writeStep = defineStep('pty.write', (k, task, state: { file: File; buf: IoBuf }, entry) => {
  if (entry.by === 'signal') return state.buf.done > 0 ? state.buf.done : -Errno.ERESTARTSYS;
  return writeMaster(k, task, state.file, state.buf);
});

/** Forgets a pseudo terminal when neither end is open. */
function dropIfUnused(k: Kernel, pty: Pty): void {
  if (pty.masterOpens === 0 && pty.slave.opens === 0 && k.tty.ptys.get(pty.index) === pty)
    k.tty.ptys.delete(pty.index);
}

/** The master was closed: the slave is hung up and its node goes away (pty_close). */
function closeMaster(k: Kernel, file: File): void {
  const { pty } = file.data as MasterFile;
  pty.masterOpens = 0;
  pty.packet = false;
  pty.inode.nlink = 0;
  const { sid } = pty.slave;
  hangupTty(k, pty.slave);
  clearSessionTty(k, sid);
  dropIfUnused(k, pty);
}

/** The last slave file was closed: the master reads EIO from now on, until somebody opens the slave again. */
export function slaveClosed(k: Kernel, pty: Pty): void {
  pty.otherClosed = true;
  wakeUp(k, pty.readWait);
  wakeUp(k, pty.writeWait);
  dropIfUnused(k, pty);
}

defineFileOps('pty master', {
  read: readMaster,
  write: writeMaster,
  ioctl: (k, task, file, cmd, arg) =>
    masterIoctl(k, task, file, (file.data as MasterFile).pty, cmd >>> 0, arg),
  poll(_k, file) {
    const { pty } = file.data as MasterFile;
    const { slave } = pty;
    let events = 0;
    if (slave.outputBytes > 0 && !slave.stopped) events |= Poll.IN | Poll.RDNORM;
    if (pty.packet && pty.status !== 0) events |= Poll.PRI | Poll.IN | Poll.RDNORM;
    if (pty.otherClosed) events |= Poll.HUP;
    if (wireRoom(slave) > 0) events |= Poll.OUT | Poll.WRNORM;
    return { events, queues: [pty.readWait, pty.writeWait] };
  },
  release: closeMaster,
});
