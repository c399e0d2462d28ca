/** /proc/sysrq-trigger (drivers/tty/sysrq.c of 4.15): what each key does, with its line in the log. */
import type { Kernel } from '../../kernel.ts';
import { outOfMemory } from '../../mm/reclaim.ts';
import { consoleRecord } from '../../printk/console.ts';
import { Level, printk } from '../../printk/printk.ts';
import { kernelSigInfo, sendSignal } from '../../signal/send.ts';
import { panic } from '../../task/panic.ts';
import { showMemory } from './show-memory.ts';
import { stateLetter } from './state.ts';

interface Key {
  /** The help message; its first letters name the key. */
  help: string;
  action: string;
  act: (k: Kernel) => void;
  /** Only since 6.10. */
  modern?: true;
}

/** A signal to every process but init. */
function signalAll(k: Kernel, signo: number): void {
  for (const group of [...k.task.groups.values()])
    if (group.pid !== 1 && k.task.tasks.get(group.pid)?.mm) sendSignal(k, group, kernelSigInfo(signo));
}

function showTasks(k: Kernel, wanted: (letter: string) => boolean): void {
  printk(k, Level.INFO, '  task                        PC stack   pid father');
  for (const task of k.task.tasks.values()) {
    const letter = stateLetter(task);
    if (!wanted(letter)) continue;
    const ids = `${String(task.tid).padStart(5)} ${String(task.group.parentPid).padStart(6)} 0x00000000`;
    printk(k, Level.INFO, `${task.comm.padEnd(15)} ${letter}    0 ${ids}`);
  }
}

const stop = (k: Kernel, reason: 'restart' | 'poweroff', text: string): void => {
  k.halted = { reason, text };
};

/** What `c` does: the room that makes oopses may replace the plain panic. */
type Crash = (k: Kernel) => void;
let crash: Crash = (k) => panic(k, 'sysrq triggered crash');
/** Lets the room that makes oopses say what a crash is. */
export function provideCrash(act: Crash): void {
  crash = act;
}

/** What `l` and `p` show of the processor. */
type ShowCpu = (k: Kernel, registers: boolean) => void;
let showCpu: ShowCpu = () => {};
/** Lets the room that makes traces show them. */
export function provideShowCpu(show: ShowCpu): void {
  showCpu = show;
}

const say =
  (level: number, text: string) =>
  (k: Kernel): void =>
    printk(k, level, text);
const nothing = (): void => {};
const replay = (k: Kernel): void => {
  for (const record of [...k.printk.records]) consoleRecord(k, record);
};

const keys: Record<string, Key> = {
  b: { help: 'reboot(b)', action: 'Resetting', act: (k) => stop(k, 'restart', 'sysrq: Resetting') },
  c: { help: 'crash(c)', action: 'Trigger a crash', act: (k) => crash(k) },
  e: { help: 'terminate-all-tasks(e)', action: 'Terminate All Tasks', act: (k) => signalAll(k, 15) },
  f: {
    help: 'memory-full-oom-kill(f)',
    action: 'Manual OOM execution',
    act: (k) => void outOfMemory(k, null),
  },
  i: { help: 'kill-all-tasks(i)', action: 'Kill All Tasks', act: (k) => signalAll(k, 9) },
  j: {
    help: 'thaw-filesystems(j)',
    action: 'Emergency Thaw of all frozen filesystems',
    act: say(Level.WARNING, 'Emergency Thaw complete'),
  },
  k: { help: 'sak(k)', action: 'SAK', act: nothing },
  l: {
    help: 'show-backtrace-all-active-cpus(l)',
    action: 'Show backtrace of all active CPUs',
    act: (k) => showCpu(k, false),
  },
  m: { help: 'show-memory-usage(m)', action: 'Show Memory', act: showMemory },
  n: { help: 'nice-all-RT-tasks(n)', action: 'Nice All RT Tasks', act: nothing },
  o: { help: 'poweroff(o)', action: 'Power Off', act: (k) => stop(k, 'poweroff', 'sysrq: Power Off') },
  p: { help: 'show-registers(p)', action: 'Show Regs', act: (k) => showCpu(k, true) },
  q: {
    help: 'show-all-timers(q)',
    action: 'Show clockevent devices & pending hrtimers (no others)',
    act: nothing,
  },
  r: { help: 'unraw(r)', action: 'Keyboard mode set to system default', act: nothing },
  s: { help: 'sync(s)', action: 'Emergency Sync', act: say(Level.INFO, 'Emergency Sync complete') },
  t: { help: 'show-task-states(t)', action: 'Show State', act: (k) => showTasks(k, () => true) },
  u: { help: 'unmount(u)', action: 'Emergency Remount R/O', act: nothing },
  w: {
    help: 'show-blocked-tasks(w)',
    action: 'Show Blocked State',
    act: (k) => showTasks(k, (letter) => letter === 'D'),
  },
  z: { help: 'dump-ftrace-buffer(z)', action: 'Dump ftrace buffer', act: nothing },
  R: { help: 'replay-kernel-logs(R)', action: 'Replay kernel logs on consoles', act: replay, modern: true },
};
for (let level = 0; level <= 9; level++)
  keys[level] = {
    help: 'loglevel(0-9)',
    action: 'Changing Loglevel',
    act(k) {
      k.printk.levels[0] = level;
      printk(k, Level.INFO, `sysrq: Loglevel set to ${level}`);
    },
  };

/** Kernels before 5.0 begin each line with it. */
const lead = (k: Kernel): string => (/^[1-4]\./.test(k.identity.release) ? 'SysRq : ' : '');

/** Does what `key` stands for; any other prints the list of keys. */
export function sysrq(k: Kernel, key: string): void {
  const old = lead(k) !== '';
  const entry = keys[key]?.modern && old ? undefined : keys[key];
  if (!entry) {
    const help = [
      ...new Set(Object.values(keys).flatMap((each) => (each.modern && old ? [] : [each.help]))),
    ].join(' ');
    printk(k, Level.INFO, `sysrq: ${lead(k)}HELP : ${help} `);
    return;
  }
  printk(k, Level.INFO, `sysrq: ${lead(k)}${entry.action}`);
  entry.act(k);
}
