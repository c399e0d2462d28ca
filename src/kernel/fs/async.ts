/**
 * Signal-driven I/O (man 2 fcntl, O_ASYNC; fs/fcntl.c send_sigio). Always true: a file with O_ASYNC whose kind has no `fasync` of its
 * own is in `k.fs.asyncFiles`; who owns it was allowed to signal the receiver when it became the owner.
 */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { andThen, defineStep, type Outcome, type Plain } from '../outcome.ts';
import { newSigInfo, SIGIO } from '../signal/bits.ts';
import { sendSignal } from '../signal/send.ts';
import type { Task, ThreadGroup } from '../task/types.ts';
import { O, Poll } from './flags.ts';
import { opsOf } from './ops.ts';
import type { File } from './types.ts';

/** POLL_IN and its like: si_code of SIGIO, with what they say of poll's bits (band_table). */
export const Band = { IN: 1, OUT: 2, MSG: 3, ERR: 4, PRI: 5, HUP: 6 } as const;
const EVENTS: Readonly<Record<number, number>> = {
  [Band.IN]: Poll.IN | Poll.RDNORM,
  [Band.OUT]: Poll.OUT | Poll.WRNORM,
  [Band.MSG]: Poll.IN | Poll.RDNORM,
  [Band.ERR]: Poll.ERR,
  [Band.PRI]: Poll.PRI | Poll.RDBAND,
  [Band.HUP]: Poll.HUP | Poll.ERR,
};

/** The processes that F_SETOWN named. */
function receivers(k: Kernel, pid: number): ThreadGroup[] {
  if (pid === 0) return [];
  if (pid < 0) return [...k.task.groups.values()].filter(({ pgid }) => pgid === -pid);
  const group = k.task.groups.get(pid) ?? k.task.tasks.get(pid)?.group;
  return group ? [group] : [];
}

/** sigio_perm: by the credentials of who called F_SETOWN. */
function permitted(k: Kernel, file: File, group: ThreadGroup): boolean {
  const { uid = 0, euid = 0 } = file.owner;
  const target = k.task.tasks.get(group.pid)?.cred;
  if (!target) return false;
  return [target.uid, target.suid].some((id) => euid === 0 || id === euid || id === uid);
}

/** send_sigio: tells the owner of a file that something can be done with it. */
export function sendSigio(k: Kernel, file: File, fd: number, band: number): void {
  for (const group of receivers(k, file.owner.pid)) {
    if (!permitted(k, file, group)) continue;
    const { signal } = file.owner;
    if (signal === 0) sendSignal(k, group, newSigInfo(SIGIO, 0x80));
    else sendSignal(k, group, newSigInfo(signal, band, { band: EVENTS[band] ?? 0, fd }));
  }
}

/** The object of a file (a pipe, terminal or socket) became ready: its asynchronous files tell their owners. */
export function objectReady(k: Kernel, object: Plain, band: number, except?: File): void {
  const files = k.fs.asyncFiles;
  if (!files || files.length === 0) return;
  for (const file of [...files]) {
    if (file.refs <= 0) files.splice(files.indexOf(file), 1);
    else if (file !== except && (file.data === object || file.data?.tty === object))
      sendSigio(k, file, descriptorOf(k, file), band);
  }
}

/** Some descriptor of the owner's that shows the file. */
function descriptorOf(k: Kernel, file: File): number {
  const fds = k.task.tasks.get(Math.abs(file.owner.pid))?.files.fds ?? [];
  return Math.max(
    0,
    fds.findIndex((entry) => entry?.file === file),
  );
}

/** Kinds whose objects tell of themselves by {@link objectReady}. */
const TELLING = new Set(['pipe', 'tty', 'socket']);

function setFlag(k: Kernel, file: File, on: boolean): void {
  file.flags = on ? file.flags | O.ASYNC : file.flags & ~O.ASYNC;
  if (!TELLING.has(file.kind)) return;
  const others = (k.fs.asyncFiles ?? []).filter((other) => other !== file && other.refs > 0);
  k.fs.asyncFiles = on ? [...others, file] : others;
}

/** Sets or clears O_ASYNC (setfl, FIOASYNC): a driver is told, and may refuse. */
export function setAsync(k: Kernel, task: Task, fd: number, file: File, on: boolean): Outcome {
  if (((file.flags & O.ASYNC) !== 0) === on) return 0;
  const { fasync } = opsOf(file);
  if (!fasync) {
    // tty_fasync: a terminal without an owner is its foreground group's.
    if (file.kind === 'tty' && on && file.owner.pid === 0)
      setOwner(k, task, file, -file.data.tty.pgrp || task.group.pid);
    setFlag(k, file, on);
    return 0;
  }
  return andThen(k, task, fasync(k, task, fd, file, on), { step: 'file.async', state: { file, on } });
}
defineStep('file.async', (k, _task, { file, on }: { file: File; on: boolean }, entry) => {
  const result = entry.by === 'result' ? entry.value : -Errno.EINTR;
  if (result < 0) return result;
  setFlag(k, file, on);
  return 0;
});

/** Names the owner (f_setown). 0, or -ESRCH. */
export function setOwner(k: Kernel, task: Task, file: File, pid: number): number {
  if (pid !== 0 && receivers(k, pid).length === 0) return -Errno.ESRCH;
  file.owner = { ...file.owner, pid, uid: task.cred.uid, euid: task.cred.euid };
  return 0;
}
