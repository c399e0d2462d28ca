/** Module code under torture: the machine is swapped, and its budget cut, in the middle of kernel code, and nothing shows. */
import { expect, test } from 'vitest';
import {
  closeInput,
  createVm,
  exitStatusOf,
  readOutput,
  runVm,
  spawnProcess,
  writeInput,
} from '../../src/vm/index.ts';
import { student, workbench } from '../vm/student.ts';
import { story } from '../vm/torture.ts';
import { buildModule } from './module-fixture.ts';

const SOURCE = `
int printk(const char *fmt, ...);
void msleep(unsigned);
struct kp; struct ops { unsigned flags; int (*set)(const char *, const struct kp *); int (*get)(char *, const struct kp *); void *f; };
struct kp { const char *name; void *mod; const struct ops *ops; unsigned short perm; signed char level; unsigned char flags; void *arg; };
static unsigned state = 1;
static unsigned step(void) { return state = state * 1103515245u + 12345u; }
static int own_set(const char *v, const struct kp *kp) { for (; *v; v++) { state += *v; step(); msleep(3); } printk("set to %d\\n", state); return 0; }
static int own_get(char *b, const struct kp *kp) { int n = 0; for (unsigned s = state; s; s /= 10) { b[n++] = '0' + s % 10; msleep(1); } b[n++] = 10; return n; }
static const struct ops own_ops = { 0, own_set, own_get, 0 };
static const struct kp own __attribute__((section("__param"), used, aligned(8))) = { "own", 0, &own_ops, 0600, -1, 0, 0 };
static int recurse(int n) { volatile char pad[64]; pad[n & 63] = n; return n ? recurse(n - 1) + pad[n & 63] : 0; }
int init_module(void) {
  for (int round = 0; round < 20; round++) {
    for (int i = 0; i < 2000; i++) step();
    printk("round %d: %d, depth %d\\n", round, state, recurse(60));
    msleep(round % 4);
  }
  return 0;
}
void cleanup_module(void) { msleep(5); printk("end %d\\n", step()); }
`;

const SCRIPT =
  'cd /tmp; base64 -d > t.ko; insmod t.ko own=abc & for i in 1 2 3 4 5; do sleep 0.01; cat /proc/modules; done; wait; ' +
  'cat /sys/module/tortured/parameters/own; echo xyz > /sys/module/tortured/parameters/own; rmmod tortured; dmesg | tail -25 | cut -d] -f2-';

async function image(): Promise<string> {
  const vm = await student();
  buildModule(vm, 'tortured', SOURCE);
  return vm.out('base64 /tmp/tortured.ko');
}

test(
  'a module runs, sleeps and calls back while the machine is swapped under it',
  { timeout: 600_000 },
  async () => {
    const work = { process: { argv: ['/bin/bash', '-c', SCRIPT], user: 'root' }, input: await image() };
    const calm = await story(work, 0);
    expect(calm.output).toContain('round 19:');
    expect(calm.output).toContain('end ');
    const tortured = await story(work, 150_000);
    expect(tortured.output).toBe(calm.output);
    expect(tortured.checkpoints).toBeGreaterThan(25);
  },
);

test('a budget may end at any instruction', { timeout: 600_000 }, async () => {
  const input = Buffer.from(await image());
  const { machine, image: disk } = await workbench();
  const hashes: string[] = [];
  for (const slice of [1_000_000, 997]) {
    const vm = createVm(machine, disk);
    const pid = spawnProcess(vm, { argv: ['/bin/bash', '-c', SCRIPT], user: 'root' });
    let rest: Uint8Array = input;
    let output = '';
    for (let i = 0; exitStatusOf(vm, pid) === null; i++) {
      if (rest.length > 0) {
        rest = rest.subarray(writeInput(vm, pid, rest));
        if (rest.length === 0) closeInput(vm, pid);
      }
      runVm(vm, slice, Number.POSITIVE_INFINITY, 1);
      output += Buffer.from(readOutput(vm, pid, 'stdout')).toString();
      if (i > 1_000_000) throw new Error(output);
    }
    hashes.push(output.replace(/0x0+/, ''));
  }
  expect(hashes[1]).toBe(hashes[0]);
});
