/** What inspect shows of modules, their leftovers, heap errors and faults; all of it fits the declared schemas. */
import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { expect, test } from 'vitest';
import { inspect, inspectModule, inspectPart, inspectProcess, kernelSummary } from '../../src/vm/inspect.ts';
import {
  type InspectPart,
  inspectParts,
  KernelSummary,
  KernelView,
  ModuleView,
  ProcessView,
} from '../../src/vm/inspect-schema.ts';
import type { Vm } from '../../src/vm/vm.ts';
import { hashVm } from '../../src/vm/vm.ts';
import { student } from '../vm/student.ts';
import { buildModule } from './module-fixture.ts';

/** Every part of a real VM's view, checked against its schema; looking leaves the VM as it was. */
function expectValid(vm: Vm): void {
  const before = hashVm(vm);
  const check = (schema: TSchema, value: unknown): void =>
    expect(Value.Errors(schema, JSON.parse(JSON.stringify(value)))).toEqual([]);
  check(KernelView, inspect(vm));
  check(KernelSummary, kernelSummary(vm));
  for (const part of Object.keys(inspectParts) as InspectPart[])
    check(inspectParts[part], inspectPart(vm, part));
  for (const { name } of inspectPart(vm, 'modules')) check(ModuleView, inspectModule(vm, name));
  for (const { pid } of inspectPart(vm, 'processes')) check(ProcessView, inspectProcess(vm, pid));
  expect(hashVm(vm)).toBe(before);
}

test('modules, their symbols and memory, and the oops that one caused', async () => {
  const vm = await student({ release: '6.12.107+deb13-riscv64' });
  buildModule(
    vm,
    'keeper',
    `int _printk(const char *fmt, ...); void *vmalloc(unsigned long size);
     static void *volatile kept; int init_module(void) { kept = vmalloc(5000); return kept ? 0 : -12; }
     void cleanup_module(void) { *(volatile int *)0 = 1; }`,
  );
  vm.out('insmod /tmp/keeper.ko');
  const before = inspect(vm.vm);
  expectValid(vm.vm);
  expect(before.modules).toHaveLength(1);
  const [module] = before.modules;
  expect(module).toMatchObject({ name: 'keeper', state: 'live', refcount: 0, license: 'GPL', taints: 'OE' });
  expect(module.sections.some(({ name }) => name === '.text')).toBe(true);
  expect(module.symbols.map(({ name }) => name)).toContain('kept');
  expect(module.allocations).toHaveLength(1);
  expect(module.allocations[0]).toMatchObject({ kind: 'vmalloc', size: 5000, module: 'keeper' });
  expect(module.allocations[0].caller).toMatch(/^init_module\+0x[0-9a-f]+\/0x[0-9a-f]+ \[keeper\]$/);
  vm.sh('rmmod keeper');
  const after = inspect(vm.vm);
  expect(after.oopses).toHaveLength(1);
  expect(after.oopses[0]).toMatchObject({
    kind: 'oops',
    comm: 'rmmod',
    badaddr: '0000000000000000',
    cause: 15,
  });
  expect(after.oopses[0].trace[0]).toMatchObject({ module: 'keeper' });
  expect(after.modules[0]).toMatchObject({ state: 'going', refcount: -1 });
  expect(kernelSummary(vm.vm)).toMatchObject({ modules: ['keeper'], oopses: 1, halted: null });
  expectValid(vm.vm);
});

