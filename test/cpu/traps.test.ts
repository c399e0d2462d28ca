/** Each trap class: its cause, its tval, the pc at the trapping instruction, nothing retired, nothing changed. */
import { describe, expect, test } from 'vitest';
import { Mode, PTE, Trap } from '../../src/cpu/index.ts';
import { encodeCompressed as c, encode as e } from '../../src/cpu/isa/encode.ts';
import { CODE, DATA, Rig, USER_RW, USER_RX } from './rig.ts';

const KERNEL = -0x40000000;
const nop = e('addi');

/** Runs the program in a fresh guest; x5 holds DATA, x6 `value`. */
async function run(instructions: number[], value = 0): Promise<Rig & { cause: number }> {
  const rig = await Rig.make();
  rig.program([nop, ...instructions]);
  rig.hart.setX(5, DATA);
  rig.hart.setX(6, value);
  return Object.assign(rig, { cause: rig.run() });
}

function expectTrap(rig: Rig & { cause: number }, cause: number, tval: number, pc = CODE + 4): void {
  expect(rig.cause).toBe(cause);
  expect(rig.hart.tval).toBe(tval);
  expect(rig.hart.pc).toBe(pc);
  expect(rig.hart.retired).toBe((pc - CODE) / 4);
}

describe('calls and breakpoints', () => {
  test('ecall from user and supervisor mode', async () => {
    expectTrap(await run([e('ecall')]), Trap.EcallFromUser, 0);
    const rig = await Rig.make();
    rig.page(CODE, PTE.R | PTE.X);
    rig.write(CODE, [nop, e('ecall')]);
    rig.start(CODE, { mode: Mode.Supervisor });
    expectTrap(Object.assign(rig, { cause: rig.run() }), Trap.EcallFromSupervisor, 0);
  });

  test('ebreak, long and compressed', async () => {
    expectTrap(await run([e('ebreak')]), Trap.Breakpoint, CODE + 4);
    expectTrap(await run([c('c.ebreak')]), Trap.Breakpoint, CODE + 4);
  });
});

describe('illegal instructions', () => {
  const words: [string, number][] = [
    ['all ones', 0xffffffff],
    ['a reserved opcode', 0x0000006b],
    ['mret', 0x30200073],
    ['sret', 0x10200073],
    ['wfi', 0x10500073],
    ['sfence.vma', 0x12000073],
    ['csrr of an unknown register', e('csrrs', { rd: 5, csr: 0x7c0 })],
    ['csrrs sstatus', e('csrrs', { rd: 5, csr: 0x100, rs1: 6 })],
    ['a write to cycle', e('csrrs', { rd: 5, csr: 0xc00, rs1: 6 })],
    ['fadd.d with rounding mode 5', e('fadd.d', { fd: 1, fs1: 2, fs2: 3, rm: 0 }) | (5 << 12)],
    ['fmadd.s with rounding mode 6', e('fmadd.s', { fd: 1, fs1: 2, fs2: 3, fs3: 4, rm: 0 }) | (6 << 12)],
  ];
  test.each(words)('%s: tval is its 32 bits', async (_name, bits) => {
    expectTrap(await run([bits >>> 0]), Trap.IllegalInstruction, bits >>> 0);
  });

  const halves: [string, number][] = [
    ['zero', 0x0000],
    ['a reserved quadrant 0', 0x8000],
    ['c.addi4spn without immediate', 0x0004],
    ['c.lui without immediate', 0x6281],
    ['c.addiw to x0', 0x2005],
    ['c.lwsp to x0', 0x4002],
    ['c.jr x0', 0x8002],
    ['reserved arithmetic', 0x9c41],
  ];
  test.each(halves)('compressed, %s: tval is its 16 bits', async (_name, half) => {
    const rig = await Rig.make();
    rig.program([nop]);
    rig.bytes(CODE + 4, Uint8Array.of(half & 255, half >> 8, 0xff, 0xff));
    expectTrap(Object.assign(rig, { cause: rig.run() }), Trap.IllegalInstruction, half);
  });

  test('a dynamic rounding mode that frm does not define', async () => {
    const add = e('fadd.d', { fd: 1, fs1: 2, fs2: 3, rm: 7 });
    const rig = await run([e('csrrwi', { csr: 2, zimm: 5 }), add]);
    expectTrap(rig, Trap.IllegalInstruction, add, CODE + 8);
  });
});

