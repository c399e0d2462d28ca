/**
 * struct task_struct in guest memory (`current`, for_each_process, children, cred): a picture of {@link Task}s that modules walk.
 * Always true: a task has its picture from the first time module code could see it until it is gone; scalars of the running
 * task are right when module code begins or goes on, those of all others are at most a tick old; the lists are right
 * whenever module code runs. What a module writes is read back only for `state`.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { fieldOf, sizeOf } from '../abi/structs/declare.ts';
import '../abi/structs/index.ts';
import type { Kernel } from '../kernel.ts';
import { LINEAR_BASE } from '../mm/layout.ts';
import { putPage } from '../mm/pages.ts';
import { provideCurrent } from '../module/current.ts';
import { readK32, readK64, writeK, writeK32, writeK64, writeKBig, writeKString } from '../module/kmem.ts';
import { inKernelMode } from '../module/runtime.ts';
import { hasPending } from '../signal/send.ts';
import { leaderOf } from '../task/create.ts';
import { encodeUtsname } from '../task/misc.ts';
import type { Task, ThreadGroup } from '../task/types.ts';
import { TICK_NS } from '../time/clocks.ts';
import { arenaAlloc, kernelPage } from './guest.ts';
import { kernelSymbol } from './image.ts';
import type { Mirror } from './tasking.ts';

/** Task states as C sees them. */
export const TaskStateBits = {
  RUNNING: 0,
  INTERRUPTIBLE: 1,
  UNINTERRUPTIBLE: 2,
  WAKEKILL: 0x80,
  NOLOAD: 0x400,
} as const;
const PF = { EXITING: 0x4, FORKNOEXEC: 0x40, KTHREAD: 0x00200000 } as const;
const TIF_SIGPENDING = 1 << 2;
const TIF_NEED_RESCHED = 1 << 3;
const EXIT_ZOMBIE = 0x20;
/** How many pages of tasks that are gone are kept. */
const KEPT_DEAD = 64;
const PAGE = 4096;

const at = (struct: string, path: string): number => fieldOf(struct, path).offset;
const task = (path: string): number => at('task_struct', path);

const up = (n: number): number => Math.ceil(n / 64) * 64;
/** Where things lie in the page of a mirror. */
const SIGNAL = up(sizeOf('task_struct'));
const SIGHAND = SIGNAL + up(sizeOf('signal_struct'));
const CRED = SIGHAND + up(sizeOf('sighand_struct'));
const PID = CRED + up(sizeOf('cred'));
const GROUPS = PID + up(sizeOf('pid'));
const MM = GROUPS + up(sizeOf('group_info'));
if (MM + sizeOf('mm_struct') > PAGE) throw new Error('a mirrored task does not fit in a page');

const T = {
  flagsWord: task('thread_info.flags'),
  preemptCount: task('thread_info.preempt_count'),
  state: task('state'),
  stack: task('stack'),
  usage: task('usage'),
  flags: task('flags'),
  onCpu: task('on_cpu'),
  prio: task('prio'),
  staticPrio: task('static_prio'),
  normalPrio: task('normal_prio'),
  rtPriority: task('rt_priority'),
  sumExec: task('se.sum_exec_runtime'),
  policy: task('policy'),
  cpusAllowed: task('nr_cpus_allowed'),
  cpusMask: task('cpus_mask'),
  tasks: task('tasks'),
  mm: task('mm'),
  activeMm: task('active_mm'),
  exitState: task('exit_state'),
  exitCode: task('exit_code'),
  exitSignal: task('exit_signal'),
  pid: task('pid'),
  tgid: task('tgid'),
  realParent: task('real_parent'),
  parent: task('parent'),
  children: task('children'),
  sibling: task('sibling'),
  leader: task('group_leader'),
  ptraced: task('ptraced'),
  threadPid: task('thread_pid'),
  threadGroup: task('thread_group'),
  threadNode: task('thread_node'),
  utime: task('utime'),
  stime: task('stime'),
  nvcsw: task('nvcsw'),
  nivcsw: task('nivcsw'),
  startTime: task('start_time'),
  realStartTime: task('real_start_time'),
  minFlt: task('min_flt'),
  majFlt: task('maj_flt'),
  realCred: task('real_cred'),
  cred: task('cred'),
  comm: task('comm'),
  nsproxy: task('nsproxy'),
  signal: task('signal'),
  sighand: task('sighand'),
  blocked: task('blocked'),
} as const;
const THREAD_HEAD = at('signal_struct', 'thread_head');
const NR_THREADS = at('signal_struct', 'nr_threads');
const PID_NR = at('pid', 'numbers');
const PID_COUNT = at('pid', 'count');

