/**
 * The traced side of ptrace(2): stops, events, and the link between a tracer and its tracees. Always true:
 * `task.ptrace.stop` is set exactly while the task's state is `traced`; `tracees` of the tracer holds the task's tid
 * exactly while `task.ptrace` is set.
 */
import type { Kernel } from '../kernel.ts';
import { threadsOf } from '../task/create.ts';
import type { Task } from '../task/types.ts';
import { newSigInfo, SIGKILL, SIGSTOP, SIGTRAP, Si } from './bits.ts';
import { hasFatal, resumeTask, sendSignalTask, signalWake, userSigInfo } from './send.ts';
import { notifyCldStop } from './stop.ts';
import type { Ptrace, PtraceStop, SigInfo } from './types.ts';

/** PTRACE_EVENT_*; the option bit of an event is `1 << event`. */
export const PtraceEvent = {
  FORK: 1,
  VFORK: 2,
  CLONE: 3,
  EXEC: 4,
  VFORK_DONE: 5,
  EXIT: 6,
  SECCOMP: 7,
  STOP: 128,
} as const;
/** PTRACE_O_* beyond the event bits. */
export const PtraceOption = {
  TRACESYSGOOD: 1,
  EXITKILL: 1 << 20,
  SUSPEND_SECCOMP: 1 << 21,
} as const;
export const PTRACE_O_MASK = 0xff | PtraceOption.EXITKILL | PtraceOption.SUSPEND_SECCOMP;

/** Makes `tracer` the tracer of `task`. */
export function linkTracer(task: Task, tracer: Task, options: number, seized: boolean): Ptrace {
  const ptrace: Ptrace = {
    tracer: tracer.tid,
    seized,
    options,
    syscallTrace: false,
    stop: null,
    message: 0,
    events: [],
    exitStopDue: false,
    trapStop: false,
    listening: false,
    resume: null,
    exiting: null,
  };
  task.ptrace = ptrace;
  tracer.tracees.push(task.tid);
  return ptrace;
}

/** Ends the tracing of a task, which goes on unless its process is stopped by job control (__ptrace_unlink). */
export function unlinkTracer(k: Kernel, task: Task): void {
  const { ptrace } = task;
  if (!ptrace) return;
  const tracer = k.task.tasks.get(ptrace.tracer);
  const at = tracer?.tracees.indexOf(task.tid) ?? -1;
  if (at >= 0) tracer?.tracees.splice(at, 1);
  task.ptrace = null;
  if (task.state === 'zombie' || task.state === 'dead') return;
  if (task.group.stop && task.group.groupExit === null) task.stopPending = true;
  if (task.state === 'traced') resumeTask(k, task);
  task.notify = true;
}

/**
 * Stops a traced task and tells its tracer. Answers false when it does not stop because it is being killed.
 */
export function enterStop(
  k: Kernel,
  task: Task,
  kind: PtraceStop['kind'],
  code: number,
  info: SigInfo | null,
  evenDying = false,
): boolean {
  const { ptrace } = task;
  if (!ptrace || (hasFatal(task) && !evenDying)) return false;
  let why: number = Si.CLD_TRAPPED;
  let stopCode = code;
  let stopInfo = info;
  if (kind === 'group') {
    why = Si.CLD_STOPPED;
    if (ptrace.seized) {
      stopCode = code | (PtraceEvent.STOP << 8);
      stopInfo = newSigInfo(code, stopCode, {
        pid: task.tid,
        uid: task.cred.uid,
      });
    }
    ptrace.trapStop = false;
  }
  ptrace.stop = { kind, code: stopCode, reported: false, info: stopInfo };
  task.state = 'traced';
  notifyCldStop(k, task, true, why);
  return true;
}

/**
 * The engine's hook for traced tasks. At `enter` answers true when the task has stopped: the call is dispatched when it
 * runs again, with number and arguments read anew from its registers. At `exit` the stop is left to beforeUser.
 */
export function syscallStop(k: Kernel, task: Task, when: 'enter' | 'exit'): boolean {
  const { ptrace } = task;
  if (!ptrace?.syscallTrace) return false;
  if (when === 'exit') {
    ptrace.exitStopDue = true;
    task.notify = true;
    return false;
  }
  return enterSyscallStop(k, task, ptrace, 'syscall-enter');
}

