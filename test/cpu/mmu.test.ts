/** Memory: Sv39's corners, copy-on-write, forks, saved memories, quotas. */
import { describe, expect, test } from 'vitest';
import { Access, createMachine, Mode, PTE, Trap } from '../../src/cpu/index.ts';
import { encode as e } from '../../src/cpu/isa/encode.ts';
import { CODE, DATA, machine, Rig, USER_RW, USER_RWX, USER_RX } from './rig.ts';

const MEGA = 0x4000_0000;
const LOAD_STORE = [e('ld', { rd: 7, rs1: 5 }), e('sd', { rs1: 5, rs2: 6 }), e('ecall')];

/** Runs LOAD_STORE with x5 = `at`, x6 = `value`; answers what was loaded. */
function loadThenStore(rig: Rig, at: number, value: number): number {
  rig.start(CODE);
  rig.hart.setX(5, at);
  rig.hart.setX(6, value);
  expect(rig.run()).toBe(Trap.EcallFromUser);
  return rig.hart.x(7);
}

describe('Sv39', () => {
  test('superpages of 2 MiB and 1 GiB', async () => {
    const rig = await Rig.make();
    rig.program(LOAD_STORE);
    while (rig.guest.usedPages < 512) rig.guest.allocPage();
    const first = rig.guest.allocPage();
    expect(first).toBe(512);
    for (let i = 1; i < 1024; i++) rig.guest.allocPage();
    rig.map(MEGA, 512, USER_RW, 1);
    loadThenStore(rig, MEGA + 5 * 4096 + 8, 77);
    expect(rig.guest.page(517, false)[8]).toBe(77);
    rig.map(2 ** 37, 0, USER_RW, 2);
    loadThenStore(rig, 2 ** 37 + 517 * 4096 + 16, 99);
    expect(rig.guest.page(517, false)[16]).toBe(99);
    expect(rig.guest.load32(rig.entry(MEGA, 1)) & (PTE.A | PTE.D)).toBe(PTE.A | PTE.D);
  });

  test('a misaligned superpage faults', async () => {
    const rig = await Rig.make();
    rig.program(LOAD_STORE);
    rig.map(MEGA, 3, USER_RW, 1);
    rig.hart.setX(5, MEGA);
    expect([rig.run(), rig.hart.tval]).toEqual([Trap.LoadPageFault, MEGA]);
  });

  test.each([
    ['W without R', PTE.W | PTE.U],
    ['a pointer at the last level', 0],
    ['X only', PTE.X | PTE.U],
  ])('an entry with %s does not load', async (_name, flags) => {
    const rig = await Rig.make();
    rig.program(LOAD_STORE);
    rig.map(MEGA, rig.guest.allocPage(), flags);
    rig.hart.setX(5, MEGA);
    expect([rig.run(), rig.hart.tval]).toEqual([Trap.LoadPageFault, MEGA]);
  });

  test('reserved high bits of an entry fault', async () => {
    const rig = await Rig.make();
    rig.program(LOAD_STORE);
    rig.guest.store32(rig.entry(DATA) + 4, 1 << 30);
    rig.hart.setX(5, DATA);
    expect(rig.run()).toBe(Trap.LoadPageFault);
  });

  test('A is set by a load and a fetch, D by a store', async () => {
    const rig = await Rig.make();
    rig.program(LOAD_STORE);
    const bits = (va: number) => rig.guest.load32(rig.entry(va)) & (PTE.A | PTE.D);
    rig.hart.setX(5, DATA);
    rig.run(1);
    expect([bits(CODE), bits(DATA)]).toEqual([PTE.A, PTE.A]);
    rig.run(1);
    expect([bits(CODE), bits(DATA)]).toEqual([PTE.A, PTE.A | PTE.D]);
  });

  test('a changed mapping holds after flushTlbPage and flushTlb', async () => {
    const rig = await Rig.make();
    rig.program(LOAD_STORE);
    loadThenStore(rig, DATA, 11);
    rig.map(DATA, rig.guest.allocPage(), USER_RW);
    rig.hart.flushTlbPage(DATA);
    expect(loadThenStore(rig, DATA, 12)).toBe(0);
    rig.map(DATA, rig.pfn(DATA), USER_RX);
    rig.hart.flushTlb();
    rig.start(CODE);
    rig.hart.setX(5, DATA);
    expect([rig.run(), rig.hart.retired]).toEqual([Trap.StorePageFault, 1]);
  });

  test('two pages that share a TLB place', async () => {
    const rig = await Rig.make();
    const [a, b] = [DATA + 2 ** 22, DATA + 2 ** 23];
    rig.program(LOAD_STORE);
    rig.page(a, USER_RW);
    rig.page(b, USER_RW);
    for (let i = 1; i < 4; i++) {
      expect(loadThenStore(rig, a, i)).toBe(i - 1);
      expect(loadThenStore(rig, b, 10 * i)).toBe(10 * (i - 1));
    }
  });
});

