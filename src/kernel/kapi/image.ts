/**
 * The kernel's own text and data as modules see it: an address for every exported symbol. Always true: addresses depend on the
 * kernel's version alone, so System.map, Module.symvers and every VM of that version agree; a function is one slot whose
 * first instruction is an `ecall`, which brings the hart to the function's handler.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { PAGE_SIZE } from '../../cpu/machine.ts';
import type { Kernel } from '../kernel.ts';
import { imageSymbolsOf, type KernelSymbol, versionCode } from './declarations/declare.ts';
import { findKapi } from './registry.ts';

/** Where kernel text begins, as on riscv64 since 5.13 and in the recordings. */
export const KERNEL_TEXT = -0x80000000;
/** Bytes a function has: far more than it needs, so that offsets into it look like a function's. */
export const SLOT_BYTES = 64;
/** Module code that returns to the kernel lands here. */
export const RETURN_ADDRESS = KERNEL_TEXT + 0x2000;
const FIRST_SLOT = RETURN_ADDRESS + SLOT_BYTES;
export const KERNEL_DATA = KERNEL_TEXT + 0x400000;

export interface KernelImage {
  readonly functions: readonly (KernelSymbol & { readonly address: Vaddr })[];
  readonly data: readonly (KernelSymbol & { readonly address: Vaddr })[];
  readonly byName: ReadonlyMap<string, KernelSymbol & { readonly address: Vaddr }>;
  readonly textEnd: Vaddr;
  readonly dataEnd: Vaddr;
}

const images = new Map<number, KernelImage>();

/** The layout of the kernel of that version code. */
export function kernelImage(version: number): KernelImage {
  const known = images.get(version);
  if (known) return known;
  const symbols = imageSymbolsOf(version).toSorted((a, b) =>
    a.name < b.name ? -1 : a.name > b.name ? 1 : 0,
  );
  const unique = symbols.filter((symbol, i) => symbols[i - 1]?.name !== symbol.name);
  const functions = unique
    .filter(({ data }) => !data)
    .map((symbol, i) => ({ ...symbol, address: FIRST_SLOT + i * SLOT_BYTES }));
  let at = KERNEL_DATA;
  const data = unique
    .filter((symbol) => symbol.data)
    .map((symbol) => {
      const address = at;
      at += Math.ceil(Math.max(8, symbol.size) / 64) * 64;
      return { ...symbol, address };
    });
  const image = {
    functions,
    data,
    byName: new Map([...functions, ...data].map((symbol) => [symbol.name, symbol])),
    textEnd: FIRST_SLOT + functions.length * SLOT_BYTES,
    dataEnd: at,
  };
  images.set(version, image);
  return image;
}

const codes = new Map<string, number>();

/** The version code of this kernel. */
export function kernelCode(k: Kernel): number {
  const { release } = k.identity;
  let code = codes.get(release);
  if (code === undefined) {
    code = versionCode(release);
    codes.set(release, code);
  }
  return code;
}

export const imageOf = (k: Kernel): KernelImage => kernelImage(kernelCode(k));

/** The address of an exported symbol, implemented or not; 0 when this kernel has none of that name. */
export const kernelSymbol = (k: Kernel, name: string): Vaddr => imageOf(k).byName.get(name)?.address ?? 0;

/** Functions that lie outside the table of exports and have names all the same. */
export interface OtherCalls {
  nameAt(k: Kernel, pc: Vaddr): { name: string; offset: number } | null;
  addressOf(k: Kernel, name: string): Vaddr;
}
let others: OtherCalls = { nameAt: () => null, addressOf: () => 0 };

/** The family of system calls as modules see them registers here. */
export function provideCalls(calls: OtherCalls): void {
  others = calls;
}
export const otherCalls = (): OtherCalls => others;

/** What runs for a call of one of them. */
const OTHER_CALL: KernelSymbol = {
  name: 'sys_call',
  prototype: '',
  header: '',
  gpl: true,
  data: false,
  size: SLOT_BYTES,
  hidden: true,
  since: 0,
  until: 0,
};

/** The function whose slot begins at `pc`. */
export function functionAt(k: Kernel, pc: Vaddr): KernelSymbol | undefined {
  if (others.nameAt(k, pc)?.offset === 0) return OTHER_CALL;
  const slot = (pc - FIRST_SLOT) / SLOT_BYTES;
  return Number.isInteger(slot) && slot >= 0 ? imageOf(k).functions[slot] : undefined;
}

/** Whether modules may link to it: data always, functions when something implements them. */
export const isExported = (symbol: KernelSymbol): boolean =>
  !symbol.hidden && (symbol.data || findKapi(symbol.name) !== undefined);

const ECALL = 0x00000073;
const RET = 0x00008067;

/** The bytes of the text page at `va`. */
export function textPage(k: Kernel, va: Vaddr, page: Uint8Array): void {
  const view = new DataView(page.buffer, page.byteOffset, PAGE_SIZE);
  const end = imageOf(k).textEnd;
  for (let offset = 0; offset < PAGE_SIZE; offset += SLOT_BYTES) {
    if (va + offset < RETURN_ADDRESS || va + offset >= end) continue;
    view.setUint32(offset, ECALL, true);
    view.setUint32(offset + 4, RET, true);
  }
}