/** A kernel object that a module may reach by pointer: the exported variable, or one of ours when it is not exported. */
function shared(k: Kernel, name: string, bytes: number): Vaddr {
  const exported = kernelSymbol(k, name);
  if (exported !== 0) return exported;
  const known = k.tasking.objects.get(name);
  if (known !== undefined) return known;
  const made = arenaAlloc(k, bytes);
  k.tasking.objects.set(name, made);
  return made;
}

const isSwapper = (subject: Task): boolean => subject.tid === 0;

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
  scalars(k, mirror, subject);
  return mirror;
}

function selfLink(k: Kernel, head: Vaddr): void {
  writeK64(k, head, head);
  writeK64(k, head + 8, head);
}

function nsproxy(k: Kernel): Vaddr {
  const proxy = shared(k, 'init_nsproxy', sizeOf('nsproxy'));
  writeK32(k, proxy, 1);
  writeK64(k, proxy + at('nsproxy', 'uts_ns'), utsNamespace(k));
  writeK64(k, proxy + at('nsproxy', 'pid_ns_for_children'), shared(k, 'init_pid_ns', 64));
  return proxy;
}

/** init_uts_ns, with the names as they are now. */
function utsNamespace(k: Kernel): Vaddr {
  const uts = shared(k, 'init_uts_ns', sizeOf('uts_namespace'));
  writeK(k, uts, encodeUtsname(k));
  return uts;
}

/** The page that shows what the whole process shares. */
function groupPage(k: Kernel, group: ThreadGroup, own: Mirror): Vaddr {
  if (group.pid === own.tid) return own.page;
  const leader = leaderOf(k, group);
  return (leader && mirrorOf(k, leader)?.page) ?? own.page;
}

/** Everything of a task but its place in the lists. */
function scalars(k: Kernel, mirror: Mirror, subject: Task): void {
  const { address, page } = mirror;
  const { group } = subject;
  const home = groupPage(k, group, mirror);
  const w32 = (offset: number, value: number): boolean => writeK32(k, address + offset, value);
  const w64 = (offset: number, value: number): boolean => writeK64(k, address + offset, Math.floor(value));
  const isIdle = isSwapper(subject);
  const dead = subject.state === 'zombie' || subject.state === 'dead';
  const rt = subject.policy === 1 || subject.policy === 2;
  w64(T.flagsWord, hasPending(subject) ? TIF_SIGPENDING : 0);
  if (!inKernelMode(subject)) w64(T.state, stateBits(subject));
  w64(T.stack, k.module.stacks.get(subject.tid) ?? 0);
  w32(T.flags, (subject.kthread ? PF.KTHREAD : group.execed ? 0 : PF.FORKNOEXEC) | (dead ? PF.EXITING : 0));
  w32(T.onCpu, k.sched.current === subject.tid ? 1 : 0);
  w32(T.prio, rt ? 99 - subject.rtPriority : 120 + subject.nice);
  w32(T.staticPrio, 120 + subject.nice);
  w32(T.normalPrio, rt ? 99 - subject.rtPriority : 120 + subject.nice);
  w32(T.rtPriority, subject.rtPriority);
  w32(T.policy, subject.policy);
  w32(T.cpusAllowed, 1);
  w64(T.cpusMask, 1);
  w64(T.sumExec, subject.utimeNs + subject.stimeNs);
  w64(T.mm, subject.mm ? home + MM : 0);
  w64(T.activeMm, subject.mm ? home + MM : 0);
  w32(T.exitState, dead ? EXIT_ZOMBIE : 0);
  w32(T.exitCode, subject.exitCode);
  w32(T.exitSignal, subject.tid === group.pid ? group.exitSignal : -1);
  w32(T.pid, subject.tid);
  w32(T.tgid, group.pid);
  w64(T.utime, subject.utimeNs);
  w64(T.stime, subject.stimeNs);
  w64(T.nvcsw, subject.voluntarySwitches);
  w64(T.nivcsw, subject.involuntarySwitches);
  w64(T.startTime, subject.startNs);
  w64(T.realStartTime, subject.startNs);
  w64(T.minFlt, group.minFaults);
  w64(T.majFlt, group.majFaults);
  w64(T.signal, home + SIGNAL);
  w64(T.sighand, home + SIGHAND);
  writeKBig(k, address + T.blocked, subject.blocked);
  writeKString(k, address + T.comm, isIdle ? 'swapper/0' : subject.comm.slice(0, 15));
  if (home === page) writeK32(k, page + SIGNAL + NR_THREADS, group.threads.length);
  if (subject.mm && home === page) memory(k, page + MM, subject);
  if (mirror.cred !== subject.cred) credentials(k, mirror, subject);
}

