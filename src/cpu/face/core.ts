/**
 * The WebAssembly instance of a worker and its memory.
 *
 * Always true: the memory only grows, through `grow` alone, so `bytes` is current unless `grow` ran since it was read;
 * views of the low area (registers, counters) stay good for ever because the memory is shared.
 */
import { compileHart, INITIAL_PAGES, MAXIMUM_PAGES } from '../generate/compile.ts';
import { buildOps, shapeOf } from '../generate/ops.ts';
import * as L from '../hart/layout.ts';

/** The module's exports (src/cpu/hart/index.ts). */
export interface Exports {
  run(limit: number): number;
  poolGrow(): number;
  contextLoaded(): void;
  contextSaving(): void;
  contextSaved(): void;
  translate(va: number, access: number, flags: number): number;
  tlbFlush(): void;
  flushPage(va: number): void;
  frameAlloc(): number;
  frameRefs(address: number): number;
  frameRelease(address: number): void;
  frameShare(address: number): void;
  guestAlloc(guest: number, pfn: number): number;
  guestAdopt(guest: number, pfn: number, address: number): number;
  guestClone(guest: number, from: number, to: number): number;
  guestEntry(guest: number, pfn: number): number;
  guestFree(guest: number, pfn: number): void;
  guestFork(guest: number): number;
  guestTables(guest: number): number;
  guestOwned(guest: number): number;
  guestDestroy(guest: number): void;
  readPage(guest: number, pfn: number): number;
  writePage(guest: number, pfn: number): number;
}

const WASM_PAGES_A_STEP = 1024;
/** Frames that only the kernel's own writes may take, so that those never fail because guests took everything. */
const RESERVE = 256;

/** A worker's instance and memory. */
export class Core {
  readonly exports: Exports;
  readonly words: Int32Array;
  readonly maxFrames: number;
  bytes: Uint8Array;
  /** The same memory as 32-bit words; current as `bytes` is. */
  allWords: Int32Array;
  private readonly memory: WebAssembly.Memory;

  constructor(module: WebAssembly.Module, maxFrames: number) {
    this.maxFrames = Math.min(maxFrames, MAXIMUM_PAGES * 16 - 16);
    this.memory = new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum: MAXIMUM_PAGES, shared: true });
    const instance = new WebAssembly.Instance(module, { env: { memory: this.memory, abort: unreachable } });
    this.exports = instance.exports as unknown as Exports;
    this.words = new Int32Array(this.memory.buffer);
    this.bytes = new Uint8Array(this.memory.buffer);
    this.allWords = this.words;
    this.words[L.NEXT_FRAME >> 2] = L.FRAMES_BASE >> 12;
    this.words[L.POOL_MAX >> 2] = Math.min(L.POOL_LIMIT, Math.max(64, this.maxFrames >> 4));
    this.words[L.RES_ADDR >> 2] = -1;
    this.words[(L.RES_ADDR >> 2) + 1] = -1;
    this.fillPlainTable();
    this.exports.tlbFlush();
    this.grow();
    this.exports.poolGrow();
  }

  /** Tells the hart the first part of each fused op, and where ops keep their registers. */
  private fillPlainTable(): void {
    const table = buildOps();
    const plain = new Uint16Array(this.memory.buffer, L.PLAIN, table.count);
    for (let id = 0; id < table.count; id++) plain[id] = id;
    for (const fused of table.fused) plain[fused.id] = fused.parts[0].op.id;
    for (const op of table.ops) this.bytes[L.SHAPE + op.id] = shapeOf(op);
  }

  /** Makes the memory one step longer; false when it is as long as it may be. */
  grow(): boolean {
    const now = this.memory.buffer.byteLength / 65536;
    const most = Math.min(MAXIMUM_PAGES, (L.FRAMES_BASE >> 16) + (this.maxFrames >> 4));
    const step = Math.min(WASM_PAGES_A_STEP, most - now);
    try {
      if (step <= 0) throw new RangeError('as long as it may be');
      this.memory.grow(step);
    } catch {
      this.words[L.EXHAUSTED >> 2] = 1;
      return false;
    }
    this.bytes = new Uint8Array(this.memory.buffer);
    this.allWords = new Int32Array(this.memory.buffer);
    return true;
  }

  /** Frames that can be handed out without growing. */
  framesReady(): number {
    const end = this.bytes.length / 4096;
    return this.words[L.FREE_COUNT >> 2] + end - this.words[L.NEXT_FRAME >> 2];
  }

  /** Makes sure of `count` frames beyond the reserve. */
  ensureFrames(count: number): boolean {
    while (this.framesReady() < count + RESERVE) if (!this.grow()) return false;
    return true;
  }

  /** The register or counter at `address` as a signed number, exact below 2^53. */
  readNumber(address: number): number {
    const at = address >> 2;
    return this.words[at + 1] * 4294967296 + (this.words[at] >>> 0);
  }

  writeNumber(address: number, value: number): void {
    const at = address >> 2;
    this.words[at] = value;
    this.words[at + 1] = Math.floor(value / 4294967296);
  }
}

function unreachable(): never {
  throw new Error('the hart aborted');
}

let compiled: Promise<WebAssembly.Module> | undefined;

/** The compiled module, once per process. */
export function hartModule(): Promise<WebAssembly.Module> {
  compiled ??= compileHart().then((bytes) => WebAssembly.compile(bytes));
  return compiled;
}
