/** Names of kernel addresses (kernel/kallsyms.c sprint_symbol): our exported functions, and functions of loaded modules. */
import type { Vaddr } from '../../cpu/machine.ts';
import { PAGE_SIZE } from '../../cpu/machine.ts';
import type { Kernel } from '../kernel.ts';
import { imageOf, KERNEL_TEXT, otherCalls, SLOT_BYTES } from './image.ts';

export interface FoundSymbol {
  name: string;
  offset: number;
  size: number;
  module: string | null;
}

/** The symbol an address lies in; null when none does. */
export function findSymbol(k: Kernel, va: Vaddr): FoundSymbol | null {
  for (const module of k.module.modules) {
    const regions = [...module.core, ...module.init];
    const region = regions.find(({ base, pages }) => va >= base && va < base + pages * PAGE_SIZE);
    if (!region) continue;
    let best: FoundSymbol | null = null;
    let next = region.base + region.pages * PAGE_SIZE;
    for (const symbol of module.symbols) {
      // Mapping symbols and local labels are no names (is_mapping_symbol).
      if (/^(\$|\.L|$)/.test(symbol.name)) continue;
      if (symbol.address > va && symbol.address < next) next = symbol.address;
      if (symbol.address > va || symbol.address < region.base) continue;
      const offset = va - symbol.address;
      if (best === null || offset < best.offset)
        best = { name: symbol.name, offset, size: symbol.size, module: module.name };
    }
    if (best && (best.size === 0 || best.offset >= best.size || best.module !== null))
      best.size = next - (va - best.offset);
    return best;
  }
  if (va < KERNEL_TEXT) return null;
  const other = otherCalls().nameAt(k, va);
  if (other) return { ...other, size: SLOT_BYTES, module: null };
  for (const symbol of imageOf(k).functions)
    if (va >= symbol.address && va < symbol.address + SLOT_BYTES)
      return { name: symbol.name, offset: va - symbol.address, size: SLOT_BYTES, module: null };
  for (const symbol of imageOf(k).data)
    if (va >= symbol.address && va < symbol.address + symbol.size)
      return { name: symbol.name, offset: va - symbol.address, size: symbol.size, module: null };
  return null;
}

/** `name+0x0/0x10 [module]`, or without the numbers; the address in hexadecimal when it has no name. */
export function symbolText(k: Kernel, va: Vaddr, numbers: boolean): string {
  const found = findSymbol(k, va);
  if (!found) return `0x${BigInt.asUintN(64, BigInt(va)).toString(16)}`;
  const where = numbers ? `+0x${found.offset.toString(16)}/0x${found.size.toString(16)}` : '';
  return `${found.name}${where}${found.module ? ` [${found.module}]` : ''}`;
}
