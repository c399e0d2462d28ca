/** Small library functions that headers cannot inline: numbers, random, sort, idr, kfifo, red-black trees of lib/. */
import { Errno } from '../abi/errno.ts';
import { randomBytes } from '../drivers/random.ts';
import type { Kernel } from '../kernel.ts';
import { readK, readK32, writeK, writeK32 } from '../module/kmem.ts';
import { call } from '../module/runtime.ts';
import { defineStep, type Outcome } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { getField, int, load, setField, store, uint, unsigned } from './access.ts';
import { kfree, kmalloc } from './memory.ts';
import { type Merge, newMerge, proceedMerge } from './merge.ts';
import { kapi, wide, wideArg } from './registry.ts';
import { kapiRoom } from './room.ts';
import { bytesFromUser, bytesToUser } from './uaccess.ts';

const gcd = (a: bigint, b: bigint): bigint => {
  let x = a;
  let y = b;
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
};
kapi('gcd', (k, task) => wide(task, gcd(wideArg(k, 0), wideArg(k, 1))));
kapi('lcm', (k, task) => {
  const [a, b] = [wideArg(k, 0), wideArg(k, 1)];
  return wide(task, a === 0n || b === 0n ? 0n : (a / gcd(a, b)) * b);
});
kapi('int_sqrt', (k) => {
  const value = wideArg(k, 0);
  let root = BigInt(Math.floor(Math.sqrt(Number(value))));
  while (root * root > value) root--;
  while ((root + 1n) * (root + 1n) <= value) root++;
  return Number(root);
});
for (const name of ['get_random_bytes', 'prandom_bytes'])
  kapi(name, (k, task, [to, n]) => {
    store(k, task, to, randomBytes(k, Math.min(unsigned(n), 1 << 20)));
    return 0;
  });
const random32 = (k: Kernel): number => {
  const b = randomBytes(k, 4);
  return b[0] | (b[1] << 8) | (b[2] << 16) | (b[3] << 24);
};
for (const name of ['get_random_u32', 'prandom_u32', 'get_random_int']) kapi(name, (k) => random32(k));
kapi('get_random_u64', (k, task) => wide(task, (BigInt(random32(k)) << 32n) ^ BigInt(random32(k) >>> 0)));
kapi('__get_random_u32_below', (k, _task, [ceil]) =>
  uint(ceil) === 0 ? random32(k) : Math.floor(((random32(k) >>> 0) / 2 ** 32) * uint(ceil)),
);
kapi('crc32_le', (k, task, [crc, at, n]) => {
  const bytes = load(k, task, at, Math.min(unsigned(n), 1 << 24));
  let value = uint(crc);
  for (const byte of bytes ?? []) {
    value ^= byte;
    for (let i = 0; i < 8; i++) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0);
  }
  return value | 0;
});

// ── sort, bsearch: the comparison is module code ───────────────────────────────────────────────────────────────

/** A sort of elements that were copied out; `order` holds their numbers. */
interface Sorting extends Merge {
  base: number;
  size: number;
  cmp: number;
  bytes: Uint8Array;
  scratch: number;
}
const MAX_SORT = 1 << 22;

function sortStep(k: Kernel, task: Task, s: Sorting, verdict: number | null): Outcome {
  const pair = proceedMerge(s, verdict);
  if (pair) {
    for (const [slot, which] of pair.entries())
      writeK(k, s.scratch + slot * s.size, s.bytes.subarray(which * s.size, (which + 1) * s.size));
    return call(s.cmp, [s.scratch, s.scratch + s.size], { step: 'sort.compared', state: s });
  }
  const out = new Uint8Array(s.bytes.length);
  s.order.forEach((which, at) => {
    out.set(s.bytes.subarray(which * s.size, (which + 1) * s.size), at * s.size);
  });
  kfree(k, task, s.scratch);
  store(k, task, s.base, out);
  return 0;
}
defineStep('sort.compared', (k, task, s: Sorting, entry) =>
  sortStep(k, task, s, entry.by === 'result' ? int(entry.value) : 0),
);
kapi('sort', (k, task, [base, num, size, cmp]) => {
  const bytes = unsigned(num) * unsigned(size);
  if (num <= 1 || size <= 0 || bytes > MAX_SORT) return 0;
  const content = load(k, task, base, bytes);
  const scratch = content ? kmalloc(k, task, 2 * size) : 0;
  if (!content || scratch === 0) return 0;
  const order = Array.from({ length: num }, (_, i) => i);
  return sortStep(k, task, { ...newMerge(order), base, size, cmp, bytes: content, scratch }, null);
});

