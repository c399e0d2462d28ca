/** Limits and counters of oopses and warnings, which kernels from 6.2 on show (kernel/exit.c, kernel/panic.c). */
import { Errno } from '../abi/errno.ts';
import { randomBytes } from '../drivers/random.ts';
import { addDynamic, defineKernfsHandler } from '../fs/kernfs-dynamic.ts';
import { kernelSymbol } from '../kapi/image.ts';
import type { Kernel } from '../kernel.ts';
import { writeKBig } from '../module/kmem.ts';
import { fillKernelData } from '../module/memory.ts';
import { isModern } from './frames.ts';

const LIMITS: Readonly<Record<string, string>> = { 'kernel.oops_limit': '10000', 'kernel.warn_limit': '0' };

defineKernfsHandler('panic.limit', {
  show: (k, ctx) => `${k.sysctl[ctx.data as string] ?? LIMITS[ctx.data as string]}\n`,
  store(k, _task, ctx, text) {
    if (!/^\s*\d{1,10}\s*$/.test(text)) return -Errno.EINVAL;
    k.sysctl[ctx.data as string] = String(Number(text));
    return text.length;
  },
});
defineKernfsHandler('panic.count', {
  show: (k, ctx) => `${ctx.data === 'oops_count' ? k.panic.deaths : k.panic.warnings}\n`,
});

/** Puts the files where this kernel has them. */
export function initPanic(k: Kernel): void {
  if (!isModern(k)) return;
  for (const name of Object.keys(LIMITS))
    addDynamic(k, 'proc', ['sys', ...name.split('.')], {
      type: 'file',
      mode: 0o644,
      handler: 'panic.limit',
      data: name,
    });
  for (const name of ['oops_count', 'warn_count'])
    addDynamic(k, 'sysfs', ['kernel', name], {
      type: 'file',
      mode: 0o444,
      handler: 'panic.count',
      data: name,
    });
}

/** The stack protector's canary: its lowest byte is zero, so that no string runs over it unseen. */
fillKernelData((k) => {
  const at = kernelSymbol(k, '__stack_chk_guard');
  if (at === 0) return;
  const bytes = randomBytes(k, 8);
  writeKBig(k, at, new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true) & ~0xffn);
});
