/** Budgets: `run(N)` and then `run(M)` is `run(N + M)`, bit for bit, wherever the cut falls. */
import { expect, test } from 'vitest';
import { Trap } from '../../src/cpu/index.ts';
import { encodeCompressed as c, encode as e, loadConstant } from '../../src/cpu/isa/encode.ts';
import { CODE, DATA, Rig, USER_RW, USER_RX } from './rig.ts';

/** Numbers that are the same in every run. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** An endless program over two code pages: arithmetic, loads and stores, calls, an instruction across the page end. */
function endless(rig: Rig): void {
  const far = CODE + 4096 - 10;
  const head = [
    ...loadConstant(5, 88172645463325252n),
    e('lui', { rd: 8, imm: DATA }),
    e('lui', { rd: 9, imm: far + 0x1000 - (far & 4095) - 4096 }),
    e('addi', { rd: 9, rs1: 9, imm: (far & 4095) - 4096 }),
    e('lui', { rd: 2, imm: 4096 }),
    e('add', { rd: 9, rs1: 9, rs2: 2 }),
  ];
  const loop = [
    e('slli', { rd: 7, rs1: 5, imm: 13 }),
    e('xor', { rd: 5, rs1: 5, rs2: 7 }),
    c('c.mv', { rd: 10, rs2: 5 }),
    c('c.srli', { rd: 10, imm: 7 }),
    e('xor', { rd: 5, rs1: 5, rs2: 10 }),
    e('andi', { rd: 11, rs1: 5, imm: 0x7f8 }),
    e('add', { rd: 11, rs1: 11, rs2: 8 }),
    e('ld', { rd: 12, rs1: 11, imm: 3 }),
    e('add', { rd: 12, rs1: 12, rs2: 5 }),
    e('sd', { rs1: 11, rs2: 12, imm: 0 }),
    e('jalr', { rd: 1, rs1: 9 }),
    e('fcvt.d.l', { fd: 1, rs1: 5 }),
    e('fadd.d', { fd: 2, fs1: 2, fs2: 1 }),
    e('amoadd.d', { rd: 13, rs1: 8, rs2: 5 }),
    e('csrrs', { rd: 14, csr: 0xc02 }),
    e('blt', { rs1: 5, rs2: 0, imm: 8 }),
    e('addi', { rd: 6, rs1: 6, imm: 1 }),
  ];
  const length = loop.reduce((sum, bits) => sum + ((bits & 3) === 3 ? 4 : 2), 0);
  rig.page(CODE, USER_RX);
  rig.page(CODE + 4096, USER_RX);
  rig.page(DATA, USER_RW);
  rig.write(CODE, [...head, ...loop, e('jal', { rd: 0, imm: -length })]);
  rig.write(far, [
    e('addi', { rd: 20, rs1: 20, imm: 1 }),
    e('addi', { rd: 21, rs1: 21, imm: 2 }),
    e('xor', { rd: 22, rs1: 22, rs2: 5 }),
    c('c.jr', { rs1: 1 }),
  ]);
  rig.start(CODE);
}

async function afterRuns(budgets: number[]): Promise<[Uint8Array, Uint8Array, number]> {
  const rig = await Rig.make();
  endless(rig);
  let retired = 0;
  for (const budget of budgets) {
    expect(rig.run(budget)).toBe(Trap.BudgetSpent);
    expect(rig.hart.retired).toBe(budget);
    retired += budget;
  }
  const result: [Uint8Array, Uint8Array, number] = [
    rig.context(),
    rig.guest.page(rig.pfn(DATA), false).slice(),
    retired,
  ];
  rig.guest.destroy();
  return result;
}

test('cut anywhere, the result is the same', async () => {
  const next = random(20250101);
  for (let round = 0; round < 60; round++) {
    const total = Math.floor(next() * (round < 30 ? 500 : 20_000)) + 10;
    const whole = await afterRuns([total]);
    const cuts: number[] = [];
    let left = total;
    while (left > 0) {
      const cut = Math.min(left, 1 + Math.floor(next() ** 3 * total));
      cuts.push(cut);
      left -= cut;
    }
    expect(await afterRuns(cuts)).toEqual(whole);
  }
});

test('single steps are the same as one long run', async () => {
  expect(await afterRuns(new Array(5000).fill(1))).toEqual(await afterRuns([5000]));
});

test('a run of many slices is exact', async () => {
  const total = 3_000_017;
  expect(await afterRuns([total])).toEqual(await afterRuns([1_234_567, total - 1_234_567]));
});

test('a context saved and loaded again between the cuts changes nothing', async () => {
  const rig = await Rig.make();
  endless(rig);
  for (let i = 0; i < 50; i++) {
    rig.run(97);
    const context = rig.context();
    rig.start(0);
    rig.hart.loadContext(context);
  }
  const data = rig.guest.page(rig.pfn(DATA), false).slice();
  expect([rig.context(), data, 97 * 50]).toEqual(await afterRuns([97 * 50]));
});

test('a budget of zero runs nothing; a trap leaves the rest of the budget', async () => {
  const rig = await Rig.make();
  rig.program([e('addi', { rd: 5, imm: 1 }), e('ecall')]);
  expect([rig.run(0), rig.hart.retired, rig.hart.pc]).toEqual([Trap.BudgetSpent, 0, CODE]);
  expect([rig.run(1), rig.hart.retired, rig.hart.pc]).toEqual([Trap.BudgetSpent, 1, CODE + 4]);
  expect([rig.run(1), rig.hart.retired, rig.hart.pc]).toEqual([Trap.EcallFromUser, 0, CODE + 4]);
});

test('instret counts the life of the context', async () => {
  const rig = await Rig.make();
  const read = e('csrrs', { rd: 5, csr: 0xc02 });
  rig.program([e('addi'), read, e('addi'), read, e('ecall')]);
  rig.run(2);
  expect(rig.hart.x(5)).toBe(1);
  rig.run();
  expect(rig.hart.x(5)).toBe(3);
});
