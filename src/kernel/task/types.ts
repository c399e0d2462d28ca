/**
 * Tasks and what they share. Linux's shape: a {@link Task} is a thread; threads of a process share a {@link ThreadGroup}.
 * Plain data throughout (see outcome.ts).
 */
import type { File, FileTable, FsContext } from '../fs/types.ts';
import type { Mm } from '../mm/types.ts';
import type { KernelMode } from '../module/types.ts';
import type { Activation, Plain, Wait, WaitQueue } from '../outcome.ts';
import type { Ptrace, SigAction, SigInfo, SigPending } from '../signal/types.ts';
import type { GroupTimers } from '../time/types.ts';
import type { Tty } from '../tty/types.ts';

/** Credentials (man 7 credentials, capabilities). Immutable: a change replaces the object. */
export interface Cred {
  readonly uid: number;
  readonly euid: number;
  readonly suid: number;
  readonly fsuid: number;
  readonly gid: number;
  readonly egid: number;
  readonly sgid: number;
  readonly fsgid: number;
  readonly groups: readonly number[];
  /** Capability sets as bit masks over CAP_* numbers. */
  readonly capEffective: bigint;
  readonly capPermitted: bigint;
  readonly capInheritable: bigint;
  readonly capBounding: bigint;
  readonly capAmbient: bigint;
  readonly securebits: number;
  readonly noNewPrivs: boolean;
}

/** The system call a task is in. Fresh at each ecall; survives retries of the handler and checkpoints. */
export interface SyscallState {
  nr: number;
  /** a0..a5 as signed numbers (exact below 2^53 in magnitude). */
  args: number[];
  /** An absolute deadline that a retried handler computed when it first ran. */
  deadlineNs: number | null;
  /** Anything else a retried handler wants to find again. */
  scratch: Plain;
}

/**
 * What a task is doing. `running`: on the run queue. `sleeping`: parked by a {@link Wait}. `stopped`: job control.
 * `traced`: in a ptrace stop. `zombie`: exited, not reaped. `dead`: reaped, about to vanish.
 */
export type TaskState = 'running' | 'sleeping' | 'stopped' | 'traced' | 'zombie' | 'dead';

/** rlimit: soft and hard; Infinity for RLIM_INFINITY. */
export interface Rlimit {
  cur: number;
  max: number;
}

/** A process: what its threads share (signal_struct and sighand_struct of Linux). */
export interface ThreadGroup {
  /** tgid: the pid that user space sees. */
  pid: number;
  /** tids of living threads; the leader stays (as a zombie) until all others are gone. */
  threads: number[];
  parentPid: number;
  /** pids of child thread groups, in order of birth. */
  children: number[];
  pgid: number;
  sid: number;
  /** The controlling terminal. */
  tty: Tty | null;
  actions: SigAction[];
  pending: SigPending;
  rlimits: Rlimit[];
  /** Woken when a child changes state. */
  childWait: WaitQueue;
  /** Woken at each signal queued for the group or one of its threads (signalfd, sigtimedwait). */
  signalWait: WaitQueue;
  /** Woken when a thread exits and when the process becomes a zombie (pidfd, the de-threading of exec). */
  exitWait: WaitQueue;
  /** tid of the thread whose exec waits for the others to leave; 0: none. */
  execing: number;
  /** exit code as wait4 encodes it; -1 while alive. */
  exitStatus: number;
  /** Set by exit_group or a fatal signal: every thread leaves with this status. */
  groupExit: number | null;
  /** SIGCHLD, or what clone asked for (0: none). */
  exitSignal: number;
  /**
   * Job-control stop: the signal; whether every thread has stopped (and the parent was told); whether a wait has
   * consumed it. Null: not stopped.
   */
  stop: { signal: number; complete: boolean; reported: boolean } | null;
  /** A SIGCONT that no wait(WCONTINUED) has consumed. */
  continued: boolean;
  isChildSubreaper: boolean;
  /** Accounting, in instructions retired (utime and stime derive from it) and its children's once reaped. */
  utimeNs: number;
  stimeNs: number;
  cutimeNs: number;
  cstimeNs: number;
  minFaults: number;
  majFaults: number;
  cminFaults: number;
  cmajFaults: number;
  maxRssPages: number;
  childMaxRssPages: number;
  startNs: number;
  /** setitimer's three timers and POSIX timers; null: never used. */
  timers: GroupTimers | null;
  /** True for a process started from outside (vm.spawn): its status is kept in k.task.spawned. */
  spawned: boolean;
  execed: boolean;
  dumpable: boolean;
  /** personality(2). */
  personality: number;
  /** /proc/PID/oom_score_adj. */
  oomScoreAdj: number;
}