describe('page faults', () => {
  const nowhere = 0x7000_0000;
  test('load, store and atomic at an unmapped address', async () => {
    const lw = e('lw', { rd: 7, rs1: 6, imm: -4 });
    expectTrap(await run([lw], nowhere + 8), Trap.LoadPageFault, nowhere + 4);
    expectTrap(await run([e('sd', { rs1: 6, rs2: 5, imm: 8 })], nowhere), Trap.StorePageFault, nowhere + 8);
    expectTrap(await run([e('amoadd.w', { rd: 7, rs1: 6, rs2: 5 })], nowhere), Trap.StorePageFault, nowhere);
    expectTrap(await run([e('lr.d', { rd: 7, rs1: 6 })], nowhere), Trap.LoadPageFault, nowhere);
    expectTrap(await run([e('sc.d', { rd: 7, rs1: 6 })], nowhere), Trap.StorePageFault, nowhere);
  });

  test('fetch from an unmapped, a data and a non-canonical address', async () => {
    const jump = e('jalr', { rd: 0, rs1: 6 });
    expectTrap2(await run([jump], nowhere), Trap.FetchPageFault, nowhere);
    expectTrap2(await run([jump], DATA), Trap.FetchPageFault, DATA);
    expectTrap2(await run([jump], 2 ** 40), Trap.FetchPageFault, 2 ** 40);
    expectTrap2(await run([jump], 0), Trap.FetchPageFault, 0);
  });

  function expectTrap2(rig: Rig & { cause: number }, cause: number, pc: number): void {
    expect([rig.cause, rig.hart.tval, rig.hart.pc, rig.hart.retired]).toEqual([cause, pc, pc, 2]);
  }

  test('non-canonical load and store', async () => {
    expectTrap(await run([e('ld', { rd: 7, rs1: 6 })], 2 ** 38), Trap.LoadPageFault, 2 ** 38);
    expectTrap(await run([e('sb', { rs2: 7, rs1: 6 })], -(2 ** 39)), Trap.StorePageFault, -(2 ** 39));
  });

  test('a store to a read-only page leaves it alone', async () => {
    const rig = await Rig.make();
    rig.page(CODE, USER_RX);
    rig.write(CODE, [nop, e('sw', { rs1: 5, rs2: 5 })]);
    rig.start(CODE);
    rig.hart.setX(5, CODE);
    expectTrap(Object.assign(rig, { cause: rig.run() }), Trap.StorePageFault, CODE);
  });

  test('a misaligned access that crosses into an unmapped page names the second page, and stores nothing', async () => {
    const end = DATA + 4094;
    const loaded = await run([e('lw', { rd: 7, rs1: 6 })], end);
    expectTrap(loaded, Trap.LoadPageFault, DATA + 4096);
    const stored = await run([e('sd', { rs1: 6, rs2: 6 })], end);
    expectTrap(stored, Trap.StorePageFault, DATA + 4096);
    expect(stored.guest.page(stored.pfn(DATA), false)[4094]).toBe(0);
  });

  test('an instruction whose second half is not mapped: pc is its start, tval the second page', async () => {
    const rig = await Rig.make();
    rig.page(CODE, USER_RX);
    rig.bytes(CODE + 4094, Uint8Array.of(0x13, 0x05));
    rig.start(CODE + 4094);
    expect(rig.run()).toBe(Trap.FetchPageFault);
    expect([rig.hart.pc, rig.hart.tval, rig.hart.retired]).toEqual([CODE + 4094, CODE + 4096, 0]);
  });
});

