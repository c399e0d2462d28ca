/** Time as data: a clock that only `run` moves, and a heap of what is due. */
import type { Plain } from '../outcome.ts';

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
}