describe('translate', () => {
  test('follows the rights of user code, or of the supervisor with SUM', async () => {
    const rig = await Rig.make();
    rig.program(LOAD_STORE);
    rig.page(-4096, PTE.R | PTE.W);
    const { hart } = rig;
    const at = hart.translate(DATA + 5, Access.Write);
    rig.machine.bytes()[at] = 42;
    expect(rig.guest.page(rig.pfn(DATA), false)[5]).toBe(42);
    expect(hart.translate(DATA, Access.Execute)).toBe(-1);
    expect(hart.translate(CODE, Access.Execute)).toBeGreaterThan(0);
    expect(hart.translate(-4096, Access.Read)).toBe(-1);
    expect(hart.translateSupervisor(-4096, Access.Write)).toBeGreaterThan(0);
    expect(hart.translateSupervisor(DATA, Access.Write)).toBe(at - 5);
    expect(hart.translate(0, Access.Read)).toBe(-1);
    expect(hart.translate(2 ** 45, Access.Read)).toBe(-1);
    expect(hart.translate(-1e300, Access.Read)).toBe(-1);
    expect(hart.translate(Number.NaN, Access.Read)).toBe(-1);
    expect(rig.run(0)).toBe(Trap.BudgetSpent);
  });
});

describe('copy-on-write', () => {
  test('an adopted page is shared until it is written, by the guest or by the kernel', async () => {
    const rig = await Rig.make();
    rig.program(LOAD_STORE);
    const frame = rig.machine.sharedFrame('cow:1', (page) => page.fill(7, 0, 6));
    expect(rig.machine.sharedFrame('cow:1', () => expect.fail('filled twice'))).toBe(frame);
    const [a, b] = [rig.guest.adoptPage(frame), rig.guest.adoptPage(frame)];
    const before = rig.guest.privatePages();
    rig.map(DATA, a, USER_RW);
    rig.map(DATA + 4096, b, USER_RW);
    expect(loadThenStore(rig, DATA, 1)).toBe(0x0707 * 2 ** 32 + 0x07070707);
    expect(loadThenStore(rig, DATA, 2)).toBe(1);
    expect(rig.guest.privatePages()).toBe(before + 1);
    rig.guest.page(b, true)[0] = 9;
    expect(loadThenStore(rig, DATA + 4096, 3)).toBe(0x0707 * 2 ** 32 + 0x07070709);
    expect(rig.machine.bytes()[frame * 4096]).toBe(7);
  });

  test('a cloned page and its origin part when either is written', async () => {
    const rig = await Rig.make();
    rig.program(LOAD_STORE);
    loadThenStore(rig, DATA, 5);
    const twin = rig.guest.clonePage(rig.pfn(DATA));
    rig.map(DATA + 4096, twin, USER_RW);
    expect(loadThenStore(rig, DATA, 6)).toBe(5);
    expect(loadThenStore(rig, DATA + 4096, 7)).toBe(5);
    expect(loadThenStore(rig, DATA, 0)).toBe(6);
    expect(loadThenStore(rig, DATA + 4096, 0)).toBe(7);
  });

  test('code that rewrites its own shared page sees the change, the other guest does not', async () => {
    const rig = await Rig.make();
    rig.program([e('sw', { rs1: 5, rs2: 6 }), e('addi', { rd: 7, imm: 1 }), e('ecall')]);
    const twin = new Rig(rig.machine, rig.guest.fork(), rig.root);
    for (const [who, expected] of [
      [rig, 2],
      [twin, 1],
    ] as const) {
      who.start(CODE + (who === twin ? 4 : 0));
      who.hart.setX(5, CODE + 4);
      who.hart.setX(6, e('addi', { rd: 7, imm: 2 }));
      expect(who.run()).toBe(Trap.EcallFromUser);
      expect(who.hart.x(7)).toBe(expected);
    }
    twin.guest.destroy();
  });

  test('a fork is a copy in both directions and gives every frame back', async () => {
    const rig = await Rig.make();
    rig.program(LOAD_STORE);
    loadThenStore(rig, DATA, 1);
    const used = rig.machine.stats().framesUsed;
    const twin = new Rig(rig.machine, rig.guest.fork(), rig.root);
    expect(loadThenStore(twin, DATA, 2)).toBe(1);
    expect(loadThenStore(rig, DATA, 3)).toBe(1);
    expect(loadThenStore(twin, DATA, 4)).toBe(2);
    expect(twin.guest.usedPages).toBe(rig.guest.usedPages);
    expect(twin.guest.allocPage()).toBe(rig.guest.allocPage());
    twin.guest.destroy();
    expect(rig.machine.stats().framesUsed).toBe(used + 1);
    expect(loadThenStore(rig, DATA, 5)).toBe(3);
  });

  test('page tables are marked in the forked guest, not in its origin', async () => {
    const rig = await Rig.make();
    rig.program(LOAD_STORE);
    const twin = new Rig(rig.machine, rig.guest.fork(), rig.root);
    loadThenStore(twin, DATA, 2);
    expect(rig.guest.load32(rig.entry(DATA)) & PTE.D).toBe(0);
    expect(twin.guest.load32(twin.entry(DATA)) & PTE.D).toBe(PTE.D);
    twin.guest.destroy();
  });
});

