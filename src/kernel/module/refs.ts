/**
 * References on modules, for C code and for rooms that keep pointers into a module. Always true: a count is changed here only, and
 * struct module shows it.
 */
import { kapi } from '../kapi/registry.ts';
import type { Kernel } from '../kernel.ts';
import { mirrorRefcnt } from './init.ts';
import { readKString } from './kmem.ts';
import { findExport, moduleAt } from './symbols.ts';
import type { LoadedModule } from './types.ts';

/** The module whose struct module lies at `address`. */
export const moduleOf = (k: Kernel, address: number): LoadedModule | undefined =>
  k.module.modules.find((module) => module.address === address);

/** try_module_get: false when the module is going. The null module is the kernel: always there. */
export function getModule(k: Kernel, address: number): boolean {
  if (address === 0) return true;
  const module = moduleOf(k, address);
  if (!module || module.state === 'going' || module.state === 'unformed') return false;
  module.refcnt++;
  mirrorRefcnt(k, module);
  return true;
}

/** module_put; answers 0. */
export function putModule(k: Kernel, address: number): number {
  const module = address === 0 ? undefined : moduleOf(k, address);
  if (!module) return 0;
  module.refcnt--;
  mirrorRefcnt(k, module);
  return 0;
}

kapi('try_module_get', (k, _task, [module]) => (getModule(k, module) ? 1 : 0));
kapi('__module_get', (k, _task, [module]) => Number(getModule(k, module)));
kapi('module_put', (k, _task, [module]) => putModule(k, module));
kapi('module_refcount', (k, _task, [module]) => moduleOf(k, module)?.refcnt ?? 0);
kapi('__module_address', (k, _task, [address]) => moduleAt(k, address)?.address ?? 0);
kapi('__module_text_address', (k, _task, [address]) => moduleAt(k, address)?.address ?? 0);
/** No helper program of the kernel's own runs here: the module must be there, or be loaded by hand. */
kapi('__request_module', () => -2);

/** What __symbol_get finds is held until __symbol_put. */
export function symbolGet(k: Kernel, name: string): number {
  const found = findExport(k, name);
  if (!found) return 0;
  if (found.owner && !getModule(k, found.owner.address)) return 0;
  return found.address;
}

kapi('__symbol_get', (k, _task, [name]) => symbolGet(k, readKString(k, name, 128) ?? ''));
kapi('__symbol_put', (k, _task, [name]) => {
  const owner = findExport(k, readKString(k, name, 128) ?? '')?.owner;
  if (owner) putModule(k, owner.address);
  return 0;
});
