/**
 * Checks of lists (lib/list_debug.c; CONFIG_LIST_HARDENED of 6.6 and later, which Debian's kernels have, with
 * CONFIG_BUG_ON_DATA_CORRUPTION). Always true: the inline checks of linux/list.h have failed before these are called; a corruption is
 * told and ends the task, or the VM, as a BUG does.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import type { Kernel } from '../kernel.ts';
import { readKBig } from '../module/kmem.ts';
import { Level, printk } from '../printk/printk.ts';
import type { Task } from '../task/types.ts';
import { isLive, load } from './guest.ts';
import { kapi } from './registry.ts';
import { kernelBug } from './report.ts';

/** LIST_POISON1 and 2 of linux/poison.h, with POISON_POINTER_DELTA of riscv. */
const POISON1 = 0x100;
const POISON2 = 0x122;
const POISON_DELTA = 0xdead000000000000n;
/** Whether the pointer at `at` is a poison, to the last bit. */
function poison(k: Kernel, at: Vaddr, which: number): boolean {
  const value = readKBig(k, at);
  return value !== null && BigInt.asUintN(64, value) === POISON_DELTA + BigInt(which);
}
const poisoned = (which: number): string => (POISON_DELTA + BigInt(which)).toString(16);

/** %px. */
const px = (value: number): string => BigInt.asUintN(64, BigInt(value)).toString(16).padStart(16, '0');

/** Says what is wrong and stops there; 0 is what the caller's inline code makes of it. */
function corrupt(k: Kernel, task: Task, line: number, text: string, adding: boolean): number {
  printk(k, Level.ERR, text);
  const name = adding ? '__list_add_valid_or_report+0x9a/0xc2' : '__list_del_entry_valid_or_report+0xb0/0xfa';
  kernelBug(k, task, { file: `lib/list_debug.c:${line}`, symbol: name });
  return 0;
}

function checkAdd(k: Kernel, task: Task, entry: Vaddr, prev: Vaddr, next: Vaddr): number {
  const bad = (line: number, text: string): number => corrupt(k, task, line, text, true);
  if (prev === 0) return bad(23, 'list_add corruption. prev is NULL.');
  if (next === 0) return bad(26, 'list_add corruption. next is NULL.');
  const back = load(k, task, next + 8);
  const forth = load(k, task, prev);
  if (!isLive(k, task)) return 0;
  if (back !== prev)
    return bad(
      29,
      `list_add corruption. next->prev should be prev (${px(prev)}), but was ${px(back)}. (next=${px(next)}).`,
    );
  if (forth !== next)
    return bad(
      32,
      `list_add corruption. prev->next should be next (${px(next)}), but was ${px(forth)}. (prev=${px(prev)}).`,
    );
  if (entry === prev || entry === next)
    return bad(35, `list_add double add: new=${px(entry)}, prev=${px(prev)}, next=${px(next)}.`);
  return 1;
}

function checkDel(k: Kernel, task: Task, entry: Vaddr): number {
  const bad = (line: number, text: string): number => corrupt(k, task, line, text, false);
  const next = load(k, task, entry);
  const prev = load(k, task, entry + 8);
  if (!isLive(k, task)) return 0;
  const at = px(entry);
  if (next === 0) return bad(47, `list_del corruption, ${at}->next is NULL`);
  if (prev === 0) return bad(50, `list_del corruption, ${at}->prev is NULL`);
  if (poison(k, entry, POISON1))
    return bad(53, `list_del corruption, ${at}->next is LIST_POISON1 (${poisoned(POISON1)})`);
  if (poison(k, entry + 8, POISON2))
    return bad(56, `list_del corruption, ${at}->prev is LIST_POISON2 (${poisoned(POISON2)})`);
  const forth = load(k, task, prev);
  const back = load(k, task, next + 8);
  if (!isLive(k, task)) return 0;
  if (forth !== entry)
    return bad(
      59,
      `list_del corruption. prev->next should be ${at}, but was ${px(forth)}. (prev=${px(prev)})`,
    );
  if (back !== entry)
    return bad(
      62,
      `list_del corruption. next->prev should be ${at}, but was ${px(back)}. (next=${px(next)})`,
    );
  return 1;
}

for (const name of ['__list_add_valid', '__list_add_valid_or_report'])
  kapi(name, (k, task, [entry, prev, next]) => checkAdd(k, task, entry, prev, next));
for (const name of ['__list_del_entry_valid', '__list_del_entry_valid_or_report'])
  kapi(name, (k, task, [entry]) => checkDel(k, task, entry));
