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