interface Searching {
  key: number;
  base: number;
  size: number;
  cmp: number;
  low: number;
  high: number;
}
function searchStep(s: Searching): Outcome {
  if (s.low >= s.high) return 0;
  const middle = Math.floor((s.low + s.high) / 2);
  return call(s.cmp, [s.key, s.base + middle * s.size], { step: 'bsearch.compared', state: s });
}
defineStep('bsearch.compared', (_k, _task, s: Searching, entry) => {
  const middle = Math.floor((s.low + s.high) / 2);
  const verdict = entry.by === 'result' ? int(entry.value) : 0;
  if (verdict === 0) return s.base + middle * s.size;
  if (verdict < 0) s.high = middle;
  else s.low = middle + 1;
  return searchStep(s);
});
kapi('bsearch', (_k, _task, [key, base, num, size, cmp]) =>
  searchStep({ key, base, size, cmp, low: 0, high: Math.min(unsigned(num), 2 ** 40) }),
);

// ── idr, ida ───────────────────────────────────────────────────────────────────────────────────────────────────

const MAX_IDS = 1_000_000;
function ids(k: Kernel, at: number): Map<number, bigint> {
  const { maps } = kapiRoom(k);
  let map = maps.get(at);
  if (!map) {
    map = new Map();
    maps.set(at, map);
  }
  return map;
}
function freeId(map: Map<number, bigint>, from: number, end: number): number {
  let id = from;
  while (id < end && map.has(id)) id++;
  return id < end ? id : -Errno.ENOSPC;
}
const endOf = (end: number): number => (int(end) <= 0 ? 0x80000000 : int(end));
/** Marks struct idr as used, so that idr_is_empty of the header sees it. */
const count = (k: Kernel, idr: number, map: Map<number, bigint>): void => {
  setField(k, 'idr', idr, 'count', map.size);
};
function allocate(k: Kernel, idr: number, from: number, end: number): number {
  const map = ids(k, idr);
  if (map.size >= MAX_IDS) return -Errno.ENOMEM;
  const id = freeId(map, from, endOf(end));
  if (id < 0) return id;
  map.set(id, wideArg(k, 1));
  count(k, idr, map);
  return id;
}
kapi('idr_alloc', (k, _task, [idr, , from, end]) =>
  int(from) < 0 ? -Errno.EINVAL : allocate(k, idr, int(from), end),
);
kapi('idr_alloc_cyclic', (k, _task, [idr, , from, end]) => {
  const next = Math.max(int(from), getField(k, 'idr', idr, 'idr_next') ?? 0);
  let id = allocate(k, idr, next, end);
  if (id === -Errno.ENOSPC) id = allocate(k, idr, int(from), end);
  if (id >= 0) setField(k, 'idr', idr, 'idr_next', id + 1);
  return id;
});
kapi('idr_find', (k, task, [idr, id]) => wide(task, ids(k, idr).get(id) ?? 0n));
kapi('idr_remove', (k, task, [idr, id]) => {
  const map = ids(k, idr);
  const old = map.get(id) ?? 0n;
  map.delete(id);
  count(k, idr, map);
  return wide(task, old);
});
kapi('idr_replace', (k, task, [idr, , id]) => {
  const old = ids(k, idr).get(id);
  if (old === undefined) return -Errno.ENOENT;
  ids(k, idr).set(id, wideArg(k, 1));
  return wide(task, old);
});
kapi('idr_destroy', (k, _task, [idr]) => {
  kapiRoom(k).maps.delete(idr);
  setField(k, 'idr', idr, 'count', 0);
  return 0;
});
for (const name of ['idr_preload', 'ida_destroy'])
  kapi(name, (k, _task, [at]) => {
    if (name === 'ida_destroy') kapiRoom(k).maps.delete(at);
    return 0;
  });
