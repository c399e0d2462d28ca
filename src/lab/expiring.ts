/** Secrets that live for seconds. Always true: at most `most` of them, each good until its time; they die with the process. */
export class Expiring<T> {
  private readonly entries = new Map<string, { value: T; untilMs: number }>();
  private readonly lifeMs: number;
  private readonly most: number;
  constructor(lifeMs: number, most: number) {
    this.lifeMs = lifeMs;
    this.most = most;
  }
  /** Keeps a value; the oldest go when there are too many. Answers when it expires. */
  put(key: string, value: T, nowMs = Date.now()): Date {
    this.entries.delete(key);
    this.entries.set(key, { value, untilMs: nowMs + this.lifeMs });
    for (const [oldest, { untilMs }] of this.entries) {
      if (untilMs > nowMs && this.entries.size <= this.most) break;
      this.entries.delete(oldest);
    }
    return new Date(nowMs + this.lifeMs);
  }
  has(key: string, nowMs = Date.now()): boolean {
    const entry = this.entries.get(key);
    return entry !== undefined && entry.untilMs > nowMs;
  }
  get(key: string, nowMs = Date.now()): T | undefined {
    const entry = this.entries.get(key);
    return entry && entry.untilMs > nowMs ? entry.value : undefined;
  }
  /** Takes the value out: nobody gets it again. */
  take(key: string, nowMs = Date.now()): T | undefined {
    const value = this.get(key, nowMs);
    this.entries.delete(key);
    return value;
  }
  delete(key: string): void {
    this.entries.delete(key);
  }
  clear(): void {
    this.entries.clear();
  }
}
