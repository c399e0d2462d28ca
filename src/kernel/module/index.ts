/** The door of the module room: code on the hart in supervisor mode, and the module loader. */
export { provideCurrent } from './current.ts';
export {
  type Fault,
  kfault,
  killInKernel,
  oops,
  provideAtomicSleep,
  provideFaultReporter,
  provideLockup,
} from './fault.ts';
export {
  createKernelTask,
  isInterrupt,
  runInInterrupt,
  startKernelTask,
  wakeNewTask,
} from './interrupt.ts';
export { fillKernelData, mapFresh, mapKernelImage, unmapPages } from './memory.ts';
export { createModuleRoom } from './room.ts';
export { call, inKernelMode, stackOf } from './runtime.ts';
