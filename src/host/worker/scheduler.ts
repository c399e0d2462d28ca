/**
 * Whose turn it is among the machines of a worker. Always true: the machine that has used the least time for its share goes first;
 * one that slept may be behind by at most {@link HEAD_START_MS}, so it goes before the busy ones when a key is pressed, but
 * cannot save up time. A machine that waits costs nothing.
 */

/** What the scheduler keeps of a machine. */
export interface Schedulable {
  /** Weight; 100 is normal. */
  share: number;
  /** Milliseconds used, divided by the share. */
  usedMs: number;
  ready: boolean;
  /** When it wants to be woken (host clock, ms); Infinity: only by input. */
  wakeAtMs: number;
  /** Its place in the heap of alarms, -1: none. */
  alarm: number;
}

/** How far behind the others one that slept may be. */
const HEAD_START_MS = 30;

export const newSchedulable = (share: number): Schedulable => ({
  share,
  usedMs: 0,
  ready: false,
  wakeAtMs: Number.POSITIVE_INFINITY,
  alarm: -1,
});

export class Scheduler<T extends Schedulable> {
  readonly #ready = new Set<T>();
  /** Binary heap by wakeAtMs. */
  readonly #alarms: T[] = [];
  #floorMs = 0;

  get readyCount(): number {
    return this.#ready.size;
  }

  /** It has something to do. */
  wake(t: T): void {
    this.#disarm(t);
    if (t.ready) return;
    t.ready = true;
    t.usedMs = Math.max(t.usedMs, this.#floorMs - HEAD_START_MS);
    this.#ready.add(t);
  }

  /** It waits until `atMs` or until {@link wake}. */
  sleep(t: T, atMs = Number.POSITIVE_INFINITY): void {
    this.#ready.delete(t);
    t.ready = false;
    this.#disarm(t);
    if (atMs !== Number.POSITIVE_INFINITY) this.#arm(t, atMs);
  }

  /** It will not come back. */
  remove(t: T): void {
    this.sleep(t);
  }

  /** Wakes whoever is due. */
  fire(nowMs: number): void {
    while (this.#alarms.length > 0 && this.#alarms[0].wakeAtMs <= nowMs) this.wake(this.#alarms[0]);
  }

  /** The one whose turn it is. */
  next(): T | null {
    let best: T | null = null;
    for (const t of this.#ready) if (!best || t.usedMs < best.usedMs) best = t;
    if (best) this.#floorMs = Math.max(this.#floorMs, best.usedMs);
    return best;
  }

  /** It has run for so long. */
  charge(t: T, ms: number): void {
    t.usedMs += (ms * 100) / Math.max(1, t.share);
  }

  /** When somebody is due next. */
  nextAlarmMs(): number {
    return this.#alarms[0]?.wakeAtMs ?? Number.POSITIVE_INFINITY;
  }

  #arm(t: T, atMs: number): void {
    t.wakeAtMs = atMs;
    t.alarm = this.#alarms.length;
    this.#alarms.push(t);
    this.#up(t.alarm);
  }

  #disarm(t: T): void {
    const at = t.alarm;
    if (at < 0) return;
    t.alarm = -1;
    t.wakeAtMs = Number.POSITIVE_INFINITY;
    const last = this.#alarms.pop() as T;
    if (last === t) return;
    this.#put(last, at);
    this.#up(at);
    this.#down(last.alarm);
  }

  #put(t: T, at: number): void {
    this.#alarms[at] = t;
    t.alarm = at;
  }

  #up(from: number): void {
    let at = from;
    const t = this.#alarms[at];
    for (; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (this.#alarms[parent].wakeAtMs <= t.wakeAtMs) break;
      this.#put(this.#alarms[parent], at);
      at = parent;
    }
    this.#put(t, at);
  }

  #down(from: number): void {
    let at = from;
    const t = this.#alarms[at];
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#alarms.length) break;
      const right = child + 1;
      if (right < this.#alarms.length && this.#alarms[right].wakeAtMs < this.#alarms[child].wakeAtMs)
        child = right;
      if (this.#alarms[child].wakeAtMs >= t.wakeAtMs) break;
      this.#put(this.#alarms[child], at);
      at = child;
    }
    this.#put(t, at);
  }
}
