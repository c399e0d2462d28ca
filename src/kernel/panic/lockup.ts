/**
 * Watchers: tasks that keep the processor in kernel code (kernel/watchdog.c), that wait for ever (kernel/hung_task.c), that sleep
 * where they must not (kernel/sched/core.c __schedule_bug). Always true: they report and go on; only a sysctl makes it a panic.
 */
import type { Kernel } from '../kernel.ts';
import { provideAtomicSleep, provideLockup } from '../module/fault.ts';
import { Level, printk } from '../printk/printk.ts';
import type { Task } from '../task/types.ts';
import { provideHungWatcher } from '../task/wait.ts';
import { addTimer, defineTimer } from '../time/timers.ts';
import { inWords, isModern } from './frames.ts';
import { dumpStackBelow, panic } from './panic.ts';
import { printModules, printState, printTrace, record, stateAt, taintText } from './report.ts';
import { backtrace, kernelPlace, registersOf } from './trace.ts';

const TAINT_WARN = 1 << 9;
const TAINT_SOFTLOCKUP = 1 << 14;

const setting = (k: Kernel, name: string, initial: number): number => Number(k.sysctl[name] ?? initial);

provideLockup((k, task, seconds) => {
  if (setting(k, 'kernel.watchdog', 1) === 0 || setting(k, 'kernel.soft_watchdog', 1) === 0) return;
  if (setting(k, 'kernel.watchdog_thresh', 10) === 0) return;
  const message = `watchdog: BUG: soft lockup - CPU#0 stuck for ${seconds}s! [${task.comm}:${task.tid}]`;
  printk(k, Level.EMERG, message);
  printModules(k);
  const registers = registersOf(k, task);
  const state = stateAt(k, task, registers, null);
  printState(k, task, state);
  const trace = backtrace(k, task, registers, false);
  printTrace(k, trace, false);
  record(k, task, 'soft lockup', message, { state, trace });
  k.taint |= TAINT_SOFTLOCKUP;
  if (setting(k, 'kernel.softlockup_panic', 0) !== 0) panic(k, 'softlockup: hung tasks', task);
});

provideAtomicSleep((k, task) => {
  const message = `BUG: scheduling while atomic: ${task.comm}/${task.tid}/0x00000100`;
  printk(k, Level.ERR, message);
  printModules(k);
  const below = backtrace(k, task, registersOf(k, task), true);
  const places = ['__schedule_bug+0x5c/0x76', '__schedule+0x9ae/0xa52', 'schedule+0x40/0xd6'];
  if (setting(k, 'kernel.panic_on_warn', 0) !== 0 && isModern(k)) {
    panic(k, 'scheduling while atomic: panic_on_warn set ...', task, places, below);
    return;
  }
  const trace = dumpStackBelow(k, task, places, below);
  record(k, task, 'scheduling while atomic', message, { trace });
  k.taint |= TAINT_WARN;
});

/** Whether the task waits in a way that nothing but its event ends: state D, not the idle sleep of kernel threads. */
const isStuck = (task: Task): boolean =>
  task.state === 'sleeping' &&
  task.wait?.interruptible === 'no' &&
  (!task.kthread || (task.kernelMode?.depth ?? 0) > 0) &&
  task.wait.untilNs === Number.POSITIVE_INFINITY;

/** Called when a task begins to wait uninterruptibly: the watcher runs while there is such a task. */
export function watchHungTasks(k: Kernel): void {
  const seconds = setting(k, 'kernel.hung_task_timeout_secs', 120);
  if (k.panic.watching || seconds === 0) return;
  k.panic.watching = true;
  addTimer(k, k.time.nowNs + seconds * 1e9, 'panic.hung', null);
}

provideHungWatcher(watchHungTasks);

defineTimer('panic.hung', (k) => {
  k.panic.watching = false;
  const seconds = setting(k, 'kernel.hung_task_timeout_secs', 120);
  const before = k.panic.sleepers;
  k.panic.sleepers = new Map();
  for (const task of k.task.tasks.values()) {
    if (!isStuck(task)) continue;
    const switches = task.voluntarySwitches + task.involuntarySwitches;
    k.panic.sleepers.set(task.tid, switches);
    if (before.get(task.tid) === switches) reportHung(k, task, seconds);
    if (k.halted) return;
  }
  if (k.panic.sleepers.size > 0) watchHungTasks(k);
});

/** check_hung_task. */
function reportHung(k: Kernel, task: Task, seconds: number): void {
  const panics = setting(k, 'kernel.hung_task_panic', 0) !== 0;
  const left = setting(k, 'kernel.hung_task_warnings', 10);
  if (left === 0 && !panics) return;
  if (left > 0) k.sysctl['kernel.hung_task_warnings'] = String(left - 1);
  k.panic.hungWarnings++;
  const message = `INFO: task ${task.comm}:${task.tid} blocked for more than ${seconds} seconds.`;
  printk(k, Level.ERR, message);
  printk(k, Level.ERR, `      ${taintText(k)} ${k.identity.release} ${k.identity.version.split(' ')[0]}`);
  printk(k, Level.ERR, '"echo 0 > /proc/sys/kernel/hung_task_timeout_secs" disables this message.');
  const modern = isModern(k);
  const { parentPid } = task.group;
  printk(
    k,
    Level.INFO,
    modern
      ? `task:${task.comm.padEnd(15)} state:D stack:0     pid:${String(task.tid).padEnd(5)} tgid:${String(task.group.pid).padEnd(5)} ppid:${String(parentPid).padEnd(6)} flags:0x00000000`
      : `${task.comm.padEnd(15)} D    0 ${String(task.tid).padStart(5)} ${String(parentPid).padStart(6)} 0x00000000`,
  );
  const waits = inWords(k, ['__schedule+0x2ee/0x8ae', 'schedule+0x36/0xcc']).map(kernelPlace);
  const trace = [...waits, ...backtrace(k, task, registersOf(k, task), true)];
  printTrace(k, trace, true);
  record(k, task, 'hung task', message, { trace });
  if (panics) panic(k, 'hung_task: blocked tasks', task);
}
