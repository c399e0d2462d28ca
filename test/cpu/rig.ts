/** A small machine for the tests of the cpu room: one guest, an identity of its page table, and an assembler at hand. */
import {
  CONTEXT,
  createMachine,
  type GuestMemory,
  type Hart,
  type Machine,
  Mode,
  type Pfn,
  PTE,
  type Trap,
} from '../../src/cpu/index.ts';
import { assemble } from '../../src/cpu/isa/encode.ts';

export const CODE = 0x10000;
export const DATA = 0x20000;
export const USER_RX = PTE.R | PTE.X | PTE.U;
export const USER_RW = PTE.R | PTE.W | PTE.U;
export const USER_RWX = PTE.R | PTE.W | PTE.X | PTE.U;

let shared: Machine | undefined;

/** The tests' machine, one per process. */
export async function machine(): Promise<Machine> {
  shared ??= await createMachine();
  return shared;
}

/** A guest with a page table of its own. */
export class Rig {
  readonly machine: Machine;
  readonly guest: GuestMemory;
  readonly root: Pfn;

  constructor(machine: Machine, guest = machine.createGuest(4096), root = guest.allocPage()) {
    this.machine = machine;
    this.guest = guest;
    this.root = root;
  }

  static async make(): Promise<Rig> {
    return new Rig(await machine());
  }

  get hart(): Hart {
    return this.machine.hart;
  }

  /** Physical address of the page table entry of `va` at `level` (0 is the last), tables made on the way. */
  entry(va: number, level = 0): number {
    let table = this.root;
    for (let at = 2; ; at--) {
      const index = Math.floor(va / 2 ** (12 + 9 * at)) & 511;
      const paddr = table * 4096 + index * 8;
      if (at === level) return paddr;
      if (this.guest.load32(paddr) === 0) this.guest.store32(paddr, (this.guest.allocPage() << 10) | PTE.V);
      table = this.guest.load32(paddr) >>> 10;
    }
  }

  /** Maps `va` to `pfn`. */
  map(va: number, pfn: Pfn, flags: number, level = 0): Pfn {
    const paddr = this.entry(va, level);
    this.guest.store32(paddr, (pfn << 10) | flags | PTE.V);
    this.guest.store32(paddr + 4, 0);
    return pfn;
  }

  /** Maps a new page at `va`. */
  page(va: number, flags: number): Pfn {
    return this.map(va, this.guest.allocPage(), flags);
  }

  /** Lays instructions at `va`, which is mapped, wherever its pages are. */
  write(va: number, instructions: readonly number[]): void {
    this.bytes(va, assemble(instructions));
  }

  bytes(va: number, bytes: Uint8Array): void {
    bytes.forEach((byte, i) => {
      this.guest.page(this.pfn(va + i), true)[(va + i) & 4095] = byte;
    });
  }

  /** The page that `va` shows. */
  pfn(va: number): Pfn {
    return this.guest.load32(this.entry(va)) >>> 10;
  }

  /** A fresh context at `pc`, in this address space. */
  start(pc: number, options: { mode?: number; sum?: boolean } = {}): void {
    const context = new Uint8Array(CONTEXT.size);
    const flags = (options.mode ?? Mode.User) | (options.sum ? 2 : 0);
    new DataView(context.buffer).setUint32(CONTEXT.flags, flags, true);
    this.hart.loadContext(context);
    this.hart.setAddressSpace(this.guest, this.root);
    this.hart.pc = pc;
  }

  /** Maps a code page with the program and a data page, and starts a user context. */
  program(instructions: readonly number[]): void {
    this.page(CODE, USER_RWX);
    this.page(DATA, USER_RW);
    this.write(CODE, instructions);
    this.start(CODE);
  }

  run(budget = 100_000): Trap {
    return this.hart.run(budget);
  }

  context(): Uint8Array {
    const context = new Uint8Array(CONTEXT.size);
    this.hart.saveContext(context);
    return context;
  }
}
