/** The machine as modules ask about it: memory use, devices' memory, one processor (lib/, kernel/smp.c, arch). */
import './data.ts';
import './remote.ts';
import './sysctl.ts';
import type { Kernel } from '../kernel.ts';
import { memoryUse } from '../mm/index.ts';
import { LINEAR_BASE } from '../mm/layout.ts';
import { writeK32, writeK64 } from '../module/kmem.ts';
import { call } from '../module/runtime.ts';
import { fieldAddress, load, loadString, setField, store, uint, unsigned } from './access.ts';
import { isLive, load as loadLong, store as storeLong } from './guest.ts';
import { jiffiesNow } from './jiffies.ts';
import { kfree, kmalloc } from './memory.ts';
import { findKapi, kapi } from './registry.ts';

/** si_meminfo: pages, and their size. */
kapi('si_meminfo', (k, _task, [info]) => {
  const { total, free } = memoryUse(k);
  for (const [name, value] of Object.entries({ totalram: total, freeram: free, bufferram: 0, sharedram: 0 }))
    setField(k, 'sysinfo', info, name, value);
  setField(k, 'sysinfo', info, 'mem_unit', 4096);
  return 0;
});

/** on_each_cpu: the one there is calls it here and now. */
kapi('on_each_cpu', (_k, _task, [func, info]) => call(func, [info]));

// There is no device memory: what could be mapped is RAM, which is mapped already.
const inRam = (k: Kernel, at: number, size: number): boolean =>
  at >= 0 && at + size <= k.guest.maxPages * 4096;
for (const name of ['ioremap', 'memremap'])
  kapi(name, (k, _task, [at, size]) => (inRam(k, at, unsigned(size)) ? LINEAR_BASE + at : 0));
for (const name of ['iounmap', 'memunmap', 'kernel_param_lock', 'kernel_param_unlock']) kapi(name, () => 0);
kapi('dma_alloc_coherent', (k, task, [, size, handle]) => {
  const address = kmalloc(k, task, Math.max(4096, unsigned(size)));
  if (address !== 0) storeLong(k, task, handle, address - LINEAR_BASE);
  return isLive(k, task) ? address : 0;
});
kapi('dma_free_coherent', (k, task, [, , address]) => {
  kfree(k, task, address);
  return 0;
});

/** get_options: numbers and ranges after commas; the count goes to ints[0]. Answers where it stopped. */
kapi('get_options', (k, task, [at, max, ints]) => {
  const text = loadString(k, task, at, 4096);
  if (text === null) return 0;
  const found: number[] = [];
  let used = 0;
  for (;;) {
    const match = /^(-?(?:0[xX][0-9a-fA-F]+|\d+))(?:-(\d+))?(,?)/.exec(text.slice(used));
    if (!match || found.length + 1 >= max) break;
    const [whole, from, to, comma] = match;
    for (let n = Number(from); n <= Number(to ?? from) && found.length + 1 < max; n++) found.push(n);
    used += whole.length;
    if (comma === '') break;
  }
  [found.length, ...found].forEach((value, i) => {
    writeK32(k, ints + 4 * i, value | 0);
  });
  return at + used;
});

/** printk_timed_ratelimit: once in so many milliseconds; the caller keeps when. */
kapi('printk_timed_ratelimit', (k, task, [last, msec]) => {
  const before = loadLong(k, task, last);
  const now = jiffiesNow(k);
  if (!isLive(k, task)) return 0;
  if (before !== 0 && now - before < uint(msec) / 4) return 0;
  writeK64(k, last, now);
  return 1;
});
/** print_hex_dump_bytes of old kernels: at debug level, with the text beside it. */
kapi('print_hex_dump_bytes', (k, task, [prefix, type, buf, length]) => {
  const level = kmalloc(k, task, 8);
  store(k, task, level, Uint8Array.of(1, 0x37, 0));
  findKapi('print_hex_dump')!(k, task, [level, prefix, type, 16, 1, buf, length, 1]);
  kfree(k, task, level);
  return 0;
});

/** dequeue_signal: for threads that allowed some. */
kapi('dequeue_signal', (k, task, [, , info]) => {
  const pending = task.pending.set & ~task.blocked;
  if (pending === 0n) return 0;
  let signo = 1;
  while (((pending >> BigInt(signo - 1)) & 1n) === 0n) signo++;
  task.pending.set &= ~(1n << BigInt(signo - 1));
  if (info !== 0 && load(k, task, info, 4))
    writeK32(k, fieldAddress('kernel_siginfo', info, 'si_signo'), signo);
  return signo;
});