describe('saved memories', () => {
  test('a restored guest is the saved one, numbers of future pages included', async () => {
    const rig = await Rig.make();
    rig.program(LOAD_STORE);
    loadThenStore(rig, DATA, 1234);
    const key = 'save:1';
    const shared = rig.guest.adoptPage(rig.machine.sharedFrame(key, (page) => page.fill(3)));
    const [a, b] = [rig.guest.allocPage(), rig.guest.allocPage()];
    rig.guest.freePage(a);
    rig.guest.freePage(b);
    const saved = structuredClone(rig.guest.save());
    expect(saved.sharedKeys).toEqual([key]);
    const other = await createMachine({ maxFrames: 16384 });
    const guest = other.restoreGuest(saved, (name) => other.sharedFrame(name, (page) => page.fill(3)));
    const twin = new Rig(other, guest, rig.root);
    expect(loadThenStore(twin, DATA, 5)).toBe(1234);
    expect(guest.page(shared, false)[100]).toBe(3);
    expect(guest.usedPages).toBe(rig.guest.usedPages);
    expect([guest.allocPage(), guest.allocPage()]).toEqual([b, a]);
    expect(guest.allocPage()).toBe(b + 1);
    expect(rig.guest.save()).toEqual(saved);
  });

  test('what is not a saved memory is refused', async () => {
    const rig = await Rig.make();
    const good = rig.guest.save();
    const refuse = (change: object) =>
      expect(() => rig.machine.restoreGuest({ ...good, ...change }, () => -1)).toThrow(RangeError);
    refuse({ nextFresh: 5 });
    refuse({ nextFresh: -1 });
    refuse({ privatePfns: [7] });
    refuse({ privateBytes: new Uint8Array(5) });
    refuse({ sharedPfns: [0], sharedKeys: [] });
    refuse({ free: [0] });
    refuse({ maxPages: 2 ** 30, nextFresh: 2 ** 29 });
  });
});

describe('quotas', () => {
  test('a guest gets no more than its pages', async () => {
    const guest = (await machine()).createGuest(3);
    expect([guest.allocPage(), guest.allocPage(), guest.allocPage(), guest.allocPage()]).toEqual([
      0, 1, 2, -1,
    ]);
    expect(guest.clonePage(0)).toBe(-1);
    guest.freePage(1);
    expect([guest.usedPages, guest.allocPage(), guest.allocPage()]).toEqual([2, 1, -1]);
    guest.destroy();
  });

  test('a full worker answers -1, and a copy that finds no frame is a store access fault', async () => {
    const small = await createMachine({ maxFrames: 2048 });
    const rig = new Rig(small, small.createGuest(1_000_000));
    rig.program(LOAD_STORE);
    const window = DATA + 0x100000;
    for (let i = 0; i < 600; i++) rig.map(window + i * 4096, 0, USER_RW);
    const pages: number[] = [];
    for (let pfn = rig.guest.allocPage(); pfn >= 0; pfn = rig.guest.allocPage()) pages.push(pfn);
    expect(pages.length).toBeGreaterThan(1000);
    expect(rig.guest.clonePage(pages[0])).toBe(-1);
    expect(small.sharedFrame('none', () => expect.fail('no frame to fill'))).toBe(-1);
    for (const pfn of pages.splice(0, 4)) rig.guest.freePage(pfn);
    const twin = new Rig(small, rig.guest.fork(), rig.root);
    twin.start(CODE);
    let faults = 0;
    for (let i = 0; i < 600 && faults === 0; i++) {
      const va = window + i * 4096;
      rig.map(va, pages[i], USER_RW);
      rig.start(CODE + 4);
      rig.hart.setX(5, va);
      if (rig.run() === Trap.StoreAccess) {
        faults++;
        expect([rig.hart.tval, rig.hart.pc]).toEqual([va, CODE + 4]);
      }
    }
    expect(faults).toBe(1);
    twin.guest.destroy();
    expect(rig.run()).toBe(Trap.EcallFromUser);
    rig.guest.destroy();
    expect(small.stats().framesUsed).toBeLessThan(600);
  });

  test('shared frames nobody shows are dropped', async () => {
    const small = await createMachine({ maxFrames: 8192 });
    const guest = small.createGuest(100);
    const pfn = guest.adoptPage(small.sharedFrame('kept', () => {}));
    small.sharedFrame('dropped', () => {});
    expect(small.dropShared()).toBe(1);
    guest.freePage(pfn);
    expect(small.dropShared()).toBe(1);
    expect(small.stats().sharedFrames).toBe(0);
  });
});

test('supervisor and user contexts take turns over one address space', async () => {
  const rig = await Rig.make();
  rig.program(LOAD_STORE);
  rig.page(-8192, PTE.R | PTE.X);
  rig.write(-8192, LOAD_STORE);
  for (let i = 0; i < 3; i++) {
    expect(loadThenStore(rig, DATA, i)).toBe(Math.max(0, i - 1));
    rig.start(-8192, { mode: Mode.Supervisor });
    rig.hart.setX(5, DATA);
    expect(rig.run()).toBe(Trap.LoadPageFault);
  }
  rig.map(CODE, rig.pfn(CODE), USER_RWX);
});
