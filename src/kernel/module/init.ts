/**
 * From a linked module to a live one (complete_formation, parse_args, do_init_module). Always true: each stage is a step with the
 * module's name as its state, so a VM can be saved between any two; a module that fails leaves nothing in the list.
 */

import { offsetOf } from '../abi/structs/index.ts';
import { emitUevent } from '../drivers/uevent.ts';
import { tellOfModule } from '../kapi/notifier.ts';
import { dumpStack } from '../kapi/report.ts';
import type { Kernel } from '../kernel.ts';
import { defineStep, type Outcome } from '../outcome.ts';
import { Level, printk } from '../printk/printk.ts';
import type { Task } from '../task/types.ts';
import { wakeUp } from '../task/wait.ts';
import { writeK32, writeK64 } from './kmem.ts';
import { freeRegion } from './memory.ts';
import { announceState } from './notify.ts';
import { nameParams, nextParam, type ParamWork, parseArgs } from './params.ts';
import { call } from './runtime.ts';
import { findModule, verifyExports } from './symbols.ts';
import { addModuleTree, removeModuleTree } from './sysfs.ts';
import type { LoadedModule, ModuleState } from './types.ts';

const ENOEXEC = 8;
const ENOMEM = 12;

/** MODULE_STATE_*. */
const STATES: Readonly<Record<ModuleState, number>> = { live: 0, coming: 1, going: 2, unformed: 3 };

/** Changes a module's state, in guest memory too, and wakes who waits for that. */
export function setState(k: Kernel, module: LoadedModule, state: ModuleState): void {
  module.state = state;
  writeK32(k, module.address + offsetOf('module', 'state'), STATES[state]);
  mirrorRefcnt(k, module);
  wakeUp(k, k.module.wait);
}

/** Shows the count of references in struct module: one more than module_refcount answers. */
export function mirrorRefcnt(k: Kernel, module: LoadedModule): void {
  writeK32(k, module.address + offsetOf('module', 'refcnt'), module.refcnt + 1);
}

/** The module is in memory: names its parameters, takes its arguments, shows itself in sysfs and runs init. */
export function formModule(k: Kernel, task: Task, module: LoadedModule, args: string): Outcome {
  const error = verifyExports(k, module);
  if (error < 0) return undo(k, module, error);
  writeK64(k, module.address + offsetOf('module', 'num_kp'), module.params.length);
  nameParams(k, module);
  setState(k, module, 'coming');
  announceState(k, module);
  const then = { step: 'module.announced', state: { name: module.name, args } };
  return tellOfModule(k, task, module.address, STATES.coming, then) ?? takeArguments(k, module, args);
}

defineStep('module.announced', (k, _task, { name, args }: { name: string; args: string }) => {
  const module = findModule(k, name);
  return module ? takeArguments(k, module, args) : -ENOEXEC;
});

function takeArguments(k: Kernel, module: LoadedModule, args: string): Outcome {
  const work = parseArgs(k, module, args);
  if (typeof work === 'number') return undo(k, module, work === -ENOMEM ? work : -ENOEXEC);
  return paramsStep(k, work);
}

function paramsStep(k: Kernel, work: ParamWork): Outcome {
  const outcome = nextParam(k, work, { step: 'module.param', state: work });
  return typeof outcome === 'number' ? afterParams(k, work.module, outcome) : outcome;
}

defineStep('module.param', (k, _task, work: ParamWork, entry) => {
  if (entry.by === 'result') work.result = entry.value | 0;
  return paramsStep(k, work);
});

function afterParams(k: Kernel, name: string, result: number): Outcome {
  const module = findModule(k, name);
  if (!module) return -ENOEXEC;
  if (result < 0) return undo(k, module, result);
  const error = addModuleTree(k, module);
  if (error < 0) return undo(k, module, error);
  // Since 5.11 the world hears of a module only when its init has run.
  if (k.identity.release.startsWith('4.')) emitUevent(k, 'add', `/module/${module.name}`, 'module');
  if (module.initFn === 0) return becomeLive(k, module);
  return call(module.initFn, [], { step: 'module.inited', state: { name } });
}

defineStep('module.inited', (k, task, { name }: { name: string }, entry) => {
  const module = findModule(k, name);
  if (!module || entry.by !== 'result') return -ENOEXEC;
  const result = entry.value | 0;
  if (result < 0) {
    const then = { step: 'module.undone', state: { name, result } };
    return tellOfModule(k, task, module.address, STATES.going, then) ?? undo(k, module, result);
  }
  if (result > 0) {
    printk(
      k,
      Level.WARNING,
      `do_init_module: '${name}'->init suspiciously returned ${result}, it should follow 0/-E convention\ndo_init_module: loading module anyway...`,
    );
    dumpStack(k, task);
  }
  module.refcnt--;
  setState(k, module, 'live');
  announceState(k, module);
  const then = { step: 'module.live', state: { name } };
  return tellOfModule(k, task, module.address, STATES.live, then) ?? freeInit(k, module);
});
defineStep('module.undone', (k, _task, { name, result }: { name: string; result: number }) => {
  const module = findModule(k, name);
  return module ? undo(k, module, result) : result;
});
defineStep('module.live', (k, _task, { name }: { name: string }) => {
  const module = findModule(k, name);
  return module ? freeInit(k, module) : 0;
});

function becomeLive(k: Kernel, module: LoadedModule): number {
  module.refcnt--;
  setState(k, module, 'live');
  announceState(k, module);
  return freeInit(k, module);
}

/** What only init needed goes (do_free_init). */
function freeInit(k: Kernel, module: LoadedModule): number {
  for (const region of module.init) freeRegion(k, region);
  module.init = [];
  module.initSize = 0;
  module.symbols = module.symbols.filter(({ init }) => !init);
  if (!k.identity.release.startsWith('4.')) emitUevent(k, 'add', `/module/${module.name}`, 'module');
  return 0;
}

/** A module that did not become live goes as if it had never been. */
function undo(k: Kernel, module: LoadedModule, result: number): number {
  const formed = module.state === 'coming';
  if (formed) {
    setState(k, module, 'going');
    announceState(k, module);
  }
  dropModule(k, module);
  return result;
}

/** free_module: memory, names, references. */
export function dropModule(k: Kernel, module: LoadedModule): void {
  removeModuleTree(k, module);
  for (const region of [...module.core, ...module.init]) freeRegion(k, region);
  for (const base of module.paramMemory) freeRegion(k, { base, pages: 1 });
  const at = k.module.modules.indexOf(module);
  if (at >= 0) k.module.modules.splice(at, 1);
  for (const name of module.uses) {
    const used = findModule(k, name);
    if (!used) continue;
    used.refcnt--;
    mirrorRefcnt(k, used);
  }
  module.uses = [];
  emitUevent(k, 'remove', `/module/${module.name}`, 'module');
  wakeUp(k, k.module.wait);
}
