/**
 * What the picture of a task shows (mirror.ts): where things lie in its page, and the values of one task. Always true: nothing here follows
 * or makes links between tasks.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { fieldOf, sizeOf } from '../abi/structs/declare.ts';
import '../abi/structs/index.ts';
import type { Kernel } from '../kernel.ts';
import { readK64, writeK, writeK32, writeK64, writeKBig, writeKString } from '../module/kmem.ts';
import { inKernelMode } from '../module/runtime.ts';
import { hasPending } from '../signal/send.ts';
import { encodeUtsname } from '../task/misc.ts';
import type { Task } from '../task/types.ts';
import { arenaAlloc } from './guest.ts';
import { kernelSymbol } from './image.ts';
import type { Mirror } from './tasking.ts';
import { firstVma, refreshVmas } from './vma-list.ts';

/** Task states as C sees them. */
export const TaskStateBits = {
  RUNNING: 0,
  INTERRUPTIBLE: 1,
  UNINTERRUPTIBLE: 2,
  WAKEKILL: 0x80,
  NOLOAD: 0x400,
} as const;
export const PF = { EXITING: 0x4, FORKNOEXEC: 0x40, KTHREAD: 0x00200000 } as const;
export const TIF_SIGPENDING = 1 << 2;
export const TIF_NEED_RESCHED = 1 << 3;
const EXIT_ZOMBIE = 0x20;
/** How many pages of tasks that are gone are kept. */
export const KEPT_DEAD = 64;
export const PAGE = 4096;

export const at = (struct: string, path: string): number => fieldOf(struct, path).offset;
export const task = (path: string): number => at('task_struct', path);

const up = (n: number): number => Math.ceil(n / 64) * 64;
/** Where things lie in the page of a mirror. */
export const SIGNAL = up(sizeOf('task_struct'));
export const SIGHAND = SIGNAL + up(sizeOf('signal_struct'));
export const CRED = SIGHAND + up(sizeOf('sighand_struct'));
export const PID = CRED + up(sizeOf('cred'));
export const GROUPS = PID + up(sizeOf('pid'));
export const MM = GROUPS + up(sizeOf('group_info'));
if (MM + sizeOf('mm_struct') > PAGE) throw new Error('a mirrored task does not fit in a page');

export const T = {
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
export const THREAD_HEAD = at('signal_struct', 'thread_head');
export const NR_THREADS = at('signal_struct', 'nr_threads');
export const PID_NR = at('pid', 'numbers');
export const PID_COUNT = at('pid', 'count');

/** A kernel object that a module may reach by pointer: the exported variable, or one of ours when it is not exported. */
export function shared(k: Kernel, name: string, bytes: number): Vaddr {
  const exported = kernelSymbol(k, name);
  if (exported !== 0) return exported;
  const known = k.tasking.objects.get(name);
  if (known !== undefined) return known;
  const made = arenaAlloc(k, bytes);
  k.tasking.objects.set(name, made);
  return made;
}

export const isSwapper = (subject: Task): boolean => subject.tid === 0;

export function nsproxy(k: Kernel): Vaddr {
  const proxy = shared(k, 'init_nsproxy', sizeOf('nsproxy'));
  writeK32(k, proxy, 1);
  writeK64(k, proxy + at('nsproxy', 'uts_ns'), utsNamespace(k));
  writeK64(k, proxy + at('nsproxy', 'pid_ns_for_children'), shared(k, 'init_pid_ns', 64));
  return proxy;
}

/** init_uts_ns, with the names as they are now. */
export function utsNamespace(k: Kernel): Vaddr {
  const uts = shared(k, 'init_uts_ns', sizeOf('uts_namespace'));
  writeK(k, uts, encodeUtsname(k));
  return uts;
}

/** Everything of a task but its place in the lists. */
export function scalars(k: Kernel, mirror: Mirror, subject: Task, home: Vaddr): void {
  const { address, page } = mirror;
  const { group } = subject;
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
  if (home === page) refreshVmas(k, subject.tid, subject.mm);
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
  // Since 6.1 mappings are in a tree that find_vma walks.
  if (k.identity.release.startsWith('4.')) put('mmap', firstVma(from, subject.tid));
  writeK64(k, mm + at('mm_struct', 'rss_stat') + 8 * MM_FILEPAGES, from.rssFile);
  writeK64(k, mm + at('mm_struct', 'rss_stat') + 8 * MM_ANONPAGES, from.rssAnon);
  const lock = mm + at('mm_struct', 'mmap_sem') + at('rw_semaphore', 'wait_list');
  if (readK64(k, lock) === 0) {
    writeK64(k, lock, lock);
    writeK64(k, lock + 8, lock);
  }
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

const MM_FILEPAGES = 0;
const MM_ANONPAGES = 1;
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
