/**
 * Lays many programs into one memory image that runs them one after another and writes what each left behind.
 *
 * Always true: the image is the same bytes for qemu (as an ELF file) and for our hart, so every address a program sees
 * is the same on both. It uses two system calls: write(1, results, size) and exit(0).
 *
 * How a program runs. The driver copies the scratch window's pattern and the program's initial registers into place
 * and jumps to it with the save area's address in a0. The program's own first instructions move that address into its
 * reserved register R, load every other register from the save area, and its last one is `jalr x0, -2048(R)`: there,
 * below the save area, lies an epilogue made for R which stores all registers and goes back to the driver. The driver
 * appends save area and scratch window to the results. Byte layout of a result: {@link RESULT}.
 */
import { instructionNamed } from '../../src/cpu/isa/index.ts';
import { encode, layOut, type Program, SCRATCH } from './fuzz-program.ts';
import { Random } from './fuzz-random.ts';

/** A program with the state it starts from. */
export interface Case {
  program: Program;
  x: readonly bigint[];
  f: readonly bigint[];
  fcsr: number;
  /** Makes a page boundary fall this many bytes into the program, when set. */
  pageBoundaryAt?: number;
  /** Only this many items of the program, when set. */
  length?: number;
}

/** A piece of memory: `bytes` at `address`, then zeros up to `size`. */
export interface Segment {
  address: number;
  bytes: Uint8Array;
  size: number;
  writable: boolean;
  executable: boolean;
}

export interface Image {
  entry: number;
  segments: Segment[];
  resultsAddress: number;
  resultsSize: number;
  /** The driver's variable that holds the running case's table entry; entries are {@link ENTRY_SIZE} apart. */
  currentEntryAddress: number;
  tableAddress: number;
  /** Where a program's items begin, by case. */
  programAddresses: number[];
  /** The register each case reserves. */
  reservedRegisters: number[];
}

/** Layout of one result: x0..x31, f0..f31, fcsr, padding, the scratch window. */
export const RESULT = { x: 0, f: 256, fcsr: 512, scratch: 528, size: 528 + SCRATCH.size } as const;

const SAVED = 528;
/** Size of a table entry: initial state, code and save area (three addresses). */
export const ENTRY_SIZE = 32;
const DRIVER = 0x10000;
const VARIANTS = 0x20000;
const VARIABLES = 0x70000;
const CODE = 0x200000;
const SAVE_FROM_EPILOGUE = 2048;

const [ZERO, T0, T1, T2, A0, A1, A2, A7] = [0, 5, 6, 7, 10, 11, 12, 17];

/** A growing piece of machine code. */
class Code {
  readonly words: number[] = [];
  readonly address: number;

  constructor(address: number) {
    this.address = address;
  }

  get here(): number {
    return this.address + 4 * this.words.length;
  }

  emit(name: string, operands: Record<string, number> = {}): void {
    this.words.push(encode(instructionNamed(name), operands));
  }

  /** A 32-bit constant. */
  set(register: number, value: number): void {
    const low = (value << 20) >> 20;
    this.emit('lui', { rd: register, imm: (value - low) | 0 });
    this.emit('addi', { rd: register, rs1: register, imm: low });
  }

  /** Copies `size` bytes from (from) to (to), through t2. */
  copy(from: number, to: number, size: number): void {
    for (let offset = 0; offset < size; offset += 8) {
      this.emit('ld', { rd: T2, rs1: from, imm: offset });
      this.emit('sd', { rs2: T2, rs1: to, imm: offset });
    }
  }

  jump(target: number): void {
    this.emit('jal', { rd: ZERO, imm: target - this.here });
  }

  bytes(): Uint8Array {
    return new Uint8Array(Uint32Array.from(this.words).buffer);
  }
}

/** The save area of the programs that reserve register `reserved`. Its epilogue lies 2 KiB below. */
function saveArea(reserved: number): number {
  return VARIANTS + reserved * 0x2000 + 0x1000;
}

/** The driver's variables (the running case's table entry, then where the next result goes), and what follows them. */
const CURRENT = VARIABLES;

const PATTERN = VARIABLES + 0x100;
const TABLE = VARIABLES + 0x1000;

