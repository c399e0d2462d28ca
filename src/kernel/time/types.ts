/** Time as data: a clock that only `run` moves, and a heap of what is due. */
import type { Plain, WaitQueue } from '../outcome.ts';

/** A timer: at `atNs` (monotonic) the timer function registered as `kind` is called with `arg`. */
export interface Timer {
  id: number;
  atNs: number;
  kind: string;
  arg: Plain;
}

export interface TimeRoom {
  /** CLOCK_MONOTONIC in nanoseconds since boot. */
  nowNs: number;
  /** CLOCK_REALTIME minus CLOCK_MONOTONIC. */
  realtimeOffset: { sec: number; nsec: number };
  /** Deterministic mode: the clock advances by this many nanoseconds for each retired instruction. 0: wall clock. */
  nsPerInstruction: number;
  /** Binary heap by (atNs, id). */
  heap: Timer[];
  nextTimerId: number;
  /** Woken when CLOCK_REALTIME is set: whoever sleeps until a date looks again. */
  clockSet: WaitQueue;
}

/** One of setitimer's timers: due at `atNs` of its clock (0: disarmed). `timerId` is the heap's id (real time only). */
export interface IntervalTimer {
  atNs: number;
  intervalNs: number;
  timerId: number;
}

/** A POSIX timer (man 2 timer_create). */
export interface PosixTimer {
  id: number;
  clock: number;
  /** SIGEV_*: 0 signal, 1 none, 4 thread id. */
  notify: number;
  signo: number;
  value: bigint;
  tid: number;
  /** Monotonic deadline for wall clocks, CPU time for CPU clocks; 0: disarmed. */
  atNs: number;
  intervalNs: number;
  timerId: number;
  /** Expirations since the signal was queued, and those of the signal last delivered. */
  overrun: number;
  lastOverrun: number;
  /** Armed with TIMER_ABSTIME on CLOCK_REALTIME: follows clock_settime. */
  absoluteRealtime: boolean;
  /** Whether its signal waits in a queue. */
  queued: boolean;
}

/** The timers of a process. */
export interface GroupTimers {
  real: IntervalTimer;
  virtual: IntervalTimer;
  prof: IntervalTimer;
  posix: Map<number, PosixTimer>;
  nextId: number;
  /** CPU time (ns) of the group at which a CPU timer may be due; Infinity: none armed. */
  cpuCheckNs: number;
}
