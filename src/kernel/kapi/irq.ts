/**
 * Interrupt lines (kernel/irq/manage.c). The machine has no device that interrupts, so a line is raised by software alone. Always true:
 * the handlers of a line run in interrupt context, in the order they asked for it, and only while the line is enabled.
 */
import type { Kernel } from '../kernel.ts';
import { isInterrupt, startKernelTask, stepInInterrupt } from '../module/interrupt.ts';
import { readKString } from '../module/kmem.ts';
import { call } from '../module/runtime.ts';
import { defineStep, type Outcome } from '../outcome.ts';
import { Level, printk } from '../printk/printk.ts';
import type { Task } from '../task/types.ts';
import { setPreemptCount } from './mirror.ts';
import { kapi } from './registry.ts';
import { resumed, sleepAt, wakeWaitersAt } from './sleep.ts';
import type { IrqAction } from './tasking.ts';

const EINVAL = 22;
const EBUSY = 16;
const NR_IRQS = 64;
const IRQF_SHARED = 0x80;
const IRQF_PROBE_SHARED = 0x100;
const IRQ_WAKE_THREAD = 2;
const HARDIRQ = 0x10000;

const isLine = (irq: number): boolean => irq >= 0 && irq < NR_IRQS;

kapi('request_threaded_irq', (k, _task, [irq, handler, thread, flags, name, dev]) => {
  if (!isLine(irq) || (handler === 0 && thread === 0)) return -EINVAL;
  const shared = (flags & IRQF_SHARED) !== 0;
  if (shared && dev === 0) return -EINVAL;
  const actions = k.tasking.irqs.get(irq) ?? [];
  const text = name === 0 ? '' : (readKString(k, name, 64) ?? '');
  const other = actions.find((action) => !action.shared || !shared);
  if (other) {
    if ((flags & IRQF_PROBE_SHARED) === 0) {
      const [mine, theirs] = [flags, other.flags].map((each) => (each >>> 0).toString(16).padStart(8, '0'));
      printk(
        k,
        Level.ERR,
        `genirq: Flags mismatch irq ${irq}. ${mine} (${text}) vs. ${theirs} (${other.name})`,
      );
    }
    return -EBUSY;
  }
  actions.push({ handler, thread, dev, name: text, shared, flags, count: 0, running: 0 });
  k.tasking.irqs.set(irq, actions);
  return 0;
});
kapi('free_irq', (k, task, [irq, dev]) => {
  const actions = k.tasking.irqs.get(irq) ?? [];
  const at = actions.findIndex((action) => action.dev === dev);
  if (at < 0) return 0;
  // Its thread ends first.
  if (actions[at].running > 0) return sleepAt(k, dev, 'no');
  actions.splice(at, 1);
  resumed(k, task);
  return 0;
});
for (const name of ['disable_irq', 'disable_irq_nosync'])
  kapi(name, (k, _task, [irq]) => {
    k.tasking.irqDisabled.set(irq, (k.tasking.irqDisabled.get(irq) ?? 0) + 1);
    return 0;
  });
kapi('enable_irq', (k, _task, [irq]) => {
  const depth = k.tasking.irqDisabled.get(irq) ?? 0;
  if (depth > 1) k.tasking.irqDisabled.set(irq, depth - 1);
  else k.tasking.irqDisabled.delete(irq);
  return 0;
});
kapi('synchronize_irq', () => 0);

interface Raised {
  irq: number;
  at: number;
}

/** Calls the next handler of a line that was raised. */
function handle(k: Kernel, task: Task, raised: Raised): Outcome {
  const action = k.tasking.irqs.get(raised.irq)?.[raised.at++];
  if (!action) {
    if (isInterrupt(k, task)) setPreemptCount(k, task, 0);
    return 0;
  }
  action.count++;
  // Without a handler of its own a threaded one is woken at once (irq_default_primary_handler).
  if (action.handler === 0) {
    wakeThread(k, raised.irq, action);
    return handle(k, task, raised);
  }
  if (isInterrupt(k, task)) setPreemptCount(k, task, HARDIRQ);
  return call(action.handler, [raised.irq, action.dev], { step: 'kapi.irq.next', state: raised });
}

/** The handler's thread runs once for what woke it. */
function wakeThread(k: Kernel, irq: number, action: IrqAction): void {
  if (action.thread === 0) return;
  action.running++;
  const state = { irq, action };
  startKernelTask(k, `irq/${irq}-${action.name}`, { step: 'kapi.irq.thread', state });
}
defineStep('kapi.irq.thread', (_k, _task, state: { irq: number; action: IrqAction }, entry) => {
  if (entry.by !== 'result')
    return call(state.action.thread, [state.irq, state.action.dev], { step: 'kapi.irq.threaded', state });
  return 0;
});
defineStep('kapi.irq.threaded', (k, _task, { action }: { action: IrqAction }) => {
  action.running--;
  wakeWaitersAt(k, action.dev);
  return 0;
});
defineStep('kapi.irq.raise', (k, task, { irq }: { irq: number }) => handle(k, task, { irq, at: 0 }));
defineStep('kapi.irq.next', (k, task, raised: Raised, entry) => {
  const action = k.tasking.irqs.get(raised.irq)?.[raised.at - 1];
  if (action && entry.by === 'result' && (entry.value & IRQ_WAKE_THREAD) !== 0)
    wakeThread(k, raised.irq, action);
  return handle(k, task, raised);
});

function raise(k: Kernel, irq: number): number {
  if (!isLine(irq) || !k.tasking.irqs.get(irq)?.length) return -EINVAL;
  if (!k.tasking.irqDisabled.has(irq)) stepInInterrupt(k, { step: 'kapi.irq.raise', state: { irq } });
  return 0;
}
kapi('generic_handle_irq', (k, _task, [irq]) => raise(k, irq));
const IRQCHIP_STATE_PENDING = 0;
kapi('irq_set_irqchip_state', (k, _task, [irq, which, on]) =>
  which === IRQCHIP_STATE_PENDING && on & 1 ? raise(k, irq) : 0,
);
