/** Signals as data (man 7 signal). Bit n-1 of a mask stands for signal n. */

/** What sigqueue carries; laid out into a C siginfo_t at delivery. */
export interface SigInfo {
  signo: number;
  errno: number;
  code: number;
  pid: number;
  uid: number;
  /** SIGCHLD: exit status or signal. */
  status: number;
  /** Faults: the address. */
  addr: number;
  /** sigqueue's value and timers. */
  value: bigint;
  timerId: number;
  overrun: number;
  band: number;
  fd: number;
}

/** sigaction as the kernel keeps it; handler 0 = SIG_DFL, 1 = SIG_IGN. */
export interface SigAction {
  handler: number;
  flags: number;
  mask: bigint;
}

/** A queue of pending signals. `set` has a bit for each; real-time signals may queue several times. */
export interface SigPending {
  set: bigint;
  queue: SigInfo[];
}

/** The stop a traced task is in: what wait4 tells the tracer, and how the task goes on. */
export interface PtraceStop {
  kind: 'signal' | 'group' | 'event' | 'syscall-enter' | 'syscall-exit';
  /** The status word's upper part, as wait4 encodes it: signal | event << 8. */
  code: number;
  /** Whether the tracer has waited for it. */
  reported: boolean;
  info: SigInfo | null;
}

/** A tracer's hold on a task (man 2 ptrace). */
export interface Ptrace {
  /** tid of the tracer. */
  tracer: number;
  seized: boolean;
  /** PTRACE_O_* bits. */
  options: number;
  /** Resumed with PTRACE_SYSCALL: stop at entry and exit of system calls. */
  syscallTrace: boolean;
  stop: PtraceStop | null;
  /** PTRACE_GETEVENTMSG. */
  message: number;
  /** Events that happened inside a system call and stop the task before it leaves the kernel, first come first. */
  events: { event: number; message: number }[];
  /** A system call is over and its exit stop is due. */
  exitStopDue: boolean;
  /** PTRACE_INTERRUPT, or a new auto-attached SEIZED task: stop with PTRACE_EVENT_STOP. */
  trapStop: boolean;
  /** PTRACE_LISTEN: stays stopped, but reports when a SIGCONT comes. */
  listening: boolean;
  /** What the tracer decided at a signal-delivery stop; null: nothing to act on. */
  resume: { signal: number; info: SigInfo | null } | null;
  /** An exit that waits behind PTRACE_EVENT_EXIT: its status; null: none. */
  exiting: number | null;
}
