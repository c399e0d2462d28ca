/**
 * `npm run bench modules`: what the exercises of the course cost: building a module of one file, loading and unloading it, a read
 * through its file operations, and the rate of printk. Medians on this run.
 */
import { readFileSync } from 'node:fs';
import { createMachine } from '../../src/cpu/index.ts';
import { writeHostFile } from '../../src/kernel/fs/host.ts';
import { createVm, openProvisionedImage } from '../../src/vm/index.ts';
import { reporter, run, timed, times } from './report.ts';

const SOURCES = new URL('../recordings/modules/', import.meta.url).pathname;
const BURST = `#include <linux/module.h>
#include <linux/kernel.h>
static int __init burst_init(void)
{
	int i;

	for (i = 0; i < 2000; i++)
		printk(KERN_DEBUG "burst: line %d of 2000 at %p\\n", i, &i);
	return 0;
}
static void __exit burst_exit(void) { }
module_init(burst_init);
module_exit(burst_exit);
MODULE_LICENSE("GPL");
`;

/** The sources are of 6.x; in 4.15 class_create takes the owner first. */
const oldApi = (source: string): string => source.replace('class_create(', 'class_create(THIS_MODULE, ');

export async function benchModules(options: { json: boolean; only: string[] }): Promise<void> {
  const { rows, report } = reporter(options.json);
  const [machine, image] = [await createMachine(), await openProvisionedImage()];
  const fresh = () => {
    const vm = createVm(machine, image, { nsPerInstruction: 0 });
    for (const name of ['simple', 'ones']) {
      run(vm, `mkdir -p /root/${name}`);
      writeHostFile(
        vm.kernel,
        `/root/${name}/${name}.c`,
        Buffer.from(oldApi(readFileSync(`${SOURCES}${name}.c`, 'utf8'))),
      );
    }
    run(vm, 'mkdir -p /root/burst');
    writeHostFile(vm.kernel, '/root/burst/burst.c', Buffer.from(BURST));
    const makefile = 'make -s -C /lib/modules/$(uname -r)/build M=$PWD modules';
    return {
      vm,
      make: (name: string) =>
        run(vm, `cd /root/${name} && echo obj-m := ${name}.o > Makefile && ${makefile}`),
    };
  };
  report(
    'make of a one-file module in a fresh VM',
    times(3, () => {
      const { make } = fresh();
      return timed(() => make('simple'));
    }),
    'ms',
    'at most 6000',
  );
  const { vm, make } = fresh();
  for (const name of ['simple', 'ones', 'burst']) make(name);
  report(
    'make of it again after a change',
    times(3, () =>
      timed(() => {
        run(vm, 'touch /root/simple/simple.c');
        make('simple');
      }),
    ),
    'ms',
  );
  const insmod: number[] = [];
  const rmmod: number[] = [];
  for (let i = 0; i < 20; i++) {
    insmod.push(timed(() => run(vm, 'insmod /root/simple/simple.ko')));
    rmmod.push(timed(() => run(vm, 'rmmod simple')));
  }
  report(
    'insmod of it',
    times(1, () => insmod.sort((a, b) => a - b)[10]),
    'ms',
    'at most 50',
  );
  report(
    'rmmod of it',
    times(1, () => rmmod.sort((a, b) => a - b)[10]),
    'ms',
  );
  run(vm, 'insmod /root/ones/ones.ko');
  report(
    'a read of 1 byte through fops (dd bs=1)',
    times(3, () => timed(() => run(vm, 'dd if=/dev/ones of=/dev/null bs=1 count=20000 status=none')) / 20),
    'us',
  );
  report(
    'put_user, a byte each (head -c 1000000)',
    times(3, () => 1000 / timed(() => run(vm, 'head -c 1000000 /dev/ones > /dev/null'))),
    'MB/s',
  );
  report(
    'printk',
    times(3, () => {
      const taken = timed(() => run(vm, 'insmod /root/burst/burst.ko'));
      run(vm, 'rmmod burst');
      return 2_000_000 / taken;
    }),
    '/s',
  );
  if (options.json)
    console.log(JSON.stringify({ bench: 'modules', rows, machine: machine.stats() }, null, 2));
}
