/**
 * Hostile .ko files: seeded damage to headers, sections, relocations, symbols and text. Whatever they do, they are refused or they
 * oops; the kernel never raises a simulator bug, and the VM beside it works on.
 */
import { beforeAll, expect, test } from 'vitest';
import { destroyVm, forkVm } from '../../src/vm/index.ts';
import { Student, student } from '../vm/student.ts';
import { buildModule } from './module-fixture.ts';

const CASES = Number(process.env.OOPSBOX_FUZZ_MODULES ?? 2000);

const LOADER = `
#include <unistd.h>
#include <stdio.h>
#include <errno.h>
#include <sys/syscall.h>
static char image[1 << 20];
int main(void) {
  long n = 0, r;
  while ((r = read(0, image + n, sizeof image - n)) > 0) n += r;
  alarm(5);
  r = syscall(SYS_init_module, image, n, "count=3 nums=1,2");
  printf("%ld %d\\n", r, r ? errno : 0);
  if (r == 0) { r = syscall(SYS_delete_module, "victim", 0); printf("%ld %d\\n", r, r ? errno : 0); }
  return 0;
}`;

const VICTIM = `
int printk(const char *fmt, ...);
struct kp; struct ops { unsigned flags; void *set, *get, *f; };
struct kp { const char *name; void *mod; const struct ops *ops; unsigned short perm; signed char level; unsigned char flags; void *arg; };
struct arr { unsigned max, elemsize; unsigned *num; const struct ops *ops; void *elem; };
struct ks { unsigned long v; const char *n, *ns; };
extern const struct ops param_ops_int, param_array_ops;
static int count = 1, nums[4]; static unsigned given;
static const struct arr array = { 4, 4, &given, &param_ops_int, nums };
#define P(n, o, m, a) static const struct kp p_##n __attribute__((section("__param"), used, aligned(8))) = { #n, 0, o, m, -1, 0, a };
P(count, &param_ops_int, 0644, &count) P(nums, &param_array_ops, 0444, (void *)&array)
static int sum(int a, int b) { return a + b + count; }
static int (*volatile table[2])(int, int) = { sum, sum };
static const struct ks exported __attribute__((section("__ksymtab"), used)) = { (unsigned long)&count, "victim_count", 0 };
int init_module(void) { for (int i = 0; i < 3; i++) printk("victim %d\\n", table[i & 1](i, nums[i])); return 0; }
void cleanup_module(void) { printk("gone %d\\n", count); }
`;

/** xorshift32: the same damage in every run. */
function generator(seed: number): (below: number) => number {
  let s = (Math.imul(seed + 1, 0x9e3779b1) ^ 0x5bd1e995) >>> 0 || 1;
  return (below) => {
    s ^= s << 13;
    s ^= s >>> 17;
    s ^= s << 5;
    s >>>= 0;
    return s % below;
  };
}

const EXTREMES = [
  0n,
  1n,
  7n,
  0x7fn,
  0xffn,
  0xfff1n,
  0xffffn,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  1n << 40n,
  (1n << 63n) - 1n,
  (1n << 64n) - 1n,
];

/** Damages a copy of the file: a word of a table set to an extreme, bits flipped, a cut, or a stretch of noise. */
function damage(original: Uint8Array, seed: number): Uint8Array {
  const random = generator(seed);
  const bytes = original.slice();
  const view = new DataView(bytes.buffer);
  const table = view.getUint32(40, true);
  const sections = view.getUint16(60, true);
  const places = Array.from({ length: sections }, (_, i) => ({
    at: view.getUint32(table + i * 64 + 24, true),
    size: view.getUint32(table + i * 64 + 32, true),
    type: view.getUint32(table + i * 64 + 4, true),
  })).filter(({ size, type }) => size > 0 && type !== 8);
  for (let n = 1 + random(4); n > 0; n--) {
    const kind = random(8);
    const extreme = EXTREMES[random(EXTREMES.length)];
    if (kind === 0) bytes[random(64)] ^= 1 << random(8);
    else if (kind <= 2) {
      const at = table + random(sections) * 64 + random(16) * 4;
      if (at + 8 <= bytes.length) new DataView(bytes.buffer).setBigUint64(at, extreme, true);
    } else if (kind <= 5) {
      const tables = places.filter(({ type }) => type === 4 || type === 2);
      const place = tables[random(tables.length)];
      const at = place.at + random(Math.max(1, place.size >> 2)) * 4;
      if (at + 8 > bytes.length) continue;
      if (random(2)) new DataView(bytes.buffer).setBigUint64(at, extreme, true);
      else bytes[at] ^= 1 << random(8);
    } else if (kind === 6) {
      const place = places[random(places.length)];
      for (let i = random(8); i >= 0; i--) bytes[place.at + random(place.size)] = random(256);
    } else if (random(3) === 0) return bytes.slice(0, 1 + random(bytes.length));
  }
  return bytes;
}

let base: Student;
let bystander: Student;
let file: Uint8Array;

beforeAll(async () => {
  base = await student();
  bystander = await student();
  base.out('cat > /tmp/loader.c; gcc -O1 -o /tmp/loader /tmp/loader.c', { input: LOADER });
  buildModule(base, 'victim', VICTIM);
  file = Uint8Array.from(Buffer.from(base.out('base64 -w0 /tmp/victim.ko'), 'base64'));
}, 300_000);

test('the undamaged module loads and goes', () => {
  expect(base.sh('/tmp/loader', { input: file }).stdout).toBe('0 0\n0 0\n');
});

test(`${CASES} damaged modules`, { timeout: 1_800_000 }, () => {
  const outcomes = new Map<string, number>();
  for (let seed = 0; seed < CASES; seed++) {
    const vm = forkVm(base.vm);
    const victim = new Student(vm);
    const input = damage(file, seed);
    let outcome: string;
    try {
      const { stdout, status } = victim.sh('exec /tmp/loader', { input, budget: 2e7 });
      outcome = status === 0 ? stdout.split('\n')[0] : `status ${status}`;
    } catch (error) {
      outcome = vm.kernel.halted?.reason ?? (error as Error).message.split('\n')[0];
    }
    if (vm.kernel.halted?.reason === 'simulator bug')
      throw new Error(`seed ${seed}: ${vm.kernel.halted.text}`);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    destroyVm(vm);
  }
  expect(bystander.out('echo fine')).toBe('fine\n');
  expect(outcomes.get('-1 8') ?? 0).toBeGreaterThan(CASES / 20);
  if (process.env.OOPSBOX_FUZZ_REPORT) console.log([...outcomes]);
});