export interface Task {
  tid: number;
  group: ThreadGroup;
  /** Up to 15 bytes (TASK_COMM_LEN - 1). */
  comm: string;
  state: TaskState;
  /** Null for a kernel thread and for a task that has exited. */
  mm: Mm | null;
  files: FileTable;
  fs: FsContext;
  cred: Cred;
  /** The saved hart context; meaningful while the task is not the loaded one (k.sched.loaded). See CONTEXT. */
  context: Uint8Array;
  activations: Activation[];
  syscall: SyscallState | null;
  /** Why it sleeps, while `state` is `sleeping`. */
  wait: Wait | null;
  /** The timer of that wait (0: none), and why it was last woken; see task/wait.ts. */
  sleepTimer: number;
  wakeReason: 'event' | 'timeout' | 'signal';
  /** Instructions left of the present time slice. */
  sliceLeft: number;
  nice: number;
  policy: number;
  rtPriority: number;
  cpuMask: number;
  /** Signals: the blocked set and the thread's own queue. Bit n-1 stands for signal n. */
  blocked: bigint;
  /** The mask to put back when a sigsuspend/ppoll/pselect returns. */
  savedMask: bigint | null;
  pending: SigPending;
  /** Set whenever something may have to be done before user mode is entered again: signals, stops, ptrace, exit. */
  notify: boolean;
  altStack: { sp: number; size: number; flags: number };
  /** Takes part in the group stop `group.stop` at the next chance. */
  stopPending: boolean;
  /** A tracer's hold on this task; see signal/ptrace.ts. */
  ptrace: Ptrace | null;
  /** The signal a detaching tracer passed on; acted on next. */
  detachSignal: SigInfo | null;
  /** tids this task traces. */
  tracees: number[];
  clearChildTid: number;
  setChildTid: number;
  robustList: number;
  robustListSize: number;
  /** The thread's struct rseq, once it has registered one. */
  rseq: { at: number; size: number; signature: number } | null;
  /** vfork: the tid of the parent that waits until this task execs or exits. */
  vforkParent: number;
  vforkDone: WaitQueue;
  /** prctl state. */
  pdeathSignal: number;
  timerSlackNs: number;
  /** A futex wait that was requeued or woken: see task/futex.ts. */
  futexKey: string | null;
  /** The call that restart_syscall(2) goes on with; see signal/deliver.ts. */
  restart: Activation | null;
  /** Accounting of this thread alone. */
  utimeNs: number;
  stimeNs: number;
  voluntarySwitches: number;
  involuntarySwitches: number;
  startNs: number;
  exitCode: number;
  /** The last siginfo forced by a fault, for core/oops reporting. */
  lastFault: SigInfo | null;
  /** Its stay in kernel code on the hart; null: it never had one (module/runtime.ts). */
  kernelMode: KernelMode | null;
  /** Kernel threads name the step they run. */
  kthread: boolean;
}

/** The tasks that wait on one futex word, in order of arrival. */
export interface FutexBucket {
  waiters: { tid: number; bitset: number }[];
}

/** A process that vm.spawn started: its exit status, and the host's ends of its streams (vm/process.ts). */
export interface SpawnedProcess {
  /** As wait4 encodes it; null while it runs. */
  status: number | null;
  stdin?: File | null;
  stdout?: File | null;
  stderr?: File | null;
  /** The master side of its terminal. */
  master?: File | null;
  /** Of a login, which waits for its session and tells nobody how it ended: how its leader did; null: it has not. */
  sessionStatus?: number | null;
}

/** The task room's part of the kernel state. */
export interface TaskRoom {
  tasks: Map<number, Task>;
  groups: Map<number, ThreadGroup>;
  nextPid: number;
  pidMax: number;
  /** Exit statuses (as wait4 encodes them) of processes started by vm.spawn, kept until collected. */
  spawned: Map<number, SpawnedProcess>;
  /** Forks since boot, for /proc/stat. */
  forks: number;
  /** Futex waiters by key; a key is an address space and address, or a file page and offset. */
  futexes: Map<string, FutexBucket>;
  /** 1, 5 and 15 minute load averages in 1/2048, and when they were last brought up to date. */
  loadavg: { values: [number, number, number]; atNs: number };
}

/** Scheduling: one hart, round robin by time slice. */
export interface SchedRoom {
  /** tids that are ready, the next first. */
  runQueue: number[];
  /** The tid whose registers are in the hart now; 0 for none. */
  loaded: number;
  /** The tid whose kernel code is running now (the `current` of Linux); 0 when idle. */
  current: number;
  contextSwitches: number;
  /** Instructions retired since boot by this VM. */
  retired: number;
  idleNs: number;
  userNs: number;
  systemNs: number;
  /**
   * Work done in the kernel since the last charge, in instructions it would have taken: whatever is expensive (copies,
   * forks) adds to it; the engine charges it to the task and its slice.
   */
  kernelWork: number;
  /** The task that ran last: going on with it is no context switch. */
  lastTid: number;
  /** When the VM fell idle; -1 while it is not. */
  idleSinceNs: number;
}
