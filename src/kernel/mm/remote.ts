/**
 * Another address space's memory (access_remote_vm): for ptrace, /proc/PID/mem, exec's first stack. Always true: protection is
 * not asked (FOLL_FORCE), mappings are; writing a private page breaks copy-on-write.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { PAGE_SIZE } from '../../cpu/machine.ts';
import type { Kernel } from '../kernel.ts';
import { forceOwn, forceRead } from './fault.ts';
import { pageOffset } from './layout.ts';
import type { Mm } from './types.ts';

/** Up to `length` bytes at `va`: short before the first page that is not mapped. */
export function readMm(k: Kernel, mm: Mm, va: Vaddr, length: number): Uint8Array {
  const out = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const pfn = forceRead(k, mm, va + done);
    if (pfn < 0) return out.slice(0, done);
    const offset = pageOffset(va + done);
    const count = Math.min(PAGE_SIZE - offset, length - done);
    out.set(k.guest.page(pfn, false).subarray(offset, offset + count), done);
    done += count;
  }
  return out;
}

/** Writes bytes at `va`; answers how many were written before the first page that cannot be. */
export function writeMm(k: Kernel, mm: Mm, va: Vaddr, bytes: Uint8Array): number {
  let done = 0;
  while (done < bytes.length) {
    const pfn = forceOwn(k, mm, va + done);
    if (pfn < 0) return done;
    const offset = pageOffset(va + done);
    const count = Math.min(PAGE_SIZE - offset, bytes.length - done);
    k.guest.page(pfn, true).set(bytes.subarray(done, done + count), offset);
    done += count;
  }
  return done;
}
