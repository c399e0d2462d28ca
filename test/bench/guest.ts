/**
 * Runs a static riscv64 ELF file without a kernel: what the bench programs need of Linux is write and exit.
 * Also the smallest complete example of using the cpu room.
 */
import { readFileSync } from 'node:fs';
import { Access, CONTEXT, type GuestMemory, type Machine, type Pfn, PTE, Trap } from '../../src/cpu/index.ts';

const PT_LOAD = 1;
const STACK_TOP = 0x3f_0000_0000;
const STACK_PAGES = 64;
const SYS_WRITE = 64;
const SYS_EXIT = 93;
const USER = PTE.V | PTE.R | PTE.W | PTE.X | PTE.U;

/** What a program did. */
export interface Finished {
  output: string;
  instructions: number;
  milliseconds: number;
}

/** Loads an ELF file into a new guest of the machine. */
export function loadElf(machine: Machine, path: string): { guest: GuestMemory; root: Pfn; entry: number } {
  const file = readFileSync(path);
  const guest = machine.createGuest(65536);
  const root = guest.allocPage();
  const pageAt = (va: number): Pfn => {
    let table = root;
    for (let level = 2; level >= 0; level--) {
      const paddr = table * 4096 + (Math.floor(va / 2 ** (12 + 9 * level)) & 511) * 8;
      if (guest.load32(paddr) === 0)
        guest.store32(paddr, (guest.allocPage() << 10) | (level === 0 ? USER : PTE.V));
      table = guest.load32(paddr) >>> 10;
    }
    return table;
  };
  const headers = Number(file.readBigUInt64LE(32));
  for (let i = 0; i < file.readUInt16LE(56); i++) {
    const at = headers + i * file.readUInt16LE(54);
    if (file.readUInt32LE(at) !== PT_LOAD) continue;
    const word = (offset: number) => Number(file.readBigUInt64LE(at + offset));
    const [offset, va, inFile, inMemory] = [word(8), word(16), word(32), word(40)];
    for (let page = va - (va % 4096); page < va + inMemory; page += 4096) {
      const from = Math.max(va, page);
      const to = Math.min(va + inFile, page + 4096);
      const pfn = pageAt(page);
      if (to > from)
        guest.page(pfn, true).set(file.subarray(offset + from - va, offset + to - va), from - page);
    }
  }
  for (let i = 1; i <= STACK_PAGES; i++) pageAt(STACK_TOP - i * 4096);
  return { guest, root, entry: Number(file.readBigUInt64LE(24)) };
}

/** Runs the program to its exit; throws when it does anything but write and exit. */
export function runProgram(machine: Machine, path: string): Finished {
  const { guest, root, entry } = loadElf(machine, path);
  const { hart } = machine;
  hart.loadContext(new Uint8Array(CONTEXT.size));
  hart.setAddressSpace(guest, root);
  hart.setX(2, STACK_TOP - 64);
  hart.pc = entry;
  const started = performance.now();
  let output = '';
  let instructions = 0;
  for (;;) {
    const trap = hart.run(1e9);
    instructions += hart.retired;
    if (trap === Trap.BudgetSpent) continue;
    const number = hart.x(17);
    if (trap !== Trap.EcallFromUser || (number !== SYS_WRITE && number !== SYS_EXIT)) {
      throw new Error(`${path}: trap ${trap} at ${hart.pc.toString(16)}, tval ${hart.tval.toString(16)}`);
    }
    if (number === SYS_EXIT) break;
    const at = hart.translate(hart.x(11), Access.Read);
    output += Buffer.from(machine.bytes().slice(at, at + hart.x(12))).toString();
    hart.setX(10, hart.x(12));
    hart.pc += 4;
  }
  const milliseconds = performance.now() - started;
  guest.destroy();
  return { output, instructions, milliseconds };
}
