/**
 * /proc/modules and /proc/kallsyms. The module room registers what it knows; without modules both are what a kernel
 * without any shows.
 */
import type { Kernel } from '../../kernel.ts';
import { CAP, capable } from '../../task/capability.ts';
import type { NodeContext } from '../kernfs.ts';

/** `addresses` false: the reader may not see kernel addresses (kptr_restrict, kallsyms_show_value). */
type Lister = (k: Kernel, addresses: boolean) => string;

const modules: Lister[] = [];
const symbols: Lister[] = [];

/** Adds a source of lines for /proc/modules. */
export function provideModules(lister: Lister): void {
  modules.push(lister);
}
/** Adds a source of lines for /proc/kallsyms. */
export function provideSymbols(lister: Lister): void {
  symbols.push(lister);
}

/** Whether who reads may see kernel addresses. */
export function showsAddresses(k: Kernel, ctx: NodeContext): boolean {
  const level = Number(k.sysctl['kernel.kptr_restrict'] ?? '1');
  if (level >= 2) return false;
  return ctx.task === null || capable(ctx.task.cred, CAP.SYSLOG);
}

export const showModules = (k: Kernel, ctx: NodeContext): string =>
  modules.map((lister) => lister(k, showsAddresses(k, ctx))).join('');

export const showKallsyms = (k: Kernel, ctx: NodeContext): string =>
  symbols.map((lister) => lister(k, showsAddresses(k, ctx))).join('');
