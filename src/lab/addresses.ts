/**
 * Addresses of machines on loopback. Always true: an address is given to one machine at a time, and one that was given back is
 * given again only after all others, so that a client's known_hosts seldom meets a stranger.
 */
import { LabError } from './types.ts';

/** `127.16.0.0/12` as first address and count. */
export function parseRange(range: string): { first: number; count: number } {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(range);
  const parts = match?.slice(1).map(Number) ?? [];
  const bits = parts[4];
  if (parts.length !== 5 || parts.slice(0, 4).some((part) => part > 255) || bits < 8 || bits > 30)
    throw new Error(`${range} is not a range of addresses like 127.16.0.0/12`);
  const count = 2 ** (32 - bits);
  const given = parts.slice(0, 4).reduce((sum, part) => sum * 256 + part, 0);
  const first = given - (given % count);
  if (Math.floor(first / 2 ** 24) !== 127) throw new Error(`${range} is not on loopback (127.0.0.0/8)`);
  return { first, count };
}

const format = (address: number) =>
  [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
const parse = (address: string) => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);

/** Gives addresses out of a range, from the one after the last that is in use. */
export class Addresses {
  private readonly first: number;
  private readonly count: number;
  private readonly used = new Set<number>();
  private next: number;

  constructor(range: string, used: Iterable<string>) {
    ({ first: this.first, count: this.count } = parseRange(range));
    this.next = 2;
    for (const address of used) {
      const number = parse(address);
      this.used.add(number);
      const offset = number - this.first;
      if (offset >= this.next && offset < this.count) this.next = offset + 1;
    }
  }

  take(): string {
    for (let tried = 0; tried < this.count; tried++) {
      const offset = this.next;
      this.next = offset + 1 >= this.count ? 2 : offset + 1;
      const address = this.first + offset;
      const last = address % 256;
      if (offset < 2 || offset >= this.count || last === 0 || last === 255 || this.used.has(address))
        continue;
      this.used.add(address);
      return format(address);
    }
    throw new LabError(
      'quota',
      'Every address of the lab is in use: delete VMs, or give the lab a wider range.',
    );
  }

  release(address: string): void {
    this.used.delete(parse(address));
  }
}