function driver(caseCount: number, results: number): { code: Code; caseDone: number } {
  const code = new Code(DRIVER);
  code.set(A1, TABLE);
  code.set(A2, results);
  const next = code.here;
  code.set(T0, CURRENT);
  code.emit('sd', { rs2: A1, rs1: T0, imm: 0 });
  code.emit('sd', { rs2: A2, rs1: T0, imm: 8 });
  code.set(T1, TABLE + caseCount * ENTRY_SIZE);
  const toEnd = code.words.length;
  code.emit('beq', { rs1: A1, rs2: T1, imm: 0 });
  // Begin: the scratch pattern, no reservation, the registers; then the program.
  code.set(T0, PATTERN);
  code.set(T1, SCRATCH.start);
  code.copy(T0, T1, SCRATCH.size);
  code.set(T1, CURRENT);
  code.emit('sc.w', { rd: T2, rs1: T1, rs2: ZERO });
  code.emit('ld', { rd: T0, rs1: A1, imm: 0 });
  code.emit('ld', { rd: A0, rs1: A1, imm: 16 });
  code.copy(T0, A0, SAVED);
  code.emit('ld', { rd: T1, rs1: A1, imm: 8 });
  code.emit('jalr', { rd: ZERO, rs1: T1, imm: 0 });
  // Done: append the result and go on with the next entry.
  const caseDone = code.here;
  code.set(T0, CURRENT);
  code.emit('ld', { rd: A1, rs1: T0, imm: 0 });
  code.emit('ld', { rd: A2, rs1: T0, imm: 8 });
  code.emit('ld', { rd: T0, rs1: A1, imm: 16 });
  code.copy(T0, A2, SAVED);
  code.emit('addi', { rd: A2, rs1: A2, imm: SAVED });
  code.set(T0, SCRATCH.start);
  code.copy(T0, A2, SCRATCH.size);
  code.emit('addi', { rd: A2, rs1: A2, imm: SCRATCH.size });
  code.emit('addi', { rd: A1, rs1: A1, imm: ENTRY_SIZE });
  code.jump(next);
  // End: write(1, results, size) until all is out, exit(0).
  const branch = instructionNamed('beq');
  code.words[toEnd] = encode(branch, { rs1: A1, rs2: T1, imm: code.here - (DRIVER + 4 * toEnd) });
  code.set(A1, results);
  code.emit('addi', { rd: T0, rs1: A2, imm: 0 });
  const more = code.here;
  code.emit('sub', { rd: A2, rs1: T0, rs2: A1 });
  code.emit('addi', { rd: A0, rs1: ZERO, imm: 1 });
  code.emit('addi', { rd: A7, rs1: ZERO, imm: 64 });
  code.emit('ecall');
  code.emit('add', { rd: A1, rs1: A1, rs2: A0 });
  code.emit('bltu', { rs1: A1, rs2: T0, imm: more - code.here });
  code.emit('addi', { rd: A0, rs1: ZERO, imm: 0 });
  code.emit('addi', { rd: A7, rs1: ZERO, imm: 93 });
  code.emit('ecall');
  return { code, caseDone };
}

function epilogue(reserved: number, caseDone: number): Code {
  const code = new Code(saveArea(reserved) - SAVE_FROM_EPILOGUE);
  for (let i = 1; i < 32; i++) code.emit('sd', { rs2: i, rs1: reserved, imm: 8 * i });
  for (let i = 0; i < 32; i++) code.emit('fsd', { fs2: i, rs1: reserved, imm: RESULT.f + 8 * i });
  const free = reserved === T0 ? T1 : T0;
  code.emit('csrrs', { rd: free, csr: 3, rs1: ZERO });
  code.emit('sd', { rs2: free, rs1: reserved, imm: RESULT.fcsr });
  code.jump(caseDone);
  return code;
}

/** What stands before the items of every program. */
function prologue(address: number, reserved: number): Code {
  const code = new Code(address);
  code.emit('addi', { rd: reserved, rs1: A0, imm: 0 });
  for (let i = 0; i < 32; i++) code.emit('fld', { fd: i, rs1: reserved, imm: RESULT.f + 8 * i });
  const free = reserved === T0 ? T1 : T0;
  code.emit('ld', { rd: free, rs1: reserved, imm: RESULT.fcsr });
  code.emit('csrrw', { rd: ZERO, csr: 3, rs1: free });
  for (let i = 1; i < 32; i++) if (i !== reserved) code.emit('ld', { rd: i, rs1: reserved, imm: 8 * i });
  return code;
}

