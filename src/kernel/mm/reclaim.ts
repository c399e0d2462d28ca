/**
 * Getting memory back when it runs out: first clean pages that only a page cache holds, then changed pages of files on disk,
 * at last the out-of-memory killer (mm/oom_kill.c). Always true: what reclaim takes can be had again, nothing is lost.
 */
import type { Kernel } from '../kernel.ts';
import { printk } from '../printk/printk.ts';
import { kernelSigInfo } from '../signal/bits.ts';
import { sendSignal } from '../signal/send.ts';
import type { Task, ThreadGroup } from '../task/types.ts';
import { writeBack } from './filemap.ts';
import { TASK_SIZE } from './layout.ts';
import { unmapRegion } from './mmap.ts';
import { putPage } from './pages.ts';
import type { Mm } from './types.ts';
import { PageFlag } from './types.ts';

const SIGKILL = 9;
const KERN_ERR = 3;
const KERN_WARNING = 4;

/** How many changed pages are written back at once. */
const WRITE_BACK = 256;

/** Frees about `want` pages of files that nobody maps, clean ones first; answers how many came free. */
export function reclaim(k: Kernel, want: number): number {
  let freed = dropClean(k, want);
  if (freed > 0) return freed;
  for (const inode of k.mm.cacheInodes) {
    freed += writeBack(k, inode, WRITE_BACK - freed);
    if (freed >= WRITE_BACK) break;
  }
  return freed;
}

/** Drops up to `want` clean pages that nobody maps. */
function dropClean(k: Kernel, want: number): number {
  let freed = 0;
  for (const inode of k.mm.cacheInodes) {
    if (inode.pages) {
      for (const [index, pfn] of inode.pages) {
        if ((k.mm.pageFlags[pfn] & PageFlag.CLEAN) === 0) continue;
        if (k.mm.pageRefs[pfn] !== 1) continue;
        inode.pages.delete(index);
        k.mm.cachedPages--;
        putPage(k, pfn);
        if (++freed >= want) return freed;
      }
    }
    if (!inode.pages || inode.pages.size === 0) k.mm.cacheInodes.delete(inode);
  }
  return freed;
}

const mmOf = (k: Kernel, group: ThreadGroup): Mm | null => {
  for (const tid of group.threads) {
    const mm = k.task.tasks.get(tid)?.mm;
    if (mm) return mm;
  }
  return null;
};

const rss = (mm: Mm): number => mm.rssAnon + mm.rssFile + mm.tablePages;
const kilobytes = (pages: number): number => pages * 4;

/**
 * Kills the process that holds the most memory and takes its memory away at once (as the oom reaper does), so that the
 * caller can go on without waiting for the victim to die. Answers the victim's mm, or null when there is nobody to kill.
 */
export function outOfMemory(k: Kernel, current: Task | null): Mm | null {
  let victim: ThreadGroup | null = null;
  let victimMm: Mm | null = null;
  for (const group of k.task.groups.values()) {
    if (group.pid === 1 || group.groupExit !== null) continue;
    const mm = mmOf(k, group);
    if (mm && rss(mm) > 0 && (!victimMm || rss(mm) > rss(victimMm))) {
      victim = group;
      victimMm = mm;
    }
  }
  if (!victim || !victimMm) return null;
  const comm = k.task.tasks.get(victim.pid)?.comm ?? '';
  const score = Math.min(1000, Math.floor((rss(victimMm) * 1000) / Math.max(1, k.guest.maxPages)));
  if (current)
    printk(
      k,
      KERN_WARNING,
      `${current.comm} invoked oom-killer: gfp_mask=0x14200ca(GFP_HIGHUSER_MOVABLE), nodemask=(null), order=0, oom_score_adj=0`,
    );
  printk(
    k,
    KERN_ERR,
    `Out of memory: Kill process ${victim.pid} (${comm}) score ${score} or sacrifice child`,
  );
  printk(
    k,
    KERN_ERR,
    `Killed process ${victim.pid} (${comm}) total-vm:${kilobytes(victimMm.totalVmPages)}kB, anon-rss:${kilobytes(victimMm.rssAnon)}kB, file-rss:${kilobytes(victimMm.rssFile)}kB, shmem-rss:0kB`,
  );
  k.mm.oomKills++;
  for (const group of k.task.groups.values()) {
    if (mmOf(k, group) === victimMm && group.pid !== 1) sendSignal(k, group, kernelSigInfo(SIGKILL));
  }
  unmapRegion(k, victimMm, 0, TASK_SIZE);
  return victimMm;
}
