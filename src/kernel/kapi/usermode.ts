/**
 * Programs that kernel code starts (kernel/umh.c, kernel/kmod.c). Always true: a helper runs as root, a child of the kernel's own; who
 * waits for it is parked on its exit.
 */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { readK64 } from '../module/kmem.ts';
import { defineStep, type Outcome, wait } from '../outcome.ts';
import { spawn } from '../task/spawn.ts';
import type { Task } from '../task/types.ts';
import { int, loadString } from './access.ts';
import { kapi, overrideKapi } from './registry.ts';
import { resumed } from './sleep.ts';
import { callArgs, format } from './vsprintf.ts';

const UMH_WAIT_PROC = 2;
const MAX_WORDS = 64;
const ENVIRONMENT = ['HOME=/', 'TERM=linux', 'PATH=/sbin:/usr/sbin:/bin:/usr/bin'];

/** A null-terminated array of strings. */
function words(k: Kernel, task: Task, at: number): string[] {
  const out: string[] = [];
  for (let i = 0; at !== 0 && i < MAX_WORDS; i++) {
    const word = readK64(k, at + 8 * i);
    if (!word) break;
    out.push(loadString(k, task, word, 4096) ?? '');
  }
  return out;
}

/** Starts a program and, when asked to, waits for its end: its wait status, or -errno. */
function run(
  k: Kernel,
  path: string,
  argv: readonly string[],
  env: readonly string[],
  waits: number,
): Outcome {
  const pid = spawn(k, { argv: [path, ...argv.slice(1)], env });
  if (pid < 0 || waits < UMH_WAIT_PROC) return Math.min(pid, 0);
  return ended(k, pid);
}
function ended(k: Kernel, pid: number): Outcome {
  const group = k.task.groups.get(pid);
  const leader = k.task.tasks.get(pid);
  if (!group || !leader || leader.state === 'dead') return 0;
  if (leader.state === 'zombie') return group.exitStatus;
  return wait([group.exitWait], {
    interruptible: 'killable',
    then: [{ step: 'umh.waits', state: { pid, group } }],
  });
}
defineStep('umh.waits', (k, task, { pid, group }: { pid: number; group: { exitStatus: number } }) => {
  resumed(k, task);
  const leader = k.task.tasks.get(pid);
  return leader && leader.state !== 'zombie' && leader.state !== 'dead' ? ended(k, pid) : group.exitStatus;
});

kapi('call_usermodehelper', (k, task, [path, argv, envp, waits]) => {
  const name = loadString(k, task, path, 4096);
  if (name === null) return 0;
  return run(k, name, words(k, task, argv), words(k, task, envp), int(waits) & 3);
});

/** request_module: modprobe decides what the name means. */
overrideKapi('__request_module', (k, task, [waits, fmt]) => {
  const pattern = loadString(k, task, fmt, 256);
  const name = pattern === null ? null : format(k, task, pattern, callArgs(k, 2));
  if (name === null) return 0;
  if (name.length >= 56) return -Errno.ENAMETOOLONG;
  const program = k.sysctl['kernel.modprobe'] ?? '/sbin/modprobe';
  if (program === '') return -Errno.ENOENT;
  return run(k, program, [program, '-q', '--', name], ENVIRONMENT, int(waits) !== 0 ? UMH_WAIT_PROC : 0);
});
