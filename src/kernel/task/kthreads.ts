/**
 * The kernel's own threads as `ps` shows them. Our kernel does its work where it is asked for, so they only sleep; they exist
 * because programs, people and modules look for them (kthreadd is the parent of whatever a module starts). Always true: they
 * have no memory, share one table of ignored signals, and cannot be killed, stopped or traced.
 */
import { newTable } from '../fs/file.ts';
import { newFsContext } from '../fs/room.ts';
import type { Kernel } from '../kernel.ts';
import type { Wait } from '../outcome.ts';
import { wait } from '../outcome.ts';
import { SIG_IGN } from '../signal/bits.ts';
import { dupFsContext } from './context.ts';
import { newTask } from './create.ts';
import { rootCred } from './cred.ts';
import { defaultRlimits } from './rlimit.ts';

export const KTHREADD_PID = 2;

/** Names of a one-CPU 4.15 in order of pid, with nice value and the state that ps shows. */
const NAMES: readonly (readonly [string, number, 'S' | 'I'])[] = [
  ['kthreadd', 0, 'S'],
  ['kworker/0:0H', -20, 'I'],
  ['mm_percpu_wq', -20, 'I'],
  ['ksoftirqd/0', 0, 'S'],
  ['rcu_sched', 0, 'I'],
  ['rcu_bh', 0, 'I'],
  ['migration/0', 0, 'S'],
  ['watchdog/0', 0, 'S'],
  ['cpuhp/0', 0, 'S'],
  ['kdevtmpfs', 0, 'S'],
  ['netns', -20, 'I'],
  ['rcu_tasks_kthre', 0, 'S'],
  ['kauditd', 0, 'S'],
  ['khungtaskd', 0, 'S'],
  ['oom_reaper', 0, 'S'],
  ['writeback', -20, 'I'],
  ['kcompactd0', 0, 'S'],
  ['crypto', -20, 'I'],
  ['kintegrityd', -20, 'I'],
  ['kblockd', -20, 'I'],
  ['kswapd0', 0, 'S'],
];

/** What they sleep in: for ever. */
const asleep: Wait = wait([]);
const idle: Wait = wait([], { interruptible: 'no' });

/** Starts them, right after init. */
export function startKthreads(k: Kernel): void {
  const fs = dupFsContext(newFsContext(k));
  const actions = Array.from({ length: 65 }, () => ({ handler: SIG_IGN, flags: 0, mask: 0n }));
  const rlimits = defaultRlimits(k);
  const files = newTable();
  for (const [comm, nice, state] of NAMES) {
    const task = newTask(k, {
      group: null,
      comm,
      mm: null,
      files,
      fs,
      cred: rootCred,
      parentPid: comm === 'kthreadd' ? 0 : KTHREADD_PID,
      actions,
      rlimits,
      kthread: true,
    });
    if (typeof task === 'number') return;
    fs.users++;
    files.users++;
    task.group.pgid = 0;
    task.group.sid = 0;
    task.nice = nice;
    task.state = 'sleeping';
    task.wait = state === 'I' ? idle : asleep;
  }
}
