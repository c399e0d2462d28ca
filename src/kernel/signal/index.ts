/** The door of the signal room: sending, delivering, tracing. */

export { restoreMask, setBlocked, useTemporaryMask } from './action.ts';
export * from './bits.ts';
export { beforeUser, dequeueSignal } from './deliver.ts';
export { PtraceEvent, ptraceEvent, syscallStop } from './ptrace.ts';
export {
  forceSignal,
  hasFatal,
  hasPending,
  kill,
  pendingIn,
  recalcNotify,
  sendSignal,
  sendSignalPgrp,
  sendSignalTask,
} from './send.ts';
export { encodeSigInfo, encodeSignalfdInfo } from './siginfo.ts';
