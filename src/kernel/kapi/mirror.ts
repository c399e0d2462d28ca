/**
 * struct task_struct in guest memory (`current`, for_each_process, children, cred): a picture of {@link Task}s that modules walk.
 * Always true: a task has its picture from the first time module code could see it until it is gone; scalars of the running
 * task are right when module code begins or goes on, those of all others are at most a tick old; the lists are right
 * whenever module code runs. What a module writes is read back only for `state`.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { sizeOf } from '../abi/structs/declare.ts';
import '../abi/structs/index.ts';
import type { Kernel } from '../kernel.ts';
import { LINEAR_BASE } from '../mm/layout.ts';
import { putPage } from '../mm/pages.ts';
import { provideCurrent } from '../module/current.ts';
import { readK32, readK64, writeK32, writeK64 } from '../module/kmem.ts';
import { hasPending } from '../signal/send.ts';
import { leaderOf } from '../task/create.ts';
import type { Task, ThreadGroup } from '../task/types.ts';
import { TICK_NS } from '../time/clocks.ts';
import { kernelPage } from './guest.ts';
import {
  isSwapper,
  KEPT_DEAD,
  MM,
  nsproxy,
  PAGE,
  PID,
  PID_COUNT,
  PID_NR,
  SIGNAL,
  scalars,
  shared,
  T,
  THREAD_HEAD,
  TIF_NEED_RESCHED,
  TIF_SIGPENDING,
  utsNamespace,
} from './mirror-fill.ts';
import type { Mirror } from './tasking.ts';
import { findVma, provideMmOwner, refreshVmas } from './vma-list.ts';

export { TaskStateBits } from './mirror-fill.ts';

/** The mirror of a task, made at the first need; null when memory is spent. */
export function mirrorOf(k: Kernel, subject: Task): Mirror | null {
  const { mirrors, byAddress } = k.tasking;
  const known = mirrors.get(subject.tid);
  if (known) return known;
  const page = kernelPage(k);
  if (page === 0) return null;
  const address = isSwapper(subject) ? shared(k, 'init_task', sizeOf('task_struct')) || page : page;
  const mirror: Mirror = { address, page, tid: subject.tid, cred: null };
  mirrors.set(subject.tid, mirror);
  byAddress.set(address, subject.tid);
  for (const head of [T.tasks, T.children, T.sibling, T.ptraced, T.threadGroup, T.threadNode])
    selfLink(k, address + head);
  selfLink(k, page + SIGNAL + THREAD_HEAD);
  writeK32(k, address + T.usage, 1);
  writeK32(k, page + PID + PID_COUNT, 1);
  writeK32(k, page + PID + PID_NR, subject.tid);
  writeK64(k, page + PID + PID_NR + 8, shared(k, 'init_pid_ns', 64));
  writeK64(k, address + T.threadPid, page + PID);
  writeK64(k, address + T.nsproxy, nsproxy(k));
  scalars(k, mirror, subject, groupPage(k, subject.group, mirror));
  return mirror;
}

function selfLink(k: Kernel, head: Vaddr): void {
  writeK64(k, head, head);
  writeK64(k, head + 8, head);
}

/** The page that shows what the whole process shares. */
function groupPage(k: Kernel, group: ThreadGroup, own: Mirror): Vaddr {
  if (group.pid === own.tid) return own.page;
  const leader = leaderOf(k, group);
  return (leader && mirrorOf(k, leader)?.page) ?? own.page;
}

/** Writes a circular list: `head`, then the links of `entries`. */
function chain(k: Kernel, head: Vaddr, entries: readonly Vaddr[]): void {
  let prev = head;
  for (const entry of entries) {
    writeK64(k, prev, entry);
    writeK64(k, entry + 8, prev);
    prev = entry;
  }
  writeK64(k, prev, head);
  writeK64(k, head + 8, prev);
}

