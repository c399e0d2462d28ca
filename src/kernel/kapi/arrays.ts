/**
 * Arrays with holes (lib/xarray.c, lib/radix-tree.c) and memory of each processor. Always true: what such an array holds is in the room
 * by the address of its root, and an empty one is not there.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { readKBig, writeK32, writeKBig } from '../module/kmem.ts';
import type { Task } from '../task/types.ts';
import { load, store, uint, unsigned } from './access.ts';
import { kfree, kmalloc } from './memory.ts';
import { kapi, wide, wideArg } from './registry.ts';
import { kapiRoom } from './room.ts';

const MAX_ENTRIES = 1_000_000;

type Entries = Map<number, bigint>;
const entriesOf = (k: Kernel, root: Vaddr): Entries | undefined => kapiRoom(k).maps.get(root);

/** Stores an entry (0 erases); answers the old one, or null when there is no room. */
function put(k: Kernel, root: Vaddr, index: number, entry: bigint): bigint | null {
  const { maps } = kapiRoom(k);
  const entries = maps.get(root) ?? new Map<number, bigint>();
  const old = entries.get(index) ?? 0n;
  if (entry === 0n) entries.delete(index);
  else if (old === 0n && entries.size >= MAX_ENTRIES) return null;
  else entries.set(index, entry);
  if (entries.size > 0) maps.set(root, entries);
  else maps.delete(root);
  return old;
}

const indexOf = (value: number): number => unsigned(value);
/** xa_mk_internal of an errno, as IS_ERR and xa_err see it. */
const errorEntry = (errno: number): bigint => BigInt(-errno);

kapi('xa_load', (k, task, [xa, index]) => wide(task, entriesOf(k, xa)?.get(indexOf(index)) ?? 0n));
kapi('xa_store', (k, task, [xa, index]) =>
  wide(task, put(k, xa, indexOf(index), wideArg(k, 2)) ?? errorEntry(Errno.ENOMEM)),
);
kapi('xa_erase', (k, task, [xa, index]) => wide(task, put(k, xa, indexOf(index), 0n) ?? 0n));
kapi('__xa_insert', (k, _task, [xa, index]) => {
  if (entriesOf(k, xa)?.has(indexOf(index))) return -Errno.EBUSY;
  return put(k, xa, indexOf(index), wideArg(k, 2)) === null ? -Errno.ENOMEM : 0;
});
const ALLOC1 = 8;
/** struct xa_limit travels in one register: max low, min high. */
kapi('__xa_alloc', (k, task, [xa, id]) => {
  const limit = wideArg(k, 3);
  const max = Number(limit & 0xffffffffn);
  const flags = load(k, task, xa + 8, 4);
  if (!flags) return 0;
  const first = (flags[0] & ALLOC1) !== 0 ? 1 : 0;
  let at = Math.max(first, Number(limit >> 32n));
  const entries = entriesOf(k, xa);
  while (at <= max && entries?.has(at)) at++;
  if (at > max) return -Errno.EBUSY;
  if (put(k, xa, at, wideArg(k, 2)) === null) return -Errno.ENOMEM;
  if (!writeK32(k, id, at)) store(k, task, id, new Uint8Array(4));
  return 0;
});
/** The lowest index from `from` to `max` that is there; writes it to `at`. */
function find(k: Kernel, task: Task, root: Vaddr, at: Vaddr, from: number, max: number): number {
  let best = Number.POSITIVE_INFINITY;
  for (const index of entriesOf(k, root)?.keys() ?? [])
    if (index >= from && index <= max && index < best) best = index;
  if (best === Number.POSITIVE_INFINITY) return 0;
  writeKBig(k, at, BigInt(best));
  return wide(task, entriesOf(k, root)!.get(best)!);
}
for (const [name, step] of [
  ['xa_find', 0],
  ['xa_find_after', 1],
] as const)
  kapi(name, (k, task, [xa, at, max]) => {
    const from = readKBig(k, at);
    if (from === null) {
      load(k, task, at, 8);
      return 0;
    }
    return find(k, task, xa, at, Number(from) + step, indexOf(max));
  });
kapi('xa_destroy', (k, _task, [xa]) => {
  kapiRoom(k).maps.delete(xa);
  return 0;
});

kapi('radix_tree_insert', (k, _task, [root, index]) => {
  if (entriesOf(k, root)?.has(indexOf(index))) return -Errno.EEXIST;
  return put(k, root, indexOf(index), wideArg(k, 2)) === null ? -Errno.ENOMEM : 0;
});
kapi('radix_tree_lookup', (k, task, [root, index]) =>
  wide(task, entriesOf(k, root)?.get(indexOf(index)) ?? 0n),
);
kapi('radix_tree_delete', (k, task, [root, index]) => wide(task, put(k, root, indexOf(index), 0n) ?? 0n));
kapi('radix_tree_gang_lookup', (k, _task, [root, results, first, max]) => {
  const found = [...(entriesOf(k, root) ?? [])]
    .filter(([index]) => index >= indexOf(first))
    .sort(([a], [b]) => a - b)
    .slice(0, uint(max));
  found.forEach(([, entry], i) => {
    writeKBig(k, results + 8 * i, entry);
  });
  return found.length;
});

/** One processor: its memory is the memory. */
kapi('__alloc_percpu', (k, task, [size]) => kmalloc(k, task, unsigned(size)));
kapi('free_percpu', (k, task, [address]) => {
  kfree(k, task, address);
  return 0;
});

// ── Static keys (kernel/jump_label.c): a branch reads the counter ──────────────────────────────────────────────

const count = (k: Kernel, key: Vaddr): number => Number(BigInt.asIntN(32, readKBig(k, key) ?? 0n));
const setCount =
  (next: (old: number) => number) =>
  (k: Kernel, task: Task, [key]: readonly number[]): number => {
    if (!load(k, task, key, 8)) return 0;
    writeK32(k, key, next(count(k, key)));
    return 1;
  };
kapi(
  'static_key_enable',
  setCount((old) => (old > 0 ? old : 1)),
);
kapi(
  'static_key_disable',
  setCount(() => 0),
);
kapi(
  'static_key_slow_inc',
  setCount((old) => old + 1),
);
kapi(
  'static_key_slow_dec',
  setCount((old) => Math.max(0, old - 1)),
);
