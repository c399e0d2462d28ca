/**
 * One machine's turn at the store. Always true: work for one machine is done in the order it was asked for; when a write of it
 * fails, everything that was asked for before that was known fails too, because it was taken on the assumption that the
 * write would be there.
 */

/** A sleeping machine's memory: which rows, and the disk it belongs to. */
export interface SleepFact {
  memory: number;
  generation: number;
  /** Hash of the sources that wrote it: other sources have other kernel objects. */
  build: string;
  bytes: number;
  /** The rows belong to a snapshot. */
  shared: boolean;
}

/** Where a machine's disk is. Number 0: it is as the image. */
export interface DiskFact {
  disk: number;
  generation: number;
  /** Content over the image, as the kernel counts it. */
  bytes: number;
}

export interface Lane {
  readonly id: string;
  disk: DiskFact;
  sleep: SleepFact | null;
  tail: Promise<unknown>;
  pending: number;
  failure: Error | null;
}

/** The lanes of machines that have work under way; others have none, and what they are is read from the store. */
export class Lanes {
  readonly #lanes = new Map<string, Lane>();

  find(id: string): Lane | undefined {
    return this.#lanes.get(id);
  }

  /** A lane of a machine that has none; known to others from its first work on. */
  open(id: string, disk: DiskFact, sleep: SleepFact | null): Lane {
    return { id, disk, sleep, tail: Promise.resolve(), pending: 0, failure: null };
  }

  /** Does `work` after what was asked for before. With `fatal` a failure of it fails what follows. */
  run<T>(lane: Lane, fatal: boolean, work: () => Promise<T>): Promise<T> {
    lane.pending++;
    this.#lanes.set(lane.id, lane);
    const done = lane.tail.then(async () => {
      if (lane.failure) throw lane.failure;
      try {
        return await work();
      } catch (error) {
        if (fatal) lane.failure = error as Error;
        throw error;
      }
    });
    lane.tail = done.then(
      () => this.#leave(lane),
      () => this.#leave(lane),
    );
    return done;
  }

  #leave(lane: Lane): void {
    lane.pending--;
    if (lane.pending === 0 && this.#lanes.get(lane.id) === lane) this.#lanes.delete(lane.id);
  }

  /** Settles when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#lanes.size > 0) await Promise.allSettled([...this.#lanes.values()].map((lane) => lane.tail));
  }
}
