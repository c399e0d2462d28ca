/** The hart's face: registers, running, translating. Always true: nothing here allocates while a guest runs. */
import * as L from '../hart/layout.ts';
import { disassemble } from '../isa/disasm.ts';
import {
  type Access,
  CONTEXT,
  type GuestMemory,
  type Hart,
  type Pfn,
  type Trap,
  type Vaddr,
} from '../machine.ts';
import type { Core } from './core.ts';
import type { Guest } from './guest.ts';

const LONGEST = 2 ** 30;
const SUPERVISOR_WITH_SUM = 3;
const MODE_BITS = 3;

export class CoreHart implements Hart {
  retired = 0;
  private readonly core: Core;
  private readonly registers: BigInt64Array;
  private readonly trapValue: BigInt64Array;

  constructor(core: Core) {
    this.core = core;
    this.registers = new BigInt64Array(core.words.buffer as SharedArrayBuffer, L.X, 32);
    this.trapValue = new BigInt64Array(core.words.buffer as SharedArrayBuffer, L.TVAL, 1);
  }

  get pc(): Vaddr {
    return this.core.readNumber(L.PC);
  }
  set pc(value: Vaddr) {
    this.core.writeNumber(L.PC, value);
  }
  get tval(): number {
    return this.core.readNumber(L.TVAL);
  }
  get tvalBig(): bigint {
    return this.trapValue[0];
  }

  x(i: number): number {
    return this.core.readNumber(L.X + (i << 3));
  }
  setX(i: number, value: number): void {
    if (i !== 0) this.core.writeNumber(L.X + (i << 3), value);
  }
  xBig(i: number): bigint {
    return this.registers[i];
  }
  setXBig(i: number, value: bigint): void {
    if (i !== 0) this.registers[i] = value;
  }

  loadContext(context: Uint8Array, resume = false): void {
    const { core } = this;
    const mode = core.words[L.FLAGS >> 2];
    core.bytes.set(context.length === CONTEXT.size ? context : context.subarray(0, CONTEXT.size), L.X);
    core.words[L.FLAGS >> 2] &= MODE_BITS;
    core.exports.contextLoaded();
    if (resume) {
      const at = L.RES_ADDR - L.X;
      core.bytes.set(context.subarray(at, at + 8), L.RES_ADDR);
    }
    if (core.words[L.FLAGS >> 2] !== mode) core.exports.tlbFlush();
  }

  saveContext(context: Uint8Array): void {
    const { core } = this;
    core.exports.contextSaving();
    context.set(core.bytes.subarray(L.X, L.X + CONTEXT.size));
    core.exports.contextSaved();
  }

  setAddressSpace(guest: GuestMemory, rootTable: Pfn): void {
    const { words, exports } = this.core;
    const table = (guest as Guest).table | 0;
    if (words[L.GUEST >> 2] === table && words[L.ROOT >> 2] === rootTable) return;
    words[L.GUEST >> 2] = table;
    words[L.ROOT >> 2] = rootTable;
    exports.tlbFlush();
  }

  flushTlb(): void {
    this.core.exports.tlbFlush();
  }
  flushTlbPage(va: Vaddr): void {
    this.core.exports.flushPage(va);
  }

  run(budget: number): Trap {
    const { core } = this;
    const { words, exports } = core;
    let left = budget;
    let cause: number;
    for (;;) {
      const limit = Math.min(left, LONGEST);
      cause = exports.run(limit);
      left -= limit - words[L.LEFT >> 2];
      if (cause === L.NEED_FRAME || cause === L.NEED_POOL) core.grow();
      else if (cause !== L.MORE && (cause !== L.BUDGET_SPENT || left <= 0)) break;
    }
    this.retired = budget - left;
    return cause as Trap;
  }

  translate(va: Vaddr, access: Access): number {
    return this.find(va, access, 0);
  }
  translateSupervisor(va: Vaddr, access: Access): number {
    return this.find(va, access, SUPERVISOR_WITH_SUM);
  }

  private find(va: Vaddr, access: Access, flags: number): number {
    for (;;) {
      const address = this.core.exports.translate(va, access, flags) >>> 0;
      if (address > 1) return address;
      if (address === 0 || !this.core.grow()) return -1;
    }
  }

  disassemble(bits: number, pc: Vaddr): string {
    return disassemble(bits, pc);
  }
}
