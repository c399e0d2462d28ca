/**
 * Waiting for descriptors (man 2 poll, select; fs/select.c). Always true: a caller that finds nothing ready joins every queue that
 * could change that, and looks again when woken; the deadline is fixed when the call first runs.
 */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { type Outcome, type WaitQueue, wait } from '../outcome.ts';
import { restoreMask, useTemporaryMask } from '../signal/action.ts';
import type { SyscallState, Task } from '../task/types.ts';
import { getFile } from './file.ts';
import { Poll } from './flags.ts';
import { opsOf } from './ops.ts';
import type { File, PollResult } from './types.ts';

const ALWAYS: PollResult = {
  events: Poll.IN | Poll.OUT | Poll.RDNORM | Poll.WRNORM,
  queues: [],
};
const NOTHING: PollResult = { events: 0, queues: [] };

/** How files whose readiness module code tells are asked before a look, and forgotten after it; see kapi/poll.ts. */
interface Polling {
  /** Null: all have been asked; else a call after which the system call's handler runs again. */
  ask(k: Kernel, task: Task, files: readonly File[]): Outcome | null;
  forget(k: Kernel, task: Task): void;
}
let polling: Polling = { ask: () => null, forget: () => {} };
export function providePolling(how: Polling): void {
  polling = how;
}

/** Asks the files of modules among `files`; null when the look can go on. */
export function askModules(k: Kernel, task: Task, files: Iterable<File | null>): Outcome | null {
  const asked: File[] = [];
  for (const file of files) if (file?.kind === 'module') asked.push(file);
  return asked.length === 0 ? null : polling.ask(k, task, asked);
}

/** A look is over: what modules answered is old. */
export const lookedAt = (k: Kernel, task: Task): void => polling.forget(k, task);

/** What is ready on an open file now, and what to wait on. */
export function pollFile(k: Kernel, task: Task | null, file: File): PollResult {
  const { poll } = opsOf(file);
  if (poll) return poll(k, file, task);
  return file.kind === 'path' ? NOTHING : ALWAYS;
}

/** The absolute deadline of a call that began with `timeoutNs` (null: never), kept over retries. */
export function deadlineOf(k: Kernel, task: Task, timeoutNs: number | null): number {
  const call = task.syscall as SyscallState;
  if (call.deadlineNs === null)
    call.deadlineNs = timeoutNs === null ? Number.POSITIVE_INFINITY : k.time.nowNs + timeoutNs;
  return call.deadlineNs;
}

/** Installs the signal mask of ppoll and its like once. */
export function maskForCall(task: Task, mask: bigint | null): void {
  if (mask !== null && task.savedMask === null) useTemporaryMask(task, mask);
}

/**
 * Ends one look of a waiting call: `ready` is its result when above 0. Otherwise parks until the deadline, or answers 0 when
 * that is over. A mask that was installed for the call is put back when it ends here.
 */
export function lookEnded(
  k: Kernel,
  task: Task,
  ready: number,
  queues: readonly WaitQueue[],
  deadlineNs: number,
  onSignal: number,
): Outcome {
  lookedAt(k, task);
  if (ready !== 0 || k.time.nowNs >= deadlineNs) {
    restoreMask(task);
    return ready;
  }
  return wait(queues, { untilNs: deadlineNs, onSignal });
}

/** One descriptor of ppoll(2). */
export interface PollFd {
  fd: number;
  events: number;
  revents: number;
}

/** ppoll(2) over descriptors already read; fills in `revents`. */
export function poll(k: Kernel, task: Task, fds: PollFd[], timeoutNs: number | null): Outcome {
  const deadline = deadlineOf(k, task, timeoutNs);
  const asking = askModules(
    k,
    task,
    fds.map(({ fd }) => getFile(task, fd)),
  );
  if (asking) return asking;
  const queues: WaitQueue[] = [];
  let ready = 0;
  for (const entry of fds) {
    entry.revents = 0;
    if (entry.fd < 0) continue;
    const file = getFile(task, entry.fd);
    if (!file) entry.revents = Poll.NVAL;
    else {
      const result = pollFile(k, task, file);
      entry.revents = result.events & (entry.events | Poll.ERR | Poll.HUP);
      if (entry.revents === 0) for (const queue of result.queues) queues.push(queue);
    }
    if (entry.revents !== 0) ready++;
  }
  return lookEnded(k, task, ready, queues, deadline, -Errno.ERESTARTNOHAND);
}

const READ_SET = Poll.RDNORM | Poll.RDBAND | Poll.IN | Poll.HUP | Poll.ERR;
const WRITE_SET = Poll.WRBAND | Poll.WRNORM | Poll.OUT | Poll.ERR;
const SETS = [READ_SET, WRITE_SET, Poll.PRI] as const;

/** pselect6(2) over bit maps already read (null: none asked for); leaves the ready bits in them. -EBADF. */
export function select(
  k: Kernel,
  task: Task,
  count: number,
  sets: readonly (Uint8Array | null)[],
  timeoutNs: number | null,
): Outcome {
  const deadline = deadlineOf(k, task, timeoutNs);
  const out = sets.map((set) => set && new Uint8Array(set.length));
  const wanted: (File | null)[] = [];
  for (let fd = 0; fd < count; fd++)
    if (sets.some((set) => set && (set[fd >> 3] & (1 << (fd & 7))) !== 0)) wanted.push(getFile(task, fd));
  const asking = askModules(k, task, wanted);
  if (asking) return asking;
  const queues: WaitQueue[] = [];
  let ready = 0;
  for (let fd = 0; fd < count; fd++) {
    const byte = fd >> 3;
    const bit = 1 << (fd & 7);
    if (!sets.some((set) => set && (set[byte] & bit) !== 0)) continue;
    const file = getFile(task, fd);
    if (!file) {
      restoreMask(task);
      return -Errno.EBADF;
    }
    const result = pollFile(k, task, file);
    for (let i = 0; i < 3; i++) {
      const set = sets[i];
      const target = out[i];
      if (!set || !target || (set[byte] & bit) === 0 || (result.events & SETS[i]) === 0) continue;
      target[byte] |= bit;
      ready++;
    }
    for (const queue of result.queues) queues.push(queue);
  }
  const outcome = lookEnded(k, task, ready, queues, deadline, -Errno.ERESTARTNOHAND);
  if (typeof outcome === 'number') for (let i = 0; i < 3; i++) sets[i]?.set(out[i] as Uint8Array);
  return outcome;
}
