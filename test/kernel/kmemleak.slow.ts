/** Lists that were damaged (6.6 and later check them), and kmemleak in a VM that was booted with it. */
import { expect, test } from 'vitest';
import { runVm, spawnProcess } from '../../src/vm/index.ts';
import { student } from '../vm/student.ts';
import { logMark, logSince, makeModules } from './driver-fixture.ts';

const LEAKER = `
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/list.h>
MODULE_LICENSE("GPL");
struct node { struct list_head link; char *name; };
static LIST_HEAD(nodes);
static char *kept;
static int __init start(void) {
  int i; char *lost = kstrdup("lost and not found", GFP_KERNEL);
  kept = kmalloc(64, GFP_KERNEL);
  for (i = 0; i < 3; i++) {
    struct node *node = kzalloc(sizeof(*node), GFP_KERNEL);
    node->name = kmalloc(48, GFP_KERNEL);
    list_add(&node->link, &nodes);
  }
  return lost ? 0 : -ENOMEM;
}
static void __exit stop(void) { kfree(kept); }
module_init(start);
module_exit(stop);
`;

test.each([
  '4.15.0-33-generic',
  '6.12.107+deb13-riscv64',
])('kmemleak finds what nobody points to, on %s', async (release) => {
  const vm = await student({ release, cmdline: 'kmemleak=on' });
  makeModules(vm, { leaker: LEAKER });
  const mark = logMark(vm);
  const file = '/sys/kernel/debug/kmemleak';
  vm.out('mountpoint -q /sys/kernel/debug || mount -t debugfs none /sys/kernel/debug; true');
  // What is young is not suspected.
  expect(vm.out(`insmod /root/m/leaker.ko; echo scan > ${file}; cat ${file}`)).toBe('');
  expect(vm.out(`sleep 6; echo scan > ${file}; cat ${file}`)).toMatch(
    new RegExp(
      [
        '^unreferenced object 0x[0-9a-f]{16} \\(size 19\\):',
        `  comm "insmod", pid \\d+, jiffies \\d+${release.startsWith('4') ? ' \\(age [\\d.]+s\\)' : ''}`,
        '  hex dump \\(first 19 bytes\\):',
        '    6c 6f 73 74 20 61 6e 64 20 6e 6f 74 20 66 6f 75  lost and not fou',
        '    6e 64 00 .*',
        release.startsWith('4') ? '  backtrace:' : '  backtrace \\(crc [0-9a-f]+\\):',
      ].join('\n'),
    ),
  );
  expect(logSince(vm, mark)).toContain(
    'kmemleak: 1 new suspected memory leaks (see /sys/kernel/debug/kmemleak)',
  );
  expect(vm.out(`echo clear > ${file}; echo scan > ${file}; cat ${file}`)).toBe('');
  // With the module its list is gone, and with that every pointer to the nodes.
  vm.out(`rmmod leaker; echo scan > ${file}`);
  expect(logSince(vm, mark)).toContain(
    'kmemleak: 6 new suspected memory leaks (see /sys/kernel/debug/kmemleak)',
  );
  expect(vm.sh(`echo nonsense > ${file}`).stderr).toContain('Invalid argument');
});

test('without kmemleak=on there is no such file', async () => {
  const vm = await student();
  expect(vm.sh('mount -t debugfs none /sys/kernel/debug; ls /sys/kernel/debug/kmemleak').status).not.toBe(0);
});

const LISTS = `
#include <linux/module.h>
#include <linux/list.h>
#include <linux/slab.h>
MODULE_LICENSE("GPL");
static int how;
module_param(how, int, 0);
struct node { struct list_head link; };
static LIST_HEAD(head);
static int __init start(void) {
  struct node *a = kzalloc(sizeof(*a), GFP_KERNEL), *b = kzalloc(sizeof(*b), GFP_KERNEL);
  list_add(&a->link, &head);
  if (how == 0) list_add(&a->link, &head);
  if (how == 1) { head.next = &b->link; b->link.prev = &head; list_add(&b->link, &a->link); list_del(&a->link); }
  if (how == 2) { list_del(&a->link); list_del(&a->link); }
  return 0;
}
module_init(start);
`;

test.each([
  [
    0,
    /^list_add double add: new=([0-9a-f]{16}), prev=[0-9a-f]{16}, next=\1\.$/,
    /kernel BUG at lib\/list_debug\.c:35!/,
  ],
  [
    1,
    /^list_del corruption. prev->next should be [0-9a-f]{16}, but was [0-9a-f]{16}. \(prev=[0-9a-f]{16}\)$/,
    /kernel BUG at lib\/list_debug\.c:59!/,
  ],
  [
    2,
    /^list_del corruption, [0-9a-f]{16}->next is LIST_POISON1 \(dead000000000100\)$/,
    /kernel BUG at lib\/list_debug\.c:53!/,
  ],
])('a damaged list, %i', async (how, said, then) => {
  const vm = await student({ release: '6.12.107+deb13-riscv64' });
  makeModules(vm, { lists: LISTS });
  const mark = logMark(vm);
  spawnProcess(vm.vm, { argv: ['/sbin/insmod', '/root/m/lists.ko', `how=${how}`], user: 'root' });
  for (let i = 0; i < 20 && !vm.vm.kernel.halted; i++) runVm(vm.vm, 1_000_000, 1e9, 5);
  const log = logSince(vm, mark);
  const at = log.findIndex((line) => said.test(line));
  expect(at, log.join('\n')).toBeGreaterThanOrEqual(0);
  expect(
    log.slice(at + 1, at + 3).some((line) => then.test(line)),
    log.join('\n'),
  ).toBe(true);
});
