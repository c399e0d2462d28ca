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
  stateOf,
} from './checkpoint.ts';
export { catchUp, nextTimerNs, passTime, realtimeLagNs, shiftRealtime } from './clock.ts';
export { consoleRead, consoleResize, consoleWrite } from './console.ts';
export {
  appendFile,
  errnoName,
  FileError,
  type FileStat,
  listDirectory,
  makeDirectory,
  makeFifo,
  makeLink,
  makeSymlink,
  readFile,
  readFilePart,
  removeFile,
  setAttributes,
  statFile,
  writeFile,
  writeFilePart,
} from './files.ts';
export { hashPlain } from './hash.ts';
export { inspectModule, inspectPart, inspectProcess, kernelSummary } from './inspect.ts';
export {
  byteString,
  closeInput,
  closeOutput,
  type ExitStatus,
  exitStatusOf,
  forgetProcess,
  outputEnded,
  ProcessError,
  type ProcessOptions,
  readOutput,
  resizeTerminal,
  sessionBegun,
  signalProcess,
  signalTree,
  spawnProcess,
  writeInput,
} from './process.ts';
export { openProvisionedImage, provisionInVms } from './provision.ts';
export { bootedTemplate, createVm, runToPrompt, sourcesHash } from './template.ts';
export { findUser, type User } from './users.ts';
export {
  bootVm,
  checkpointVm,
  DEFAULT_RELEASE,
  DETERMINISTIC_NS,
  destroyVm,
  forkVm,
  hashVm,
  identityOf,
  KERNELS,
  rebootVm,
  restoreVm,
  runVm,
  type SliceResult,
  type Vm,
  type VmOptions,
} from './vm.ts';
