/**
 * `npm run bench lab [create echo busy rest exec grade]`: the lab server over its real API, as a process of its own; the clients
 * share the machine's cores with it. `--json` for machines.
 */
import { inParallel, LabServer, pause, type Typist } from './lab-client.ts';
import { reporter } from './report.ts';

type Reporter = ReturnType<typeof reporter>['report'];

const at = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))];

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** VMs of this run that stand at a shell with a terminal open, made as they are needed. */
class Crowd {
  readonly typists: Typist[] = [];
  readonly #server: LabServer;
  constructor(server: LabServer) {
    this.#server = server;
  }

  async grow(count: number): Promise<void> {
    const first = this.typists.length;
    await inParallel(numbers(Math.max(0, count - first)), 4, async (n) => {
      const id = await this.#server.createVm(`crowd-${first + n}`);
      this.typists.push(await this.#server.typist(id));
    });
  }
}

async function create(server: LabServer, report: Reporter, crowd: Crowd): Promise<void> {
  const alone: number[] = [];
  for (const n of numbers(20)) {
    const begin = performance.now();
    await server.createVm(`alone-${n}`);
    alone.push(performance.now() - begin);
  }
  report('POST /vms, one after the other (median)', at(alone, 0.5), 'ms', 'at most 100 to the prompt');
  let begin = performance.now();
  await inParallel(numbers(40), 8, async (n) => {
    await server.createVm(`many-${n}`);
  });
  report('VM creates', 40_000 / (performance.now() - begin), '/s');
  await crowd.grow(20);
  await pause(1000);
  const before = server.memory();
  begin = performance.now();
  await crowd.grow(120);
  report('VMs with a shell each, made', 100_000 / (performance.now() - begin), '/s');
  await pause(1500);
  const each = (server.memory() - before) / 100;
  report('resident memory a VM with a shell (of 100)', each / 2 ** 20, 'MiB', 'at most 3');
  report('VMs alive in 4 GiB, by that', Math.floor((4 * 2 ** 30 - before + 20 * each) / each), 'VMs');
}

/** Everybody types, a key five times a second; answers all the times from key to echo. */
async function typing(typists: readonly Typist[], seconds: number): Promise<number[]> {
  const times: number[] = [];
  const end = performance.now() + seconds * 1000;
  await Promise.all(
    typists.map(async (typist) => {
      await pause(Math.random() * 200);
      for (let n = 0; performance.now() < end; n++) {
        const ms = await typist.press(n % 2 === 0 ? 'x' : '\x7f');
        times.push(ms);
        await pause(Math.max(0, 200 - ms));
      }
    }),
  );
  return times;
}

async function echo(_server: LabServer, report: Reporter, crowd: Crowd): Promise<void> {
  for (const count of [1, 100, 500]) {
    await crowd.grow(count);
    await pause(1000);
    const times = await typing(crowd.typists.slice(0, count), count === 1 ? 10 : 6);
    const terminals = `${count} terminal${count === 1 ? '' : 's'} typing`;
    report(`keystroke to echo, ${terminals}, p50`, at(times, 0.5), 'ms');
    report(`keystroke to echo, ${terminals}, p99`, at(times, 0.99), 'ms', count === 100 ? 'at most 50' : '');
  }
}

const SPIN = `#include <linux/module.h>
static int __init spin_init(void) { for (;;) cpu_relax(); return 0; }
module_init(spin_init);
MODULE_LICENSE("GPL");
`;

/** Neighbours that would like all of the machine: what they do to somebody who types. */
async function busy(server: LabServer, report: Reporter): Promise<void> {
  // Five who type for ten seconds make 250 echoes: fewer would call the one slowest the 99th percentile.
  const typists: Typist[] = [];
  for (const n of numbers(5)) typists.push(await server.typist(await server.createVm(`quiet-${n}`)));
  report('echo while nobody else does anything, p99', at(await typing(typists, 10), 0.99), 'ms');
  const neighbours: [string, number, string][] = [
    ['spin in user mode', 4, 'while :; do :; done'],
    ['print for ever to a terminal', 4, 'yes aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'],
    ['fork for ever', 4, 'while :; do /bin/true; done'],
    ['write and sync for ever', 4, 'while :; do head -c 100000 /dev/urandom > f; sync; done'],
    ['fill and write back a big file', 2, 'while :; do dd if=/dev/zero of=big bs=1M count=200; rm big; done'],
    [
      'write a big file and sync it for ever',
      2,
      'while :; do dd if=/dev/zero of=big bs=1M count=64 conv=fsync; done',
    ],
    ['spin in kernel mode', 2, 'sudo insmod /root/spin.ko'],
  ];
  for (const [what, count, command] of neighbours) {
    const ids: string[] = [];
    const close: (() => void)[] = [];
    for (const n of numbers(count)) {
      const id = await server.createVm(`${what.replaceAll(' ', '-')}-${n}`);
      if (command.includes('spin.ko')) {
        await server.call('PUT', `/vms/${id}/files/root/spin.c`, Buffer.from(SPIN));
        const built = await server.exec(
          id,
          'cd /root && echo obj-m := spin.o > Makefile && make -s -C /lib/modules/$(uname -r)/build M=$PWD modules',
        );
        if (built.exitCode !== 0) throw new Error(built.stderr);
      }
      ids.push(id);
      close.push(server.loud(id, command));
    }
    await pause(3000);
    const times = await typing(typists, 10);
    report(`echo while ${count} others ${what}, p99`, at(times, 0.99), 'ms', 'at most 100');
    for (const end of close) end();
    for (const id of ids) await server.call('DELETE', `/vms/${id}`);
  }
}

async function rest(server: LabServer, report: Reporter): Promise<void> {
  const id = await server.createVm('rest');
  for (const [what, path] of [
    ['GET /vms/{id}', `/vms/${id}`],
    ['GET /vms/{id}/kernel', `/vms/${id}/kernel`],
    ['GET /me', '/me'],
  ]) {
    let calls = 0;
    const end = performance.now() + 4000;
    await inParallel(numbers(32), 32, async () => {
      for (; performance.now() < end; calls++) await server.call('GET', path);
    });
    report(`${what}, 32 at a time`, calls / 4, '/s');
  }
}

async function exec(server: LabServer, report: Reporter): Promise<void> {
  const id = await server.createVm('exec');
  const times: number[] = [];
  for (let n = 0; n < 100; n++) {
    const begin = performance.now();
    await server.exec(id, 'true');
    times.push(performance.now() - begin);
  }
  report('exec of `true`, round trip, p50', at(times, 0.5), 'ms');
  report('exec of `true`, round trip, p99', at(times, 0.99), 'ms');
}

const MODULE = (n: number): string => `#include <linux/module.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/uaccess.h>
static ssize_t answer_read(struct file *f, char __user *buf, size_t n, loff_t *pos)
{
	static const char text[] = "answer ${n}\\n";
	return simple_read_from_buffer(buf, n, pos, text, sizeof(text) - 1);
}
static const struct file_operations answer_fops = { .owner = THIS_MODULE, .read = answer_read };
static struct miscdevice answer = { .minor = MISC_DYNAMIC_MINOR, .name = "answer", .fops = &answer_fops };
static int __init answer_init(void) { pr_info("answer ${n} is here\\n"); return misc_register(&answer); }
static void __exit answer_exit(void) { misc_deregister(&answer); }
module_init(answer_init);
module_exit(answer_exit);
MODULE_LICENSE("GPL");
`;

/** A submission from source to verdict: a deterministic fork of a prepared VM builds, loads, tests and is looked into. */
async function grade(server: LabServer, report: Reporter): Promise<void> {
  const base = await server.createVm('graded', { deterministic: true });
  const times: number[] = [];
  const submissions = 50;
  const begin = performance.now();
  await inParallel(numbers(submissions), 4, async (n) => {
    const from = performance.now();
    const { id } = await server.call<{ id: string }>('POST', `/vms/${base}/fork`, {
      name: `submission-${n}`,
    });
    await server.call('PUT', `/vms/${id}/files/root/answer.c`, Buffer.from(MODULE(n)));
    const test = await server.exec(
      id,
      `cd /root && echo obj-m := answer.o > Makefile && make -s -C /lib/modules/$(uname -r)/build M=$PWD modules &&
       insmod answer.ko && cat /dev/answer`,
    );
    const modules = await server.call('GET', `/vms/${id}/kernel/modules`);
    const good =
      test.stdout.includes(`answer ${n}`) &&
      test.kernelLog.some(({ text }) => text.includes('is here')) &&
      JSON.stringify(modules).includes('"name":"answer"');
    if (!good) throw new Error(`submission ${n}: ${JSON.stringify(test)}`);
    await server.call('DELETE', `/vms/${id}`);
    times.push((performance.now() - from) / 1000);
  });
  report(
    '50 submissions of a one-file module, end to end',
    (performance.now() - begin) / 1000,
    's',
    'at most 150',
  );
  report('one submission, 4 at a time, median', at(times, 0.5), 's');
}

const PARTS = { exec, rest, create, busy, grade, echo };

export async function benchLab(options: { json: boolean; only: string[] }): Promise<void> {
  const { rows, report } = reporter(options.json);
  const wanted = Object.entries(PARTS).filter(
    ([name]) => options.only.length === 0 || options.only.includes(name),
  );
  for (const [, part] of wanted) {
    // A server of its own for each part: what one leaves behind is not measured in the next.
    const server = await new LabServer().start();
    try {
      await part(server, report, new Crowd(server));
    } finally {
      await server.stop();
    }
  }
  if (options.json) console.log(JSON.stringify({ bench: 'lab', rows }, null, 2));
}