/** Brings all mirrors and their lists up to date. */
export function syncTasks(k: Kernel): void {
  const { tasking } = k;
  tasking.syncedNs = k.time.nowNs;
  tasking.syncedForks = signature(k);
  for (const [tid, mirror] of tasking.mirrors) if (tid !== 0 && !k.task.tasks.has(tid)) bury(k, mirror);
  const idle = idleMirror(k);
  if (!idle) return;
  utsNamespace(k);
  const address = (tid: number): Vaddr => tasking.mirrors.get(tid)?.address ?? 0;
  for (const subject of k.task.tasks.values()) {
    const mirror = mirrorOf(k, subject);
    if (mirror) scalars(k, mirror, subject, groupPage(k, subject.group, mirror));
  }
  const leaders: Vaddr[] = [];
  const orphans: Vaddr[] = [];
  for (const group of k.task.groups.values()) {
    const own = address(group.pid);
    if (own === 0) continue;
    leaders.push(own + T.tasks);
    const parent = address(group.parentPid) || idle.address;
    if (parent === idle.address) orphans.push(own + T.sibling);
    const kids = group.children.map(address).filter((va) => va !== 0);
    chain(
      k,
      own + T.children,
      kids.map((va) => va + T.sibling),
    );
    const threads = group.threads.map(address).filter((va) => va !== 0);
    for (const thread of threads) {
      writeK64(k, thread + T.leader, own);
      writeK64(k, thread + T.realParent, parent);
      writeK64(k, thread + T.parent, parent);
    }
    const others = threads.filter((va) => va !== own);
    chain(
      k,
      own + T.threadGroup,
      others.map((va) => va + T.threadGroup),
    );
    chain(
      k,
      own + SIGNAL + THREAD_HEAD,
      threads.map((va) => va + T.threadNode),
    );
  }
  chain(k, idle.address + T.tasks, leaders);
  chain(k, idle.address + T.children, orphans);
}

/** init_task, the idle task of pid 0; it is there even when no interrupt was ever handled. */
function idleMirror(k: Kernel): Mirror | null {
  const known = k.tasking.mirrors.get(0);
  const model = k.module.swapper ?? k.task.tasks.get(2) ?? k.task.tasks.get(1);
  if (!model) return known ?? null;
  const mirror =
    known ?? mirrorOf(k, { ...model, tid: 0, group: { ...model.group, pid: 0, parentPid: 0, threads: [0] } });
  if (mirror) {
    for (const member of [T.leader, T.realParent, T.parent])
      writeK64(k, mirror.address + member, mirror.address);
    writeK64(k, mirror.address + T.state, 0);
  }
  return mirror;
}

/** A task is gone. Its page stays a while: modules may hold a pointer to it (get_task_struct counts are honoured). */
function bury(k: Kernel, mirror: Mirror): void {
  const { dead, mirrors, byAddress } = k.tasking;
  mirrors.delete(mirror.tid);
  refreshVmas(k, mirror.tid, null);
  writeK64(k, mirror.address + T.state, 0x40);
  writeK32(k, mirror.address + T.exitState, 0x10);
  dead.push(mirror);
  if (dead.length <= KEPT_DEAD) return;
  const oldest = dead.shift()!;
  if ((readK32(k, oldest.address + T.usage) ?? 0) > 1 && dead.length < 16 * KEPT_DEAD) {
    dead.push(oldest);
    return;
  }
  byAddress.delete(oldest.address);
  k.tasking.kthreads.delete(oldest.address);
  putPage(k, Math.floor((oldest.page - LINEAR_BASE) / PAGE));
}

/** Changes whenever a task was born or has gone. */
const signature = (k: Kernel): number => k.task.nextPid * 65536 + k.task.tasks.size;

/** The address of a task's struct task_struct, up to date; 0 when there is no memory for it. */
export function taskPointer(k: Kernel, subject: Task): Vaddr {
  if (signature(k) !== k.tasking.syncedForks || k.time.nowNs - k.tasking.syncedNs >= TICK_NS) syncTasks(k);
  const mirror = mirrorOf(k, subject);
  if (!mirror) return 0;
  scalars(k, mirror, subject, groupPage(k, subject.group, mirror));
  return mirror.address;
}