describe('misalignment', () => {
  test('loads and stores work, atomics trap', async () => {
    const rig = await run(
      [e('sd', { rs1: 5, rs2: 6, imm: 3 }), e('lwu', { rd: 7, rs1: 5, imm: 5 }), e('ecall')],
      0x1234567,
    );
    expect(rig.hart.x(7)).toBe(0x123);
    const odd = DATA + 2;
    expectTrap(await run([e('lr.w', { rd: 7, rs1: 6 })], odd), Trap.LoadMisaligned, odd);
    expectTrap(await run([e('sc.w', { rd: 7, rs1: 6 })], odd), Trap.StoreMisaligned, odd);
    expectTrap(await run([e('amoor.d', { rd: 7, rs1: 6 })], DATA + 4), Trap.StoreMisaligned, DATA + 4);
  });

  test('an odd pc, which only a context can hold', async () => {
    const rig = await run([e('ecall')]);
    rig.hart.pc = CODE + 1;
    expect([rig.run(), rig.hart.pc, rig.hart.tval]).toEqual([Trap.FetchMisaligned, CODE + 1, CODE + 1]);
  });
});

describe('privilege', () => {
  test('user mode reaches no supervisor page', async () => {
    const rig = await Rig.make();
    rig.program([nop, e('ld', { rd: 7, rs1: 6 })]);
    rig.page(KERNEL, PTE.R | PTE.W | PTE.X);
    rig.hart.setX(6, KERNEL + 16);
    expectTrap(Object.assign(rig, { cause: rig.run() }), Trap.LoadPageFault, KERNEL + 16);
    rig.start(KERNEL);
    expect([rig.run(), rig.hart.pc, rig.hart.tval]).toEqual([Trap.FetchPageFault, KERNEL, KERNEL]);
  });

  test('supervisor mode reaches user pages only with SUM, and never runs them', async () => {
    const rig = await Rig.make();
    rig.page(KERNEL, PTE.R | PTE.X);
    rig.page(DATA, USER_RW);
    rig.page(CODE, USER_RX);
    rig.write(KERNEL, [e('sw', { rs1: 5, rs2: 5 }), e('lw', { rd: 6, rs1: 5 }), e('ecall')]);
    rig.write(CODE, [e('ecall')]);
    rig.start(KERNEL, { mode: Mode.Supervisor });
    rig.hart.setX(5, DATA);
    expect([rig.run(), rig.hart.tval, rig.hart.pc]).toEqual([Trap.StorePageFault, DATA, KERNEL]);
    rig.start(KERNEL, { mode: Mode.Supervisor, sum: true });
    rig.hart.setX(5, DATA);
    expect([rig.run(), rig.hart.x(6)]).toEqual([Trap.EcallFromSupervisor, DATA]);
    rig.start(KERNEL + 4, { mode: Mode.Supervisor });
    rig.hart.setX(5, DATA);
    expect([rig.run(), rig.hart.tval]).toEqual([Trap.LoadPageFault, DATA]);
    rig.start(CODE, { mode: Mode.Supervisor, sum: true });
    expect([rig.run(), rig.hart.tval]).toEqual([Trap.FetchPageFault, CODE]);
  });
});

test('a page table that points outside the guest raises access faults', async () => {
  const rig = await Rig.make();
  rig.program([nop, e('ld', { rd: 7, rs1: 6 }), e('sd', { rs1: 6, rs2: 7 })]);
  rig.map(0x30000, 0xfffff, USER_RW);
  rig.hart.setX(6, 0x30008);
  expectTrap(Object.assign(rig, { cause: rig.run() }), Trap.LoadAccess, 0x30008);
  rig.hart.pc = CODE + 8;
  expect([rig.run(), rig.hart.tval]).toEqual([Trap.StoreAccess, 0x30008]);
  rig.map(0x40000, 0xfffff, USER_RX);
  rig.hart.pc = 0x40000;
  expect([rig.run(), rig.hart.tval]).toEqual([Trap.FetchAccess, 0x40000]);
});