/** __state as user space would see it, for a task that does not run kernel code on the hart. */
function stateBits(subject: Task): number {
  if (subject.state === 'sleeping') {
    const how = subject.wait?.interruptible;
    if (how === 'yes') return TaskStateBits.INTERRUPTIBLE;
    if (how === 'killable') return TaskStateBits.UNINTERRUPTIBLE | TaskStateBits.WAKEKILL;
    return TaskStateBits.UNINTERRUPTIBLE | (subject.kthread ? TaskStateBits.NOLOAD : 0);
  }
  if (subject.state === 'stopped') return 4;
  if (subject.state === 'traced') return 8;
  return subject.state === 'running' ? 0 : 0x40;
}

function memory(k: Kernel, mm: Vaddr, subject: Task): void {
  const from = subject.mm!;
  const put = (member: string, value: number): boolean => writeK64(k, mm + at('mm_struct', member), value);
  writeK32(k, mm + at('mm_struct', 'mm_users'), from.users);
  writeK32(k, mm + at('mm_struct', 'mm_count'), 1);
  writeK32(k, mm + at('mm_struct', 'map_count'), from.vmas.length);
  put('total_vm', from.totalVmPages);
  put('hiwater_rss', from.hiwaterRss);
  put('locked_vm', from.lockedPages);
  put('start_code', from.startCode);
  put('end_code', from.endCode);
  put('start_data', from.startData);
  put('end_data', from.endData);
  put('start_brk', from.brkStart);
  put('brk', from.brk);
  put('start_stack', from.startStack);
  put('arg_start', from.argStart);
  put('arg_end', from.argEnd);
}

const CRED_IDS = ['uid', 'gid', 'suid', 'sgid', 'euid', 'egid', 'fsuid', 'fsgid', 'securebits'] as const;

function credentials(k: Kernel, mirror: Mirror, subject: Task): void {
  const { cred } = subject;
  const base = mirror.page + CRED;
  writeK64(k, base, 1);
  for (const id of CRED_IDS) writeK32(k, base + at('cred', id), cred[id]);
  writeKBig(k, base + at('cred', 'cap_inheritable'), cred.capInheritable);
  writeKBig(k, base + at('cred', 'cap_permitted'), cred.capPermitted);
  writeKBig(k, base + at('cred', 'cap_effective'), cred.capEffective);
  writeKBig(k, base + at('cred', 'cap_bset'), cred.capBounding);
  writeKBig(k, base + at('cred', 'cap_ambient'), cred.capAmbient);
  writeK64(k, base + at('cred', 'user_ns'), shared(k, 'init_user_ns', sizeOf('user_namespace')));
  const groups = mirror.page + GROUPS;
  writeK64(k, base + at('cred', 'group_info'), groups);
  writeK32(k, groups, 1);
  writeK32(k, groups + at('group_info', 'ngroups'), Math.min(32, cred.groups.length));
  cred.groups.slice(0, 32).forEach((gid, i) => {
    writeK32(k, groups + at('group_info', 'gid') + 4 * i, gid);
  });
  writeK64(k, mirror.address + T.cred, base);
  writeK64(k, mirror.address + T.realCred, base);
  mirror.cred = cred;
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
    if (mirror) scalars(k, mirror, subject);
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
  scalars(k, mirror, subject);
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
