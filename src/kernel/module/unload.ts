/** delete_module(2) (kernel/module/main.c). Always true: a module goes only when nobody holds it, or when it is forced and says so. */
import { Errno } from '../abi/errno.ts';
import { tellOfModule } from '../kapi/notifier.ts';
import type { Kernel } from '../kernel.ts';
import { defineStep, type Outcome } from '../outcome.ts';
import { noteUnloaded } from '../panic/report.ts';
import type { Task } from '../task/types.ts';
import { dropModule, setState } from './init.ts';
import { announceState } from './notify.ts';
import { call } from './runtime.ts';
import { findModule } from './symbols.ts';
import { addTaint, Taint } from './taint.ts';
import type { LoadedModule } from './types.ts';

const O_TRUNC = 0o1000;

export function deleteModule(k: Kernel, task: Task, name: string, flags: number): Outcome {
  const module = findModule(k, name);
  if (!module) return -Errno.ENOENT;
  if (k.module.modules.some(({ uses }) => uses.includes(name))) return -Errno.EAGAIN;
  if (module.state !== 'live') return -Errno.EBUSY;
  if (module.initFn !== 0 && module.exitFn === 0 && !forced(k, flags)) return -Errno.EBUSY;
  if (module.refcnt !== 0 && !forced(k, flags)) return -Errno.EAGAIN;
  module.tid = task.tid;
  module.refcnt = Math.min(module.refcnt - 1, -1);
  setState(k, module, 'going');
  if (module.exitFn === 0) return leave(k, task, module);
  return call(module.exitFn, [], { step: 'module.exited', state: { name } });
}

/** try_force_unload. */
function forced(k: Kernel, flags: number): boolean {
  if ((flags & O_TRUNC) === 0) return false;
  addTaint(k, Taint.FORCED_RMMOD, true);
  return true;
}

defineStep('module.exited', (k, task, { name }: { name: string }) => {
  const module = findModule(k, name);
  return module ? leave(k, task, module) : -Errno.ENOENT;
});

/** MODULE_STATE_GOING. */
const GOING = 2;
function leave(k: Kernel, task: Task, module: LoadedModule): Outcome {
  const then = { step: 'module.left', state: { name: module.name } };
  return tellOfModule(k, task, module.address, GOING, then) ?? finish(k, module);
}
defineStep('module.left', (k, _task, { name }: { name: string }) => {
  const module = findModule(k, name);
  return module ? finish(k, module) : 0;
});

function finish(k: Kernel, module: LoadedModule): number {
  announceState(k, module);
  noteUnloaded(k, module);
  dropModule(k, module);
  return 0;
}
