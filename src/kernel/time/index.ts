/** The door of the time room: clocks, sleeping, timers. */
import './itimer.ts';
import './posix.ts';
import './sleep.ts';

export {
  Clock,
  createTimeRoom,
  NS,
  readClock,
  readTimespec,
  realtime,
  realtimeToMonotonic,
  setRealtime,
  TICK_NS,
  toNs,
  toTimespec,
  writeTimespec,
} from './clocks.ts';
export { checkCpuTimers } from './itimer.ts';
export { cancelPosixTimers } from './posix.ts';
export {
  addTimer,
  cancelTimer,
  defineTimer,
  fireTimers,
  nextDeadline,
} from './timers.ts';
