/** Who hears of modules that come, live and go (the module notifier chain), inside the kernel. */
import type { Kernel } from '../kernel.ts';
import type { LoadedModule } from './types.ts';

type Listener = (k: Kernel, module: LoadedModule) => void;
const listeners: Listener[] = [];

/** Calls `listener` after each change of a module's state to coming, live or going. */
export function onModuleState(listener: Listener): void {
  listeners.push(listener);
}

export function announceState(k: Kernel, module: LoadedModule): void {
  for (const listener of listeners) listener(k, module);
}
