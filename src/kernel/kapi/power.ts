/**
 * The end of the machine as kernel code asks for it (kernel/reboot.c). Always true: everybody who asked to be told of a reboot is told
 * before it happens, whoever began it.
 */
import type { Kernel } from '../kernel.ts';
import { defineStep, type Outcome } from '../outcome.ts';
import { provideRebootNotice, stopMachine } from '../task/misc.ts';
import type { Task } from '../task/types.ts';
import { loadString } from './access.ts';
import { callChain, ownChain } from './notifier.ts';
import { kapi } from './registry.ts';

type Reason = 'restart' | 'halt' | 'poweroff';
/** SYS_RESTART, SYS_HALT, SYS_POWER_OFF. */
const EVENTS: Readonly<Record<Reason, number>> = { restart: 1, halt: 2, poweroff: 3 };

function tell(k: Kernel, task: Task, reason: Reason, text: string): Outcome {
  // Nobody could have asked before the first module came.
  if (!k.tasking.objects.has('chain:reboot')) return stopMachine(k, reason, text);
  const outcome = callChain(k, task, ownChain(k, 'reboot'), EVENTS[reason], 0);
  if (typeof outcome === 'number') return stopMachine(k, reason, text);
  const last = { step: 'power.told', state: { reason, text } };
  return { ...outcome, then: [last, ...outcome.then] };
}
defineStep('power.told', (k, _task, { reason, text }: { reason: Reason; text: string }) =>
  stopMachine(k, reason, text),
);
provideRebootNotice(tell);

kapi('kernel_restart', (k, task, [command]) => {
  const text = command === 0 ? null : loadString(k, task, command, 256);
  return tell(
    k,
    task,
    'restart',
    text ? `reboot: Restarting system with command '${text}'` : 'reboot: Restarting system',
  );
});
kapi('emergency_restart', (k) => stopMachine(k, 'restart', 'reboot: Restarting system'));
kapi('kernel_halt', (k, task) => tell(k, task, 'halt', 'reboot: System halted'));
for (const name of ['kernel_power_off', 'orderly_poweroff'])
  kapi(name, (k, task) => tell(k, task, 'poweroff', 'reboot: Power down'));