kapi('idr_get_next', (k, task, [idr, place]) => {
  const from = int(readK32(k, place) ?? 0);
  let best = Number.POSITIVE_INFINITY;
  for (const id of ids(k, idr).keys()) if (id >= from && id < best) best = id;
  if (best === Number.POSITIVE_INFINITY) return 0;
  writeK32(k, place, best);
  return wide(task, ids(k, idr).get(best) ?? 0n);
});
interface Visiting {
  idr: number;
  fn: number;
  data: number;
  left: number[];
}
function visit(k: Kernel, s: Visiting): Outcome {
  for (;;) {
    const id = s.left.shift();
    if (id === undefined) return 0;
    const value = ids(k, s.idr).get(id);
    if (value === undefined) continue;
    return call(s.fn, [id, Number(BigInt.asIntN(64, value)), s.data], { step: 'idr.visited', state: s });
  }
}
defineStep('idr.visited', (k, _task, s: Visiting, entry) => {
  const result = entry.by === 'result' ? int(entry.value) : 0;
  return result !== 0 ? result : visit(k, s);
});
kapi('idr_for_each', (k, _task, [idr, fn, data]) =>
  visit(k, { idr, fn, data, left: [...ids(k, idr).keys()].sort((a, b) => a - b) }),
);
kapi('ida_alloc_range', (k, _task, [ida, min, max]) => {
  const map = ids(k, ida);
  const id =
    map.size >= MAX_IDS ? -Errno.ENOMEM : freeId(map, uint(min), int(max) < 0 ? 0x80000000 : int(max) + 1);
  if (id >= 0) map.set(id, 1n);
  return id;
});
kapi('ida_free', (k, _task, [ida, id]) => {
  ids(k, ida).delete(uint(id));
  return 0;
});

// ── kfifo (lib/kfifo.c): `in` and `out` run freely, the mask takes them to elements ────────────────────────────

