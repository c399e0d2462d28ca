/**
 * Asynchronous notification by modules (fs/fcntl.c: fasync_helper, kill_fasync). Always true: a module's list is one of struct
 * fasync_struct in guest memory, made and freed here, one for each open file that asked for it.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { Errno } from '../abi/errno.ts';
import { fieldOf } from '../abi/structs/index.ts';
import { sendSigio } from '../fs/async.ts';
import type { Kernel } from '../kernel.ts';
import { readK64 } from '../module/kmem.ts';
import { Level, printk } from '../printk/index.ts';
import type { Task } from '../task/types.ts';
import { getField, int, setField, sizeOf } from './access.ts';
import { bad, isLive, store } from './guest.ts';
import { kfree, kmalloc } from './memory.ts';
import { kapi } from './registry.ts';
import { kapiRoom } from './room.ts';

const FASYNC_MAGIC = 0x4601;
const SIGURG = 23;
/** Links that are followed before a list is taken for a circle. */
const MAX_LINKS = 65_536;

const NEXT = fieldOf('fasync_struct', 'fa_next').offset;

/** The entries of a list, each with the place of the link to it. A link that leads nowhere is the caller's fault. */
function* entries(k: Kernel, task: Task, head: Vaddr): Generator<{ at: Vaddr; link: Vaddr }> {
  let link = head;
  for (let i = 0; i < MAX_LINKS; i++) {
    const at = readK64(k, link);
    if (at === null) bad(k, task, link, false);
    if (!at) return;
    yield { at, link };
    link = at + NEXT;
  }
}

const fileOf = (k: Kernel, at: Vaddr): Vaddr => getField(k, 'fasync_struct', at, 'fa_file') ?? 0;

kapi('fasync_helper', (k, task, [fd, filp, on, head]) => {
  let found: { at: Vaddr; link: Vaddr } | null = null;
  for (const entry of entries(k, task, head)) if (fileOf(k, entry.at) === filp) found = entry;
  if (!isLive(k, task)) return 0;
  if (int(on) === 0) {
    if (!found) return 0;
    store(k, task, found.link, readK64(k, found.at + NEXT) ?? 0);
    kfree(k, task, found.at);
    return 1;
  }
  if (found) {
    setField(k, 'fasync_struct', found.at, 'fa_fd', int(fd));
    return 0;
  }
  const made = kmalloc(k, task, sizeOf('fasync_struct'));
  if (made === 0) return -Errno.ENOMEM;
  kapiRoom(k).heap.objects.delete(made);
  setField(k, 'fasync_struct', made, 'magic', FASYNC_MAGIC);
  setField(k, 'fasync_struct', made, 'fa_fd', int(fd));
  setField(k, 'fasync_struct', made, 'fa_file', filp);
  setField(k, 'fasync_struct', made, 'fa_next', readK64(k, head) ?? 0);
  store(k, task, head, made);
  return 1;
});

kapi('kill_fasync', (k, task, [head, signal, band]) => {
  for (const { at } of entries(k, task, head)) {
    if ((getField(k, 'fasync_struct', at, 'magic') ?? 0) !== FASYNC_MAGIC) {
      printk(k, Level.ERR, 'kill_fasync: bad magic number in fasync_struct!');
      return 0;
    }
    const file = kapiRoom(k).files.get(fileOf(k, at));
    if (!file || (int(signal) === SIGURG && file.owner.signal === 0)) continue;
    sendSigio(k, file, getField(k, 'fasync_struct', at, 'fa_fd') ?? 0, int(band));
  }
  return 0;
});
