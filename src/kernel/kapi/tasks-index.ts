/** Door to the families of tasks, waiting, locks, time and deferred work: importing it registers their functions. */
import './wait.ts';
import './lock.ts';
import './completion.ts';
import './time.ts';

export { createTaskingRoom } from './tasking.ts';
