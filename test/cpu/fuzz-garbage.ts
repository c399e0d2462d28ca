/**
 * Hostile guests: random bytes as code, random registers, random page tables.
 *
 * What must hold in every run, and what is checked: `run` answers a known trap and never throws; it retires no more
 * than its budget; no byte of a bystander guest, whose frames lie between the attacker's, is written; no byte of the
 * attacker's own read-only and kernel-only pages is; and the secret that fills the bystander and the kernel-only pages
 * never shows up in a register of a program in user mode.
 */
import { extract, INSTRUCTIONS, insert, operandsOf } from '../../src/cpu/isa/index.ts';
import { CONTEXT, type GuestMemory, type Machine, type Pfn, PTE, Trap } from '../../src/cpu/machine.ts';
import { AddressSpace } from './fuzz-hart.ts';
import { integerValue, Random } from './fuzz-random.ts';

const CODE = 0x10000;
const CODE_PAGES = 4;
const DATA = 0x40000;
/** The last of the data pages shows a frame that the bystander shows, too. */
const DATA_PAGES = 4;
const READ_ONLY = 0x50000;
const KERNEL_ONLY = 0x60000;
const BYSTANDER_PAGES = 24;
const MAX_PAGES = 64;
const SECRET = 0x5ec4e7c0ffee1234n;
/** Fills the page that user mode may read and not write. */
const PUBLIC = 0x7075626c69632121n;
const KNOWN_TRAPS: ReadonlySet<number> = new Set(Object.values(Trap));
const PROGRAMS_PER_CODE = 8;
const RUNS_PER_PROGRAM = 40;
/** With this share of rounds the attacker's page table gets random entries, too. */
const WILD_TABLE_ONE_IN = 8;

interface Arena {
  space: AddressSpace;
  code: Pfn[];
  /** The bystander's page that shows the shared frame. */
  shared: Pfn;
  readOnly: Pfn;
  kernelOnly: Pfn[];
  /** Runs in supervisor mode: may then move secrets about, so registers tell nothing. */
  supervisor: boolean;
  wild: boolean;
}

/** What {@link attack} did. */
export interface Attack {
  runs: number;
  instructions: number;
  traps: Map<number, number>;
}

function fill(page: Uint8Array, word: bigint): void {
  new BigUint64Array(page.buffer, page.byteOffset, page.length / 8).fill(word);
}

function isFilled(page: Uint8Array, word: bigint): boolean {
  return new BigUint64Array(page.buffer, page.byteOffset, page.length / 8).every((found) => found === word);
}

/** The attacker's memory, its frames taken in turn with the bystander's. */
function arena(m: Machine, bystander: GuestMemory): Arena {
  const space = new AddressSpace(m, MAX_PAGES);
  const map = (va: number, bits: number, content = 0n): Pfn => {
    const page = space.map(va, bits);
    fill(space.guest.page(page, true), content);
    const neighbour = bystander.allocPage();
    if (neighbour >= 0) fill(bystander.page(neighbour, true), SECRET);
    return page;
  };
  const code: Pfn[] = [];
  for (let i = 0; i < CODE_PAGES; i++) {
    code.push(map(CODE + 4096 * i, PTE.U | PTE.R | PTE.X | (i === 1 ? PTE.W : 0)));
  }
  for (let i = 0; i < DATA_PAGES - 1; i++) map(DATA + 4096 * i, PTE.U | PTE.R | PTE.W);
  const frame = m.sharedFrame('fuzz: the bystander shows this, too', (page) => fill(page, SECRET ^ PUBLIC));
  space.map(DATA + 4096 * (DATA_PAGES - 1), PTE.U | PTE.R | PTE.W, space.guest.adoptPage(frame));
  const shared = bystander.adoptPage(frame);
  const readOnly = map(READ_ONLY, PTE.U | PTE.R, PUBLIC);
  const kernelOnly = [
    map(KERNEL_ONLY, PTE.R | PTE.W, SECRET),
    map(KERNEL_ONLY + 4096, PTE.R | PTE.X, SECRET),
  ];
  return { space, code, shared, readOnly, kernelOnly, supervisor: false, wild: false };
}

