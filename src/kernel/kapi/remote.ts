/**
 * User memory of the caller or of another process in a driver's hands (mm/memory.c access_process_vm, mm/gup.c). Always true: a page that
 * is handed out stays as long as its owner keeps it mapped; what is not mapped ends the transfer early.
 */
import { Access, PAGE_SIZE } from '../../cpu/machine.ts';
import { Errno } from '../abi/errno.ts';
import { LINEAR_BASE, pageOffset } from '../mm/layout.ts';
import { findPte, ptePfn } from '../mm/pagetable.ts';
import { readMm, writeMm } from '../mm/remote.ts';
import { userAddress } from '../mm/uaccess.ts';
import { int, load, store, uint } from './access.ts';
import { store as storeLong } from './guest.ts';
import { taskAt } from './mirror.ts';
import { pageStruct } from './page-struct.ts';
import { kapi } from './registry.ts';

const FOLL_WRITE = 1;
const MAX_BYTES = 1 << 24;

/** access_process_vm: bytes moved; fewer where memory ends. */
kapi('access_process_vm', (k, task, [address, at, buf, length, flags]) => {
  const mm = taskAt(k, address)?.mm;
  const count = Math.min(Math.max(0, int(length)), MAX_BYTES);
  if (!mm || count === 0) return 0;
  if ((uint(flags) & FOLL_WRITE) !== 0) {
    const bytes = load(k, task, buf, count);
    return bytes ? writeMm(k, mm, at, bytes) : 0;
  }
  const bytes = readMm(k, mm, at, count);
  return store(k, task, buf, bytes) ? bytes.length : 0;
});

/** get_user_pages_fast: the struct pages behind the caller's addresses, made present. */
kapi('get_user_pages_fast', (k, task, [start, wanted, flags, pages]) => {
  const { mm } = task;
  const access = (uint(flags) & FOLL_WRITE) !== 0 ? Access.Write : Access.Read;
  const first = start - pageOffset(start);
  let done = 0;
  for (; mm && done < int(wanted); done++) {
    const va = first + done * PAGE_SIZE;
    if (userAddress(k, task, va, access) < 0) break;
    const at = findPte(k, mm.root, va);
    const pfn = at < 0 ? -1 : ptePfn(k.guest.load32(at));
    if (pfn < 0) break;
    if (!storeLong(k, task, pages + 8 * done, pageStruct(LINEAR_BASE + pfn * PAGE_SIZE))) return 0;
  }
  return done > 0 || int(wanted) === 0 ? done : -Errno.EFAULT;
});