const PROLOGUE_SIZE = prologue(0, 1).words.length * 4;

/** Where the items of the case begin when its code may begin at `free`. */
function placeProgram(one: Case, free: number): number {
  const start = free + PROLOGUE_SIZE;
  if (one.pageBoundaryAt === undefined) return start;
  return Math.ceil((start + one.pageBoundaryAt) / 4096) * 4096 - one.pageBoundaryAt;
}

/** Builds the image of a batch of cases. `seed` makes the scratch pattern. */
export function buildImage(cases: readonly Case[], seed: number): Image {
  const table = new DataView(new ArrayBuffer(0x1000 + cases.length * (ENTRY_SIZE + SAVED)));
  const random = new Random(seed);
  for (let i = 0; i < SCRATCH.size; i += 4) table.setUint32(PATTERN - VARIABLES + i, random.u32(), true);
  const tableEnd = TABLE + cases.length * ENTRY_SIZE;
  const chunks: [number, Uint8Array][] = [];
  const programAddresses: number[] = [];
  const codeStart = Math.max(CODE, (tableEnd + cases.length * SAVED + 0xffff) & ~0xffff);
  let free = codeStart;
  cases.forEach((one, index) => {
    const { reserved } = one.program;
    const start = placeProgram(one, free);
    const body = layOut(one.program, start, one.length);
    const end = new Code(start + body.length);
    end.emit('jalr', { rd: ZERO, rs1: reserved, imm: -SAVE_FROM_EPILOGUE });
    chunks.push([start - PROLOGUE_SIZE, prologue(start - PROLOGUE_SIZE, reserved).bytes()]);
    chunks.push([start, body], [start + body.length, end.bytes()]);
    free = start + body.length + 4;
    programAddresses.push(start);
    const entry = TABLE - VARIABLES + index * ENTRY_SIZE;
    const initial = tableEnd + index * SAVED;
    table.setBigUint64(entry, BigInt(initial), true);
    table.setBigUint64(entry + 8, BigInt(start - PROLOGUE_SIZE), true);
    table.setBigUint64(entry + 16, BigInt(saveArea(reserved)), true);
    const at = initial - VARIABLES;
    for (let i = 0; i < 32; i++) table.setBigUint64(at + 8 * i, one.x[i], true);
    for (let i = 0; i < 32; i++) table.setBigUint64(at + RESULT.f + 8 * i, one.f[i], true);
    table.setBigUint64(at + RESULT.fcsr, BigInt(one.fcsr), true);
  });
  const code = new Uint8Array(free - codeStart);
  for (const [address, bytes] of chunks) code.set(bytes, address - codeStart);
  const resultsAddress = (free + 0x1ffff) & ~0xffff;
  const resultsSize = cases.length * RESULT.size;
  const main = driver(cases.length, resultsAddress);
  const variants = new Uint8Array(32 * 0x2000);
  for (let reserved = 1; reserved < 32; reserved++) {
    const text = epilogue(reserved, main.caseDone);
    variants.set(text.bytes(), text.address - VARIANTS);
  }
  const data = (address: number, bytes: Uint8Array, size = bytes.length): Segment => ({
    address,
    bytes,
    size,
    writable: true,
    executable: false,
  });
  return {
    entry: DRIVER,
    segments: [
      {
        address: DRIVER,
        bytes: main.code.bytes(),
        size: 4 * main.code.words.length,
        writable: false,
        executable: true,
      },
      { address: VARIANTS, bytes: variants, size: variants.length, writable: true, executable: true },
      data(VARIABLES, new Uint8Array(table.buffer)),
      data(SCRATCH.start & ~4095, new Uint8Array(0), 0x2000),
      { address: codeStart, bytes: code, size: code.length, writable: false, executable: true },
      data(resultsAddress, new Uint8Array(0), resultsSize),
    ],
    resultsAddress,
    resultsSize,
    currentEntryAddress: CURRENT,
    tableAddress: TABLE,
    programAddresses,
    reservedRegisters: cases.map((one) => one.program.reserved),
  };
}
