/**
 * How much strangers may ask of the front door. Always true: a connection that has not proved who it is counts against its machine,
 * its address and the whole door until it does or is gone; failures fill a bucket that leaks with time, and a full one closes
 * the door for its address and account only.
 */
export interface SshLimits {
  /** Connections under way that nobody has authenticated: in all, to one machine (MaxStartups), from one address. */
  startups: number;
  startupsPerVm: number;
  startupsPerAddress: number;
  /** Connections of all kinds. */
  connections: number;
  /** Failed attempts that one address may make at one account in a row, and how many it gets back a minute. */
  failuresPerAccount: number;
  failuresPerAccountMinute: number;
  /** The same for an address at all accounts together. */
  failuresPerAddress: number;
  failuresPerAddressMinute: number;
  /** Seconds to authenticate; a machine's own LoginGraceTime counts where it is shorter. */
  loginGraceSec: number;
  /** Channels of one connection. */
  channels: number;
}

export const DEFAULT_SSH_LIMITS: SshLimits = {
  startups: 500,
  startupsPerVm: 150,
  startupsPerAddress: 400,
  connections: 4000,
  failuresPerAccount: 20,
  failuresPerAccountMinute: 10,
  failuresPerAddress: 200,
  failuresPerAddressMinute: 100,
  loginGraceSec: 120,
  channels: 100,
};

/** A leaking bucket for each key. */
class Buckets {
  readonly #most: number;
  readonly #perMs: number;
  readonly #levels = new Map<string, { level: number; atMs: number }>();

  constructor(most: number, perMinute: number) {
    this.#most = most;
    this.#perMs = perMinute / 60_000;
  }

  #level(key: string, nowMs: number): number {
    const entry = this.#levels.get(key);
    return entry ? Math.max(0, entry.level - (nowMs - entry.atMs) * this.#perMs) : 0;
  }

  full(key: string, nowMs: number): boolean {
    return this.#level(key, nowMs) >= this.#most;
  }

  add(key: string, nowMs: number): void {
    const level = this.#level(key, nowMs) + 1;
    this.#levels.set(key, { level, atMs: nowMs });
    if (this.#levels.size <= 10_000) return;
    for (const [old, entry] of this.#levels)
      if (entry.level - (nowMs - entry.atMs) * this.#perMs <= 0) this.#levels.delete(old);
  }
}

export class Doorkeeper {
  readonly limits: SshLimits;
  readonly #accounts: Buckets;
  readonly #addresses: Buckets;
  readonly #startups = new Map<string, number>();
  #connections = 0;

  constructor(limits: SshLimits) {
    this.limits = limits;
    this.#accounts = new Buckets(limits.failuresPerAccount, limits.failuresPerAccountMinute);
    this.#addresses = new Buckets(limits.failuresPerAddress, limits.failuresPerAddressMinute);
  }

  get connections(): number {
    return this.#connections;
  }
  get startups(): number {
    return this.#startups.get('') ?? 0;
  }

  /** A new connection: null when there is no room for it, else what to call when it is authenticated, and when it is gone. */
  enter(vmId: string, address: string): { authenticated(): void; gone(): void } | null {
    const keys = ['', `vm ${vmId}`, `from ${address}`];
    const most = [this.limits.startups, this.limits.startupsPerVm, this.limits.startupsPerAddress];
    if (this.#connections >= this.limits.connections) return null;
    if (keys.some((key, i) => (this.#startups.get(key) ?? 0) >= most[i])) return null;
    if (this.#addresses.full(address, Date.now())) return null;
    this.#connections++;
    for (const key of keys) this.#startups.set(key, (this.#startups.get(key) ?? 0) + 1);
    let starting = true;
    let here = true;
    const authenticated = (): void => {
      if (!starting) return;
      starting = false;
      for (const key of keys) {
        const count = (this.#startups.get(key) ?? 1) - 1;
        if (count > 0) this.#startups.set(key, count);
        else this.#startups.delete(key);
      }
    };
    const gone = (): void => {
      authenticated();
      if (here) this.#connections--;
      here = false;
    };
    return { authenticated, gone };
  }

  /** Whether this address has failed too often at this account. */
  refuses(vmId: string, user: string, address: string): boolean {
    const nowMs = Date.now();
    return this.#accounts.full(`${vmId} ${user} ${address}`, nowMs) || this.#addresses.full(address, nowMs);
  }

  failed(vmId: string, user: string, address: string): void {
    const nowMs = Date.now();
    this.#accounts.add(`${vmId} ${user} ${address}`, nowMs);
    this.#addresses.add(address, nowMs);
  }
}