export function enterSyscallStop(
  k: Kernel,
  task: Task,
  ptrace: Ptrace,
  kind: 'syscall-enter' | 'syscall-exit',
): boolean {
  const code = SIGTRAP | (ptrace.options & PtraceOption.TRACESYSGOOD ? 0x80 : 0);
  return enterStop(k, task, kind, code, newSigInfo(SIGTRAP, code, { pid: task.tid, uid: task.cred.uid }));
}

/** Stops for an event whose turn has come. */
export function enterEventStop(k: Kernel, task: Task, event: number, message: number): boolean {
  const { ptrace } = task;
  if (!ptrace) return false;
  ptrace.message = message;
  const code = SIGTRAP | (event << 8);
  const info = newSigInfo(SIGTRAP, code, { pid: task.tid, uid: task.cred.uid });
  return enterStop(k, task, 'event', code, info, event === PtraceEvent.EXIT);
}

/** Whether the tracer asked for this event. */
export const wantsEvent = (task: Task, event: number): boolean =>
  task.ptrace !== null && (task.ptrace.options & (1 << event)) !== 0;

/**
 * Something a tracer may want to see happened inside the present system call: the task stops for it before it returns
 * to user mode. An exec without the option raises the SIGTRAP that old tracers expect.
 */
export function ptraceEvent(k: Kernel, task: Task, event: number, message: number): void {
  const { ptrace } = task;
  if (!ptrace) return;
  if (wantsEvent(task, event)) {
    ptrace.events.push({ event, message });
    task.notify = true;
  } else if (event === PtraceEvent.EXEC && !ptrace.seized)
    sendSignalTask(k, task, userSigInfo(task, SIGTRAP));
}

/** Lets a stopped tracee run on. `signal`: what the tracer passes on, 0 for none. */
export function resumeTracee(k: Kernel, task: Task, signal: number): void {
  const { ptrace } = task;
  if (!ptrace?.stop) return;
  const { kind, info } = ptrace.stop;
  ptrace.stop = null;
  ptrace.listening = false;
  if (kind === 'signal') ptrace.resume = { signal, info };
  else if (signal !== 0 && (kind === 'syscall-enter' || kind === 'syscall-exit'))
    sendSignalTask(k, task, newSigInfo(signal, Si.USER, tracerIds(k, ptrace)));
  resumeTask(k, task);
}

/** pid and uid of the tracer, for signals that it makes up. */
export function tracerIds(k: Kernel, ptrace: Ptrace): { pid: number; uid: number } {
  const tracer = k.task.tasks.get(ptrace.tracer);
  return { pid: tracer?.group.pid ?? 0, uid: tracer?.cred.uid ?? 0 };
}

/** A new task whose parent's tracer follows it: attached and stopped before its first instruction (ptrace_init_task). */
export function followChild(k: Kernel, parent: Task, child: Task): void {
  const { ptrace } = parent;
  const tracer = ptrace ? k.task.tasks.get(ptrace.tracer) : undefined;
  if (!ptrace || !tracer) return;
  const link = linkTracer(child, tracer, ptrace.options, ptrace.seized);
  if (ptrace.seized) link.trapStop = true;
  else {
    child.pending.set |= 1n << BigInt(SIGSTOP - 1);
    child.pending.queue.push(newSigInfo(SIGSTOP, Si.USER));
  }
  child.notify = true;
}

/** A tracer exits: its tracees are let go, or killed with PTRACE_O_EXITKILL (exit_ptrace). */
export function exitTracer(k: Kernel, tracer: Task): Task[] {
  const zombies: Task[] = [];
  for (const tid of [...tracer.tracees]) {
    const tracee = k.task.tasks.get(tid);
    if (!tracee) continue;
    if (tracee.state === 'zombie') zombies.push(tracee);
    const kill = tracee.ptrace !== null && (tracee.ptrace.options & PtraceOption.EXITKILL) !== 0;
    unlinkTracer(k, tracee);
    if (kill) sendSignalTask(k, tracee, newSigInfo(SIGKILL, Si.KERNEL));
  }
  tracer.tracees = [];
  return zombies;
}

/** PTRACE_INTERRUPT: stops a seized task where it is, without a signal. */
export function interruptTracee(k: Kernel, task: Task): void {
  const { ptrace } = task;
  if (!ptrace) return;
  ptrace.trapStop = true;
  if (ptrace.listening) {
    ptrace.listening = false;
    ptrace.stop = null;
    resumeTask(k, task);
  } else signalWake(k, task, false);
}

/** Tids of all threads of a process that are being traced. */
export const tracedThreads = (k: Kernel, task: Task): Task[] =>
  [...threadsOf(k, task.group)].filter((thread) => thread.ptrace !== null);
