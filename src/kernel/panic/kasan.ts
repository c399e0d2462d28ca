/**
 * KASAN's report (mm/kasan/report.c). Always true: it comes only to the log of a VM that was booted with `kasan`; it taints, and the
 * code that was caught goes on.
 */

import { kernelVersion } from '../kapi/declarations/declare.ts';
import { type Guarded, provideKasan, type Track } from '../kapi/guarded.ts';
import { kernelCode } from '../kapi/image.ts';
import type { Kernel } from '../kernel.ts';
import { addTaint, Taint } from '../module/taint.ts';
import { Level, printk } from '../printk/printk.ts';
import type { Task } from '../task/types.ts';
import { inWords, isModern } from './frames.ts';
import { dumpStackBelow, panic } from './panic.ts';
import { record } from './report.ts';
import { backtrace, hex64, kernelPlace, registersOf } from './trace.ts';
import type { CodePlace } from './types.ts';

const LINE = '='.repeat(66);
/** What the report shows between dump_stack and the code that was caught. */
const REPORTERS = ['print_report+0xce/0x5f4', 'kasan_report+0xb0/0x134'];
const ALLOCATORS = [
  'kasan_save_stack+0x34/0x5e',
  'kasan_save_track+0x18/0x2c',
  'kasan_save_alloc_info+0x3c/0x48',
  '__kasan_kmalloc+0xa6/0xb2',
];
const FREERS = [
  'kasan_save_stack+0x34/0x5e',
  'kasan_save_track+0x18/0x2c',
  'kasan_save_free_info+0x4a/0x66',
  '__kasan_slab_free+0x4e/0x70',
];
/** Bytes of memory that a byte of shadow stands for, and bytes of shadow in a line of the report. */
const GRANULE = 8;
const ROW = 16;

const text = ({ symbol, module }: CodePlace): string => (module === null ? symbol : `${symbol} [${module}]`);

/** What the shadow says of the granule at `at`. */
function shadow(object: Guarded, at: number): string {
  const from = at - object.address;
  if (from < 0 || from >= Math.ceil(object.cacheSize / GRANULE) * GRANULE || from >= object.size) return 'fc';
  if (object.freed) return from === 0 ? 'fa' : 'fb';
  const left = object.size - from;
  return left >= GRANULE ? '00' : left.toString(16).padStart(2, '0');
}

function memoryState(say: (line: string) => void, object: Guarded, address: number): void {
  say('Memory state around the buggy address:');
  const span = GRANULE * ROW;
  const row = Math.floor(address / span) * span;
  for (let i = -2; i <= 2; i++) {
    const from = row + i * span;
    const bytes = Array.from({ length: ROW }, (_, n) => shadow(object, from + n * GRANULE));
    say(`${i === 0 ? '>' : ' '}${hex64(from)}: ${bytes.join(' ')}`);
    if (i === 0) say(`${' '.repeat(19 + 3 * Math.floor((address - row) / GRANULE))}^`);
  }
}

function tracked(
  k: Kernel,
  say: (line: string) => void,
  verb: string,
  by: Track,
  below: readonly string[],
): void {
  say(`${verb} by task ${by.tid}:`);
  for (const place of [...inWords(k, below).map(kernelPlace), ...by.trace]) say(` ${text(place)}`);
  say('');
}

/** describe_object. */
function describe(k: Kernel, say: (line: string) => void, object: Guarded, address: number): void {
  say(`The buggy address belongs to the object at ${hex64(object.address)}`);
  say(` which belongs to the cache ${object.cache} of size ${object.cacheSize}`);
  const newer = kernelCode(k) >= kernelVersion(6, 4, 0);
  const size = newer ? object.size : object.cacheSize;
  const off = address - object.address;
  const where = off < 0 ? 'to the left' : off >= size ? 'to the right' : 'inside';
  const by = off < 0 ? -off : off >= size ? off - size : off;
  const state = newer ? (object.freed ? 'freed ' : 'allocated ') : '';
  say(`The buggy address is located ${by} bytes ${where} of`);
  say(` ${state}${size}-byte region [${hex64(object.address)}, ${hex64(object.address + size)})`);
}

provideKasan((k, task, { kind, object, address, size, write }) => {
  const say = (line: string): void => printk(k, Level.ERR, line);
  const modern = isModern(k);
  const isFree = kind.endsWith('free') && !kind.includes('use');
  const below = backtrace(k, task, registersOf(k, task), isFree);
  const old =
    kind === 'slab-use-after-free' ? 'use-after-free' : isFree ? 'double-free or invalid-free' : kind;
  const place = below[0] ? text(below[0]) : '0x0';
  const title = `BUG: KASAN: ${modern ? kind : old} in ${place}`;
  say(LINE);
  say(title);
  const access = isFree
    ? `Free of addr ${hex64(address)}`
    : `${write ? 'Write' : 'Read'} of size ${size} at addr ${hex64(address)}`;
  if (modern || !isFree) say(`${access} by task ${task.comm}/${task.tid}`);
  say('');
  const trace = dumpStackBelow(k, task, isFree ? ['print_report+0xce/0x5f4'] : REPORTERS, below);
  say('');
  if (object) {
    tracked(k, say, 'Allocated', object.allocated, ALLOCATORS);
    if (object.freed) tracked(k, say, 'Freed', object.freed, [...FREERS, 'kfree+0x12e/0x32a']);
    describe(k, say, object, address);
    say('');
    const pfn = BigInt.asUintN(32, BigInt(Math.floor(object.base / 4096))).toString(16);
    say(`The buggy address belongs to the ${modern ? 'physical page' : 'page'}:`);
    say(`page: refcount:1 mapcount:0 mapping:0000000000000000 index:0x0 pfn:0x${pfn}`);
    say('flags: 0x0(zone=0)');
    say('page dumped because: kasan: bad access detected');
    say('');
    memoryState(say, object, address);
  }
  say(LINE);
  record(k, task, 'kasan', title, { trace });
  addTaint(k, Taint.BAD_PAGE, true);
  if ((k.sysctl['kernel.panic_on_warn'] ?? '0') !== '0')
    panic(k, modern ? 'kasan: panic_on_warn set ...' : 'panic_on_warn set ...', task as Task);
});
