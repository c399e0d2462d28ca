/** The module room of a kernel that has not loaded anything. */
import { newWaitQueue } from '../outcome.ts';
import { FIRST_STACK } from './memory.ts';
import type { ModuleRoom } from './types.ts';

export function createModuleRoom(): ModuleRoom {
  return {
    modules: [],
    stacks: new Map(),
    nextStack: FIRST_STACK,
    mapped: false,
    regions: [],
    irqsOff: 0,
    irqQueue: [],
    swapper: null,
    told: { unsigned: false, lockdep: false },
    oopses: 0,
    loads: [],
    loadsLocked: false,
    wait: newWaitQueue(),
  };
}
