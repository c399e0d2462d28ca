/** What inspect shows of modules and faults. */
import { expect, test } from 'vitest';
import { inspect } from '../../src/vm/inspect.ts';
import { student } from '../vm/student.ts';
import { buildModule } from './module-fixture.ts';

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
  expect(after.problems).toHaveLength(1);
  expect(after.problems[0]).toMatchObject({
    kind: 'oops',
    comm: 'rmmod',
    badaddr: '0000000000000000',
    cause: 15,
  });
  expect(after.problems[0].trace[0]).toMatchObject({ module: 'keeper' });
  expect(after.modules[0]).toMatchObject({ state: 'going', refcount: -1 });
  expect(JSON.parse(JSON.stringify(after))).toBeTypeOf('object');
});