test('what a module registers is under its name, and stays when it forgets to take it back', async () => {
  const vm = await student({ release: '6.12.107+deb13-riscv64' });
  buildModule(
    vm,
    'messy',
    `typedef unsigned long ul; void *__kmalloc(ul, unsigned); void kfree(const void *);
     int __register_chrdev(unsigned, unsigned, unsigned, const char *, const void *);
     void *class_create(const char *); void *device_create(void *, void *, unsigned, void *, const char *, ...);
     void *proc_mkdir(const char *, void *); void *debugfs_create_dir(const char *, void *);
     void *kthread_create_on_node(int (*)(void *), void *, int, const char *, ...); int wake_up_process(void *);
     void msleep(unsigned);
     static char fops[512]; static char *volatile p;
     static int spin(void *data) { for (int i = 0; i < 100000; i++) msleep(1000000); return 0; }
     int init_module(void) {
       int major = __register_chrdev(0, 0, 256, "messy", fops);
       void *cls = class_create("messy_class");
       device_create(cls, 0, major << 20, 0, "messy%d", 0);
       proc_mkdir("messy_dir", 0); debugfs_create_dir("messy_debug", 0);
       wake_up_process(kthread_create_on_node(spin, 0, -1, "messyd"));
       p = __kmalloc(100, 0xcc0); kfree(p); p[3] = 'x'; p = __kmalloc(100, 0xcc0);
       char *q = __kmalloc(100, 0xcc0); kfree(p); kfree(q); kfree(p);
       p = __kmalloc(40, 0xcc0); p = __kmalloc(300, 0xcc0); kfree(p); p[7] = 1; p = __kmalloc(40, 0xcc0); return 0; }
     void cleanup_module(void) {}`,
  );
  vm.out('insmod /tmp/messy.ko; sleep 0.1');
  const [module] = inspect(vm.vm).modules;
  expect(module).toMatchObject({
    chrdevs: [{ name: 'messy', module: 'messy' }],
    classes: ['messy_class'],
    devices: ['messy0'],
    procEntries: ['/proc/messy_dir'],
    sysfsEntries: [
      '/sys/class/messy_class',
      '/sys/devices/virtual/messy_class/messy0',
      '/sys/kernel/debug/messy_debug',
    ],
    threads: [{ comm: 'messyd' }],
    allocations: expect.arrayContaining([
      expect.objectContaining({ size: 40, kind: 'kmalloc', cache: 'kmalloc-64' }),
    ]),
  });
  const { errors } = inspectPart(vm.vm, 'memory');
  expect(errors.map(({ kind }) => kind)).toEqual(['use-after-free', 'double-free', 'use-after-free']);
  expect(errors[2]).toMatchObject({ size: 300, cache: 'kmalloc-512', caller: '0x0' });
  expect(errors[1]).toMatchObject({ size: 100, cache: 'kmalloc-128', comm: 'insmod', module: 'messy' });
  for (const place of [errors[1].allocatedBy, errors[1].freedBy, errors[1].caller])
    expect(place).toMatch(/^init_module\+0x[0-9a-f]+\/0x[0-9a-f]+ \[messy\]$/);
  expectValid(vm.vm);
  vm.out('rmmod messy');
  expect(inspectPart(vm.vm, 'modules')).toEqual([]);
  const left = inspectPart(vm.vm, 'devices').leftovers;
  expect(new Set(left.map(({ kind }) => kind))).toEqual(
    new Set(['allocation', 'chrdev', 'class', 'device', 'proc', 'sysfs', 'thread']),
  );
  expect(inspectPart(vm.vm, 'memory').leaked).toContainEqual(
    expect.objectContaining({ size: 40, module: 'messy' }),
  );
  expectValid(vm.vm);
});

test('a hundred loads and unloads leak nothing', async () => {
  const vm = await student({ release: '6.12.107+deb13-riscv64' });
  buildModule(
    vm,
    'tidy',
    `typedef unsigned long ul; void *__kmalloc(ul, unsigned); void kfree(const void *); void *vmalloc(ul); void vfree(const void *);
     int __register_chrdev(unsigned, unsigned, unsigned, const char *, const void *);
     void __unregister_chrdev(unsigned, unsigned, unsigned, const char *);
     void *class_create(const char *); void class_destroy(void *);
     void *device_create(void *, void *, unsigned, void *, const char *, ...); void device_destroy(void *, unsigned);
     void *proc_mkdir(const char *, void *); void remove_proc_entry(const char *, void *);
     void *kthread_create_on_node(int (*)(void *), void *, int, const char *, ...); int wake_up_process(void *);
     int kthread_stop(void *); _Bool kthread_should_stop(void); void msleep(unsigned);
     static char fops[512]; static void *block, *big, *cls, *thread; static int major;
     static int run(void *data) { while (!kthread_should_stop()) msleep(10); return 0; }
     int init_module(void) {
       block = __kmalloc(3000, 0xcc0); big = vmalloc(20000); major = __register_chrdev(0, 0, 256, "tidy", fops);
       cls = class_create("tidies"); device_create(cls, 0, major << 20, 0, "tidy%d", 0); proc_mkdir("tidy", 0);
       wake_up_process(thread = kthread_create_on_node(run, 0, -1, "tidyd")); return 0; }
     void cleanup_module(void) {
       kthread_stop(thread); remove_proc_entry("tidy", 0); device_destroy(cls, major << 20); class_destroy(cls);
       __unregister_chrdev(major, 0, 256, "tidy"); vfree(big); kfree(block); }`,
  );
  const cycles = (count: number): { pages: number; inspected: unknown } => {
    vm.out(`for i in $(seq ${count}); do insmod /tmp/tidy.ko; rmmod tidy; done`);
    const { usedPages, allocations, leaked, errors } = inspectPart(vm.vm, 'memory');
    const { leftovers, chrdevs, classes, devices } = inspectPart(vm.vm, 'devices');
    const names = inspectPart(vm.vm, 'processes').map(({ comm }) => comm);
    return {
      pages: usedPages,
      inspected: { allocations, leaked, errors, leftovers, chrdevs, classes, devices, names: new Set(names) },
    };
  };
  // The pages of the last 64 tasks that ended are kept for pointers that modules may still hold: a first round fills those.
  const before = cycles(40);
  const after = cycles(100);
  expect(after.inspected).toEqual(before.inspected);
  expect(Math.abs(after.pages - before.pages)).toBeLessThanOrEqual(4);
  expect(inspectPart(vm.vm, 'modules')).toEqual([]);
  expect(vm.out('cat /proc/vmallocinfo')).toBe('');
  expect(vm.out('grep ^kmalloc-4k /proc/slabinfo')).toMatch(/^kmalloc-4k +0 +\d+ +4096 /);
});
