/** The hart at work: registers, self-modifying code, instructions across pages, LR/SC, and garbage as code. */
import { describe, expect, test } from 'vitest';
import { CONTEXT, createMachine, Trap } from '../../src/cpu/index.ts';
import { encodeCompressed as c, encode as e, loadConstant } from '../../src/cpu/isa/encode.ts';
import { CODE, DATA, Rig, USER_RW, USER_RWX } from './rig.ts';

async function run(instructions: number[], set: Record<number, number> = {}): Promise<Rig> {
  const rig = await Rig.make();
  rig.program([...instructions, e('ecall')]);
  for (const [register, value] of Object.entries(set)) rig.hart.setX(Number(register), value);
  expect(rig.run()).toBe(Trap.EcallFromUser);
  return rig;
}

describe('registers', () => {
  test('x0 stays zero whatever writes it', async () => {
    const rig = await run(
      [
        e('addi', { rd: 0, rs1: 5, imm: 7 }),
        e('ld', { rd: 0, rs1: 5 }),
        e('amoadd.w', { rd: 0, rs1: 5, rs2: 5 }),
        e('jalr', { rd: 0, rs1: 6, imm: 16 }),
        e('csrrs', { rd: 0, csr: 0xc00 }),
        e('feq.d', { rd: 0, fs1: 0, fs2: 0 }),
        e('add', { rd: 10, rs1: 0, rs2: 0 }),
      ],
      { 5: DATA, 6: CODE },
    );
    expect([rig.hart.x(0), rig.hart.x(10)]).toEqual([0, 0]);
  });

  test('numbers and bigints see the same bits', async () => {
    const rig = await Rig.make();
    const { hart } = rig;
    for (const value of [0, 1, -1, 2 ** 31, -(2 ** 31), 2 ** 53 - 1, -(2 ** 53) + 1, -4096]) {
      hart.setX(9, value);
      expect([hart.x(9), hart.xBig(9)]).toEqual([value, BigInt(value)]);
    }
    hart.setXBig(9, 2n ** 63n - 1n);
    expect(hart.xBig(9)).toBe(2n ** 63n - 1n);
    hart.setX(0, 5);
    hart.setXBig(0, 5n);
    expect(hart.x(0)).toBe(0);
    hart.pc = -0x7ff00000;
    expect(hart.pc).toBe(-0x7ff00000);
  });

  test('a context is laid out as the contract says', async () => {
    const rig = await run(
      [e('csrrwi', { csr: 2, zimm: 3 }), e('csrrsi', { csr: 1, zimm: 17 }), e('fmv.d.x', { fd: 4, rs1: 5 })],
      { 5: -2 },
    );
    const view = new DataView(rig.context().buffer);
    expect(view.getBigInt64(CONTEXT.x + 5 * 8, true)).toBe(-2n);
    expect(Number(view.getBigInt64(CONTEXT.pc, true))).toBe(CODE + 12);
    expect(view.getBigInt64(CONTEXT.f + 4 * 8, true)).toBe(-2n);
    expect(view.getUint32(CONTEXT.fcsr, true)).toBe((3 << 5) | 17);
    expect(view.getUint32(CONTEXT.flags, true)).toBe(0);
    const copy = rig.context();
    rig.hart.loadContext(copy);
    expect(rig.context()).toEqual(copy);
  });

  test('jalr with rd = rs1 jumps to the old value', async () => {
    const rig = await run([e('jalr', { rd: 5, rs1: 5, imm: 9 }), e('ebreak'), e('addi', { rd: 6, imm: 1 })], {
      5: CODE,
    });
    expect([rig.hart.x(5), rig.hart.x(6)]).toEqual([CODE + 4, 1]);
  });

  test.each([
    0n,
    1n,
    -1n,
    0x7fffffffn,
    0x80000000n,
    -0x80000001n,
    0x123456789abcdef0n,
    -(2n ** 63n),
  ])('loadConstant %s', async (value) => {
    expect((await run(loadConstant(9, value))).hart.xBig(9)).toBe(value);
  });
});

