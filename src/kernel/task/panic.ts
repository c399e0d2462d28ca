/** Panic: the VM stops, and only the VM; the console keeps what was said (kernel/panic.c). */
import type { Kernel } from '../kernel.ts';
import { Level, printk } from '../printk/printk.ts';
import type { Task } from './types.ts';

/** Says why, in Linux's words, and halts the VM. */
export function panic(k: Kernel, text: string, task: Task | null = null): void {
  const { identity } = k;
  printk(k, Level.EMERG, `Kernel panic - not syncing: ${text}`);
  printk(
    k,
    Level.WARNING,
    `CPU: 0 PID: ${task?.tid ?? 0} Comm: ${task?.comm ?? 'swapper/0'} Not tainted ${identity.release} ${identity.version.split(' ')[0]}`,
  );
  printk(k, Level.EMERG, `---[ end Kernel panic - not syncing: ${text}`);
  k.halted = { reason: 'panic', text };
}