/** Fills a page with random words, words that decode, a mixture, or words that run on for a while. */
function fillCode(random: Random, page: Uint8Array): void {
  const view = new DataView(page.buffer, page.byteOffset, page.length);
  const style = random.below(5);
  for (let at = 0; at < 4096; at += 4) {
    if (style === 0 || (style === 2 && random.oneIn(4))) view.setUint32(at, random.u32(), true);
    else view.setUint32(at, style <= 2 ? anyInstruction(random) : tameInstruction(random), true);
  }
}

function anyInstruction(random: Random): number {
  const { match, mask } = random.pick(INSTRUCTIONS);
  return (match | (random.u32() & ~mask)) >>> 0;
}

/** An instruction that seldom traps: jumps are short, addresses come from x8..x15, which it leaves alone. */
function tameInstruction(random: Random): number {
  const instruction = random.pick(INSTRUCTIONS);
  if (instruction.format === 'none' || instruction.name === 'jalr') return anyInstruction(random);
  let bits = instruction.match;
  for (const [name, field] of operandsOf(instruction)) {
    let value = extract(field, random.u32());
    if (name === 'rd' && value >> 3 === 1) value += 8;
    if (name === 'rs1' && field.kind === 'x') value = 8 + (value & 7);
    if (name === 'imm' && field.runs.length > 2) value = (value % 256) & ~1;
    if (field.kind === 'csr') value = 1 + (value % 3);
    if (field.kind === 'rm') value = random.pick([0, 1, 2, 3, 4, 7]);
    bits |= insert(field, value);
  }
  return bits >>> 0;
}

/** Random entries in the attacker's tables, as supervisor code with a mapped table could write them. */
function wildTable(random: Random, { space }: Arena): void {
  const root = space.guest.page(space.root, true);
  const view = new DataView(root.buffer, root.byteOffset, 4096);
  for (let i = 0; i < 6; i++) {
    const pfn = random.oneIn(2)
      ? BigInt(random.below(2 * MAX_PAGES))
      : random.u64() >> BigInt(20 + random.below(44));
    const bits = BigInt(random.below(256)) | 1n;
    view.setBigUint64(
      8 * random.pick([1, 2, 3, 256, 511, random.below(512)]),
      BigInt.asUintN(64, (pfn << 10n) | bits),
      true,
    );
  }
}

/** A register: an address near a border of the arena or of the address space, or any number. */
function registerValue(random: Random): bigint {
  const borders = [0, CODE, CODE + 4096 * CODE_PAGES, DATA, DATA + 4096 * DATA_PAGES, READ_ONLY, KERNEL_ONLY,
    0x40000000, 0x80000000, 0x4000000000, -0x4000000000, -1]; // biome-ignore format: a list
  const choice = random.below(8);
  if (choice === 0) return integerValue(random, 0n);
  if (choice < 5) return BigInt(DATA + random.below(4096 * DATA_PAGES));
  const near = random.pick(borders) + random.below(4096) - 1024 * random.below(4);
  return BigInt.asUintN(64, BigInt(near));
}

function randomContext(random: Random, context: Uint8Array, supervisor: boolean): void {
  const view = new DataView(context.buffer, context.byteOffset, context.length);
  for (let i = 1; i < 32; i++) view.setBigUint64(CONTEXT.x + 8 * i, registerValue(random), true);
  for (let i = 0; i < 32; i++) view.setBigUint64(CONTEXT.f + 8 * i, random.u64(), true);
  const pc = random.below(12) === 0 ? registerValue(random) : BigInt(codeAddress(random));
  view.setBigUint64(CONTEXT.pc, pc, true);
  view.setUint32(CONTEXT.fcsr, random.below(256), true);
  view.setUint32(CONTEXT.flags, supervisor ? 1 | (random.below(2) << 1) : 0, true);
}

