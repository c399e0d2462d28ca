/** A VM that was booted with `kasan`: misuse of the heap is reported when it happens, in KASAN's words, and the code goes on. */
import { beforeAll, describe, expect, test } from 'vitest';
import { forkVm } from '../../src/vm/index.ts';
import { inspectPart } from '../../src/vm/inspect.ts';
import { Student, student } from '../vm/student.ts';
import { logMark, logSince, makeModules } from './driver-fixture.ts';

const ABUSER = `
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/uaccess.h>
#include <linux/slab.h>
#include <linux/version.h>
MODULE_LICENSE("GPL");
static volatile int sink;
static noinline ssize_t act(struct file *file, const char __user *from, size_t n, loff_t *pos) {
  char what[16] = ""; volatile char *p = kmalloc(40, GFP_KERNEL); struct kmem_cache *cache;
  if (copy_from_user(what, from, min(n, sizeof(what) - 1))) return -EFAULT;
  strim(what);
  if (!strcmp(what, "read-freed")) { kfree((void *)p); sink = *(volatile int *)(p + 8); return n; }
  if (!strcmp(what, "write-freed")) { kfree((void *)p); p[39] = 1; p[39] = 2; return n; }
  if (!strcmp(what, "overrun")) { p[40] = 'x'; kfree((void *)p); return n; }
  if (!strcmp(what, "memset")) { memset((void *)p, 1, 48); kfree((void *)p); return n; }
  if (!strcmp(what, "double")) { kfree((void *)p); kfree((void *)p); return n; }
  if (!strcmp(what, "invalid")) { kfree((void *)(p + 8)); kfree((void *)p); return n; }
  if (!strcmp(what, "cache")) {
    cache = kmem_cache_create("abused", 24, 0, 0, NULL);
    p = kmem_cache_alloc(cache, GFP_KERNEL); kmem_cache_free(cache, (void *)p); sink = p[0];
    return n;
  }
  if (!strcmp(what, "well")) { memset((void *)p, 1, 40); p = krealloc((void *)p, 100, GFP_KERNEL); p[99] = p[0]; kfree((void *)p); return n; }
  return -EINVAL;
}
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 6, 0)
static const struct proc_ops ops = { .proc_write = act };
#else
static const struct file_operations ops = { .owner = THIS_MODULE, .write = act };
#endif
static int __init start(void) { return proc_create("abuser", 0222, NULL, &ops) ? 0 : -ENOMEM; }
static void __exit stop(void) { remove_proc_entry("abuser", NULL); }
module_init(start);
module_exit(stop);
`;

/** Word, kind in 6.12's and in 4.15's words, what follows, where it is. */
const CASES: readonly [string, string, string, RegExp, RegExp | null][] = [
  [
    'read-freed',
    'slab-use-after-free',
    'use-after-free',
    /^Read of size 4 at addr [0-9a-f]{16} by task bash\/\d+$/,
    /8 bytes inside of/,
  ],
  [
    'write-freed',
    'slab-use-after-free',
    'use-after-free',
    /^Write of size 1 at addr [0-9a-f]{16} by task bash\/\d+$/,
    /39 bytes inside of/,
  ],
  ['overrun', 'slab-out-of-bounds', 'slab-out-of-bounds', /^Write of size 1 at addr/, null],
  ['memset', 'slab-out-of-bounds', 'slab-out-of-bounds', /^Write of size \d at addr/, null],
  ['cache', 'slab-use-after-free', 'use-after-free', /^Read of size 1 at addr/, /0 bytes inside of/],
  ['double', 'double-free', 'double-free or invalid-free', /^Free of addr|^$/, /0 bytes inside of/],
  ['invalid', 'invalid-free', 'double-free or invalid-free', /^Free of addr|^$/, /8 bytes inside of/],
];

describe.each(['4.15.0-33-generic', '6.12.107+deb13-riscv64'])('on %s', (release) => {
  const modern = release.startsWith('6');
  let base: Student;
  beforeAll(async () => {
    base = await student({ release, cmdline: 'kasan' });
    makeModules(base, { abuser: ABUSER });
    base.out('insmod /root/m/abuser.ko');
  }, 120_000);

  test.each(CASES)('%s', (what, kind, old, access, place) => {
    const vm = new Student(forkVm(base.vm));
    const mark = logMark(vm);
    vm.out(`echo ${what} > /proc/abuser`);
    const log = logSince(vm, mark);
    const all = log.join('\n');
    const at = what === 'memset' ? String.raw`memset\+0x\S+` : String.raw`act\+0x\S+ \[abuser\]`;
    expect(log[1], all).toMatch(new RegExp(`^BUG: KASAN: ${modern ? kind : old} in ${at}$`));
    expect(log[2], all).toMatch(access);
    expect(all).toMatch(/Allocated by task \d+:\n( .+\n)+ act\+0x\S+ \[abuser\]\n/);
    if (!['overrun', 'memset', 'invalid'].includes(what))
      expect(all).toMatch(/Freed by task \d+:\n( .+\n)+ act\+0x\S+ \[abuser\]\n/);
    expect(all).toMatch(
      what === 'cache'
        ? / which belongs to the cache abused of size 24/
        : / which belongs to the cache kmalloc-64 of size 64/,
    );
    if (place) expect(all).toMatch(place);
    expect(all).toMatch(/^>[0-9a-f]{16}:( [0-9a-f]{2}){16}$/m);
    expect(log.filter((line) => /^={66}$/.test(line)).length).toBe(2);
    expect(vm.vm.kernel.taint & (1 << 5)).not.toBe(0);
    expect(inspectPart(vm.vm, 'oopses').map((report) => report.kind)).toEqual(['kasan']);
    expect(inspectPart(vm.vm, 'memory').errors.length).toBeGreaterThan(0);
    // One report is all there is.
    const again = logMark(vm);
    vm.out('echo read-freed > /proc/abuser');
    expect(logSince(vm, again)).toEqual([]);
  });

  test('code that does no harm is left alone', () => {
    const mark = logMark(base);
    for (let i = 0; i < 3; i++) base.out('echo well > /proc/abuser');
    expect(logSince(base, mark)).toEqual([]);
  });

  test('many frees do not fill the memory', () => {
    const vm = new Student(forkVm(base.vm));
    vm.out('for i in {1..700}; do echo well; done > /proc/abuser');
    expect(inspectPart(vm.vm, 'memory').usedPages).toBeLessThan(30_000);
    vm.out('echo well > /proc/abuser');
  });
});
