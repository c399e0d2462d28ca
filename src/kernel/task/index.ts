/** The door of the task room: tasks, processes, credentials. */
import './futex.ts';
import './pidfd.ts';

export { ALL_CAPS, CAP, capable } from './capability.ts';
export { dupFsContext, putFsContext } from './context.ts';
export {
  createSchedRoom,
  createTaskRoom,
  newTask,
  startTask,
  threadsOf,
} from './create.ts';
export {
  commitCred,
  credForExec,
  mayTrace,
  rootCred,
  userCred,
} from './cred.ts';
export { exitGroup, exitTask, mmRelease } from './exit.ts';
export { clone } from './fork.ts';
export { panic } from './panic.ts';
export { Rlim, rlimit } from './rlimit.ts';
export { loadAverages } from './sched.ts';