interface Fifo {
  at: number;
  in: number;
  out: number;
  mask: number;
  esize: number;
  data: number;
}
function fifo(k: Kernel, task: Task, at: number): Fifo | null {
  if (!load(k, task, at, 24)) return null;
  const get = (name: string): number => getField(k, '__kfifo', at, name) ?? 0;
  return {
    at,
    in: get('in'),
    out: get('out'),
    mask: get('mask'),
    esize: Math.max(1, get('esize')),
    data: get('data'),
  };
}
function setUp(k: Kernel, at: number, data: number, size: number, esize: number): void {
  for (const [name, value] of Object.entries({ in: 0, out: 0, mask: size === 0 ? 0 : size - 1, esize, data }))
    setField(k, '__kfifo', at, name, value);
}
const powerBelow = (n: number): number => 2 ** Math.floor(Math.log2(n));
kapi('__kfifo_alloc', (k, task, [at, wanted, esize]) => {
  const size = 2 ** Math.ceil(Math.log2(Math.max(1, uint(wanted))));
  const data = size < 2 ? 0 : kmalloc(k, task, size * esize);
  setUp(k, at, data, data === 0 ? 0 : size, esize);
  return size < 2 ? -Errno.EINVAL : data === 0 ? -Errno.ENOMEM : 0;
});
kapi('__kfifo_free', (k, task, [at]) => {
  kfree(k, task, getField(k, '__kfifo', at, 'data') ?? 0);
  setUp(k, at, 0, 0, 0);
  return 0;
});
kapi('__kfifo_init', (k, _task, [at, data, bytes, esize]) => {
  const size = powerBelow(Math.max(1, uint(bytes) / Math.max(1, esize)));
  setUp(k, at, data, size < 2 ? 0 : size, esize);
  return size < 2 ? -Errno.EINVAL : 0;
});
/** Moves bytes into or out of the ring, around its end. */
function ring(k: Kernel, f: Fifo, index: number, bytes: Uint8Array | number): Uint8Array | null {
  const total = (f.mask + 1) * f.esize;
  const from = (index & f.mask) * f.esize;
  const length = typeof bytes === 'number' ? bytes : bytes.length;
  const first = Math.min(length, total - from);
  if (typeof bytes !== 'number') {
    const good =
      writeK(k, f.data + from, bytes.subarray(0, first)) && writeK(k, f.data, bytes.subarray(first));
    return good ? bytes : null;
  }
  const a = readK(k, f.data + from, first);
  const b = readK(k, f.data, length - first);
  if (!a || !b) return null;
  const out = new Uint8Array(length);
  out.set(a);
  out.set(b, first);
  return out;
}
function putIn(k: Kernel, task: Task, f: Fifo, bytes: Uint8Array): number {
  const n = Math.min(Math.floor(bytes.length / f.esize), f.mask + 1 - ((f.in - f.out) >>> 0));
  if (n > 0 && !ring(k, f, f.in, bytes.subarray(0, n * f.esize))) {
    load(k, task, f.data, 8);
    return 0;
  }
  setField(k, '__kfifo', f.at, 'in', (f.in + n) >>> 0);
  return n;
}
kapi('__kfifo_in', (k, task, [at, from, n]) => {
  const f = fifo(k, task, at);
  const bytes = f && load(k, task, from, Math.min(uint(n), f.mask + 1) * f.esize);
  return f && bytes ? putIn(k, task, f, bytes) : 0;
});
const takeOut =
  (advance: boolean) =>
  (k: Kernel, task: Task, [at, to, wanted]: readonly number[]): number => {
    const f = fifo(k, task, at);
    if (!f) return 0;
    const n = Math.min(uint(wanted), (f.in - f.out) >>> 0);
    const bytes = ring(k, f, f.out, n * f.esize);
    if (!bytes || !store(k, task, to, bytes)) return 0;
    if (advance) setField(k, '__kfifo', at, 'out', (f.out + n) >>> 0);
    return n;
  };
kapi('__kfifo_out', takeOut(true));
kapi('__kfifo_out_peek', takeOut(false));
kapi('__kfifo_from_user', (k, task, [at, from, length, copied]) => {
  const f = fifo(k, task, at);
  if (!f) return 0;
  const room = (f.mask + 1 - ((f.in - f.out) >>> 0)) * f.esize;
  const want = Math.min(unsigned(length), room) - (Math.min(unsigned(length), room) % f.esize);
  const bytes = bytesFromUser(k, task, from, want);
  const n = putIn(k, task, f, bytes);
  writeK32(k, copied, n * f.esize);
  return bytes.length < want ? -Errno.EFAULT : 0;
});
kapi('__kfifo_to_user', (k, task, [at, to, length, copied]) => {
  const f = fifo(k, task, at);
  if (!f) return 0;
  const n = Math.min(Math.floor(unsigned(length) / f.esize), (f.in - f.out) >>> 0);
  const bytes = ring(k, f, f.out, n * f.esize);
  const left = bytes ? bytesToUser(k, task, to, bytes) : 0;
  const moved = n - Math.ceil(left / f.esize);
  setField(k, '__kfifo', at, 'out', (f.out + moved) >>> 0);
  writeK32(k, copied, moved * f.esize);
  return left > 0 ? -Errno.EFAULT : 0;
});