/** Attacks until `runs` runs are done or `until` (a Date.now() value) has come. Throws an Error that says what broke. */
export function attack(m: Machine, seed: number, runs: number, until = Infinity): Attack {
  const random = new Random(seed);
  const done: Attack = { runs: 0, instructions: 0, traps: new Map() };
  const context = new Uint8Array(CONTEXT.size);
  while (done.runs < runs && Date.now() < until) {
    const bystander = m.createGuest(BYSTANDER_PAGES);
    const place = arena(m, bystander);
    const where = `garbage seed ${seed}, run ${done.runs}`;
    try {
      place.wild = random.oneIn(WILD_TABLE_ONE_IN);
      place.supervisor = random.oneIn(4);
      if (place.wild) wildTable(random, place);
      for (const page of place.code) fillCode(random, place.space.guest.page(page, true));
      for (let i = 0; i < PROGRAMS_PER_CODE; i++) runProgram(m, random, place, context, done);
      for (let i = 0; i < bystander.usedPages; i++) {
        const word = i === place.shared ? SECRET ^ PUBLIC : SECRET;
        if (!isFilled(bystander.page(i, false), word))
          throw new Error(`${where}: page ${i} of a bystander was written`);
      }
      if (!place.wild && !isFilled(place.space.guest.page(place.readOnly, false), PUBLIC)) {
        throw new Error(`${where}: a read-only page was written`);
      }
    } finally {
      place.space.guest.destroy();
      bystander.destroy();
    }
  }
  return done;
}

/** One program: random registers, then run after run, going on behind each trap with a few registers made new. */
function runProgram(m: Machine, random: Random, place: Arena, context: Uint8Array, done: Attack): void {
  const { hart } = m;
  const where = `garbage run ${done.runs}`;
  randomContext(random, context, place.supervisor);
  hart.loadContext(context);
  hart.setAddressSpace(place.space.guest, place.space.root);
  hart.flushTlb();
  for (let i = 0; i < RUNS_PER_PROGRAM; i++) {
    const budget = 1 + random.below(random.pick([4, 60, 600]));
    const trap = hart.run(budget);
    const { retired } = hart;
    if (!KNOWN_TRAPS.has(trap)) throw new Error(`${where}: run answered ${trap}`);
    if (!(retired >= 0 && retired <= budget)) throw new Error(`${where}: retired ${retired} of ${budget}`);
    if (trap === Trap.BudgetSpent && retired !== budget)
      throw new Error(`${where}: stopped short of its budget`);
    done.runs++;
    done.instructions += retired;
    done.traps.set(trap, (done.traps.get(trap) ?? 0) + 1);
    if (trap !== Trap.BudgetSpent) {
      const next = hart.pc + random.pick([2, 4]);
      hart.pc = inCode(next) && !random.oneIn(8) ? next : codeAddress(random);
    } else if (random.oneIn(4)) {
      hart.pc = codeAddress(random);
    }
    for (let j = 0; j < 4; j++) hart.setXBig(1 + random.below(31), registerValue(random));
    for (let j = 0; j < 4; j++)
      hart.setX(8 + random.below(8), (DATA + 1024 + random.below(4096 * DATA_PAGES - 2048)) & ~7);
  }
  hart.saveContext(context);
  if (!place.supervisor && !place.wild) checkRegisters(context, where);
  if (!place.wild) checkKernelOnly(place, where);
}

function inCode(address: number): boolean {
  return address >= CODE && address < CODE + 4096 * CODE_PAGES;
}

function codeAddress(random: Random): number {
  return CODE + 2 * random.below(2048 * CODE_PAGES);
}

/** User mode must leave the kernel's pages alone; supervisor mode may write the first, which is made good again. */
function checkKernelOnly({ space, kernelOnly, supervisor }: Arena, where: string): void {
  if (supervisor) fill(space.guest.page(kernelOnly[0], true), SECRET);
  if (!kernelOnly.every((page) => isFilled(space.guest.page(page, false), SECRET))) {
    throw new Error(`${where}: user mode wrote a page of the kernel`);
  }
}

/** What only the kernel's pages and the bystander hold must not show up. */
function checkRegisters(context: Uint8Array, where: string): void {
  const view = new DataView(context.buffer, context.byteOffset, context.length);
  for (let at = 8; at < CONTEXT.f + 256; at += 8) {
    if (view.getBigUint64(at, true) === SECRET) throw new Error(`${where}: the secret reached a register`);
  }
}
