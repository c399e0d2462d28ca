/**
 * Registers and call traces of kernel code (arch/riscv/kernel/stacktrace.c). Always true: a trace follows the chain of frame pointers
 * on the task's kernel stack, as the recorded kernel does, and stops where that chain is broken; nothing is written.
 */
import { CONTEXT } from '../../cpu/machine.ts';
import { functionAt, RETURN_ADDRESS } from '../kapi/image.ts';
import type { KapiState } from '../kapi/registry.ts';
import type { Kernel } from '../kernel.ts';
import { readK64 } from '../module/kmem.ts';
import { STACK_BYTES } from '../module/memory.ts';
import { lookupSymbol, moduleAt } from '../module/symbols.ts';
import type { Task } from '../task/types.ts';
import { exportedPlace, inWords, outerPlaces, placeAddress } from './frames.ts';
import type { CodePlace } from './types.ts';

export interface Registers {
  pc: number;
  /** x0 … x31, unsigned. */
  x: bigint[];
}

const MAX_FRAMES = 100;
/** Who calls the functions of a seq_file. */
const SEQ_READ = 'seq_read_iter+0xe0/0x358';

/** An address or a register's value as reports print it. */
export const hex64 = (value: number | bigint): string =>
  BigInt.asUintN(64, BigInt(value)).toString(16).padStart(16, '0');

const signed = (value: bigint): number => Number(BigInt.asIntN(64, value));

/** The registers of a saved hart context. */
export function contextRegisters(context: Uint8Array): Registers {
  const view = new DataView(context.buffer, context.byteOffset, context.byteLength);
  const x = Array.from({ length: 32 }, (_, i) => (i === 0 ? 0n : view.getBigUint64(CONTEXT.x + 8 * i, true)));
  return { pc: signed(view.getBigUint64(CONTEXT.pc, true)), x };
}

/** The registers of a task, loaded in the hart or not. */
export function registersOf(k: Kernel, task: Task): Registers {
  if (k.sched.loaded !== task.tid) return contextRegisters(task.context);
  const x = Array.from({ length: 32 }, (_, i) => (i === 0 ? 0n : BigInt.asUintN(64, k.hart.xBig(i))));
  return { pc: k.hart.pc, x };
}

/** `%pS`: `name+0x28/0x1000 [module]`, or the bare address. */
export function symbolic(k: Kernel, va: number): string {
  const { symbol, module } = codePlace(k, va);
  return module === null ? symbol : `${symbol} [${module}]`;
}

/** An address with its name. */
export function codePlace(k: Kernel, va: number): CodePlace {
  const found = lookupSymbol(k, va);
  return found
    ? {
        address: hex64(va),
        symbol: `${found.name}+0x${found.offset.toString(16)}/0x${found.size.toString(16)}`,
        module: found.module,
      }
    : { address: hex64(va), symbol: `0x${BigInt.asUintN(64, BigInt(va)).toString(16)}`, module: null };
}

/** A place of the kernel's own, named by the table of frames. */
export const kernelPlace = (place: string): CodePlace => ({
  address: hex64(placeAddress(place)),
  symbol: place,
  module: null,
});

/** What returning to `va` means to a reader: our trampoline stands for the kernel function that called the module. */
export function callerPlace(k: Kernel, task: Task, va: number): CodePlace {
  const walking = task.activations.some(({ step }) => step.startsWith('seq.'));
  const outer =
    va !== RETURN_ADDRESS ? undefined : walking ? inWords(k, [SEQ_READ])[0] : outerPlaces(k, task)[0];
  return outer === undefined ? codePlace(k, va) : kernelPlace(outer);
}

export const placeLine = ({ address, symbol, module }: CodePlace): string =>
  `[<${address}>] ${symbol}${module === null ? '' : ` [${module}]`}`;

const isText = (k: Kernel, pc: number): boolean =>
  moduleAt(k, pc) !== undefined || functionAt(k, pc) !== undefined;

/** Follows one chain of frames; true when it ends where module code returns to the kernel. */
function follow(k: Kernel, top: number, regs: Registers, calling: boolean, out: CodePlace[]): boolean {
  const ra = signed(regs.x[1]);
  let pc = calling ? ra : regs.pc;
  let sp = signed(regs.x[2]);
  let fp = signed(regs.x[8]);
  for (let first = !calling; out.length < MAX_FRAMES; first = false) {
    if (pc === RETURN_ADDRESS) return true;
    if (!isText(k, pc)) return false;
    out.push(codePlace(k, pc));
    if (first && functionAt(k, pc) !== undefined) {
      pc = ra;
      continue;
    }
    const valid = (at: number): boolean => at >= sp + 16 && at <= top && at % 8 === 0;
    if (!valid(fp)) return first && ra === RETURN_ADDRESS;
    const savedFp = readK64(k, fp - 16);
    const savedRa = readK64(k, fp - 8);
    if (savedFp === null || savedRa === null) return false;
    sp = fp;
    const leaf = first && valid(savedRa);
    fp = leaf ? savedRa : savedFp;
    pc = leaf ? ra : savedRa;
  }
  return false;
}

/**
 * The trace of a task in kernel code, innermost first. `calling`: it is inside an exported function, and the trace begins with who
 * called that. Exported functions that called module code themselves are named between the chains.
 */
export function backtrace(k: Kernel, task: Task, regs: Registers, calling: boolean): CodePlace[] {
  const out: CodePlace[] = [];
  const base = k.module.stacks.get(task.tid);
  if (!task.kernelMode || task.kernelMode.depth === 0 || base === undefined)
    return outerPlaces(k, task).map(kernelPlace);
  const top = base + STACK_BYTES;
  let chain = regs;
  let inside = calling;
  for (let at = task.activations.length - 1; at >= 0 && out.length < MAX_FRAMES; at--) {
    const { step, state } = task.activations[at] as { step: string; state: unknown };
    if (step === 'kapi.call') {
      const { place, address } = exportedPlace(k, (state as KapiState).name);
      out.push({ address: hex64(address), symbol: place, module: null });
      inside = true;
    }
    if (step !== 'module.frame') continue;
    const saved = (state as { saved?: Uint8Array } | null)?.saved;
    if (!saved) continue;
    if (!follow(k, top, chain, inside, out)) return out;
    chain = contextRegisters(saved);
  }
  return [...out, ...outerPlaces(k, task).map(kernelPlace)];
}