describe('decoded code follows memory', () => {
  const one = e('addi', { rd: 10, imm: 1 });
  const two = e('addi', { rd: 10, imm: 2 });

  test('a store to code that already ran', async () => {
    const body = [
      one,
      e('add', { rd: 11, rs1: 11, rs2: 10 }),
      e('sw', { rs1: 5, rs2: 6 }),
      e('addi', { rd: 7, rs1: 7, imm: -1 }),
    ];
    const rig = await run([...body, e('bne', { rs1: 7, rs2: 0, imm: -16 })], { 5: CODE, 6: two, 7: 4 });
    expect(rig.hart.x(11)).toBe(1 + 2 * 3);
  });

  test('a store to the very next instruction, with and without fence.i', async () => {
    for (const between of [[], [e('fence.i')]]) {
      const at = CODE + 4 + between.length * 4;
      const rig = await run([e('sw', { rs1: 5, rs2: 6 }), ...between, one], { 5: at, 6: two });
      expect(rig.hart.x(10)).toBe(2);
    }
  });

  test('a store through another mapping of the page', async () => {
    const rig = await Rig.make();
    rig.program([
      one,
      e('sw', { rs1: 5, rs2: 6 }),
      e('fence.i'),
      e('beq', { rs1: 10, rs2: 7, imm: -12 }),
      e('ecall'),
    ]);
    rig.map(0x50000, rig.pfn(CODE), USER_RW);
    rig.hart.setX(5, 0x50000);
    rig.hart.setX(6, two);
    rig.hart.setX(7, 1);
    rig.run();
    expect(rig.hart.x(10)).toBe(2);
  });

  test('the kernel writes into a page that ran', async () => {
    const rig = await run([one]);
    rig.write(CODE, [two]);
    rig.start(CODE);
    rig.run();
    expect(rig.hart.x(10)).toBe(2);
    const at = rig.hart.translate(CODE, 1);
    rig.machine.bytes().set([0x13, 0x05, 0x30, 0x00], at);
    rig.start(CODE);
    rig.run();
    expect(rig.hart.x(10)).toBe(3);
  });

  test('code and data in one page: stores stay right and code too', async () => {
    const rig = await run(
      [
        e('sw', { rs1: 5, rs2: 7 }),
        e('lw', { rd: 8, rs1: 5 }),
        e('add', { rd: 9, rs1: 9, rs2: 8 }),
        e('addi', { rd: 7, rs1: 7, imm: -1 }),
        e('bne', { rs1: 7, rs2: 0, imm: -16 }),
      ],
      { 5: CODE + 2048, 7: 1000 },
    );
    expect(rig.hart.x(9)).toBe(500500);
  });

  test('a page that was code becomes data, then code again', async () => {
    const rig = await Rig.make();
    rig.program([
      e('sw', { rs1: 5, rs2: 6 }),
      e('sw', { rs1: 5, rs2: 6, imm: 4 }),
      e('sw', { rs1: 5, rs2: 6, imm: 8 }),
      e('jalr', { rd: 1, rs1: 5 }),
    ]);
    rig.page(DATA, USER_RWX);
    for (let imm = 1; imm < 5; imm++) {
      rig.write(DATA + 12, [e('ecall')]);
      rig.start(CODE);
      rig.hart.setX(5, DATA);
      rig.hart.setX(6, e('addi', { rd: 10, rs1: 10, imm }));
      expect(rig.run()).toBe(Trap.EcallFromUser);
      expect(rig.hart.x(10)).toBe(3 * imm);
    }
  });

  test('a frame that is freed and used again forgets its code', async () => {
    const rig = await Rig.make();
    rig.program([one, e('ecall')]);
    rig.run();
    rig.guest.freePage(rig.pfn(CODE));
    rig.page(CODE, USER_RWX);
    rig.write(CODE, [two, e('ecall')]);
    rig.hart.flushTlb();
    rig.start(CODE);
    rig.run();
    expect(rig.hart.x(10)).toBe(2);
  });
});

describe('instructions across two pages', () => {
  test('every way of leaving one: fall through, branch, jump, trap', async () => {
    const rig = await Rig.make();
    rig.page(CODE, USER_RWX);
    rig.page(CODE + 4096, USER_RWX);
    rig.page(DATA, USER_RW);
    const at = CODE + 4094;
    const cases: [number, number, number][] = [
      [e('addi', { rd: 10, rs1: 10, imm: 5 }), CODE + 4098, Trap.EcallFromUser],
      [e('beq', { imm: -94 }), CODE + 4000, Trap.EcallFromUser],
      [e('jal', { rd: 1, imm: 20 }), CODE + 4114, Trap.EcallFromUser],
      [e('lw', { rd: 1, rs1: 0 }), at, Trap.LoadPageFault],
      [0xffffffff, at, Trap.IllegalInstruction],
      [e('ecall'), at, Trap.EcallFromUser],
    ];
    rig.write(CODE + 4000, [e('ecall')]);
    for (const [bits, pc, cause] of cases) {
      rig.write(CODE + 4098, [e('ecall'), e('ecall'), e('ecall'), e('ecall'), e('ecall')]);
      rig.write(CODE + 4092, [0x0001]);
      rig.bytes(at, Uint8Array.of(bits & 255, (bits >>> 8) & 255, (bits >>> 16) & 255, bits >>> 24));
      rig.start(CODE + 4092);
      expect([rig.run(), rig.hart.pc]).toEqual([cause, pc]);
      if (cause === Trap.IllegalInstruction) expect(rig.hart.tval).toBe(bits);
    }
  });

  test('the second half is read anew: another page there, another instruction', async () => {
    const rig = await Rig.make();
    rig.page(CODE, USER_RWX);
    rig.page(CODE + 4096, USER_RWX);
    const at = CODE + 4094;
    for (const imm of [1, 2]) {
      rig.map(CODE + 4096, rig.guest.allocPage(), USER_RWX);
      rig.write(at, [e('addi', { rd: 10, imm }), e('ecall')]);
      rig.hart.flushTlb();
      rig.start(at);
      rig.run();
      expect(rig.hart.x(10)).toBe(imm);
    }
  });
});

