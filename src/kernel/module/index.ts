/** The door of the module room: code on the hart in supervisor mode, and the module loader. */
import '../abi/structs/index.ts';
import '../kapi/index.ts';
import './param-file.ts';
import './params.ts';
import './refs.ts';
import './sysfs.ts';

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
export {
  readK,
  readK8,
  readK16,
  readK32,
  readK64,
  readKBig,
  readKString,
  writeK,
  writeK8,
  writeK16,
  writeK32,
  writeK64,
  writeKBig,
  writeKString,
} from './kmem.ts';
export { fillKernelData, mapFresh, mapKernelImage, unmapPages } from './memory.ts';
export { onModuleState } from './notify.ts';
export { getModule, moduleOf, putModule, symbolGet } from './refs.ts';
export { createModuleRoom } from './room.ts';
export { call, inKernelMode, stackOf } from './runtime.ts';
export { findModule, lookupName, lookupSymbol, moduleAt, type SymbolAt } from './symbols.ts';
export { moduleFlags } from './sysfs.ts';
export { addTaint, Taint, taintLetters } from './taint.ts';
