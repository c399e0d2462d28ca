/**
 * Runs a fuzz image on our hart: maps its segments, follows the two system calls, collects the results.
 *
 * Always true: the program counter, the trap and the budget are the only things that end a run, never an exception; a
 * case that traps is noted and the driver is sent on to the next one, so one bug does not hide the others.
 */
import { createMachine } from '../../src/cpu/index.ts';
import { CONTEXT, type GuestMemory, type Machine, type Pfn, PTE, Trap } from '../../src/cpu/machine.ts';
import { ENTRY_SIZE, type Image, RESULT, type Segment } from './fuzz-image.ts';
import { Random } from './fuzz-random.ts';

/** Instructions a case may run before it counts as a run-away: the longest generated one needs a few thousand. */
const BUDGET_PER_CASE = 20_000;

/** Slices of random length: some so short that the hart steps, some so long that its fast interpreter runs. */
export function randomSlices(seed: number): () => number {
  const random = new Random(seed);
  return () => 1 + random.below(random.pick([3, 40, 400, 6000]));
}

/** Slices so short that the hart only steps (see STRETCH in src/cpu/hart/layout.ts). */
export const shortSlices = (): number => 1000;

export interface HartRun {
  results: Uint8Array;
  /** What went wrong outside the results, by case index. */
  failures: Map<number, string>;
  instructions: number;
}

let machine: Promise<Machine> | undefined;

/** The one machine of this process. */
export function sharedMachine(): Promise<Machine> {
  machine ??= Promise.resolve(createMachine());
  return machine;
}

/** A guest with an Sv39 table that maps pages one at a time. */
export class AddressSpace {
  readonly guest: GuestMemory;
  readonly root: Pfn;

  constructor(m: Machine, maxPages: number) {
    this.guest = m.createGuest(maxPages);
    this.root = this.guest.allocPage();
  }

  /** Maps `page`, a fresh one when absent, at `va` and answers it. */
  map(va: number, bits: number, page: Pfn = this.guest.allocPage()): Pfn {
    if (page < 0) throw new RangeError('the guest is out of pages');
    let table = this.root;
    for (const shift of [30, 21]) {
      const at = table * 4096 + (Math.floor(va / 2 ** shift) % 512) * 8;
      const entry = this.guest.load32(at);
      if (entry & PTE.V) {
        table = entry >>> 10;
      } else {
        table = this.guest.allocPage();
        this.guest.store32(at, (table << 10) | PTE.V);
      }
    }
    this.guest.store32(table * 4096 + (Math.floor(va / 4096) % 512) * 8, (page << 10) | bits | PTE.V);
    return page;
  }
}

function mapSegment(space: AddressSpace, segment: Segment): void {
  const bits = PTE.U | PTE.R | (segment.writable ? PTE.W : 0) | (segment.executable ? PTE.X : 0);
  const first = segment.address & ~4095;
  for (let va = first; va < segment.address + segment.size; va += 4096) {
    const page = space.map(va, bits);
    const from = Math.max(0, va - segment.address);
    const to = Math.min(segment.bytes.length, va + 4096 - segment.address);
    if (from < to) {
      space.guest.page(page, true).set(segment.bytes.subarray(from, to), segment.address + from - va);
    }
  }
}

/** Reads `size` bytes of the selected address space. */
function readMemory(m: Machine, va: number, size: number): Uint8Array {
  const out = new Uint8Array(size);
  for (let done = 0; done < size; ) {
    const host = m.hart.translate(va + done, 0);
    const count = Math.min(size - done, 4096 - ((va + done) % 4096));
    if (host >= 0) out.set(m.bytes().subarray(host, host + count), done);
    done += count;
  }
  return out;
}

/** Runs the image to its exit; with `slices` in slices of that many instructions, which must make no difference. */
export async function runOnHart(image: Image, slices?: () => number): Promise<HartRun> {
  const m = await sharedMachine();
  const pages = image.segments.reduce((sum, s) => sum + Math.ceil(s.size / 4096) + 2, 64);
  const space = new AddressSpace(m, pages);
  try {
    for (const segment of image.segments) mapSegment(space, segment);
    m.hart.loadContext(new Uint8Array(CONTEXT.size));
    m.hart.setAddressSpace(space.guest, space.root);
    m.hart.pc = image.entry;
    return drive(m, image, slices);
  } finally {
    space.guest.destroy();
  }
}

function drive(m: Machine, image: Image, slices?: () => number): HartRun {
  const failures = new Map<number, string>();
  const count = image.resultsSize / RESULT.size;
  let instructions = 0;
  let results: Uint8Array | undefined;
  let last = -1;
  let sinceLast = 0;
  const runningCase = (): number => {
    const variable = readMemory(m, image.currentEntryAddress, 8);
    return (new DataView(variable.buffer).getUint32(0, true) - image.tableAddress) / ENTRY_SIZE;
  };
  for (;;) {
    const trap = m.hart.run(slices ? slices() : BUDGET_PER_CASE);
    instructions += m.hart.retired;
    sinceLast += m.hart.retired;
    if (trap === Trap.BudgetSpent && sinceLast < BUDGET_PER_CASE) continue;
    sinceLast = 0;
    if (trap === Trap.EcallFromUser) {
      if (m.hart.x(17) === 93) break;
      results = readMemory(m, m.hart.x(11), m.hart.x(12));
      m.hart.setX(10, m.hart.x(12));
      m.hart.pc += 4;
      continue;
    }
    const running = runningCase();
    if (trap === Trap.BudgetSpent && running !== last) {
      last = running;
      continue;
    }
    if (failures.has(running) || running >= count) {
      failures.set(
        Math.min(running, count - 1),
        `the driver itself stopped: trap ${trap} at 0x${m.hart.pc.toString(16)}`,
      );
      break;
    }
    failures.set(running, `trap ${trap} at 0x${m.hart.pc.toString(16)}, tval 0x${m.hart.tval.toString(16)}`);
    sendOn(m, image, running);
  }
  return { results: results ?? new Uint8Array(image.resultsSize), failures, instructions };
}

/** Leaves the running case through its epilogue. */
function sendOn(m: Machine, image: Image, running: number): void {
  const reserved = image.reservedRegisters[running];
  const entry = readMemory(m, image.tableAddress + running * ENTRY_SIZE, ENTRY_SIZE);
  const saveArea = new DataView(entry.buffer).getUint32(16, true);
  m.hart.setX(reserved, saveArea);
  m.hart.pc = saveArea - 2048;
}
