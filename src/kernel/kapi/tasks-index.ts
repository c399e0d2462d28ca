/** Door to the families of tasks, waiting, locks, time and deferred work: importing it registers their functions. */
import './wait.ts';
import './lock.ts';
import './completion.ts';
import './irq.ts';
import './kprobe.ts';
import './kthread.ts';
import './kthread-worker.ts';
import './notifier.ts';
import './power.ts';
import './usermode.ts';
import './hook.ts';
import './signal.ts';
import './task.ts';
import './time.ts';
import './timer.ts';
import './workqueue.ts';

export { createTaskingRoom } from './tasking.ts';
