/**
 * A VM's physical memory, over the table that src/cpu/hart/guest.ts keeps.
 *
 * Always true: page numbers are handed out last-freed-first, else the next never-used one, so the same requests give
 * the same numbers in every run; a page number is in use exactly when the table has an entry for it.
 */
import * as L from '../hart/layout.ts';
import type { GuestMemory, HostFrame, Pfn, SavedGuestMemory } from '../machine.ts';
import type { Core } from './core.ts';
import type { SharedFrames } from './shared.ts';

export class Guest implements GuestMemory {
  readonly maxPages: number;
  /** Host address of the table; 0 once destroyed. */
  table: number;
  private nextFresh = 0;
  private free: Pfn[] = [];
  private readonly core: Core;
  private readonly shared: SharedFrames;

  constructor(core: Core, shared: SharedFrames, maxPages: number, table: number) {
    this.core = core;
    this.shared = shared;
    this.maxPages = Math.min(maxPages, 2 ** 20);
    this.table = table;
  }

  get usedPages(): number {
    return this.nextFresh - this.free.length;
  }

  privatePages(): number {
    return this.core.exports.guestOwned(this.table);
  }

  /** The next page number, not yet taken; -1 when the quota is spent. */
  private nextPfn(): Pfn {
    if (this.free.length > 0) return this.free[this.free.length - 1];
    return this.nextFresh < this.maxPages ? this.nextFresh : -1;
  }

  private take(pfn: Pfn): Pfn {
    if (this.free.length > 0) this.free.pop();
    else this.nextFresh++;
    return pfn;
  }

  allocPage(): Pfn {
    const pfn = this.nextPfn();
    if (pfn < 0 || !this.core.ensureFrames(2)) return -1;
    return this.core.exports.guestAlloc(this.table, pfn) ? this.take(pfn) : -1;
  }

  adoptPage(frame: HostFrame): Pfn {
    const pfn = this.nextPfn();
    if (pfn < 0 || !this.core.ensureFrames(2)) return -1;
    return this.core.exports.guestAdopt(this.table, pfn, frame << 12) ? this.take(pfn) : -1;
  }

  clonePage(from: Pfn): Pfn {
    const pfn = this.nextPfn();
    if (pfn < 0 || !this.core.ensureFrames(2)) return -1;
    return this.core.exports.guestClone(this.table, from, pfn) ? this.take(pfn) : -1;
  }

  freePage(pfn: Pfn): void {
    if (this.core.exports.guestEntry(this.table, pfn) === 0) return;
    this.core.exports.guestFree(this.table, pfn);
    this.free.push(pfn);
  }

  page(pfn: Pfn, write: boolean): Uint8Array {
    const address = write ? this.writable(pfn) : this.core.exports.readPage(this.table, pfn) >>> 0;
    if (address === 0) throw new RangeError(`page ${pfn} is not allocated`);
    return this.core.bytes.subarray(address, address + 4096);
  }

  private writable(pfn: Pfn): number {
    if (this.core.exports.guestEntry(this.table, pfn) === 0)
      throw new RangeError(`page ${pfn} is not allocated`);
    for (;;) {
      const address = this.core.exports.writePage(this.table, pfn) >>> 0;
      if (address !== 0) return address;
      if (!this.core.grow()) throw new RangeError('the worker is out of frames');
    }
  }

  load32(paddr: number): number {
    const page = this.core.exports.readPage(this.table, Math.floor(paddr / 4096)) >>> 0;
    return page === 0 ? 0 : this.core.allWords[(page + (paddr & 4095)) >>> 2];
  }

  store32(paddr: number, value: number): void {
    const page = this.writable(Math.floor(paddr / 4096));
    this.core.allWords[(page + (paddr & 4095)) >>> 2] = value;
  }

  fork(): Guest {
    const { core } = this;
    if (!core.ensureFrames(core.exports.guestTables(this.table)))
      throw new RangeError('the worker is out of frames');
    const twin = new Guest(core, this.shared, this.maxPages, core.exports.guestFork(this.table) >>> 0);
    core.exports.tlbFlush();
    twin.nextFresh = this.nextFresh;
    twin.free = this.free.slice();
    return twin;
  }

  save(withContent = true): SavedGuestMemory {
    const saved: SavedGuestMemory = {
      maxPages: this.maxPages,
      nextFresh: this.nextFresh,
      free: this.free.slice(),
      privatePfns: [],
      privateBytes: new Uint8Array(0),
      sharedPfns: [],
      sharedKeys: [],
    };
    const addresses: number[] = [];
    for (let pfn = 0; pfn < this.nextFresh; pfn++) {
      const address = this.core.exports.readPage(this.table, pfn) >>> 0;
      if (address === 0) continue;
      const key = this.shared.keyOf(address >>> 12);
      if (key === undefined) {
        saved.privatePfns.push(pfn);
        addresses.push(address);
      } else {
        saved.sharedPfns.push(pfn);
        saved.sharedKeys.push(key);
      }
    }
    if (!withContent) return saved;
    saved.privateBytes = new Uint8Array(addresses.length * 4096);
    addresses.forEach((address, i) => {
      saved.privateBytes.set(this.core.bytes.subarray(address, address + 4096), i * 4096);
    });
    return saved;
  }

  /** Fills this new, empty guest with what was saved. */
  load(saved: SavedGuestMemory, imageFrame: (key: string) => HostFrame): void {
    checkSaved(saved);
    const { exports } = this.core;
    this.nextFresh = saved.nextFresh;
    this.free = saved.free.slice();
    saved.privatePfns.forEach((pfn, i) => {
      if (!this.core.ensureFrames(2)) throw new RangeError('the worker is out of frames');
      exports.guestAlloc(this.table, pfn);
      this.page(pfn, true).set(saved.privateBytes.subarray(i * 4096, i * 4096 + 4096));
    });
    saved.sharedPfns.forEach((pfn, i) => {
      const frame = imageFrame(saved.sharedKeys[i]);
      if (frame < 0 || !this.core.ensureFrames(1)) throw new RangeError('the worker is out of frames');
      exports.guestAdopt(this.table, pfn, frame << 12);
    });
  }

  destroy(): void {
    if (this.table === 0) return;
    const { core } = this;
    core.exports.guestDestroy(this.table);
    if (core.words[L.GUEST >> 2] === this.table >> 0) core.words[L.GUEST >> 2] = 0;
    core.exports.tlbFlush();
    this.table = 0;
  }
}

/** Throws a RangeError unless the saved memory's parts agree with each other. */
function checkSaved(saved: SavedGuestMemory): void {
  const { maxPages, nextFresh, free, privatePfns, privateBytes, sharedPfns, sharedKeys } = saved;
  const count = (n: unknown, most: number) =>
    Number.isInteger(n) && (n as number) >= 0 && (n as number) <= most;
  const inside = (pfns: number[]) => Array.isArray(pfns) && pfns.every((pfn) => count(pfn, nextFresh - 1));
  const sound =
    count(maxPages, 2 ** 20) &&
    count(nextFresh, maxPages) &&
    inside(free) &&
    inside(privatePfns) &&
    inside(sharedPfns) &&
    sharedKeys.length === sharedPfns.length &&
    privateBytes.length === privatePfns.length * 4096 &&
    new Set([...free, ...privatePfns, ...sharedPfns]).size === nextFresh &&
    free.length + privatePfns.length + sharedPfns.length === nextFresh;
  if (!sound) throw new RangeError('these are not the bytes of a saved guest memory');
}
