/** /proc/sysrq-trigger (drivers/tty/sysrq.c of 4.15): what each key does, with its line in the log. */
import type { Kernel } from '../../kernel.ts';
import { Level, printk } from '../../printk/printk.ts';
import { kernelSigInfo, sendSignal } from '../../signal/send.ts';
import { panic } from '../../task/panic.ts';
import { memoryUse } from './memory.ts';
import { stateLetter } from './state.ts';

interface Key {
  /** The help message; its first letters name the key. */
  help: string;
  action: string;
  act: (k: Kernel) => void;
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

function showMemory(k: Kernel): void {
  const use = memoryUse(k);
  printk(k, Level.WARNING, 'Mem-Info:');
  printk(k, Level.WARNING, `active_anon:${use.anonymous} inactive_anon:0 isolated_anon:0 free:${use.free}`);
  printk(k, Level.WARNING, `${use.cached} total pagecache pages`);
  printk(k, Level.WARNING, `${use.total} pages RAM`);
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

const keys: Record<string, Key> = {
  b: { help: 'reboot(b)', action: 'Resetting', act: (k) => stop(k, 'restart', 'sysrq: Resetting') },
  c: { help: 'crash(c)', action: 'Trigger a crash', act: (k) => crash(k) },
  e: { help: 'terminate-all-tasks(e)', action: 'Terminate All Tasks', act: (k) => signalAll(k, 15) },
  i: { help: 'kill-all-tasks(i)', action: 'Kill All Tasks', act: (k) => signalAll(k, 9) },
  m: { help: 'show-memory-usage(m)', action: 'Show Memory', act: showMemory },
  o: { help: 'poweroff(o)', action: 'Power Off', act: (k) => stop(k, 'poweroff', 'sysrq: Power Off') },
  s: {
    help: 'sync(s)',
    action: 'Emergency Sync',
    act: (k) => printk(k, Level.INFO, 'Emergency Sync complete'),
  },
  t: { help: 'show-task-states(t)', action: 'Show State', act: (k) => showTasks(k, () => true) },
  w: {
    help: 'show-blocked-tasks(w)',
    action: 'Show Blocked State',
    act: (k) => showTasks(k, (letter) => letter === 'D'),
  },
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
  const entry = keys[key];
  if (!entry) {
    const help = [...new Set(Object.values(keys).map((each) => each.help))].join(' ');
    printk(k, Level.INFO, `sysrq: ${lead(k)}HELP : ${help} `);
    return;
  }
  printk(k, Level.INFO, `sysrq: ${lead(k)}${entry.action}`);
  entry.act(k);
}