describe('LR and SC', () => {
  const lr = e('lr.d', { rd: 10, rs1: 5 });
  const sc = e('sc.d', { rd: 11, rs1: 5, rs2: 6 });
  test('a pair succeeds once', async () => {
    const rig = await run([lr, sc, e('sc.d', { rd: 12, rs1: 5, rs2: 6 }), e('ld', { rd: 13, rs1: 5 })], {
      5: DATA,
      6: 99,
    });
    expect([rig.hart.x(11), rig.hart.x(12), rig.hart.x(13)]).toEqual([0, 1, 99]);
  });
  test('another address, another value in between, or a loaded context break it', async () => {
    const moved = await run([lr, e('addi', { rd: 5, rs1: 5, imm: 8 }), sc], { 5: DATA });
    expect(moved.hart.x(11)).toBe(1);
    const changed = await run([lr, e('sd', { rs1: 5, rs2: 5 }), sc], { 5: DATA });
    expect(changed.hart.x(11)).toBe(1);
    const rig = await Rig.make();
    rig.program([lr, sc, e('ecall')]);
    rig.hart.setX(5, DATA);
    rig.run(1);
    rig.hart.loadContext(rig.context());
    rig.run();
    expect(rig.hart.x(11)).toBe(1);
  });
});

describe('hostile programs', () => {
  test('random bytes as code end in a trap or a spent budget and touch nothing else', async () => {
    const rounds = process.env.OOPSBOX_TEST_ALL ? 20_000 : 1500;
    const rig = await Rig.make();
    const canary = rig.machine.createGuest(4);
    canary.page(canary.allocPage(), true).fill(0xa5);
    rig.page(CODE, USER_RWX);
    rig.page(CODE + 4096, USER_RWX);
    rig.page(DATA, USER_RW);
    let state = 0x9e3779b9;
    const next = () => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return state >>> 0;
    };
    const known = new Set<number>(Object.values(Trap));
    for (let round = 0; round < rounds; round++) {
      const page = rig.guest.page(rig.pfn(CODE), true);
      const words = new Uint32Array(page.buffer, page.byteOffset, 1024);
      for (let i = 0; i < 1024; i++)
        words[i] =
          round % 2
            ? next()
            : (next() & ~0x7f) | [0x33, 0x13, 0x03, 0x23, 0x63, 0x2f, 0x53, 0x67][next() & 7];
      rig.start(CODE + (next() & 0xffe));
      for (let i = 1; i < 32; i++)
        rig.hart.setX(i, [CODE, DATA, -4096, 0, 2 ** 38 - 8][next() % 5] + (next() & 0xfff));
      const cause = rig.run(5000);
      expect(known.has(cause)).toBe(true);
      expect(rig.hart.retired).toBeLessThanOrEqual(5000);
    }
    expect(canary.page(0, false).every((byte) => byte === 0xa5)).toBe(true);
    canary.destroy();
  });

  test('code in more pages than the decode cache holds still runs', async () => {
    const small = await createMachine({ maxFrames: 4096 });
    const rig = new Rig(small, small.createGuest(3000));
    const first = 0x100000;
    const pages = 600;
    for (let i = 0; i < pages; i++) {
      const at = first + i * 4096;
      rig.page(at, USER_RWX);
      const onward = i === pages - 1 ? e('jalr', { rd: 0, rs1: 6 }) : e('jal', { rd: 0, imm: 4092 });
      rig.write(at, [e('addi', { rd: 5, rs1: 5, imm: 1 }), onward]);
    }
    rig.start(first);
    rig.hart.setX(6, first);
    expect(rig.run(pages * 2 * 5)).toBe(Trap.BudgetSpent);
    expect(rig.hart.x(5)).toBe(pages * 5);
    expect(small.stats().decodedPages).toBeLessThanOrEqual(256);
  });
});

test('compressed forms do what they stand for', async () => {
  const rig = await run(
    [
      c('c.li', { rd: 8, imm: -3 }),
      c('c.addi', { rd: 8, imm: 10 }),
      c('c.slli', { rd: 8, imm: 4 }),
      c('c.sd', { rs1: 9, rs2: 8, imm: 8 }),
      c('c.ld', { rd: 10, rs1: 9, imm: 8 }),
      c('c.addiw', { rd: 10, imm: -1 }),
      c('c.lui', { rd: 11, imm: -4096 }),
      c('c.srai', { rd: 11, imm: 12 }),
      c('c.beqz', { rs1: 8, imm: 4 }),
      c('c.j', { imm: 4 }),
      c('c.ebreak'),
    ],
    { 9: DATA },
  );
  expect([rig.hart.x(8), rig.hart.x(10), rig.hart.x(11)]).toEqual([112, 111, -1]);
});