provideCurrent((k, subject) => {
  const address = taskPointer(k, subject);
  // A call inside a call leaves alone what the caller was about to do (set_current_state before schedule).
  if (address !== 0 && (subject.kernelMode?.depth ?? 0) <= 1) writeK64(k, address + T.state, 0);
  return address;
});

/** The task whose struct lies at `address`; undefined: none, or it is gone. */
export function taskAt(k: Kernel, address: Vaddr): Task | undefined {
  const tid = k.tasking.byAddress.get(address);
  if (tid === undefined) return undefined;
  if (tid === 0) return k.module.swapper ?? undefined;
  return k.tasking.mirrors.get(tid)?.address === address ? k.task.tasks.get(tid) : undefined;
}

/** The struct pid of a task; 0 when there is no memory for it. */
export const pidPointer = (k: Kernel, subject: Task): Vaddr => {
  const mirror = mirrorOf(k, subject);
  return mirror ? mirror.page + PID : 0;
};

/** The task that a struct pid stands for. */
export function taskOfPid(k: Kernel, pid: Vaddr): Task | undefined {
  if (pid === 0) return undefined;
  const tid = readK32(k, pid + PID_NR);
  const subject = tid === null ? undefined : k.task.tasks.get(tid);
  return subject && k.tasking.mirrors.get(subject.tid)?.page === pid - PID ? subject : undefined;
}

/** `state` (`__state` since 5.14) of a task as the module set it. */
export function stateOf(k: Kernel, subject: Task): number {
  const address = k.tasking.mirrors.get(subject.tid)?.address;
  return address === undefined ? 0 : (readK64(k, address + T.state) ?? 0) | 0;
}

export function setState(k: Kernel, subject: Task, state: number): void {
  const mirror = mirrorOf(k, subject);
  if (mirror) writeK64(k, mirror.address + T.state, state);
}

/** Whether a signal is pending, where signal_pending() in a header looks. Called when a task goes on after a wait. */
export function refreshCurrent(k: Kernel, subject: Task): void {
  taskPointer(k, subject);
}

/** A tick while the task runs kernel code: what signal_pending() and need_resched() in the headers see. */
export function tickCurrent(k: Kernel, subject: Task): void {
  const mirror = k.tasking.mirrors.get(subject.tid);
  if (!mirror) return;
  const since = subject.kernelMode?.sinceNs ?? 0;
  const others = k.sched.runQueue.length > 0 && k.time.nowNs - since >= TICK_NS / 4;
  const flags = (hasPending(subject) ? TIF_SIGPENDING : 0) | (others ? TIF_NEED_RESCHED : 0);
  writeK64(k, mirror.address + T.flagsWord, flags);
}

/** preempt_count() of the idle task, which says what kind of interrupt it stands for. */
export function setPreemptCount(k: Kernel, subject: Task, count: number): void {
  const mirror = mirrorOf(k, subject);
  if (mirror) writeK32(k, mirror.address + T.preemptCount, count);
}

export const preemptCount = (k: Kernel, subject: Task): number => {
  const address = k.tasking.mirrors.get(subject.tid)?.address;
  return address === undefined ? 0 : (readK32(k, address + T.preemptCount) ?? 0);
};

/** The struct mm_struct of the address space a task runs in; 0: none. */
export function mmPointer(k: Kernel, subject: Task): Vaddr {
  const mirror = subject.mm ? mirrorOf(k, subject) : null;
  return mirror ? mirror.page + MM : 0;
}

provideMmOwner((k, tid) => {
  const subject = k.task.tasks.get(tid);
  const mirror = k.tasking.mirrors.get(tid);
  return subject?.mm && mirror ? { mm: subject.mm, pointer: mirror.page + MM } : null;
});

/** find_vma of the address space whose struct lies at `mm`; 0 when nobody has it. */
export function vmaOf(k: Kernel, mm: Vaddr, address: number): Vaddr {
  for (const mirror of k.tasking.mirrors.values())
    if (mirror.page + MM === mm) return findVma(k, mirror.tid, address);
  return 0;
}
