/**
 * The door of the vm room: one machine that boots, runs, is looked into, checkpointed, restored and forked.
 * It knows the kernel and the image; it knows nothing of workers, accounts or HTTP.
 */
export {
  type Checkpoint,
  CheckpointError,
  decodeCheckpoint,
  encodeCheckpoint,
  loadCheckpoint,
  saveCheckpoint,
  serialize,
} from './checkpoint.ts';
export { consoleRead, consoleResize, consoleWrite } from './console.ts';
export { hashPlain } from './hash.ts';
export {
  byteString,
  closeInput,
  closeOutput,
  type ExitStatus,
  exitStatusOf,
  forgetProcess,
  ProcessError,
  type ProcessOptions,
  readOutput,
  resizeTerminal,
  spawnProcess,
  writeInput,
} from './process.ts';
export { openProvisionedImage, provisionInVms } from './provision.ts';
export { bootedTemplate, createVm, runToPrompt } from './template.ts';
export {
  bootVm,
  checkpointVm,
  DEFAULT_RELEASE,
  DETERMINISTIC_NS,
  destroyVm,
  forkVm,
  hashVm,
  KERNELS,
  rebootVm,
  restoreVm,
  runVm,
  type SliceResult,
  type Vm,
  type VmOptions,
} from './vm.ts';
