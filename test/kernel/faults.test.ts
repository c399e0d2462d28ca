/**
 * What module code may do wrong, one by one, through a /proc file so that the module stays loaded: the line that says what is wrong,
 * who dies, and that the machine goes on.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { forkVm, runVm, spawnProcess } from '../../src/vm/index.ts';
import { inspectPart } from '../../src/vm/inspect.ts';
import { Student, student } from '../vm/student.ts';
import { logMark, logSince, makeModules, RELEASES } from './driver-fixture.ts';

const FAULTY = `
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/uaccess.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <linux/sched.h>
#include <linux/delay.h>
#include <linux/spinlock.h>
#include <linux/mutex.h>
#include <linux/version.h>
MODULE_LICENSE("GPL");
static DEFINE_SPINLOCK(lock);
static DEFINE_MUTEX(mutex);
static volatile int zero, sink;
static const int constant = 42;
static char data[64];
static noinline void grow(int n) { volatile char frame[1024]; frame[n % 1024] = n; if (n) grow(n + 1); frame[1] = n; }
static ssize_t act(struct file *file, const char __user *from, size_t n, loff_t *pos) {
  char what[16] = ""; volatile int *at; void (*fn)(void);
  if (copy_from_user(what, from, min(n, sizeof(what) - 1))) return -EFAULT;
  strim(what);
  if (!strcmp(what, "read-null")) sink = *(volatile int *)0;
  else if (!strcmp(what, "write-null")) *(volatile int *)8 = 1;
  else if (!strcmp(what, "wild")) *(volatile int *)0xffffffe1234567f0ul = 1;
  else if (!strcmp(what, "noncanonical")) sink = *(volatile int *)0x1234567812345678ul;
  else if (!strcmp(what, "user")) sink = *(volatile char __force *)from;
  else if (!strcmp(what, "jump")) { fn = (void *)0x10; fn(); }
  else if (!strcmp(what, "jump-user")) { fn = (void __force *)from; fn(); }
  else if (!strcmp(what, "jump-data")) { fn = (void *)data; fn(); }
  else if (!strcmp(what, "rodata")) { at = (volatile int *)&constant; *at = 1; }
  else if (!strcmp(what, "text")) { at = (volatile int *)act; *at = 1; }
  else if (!strcmp(what, "kernel-text")) { at = (volatile int *)schedule; *at = 1; }
  else if (!strcmp(what, "vmalloc")) { char *p = vmalloc(4096); volatile char c = p[4096]; sink = c; }
  else if (!strcmp(what, "vfree")) { volatile char *p = vmalloc(4096); vfree((void *)p); sink = p[0]; }
  else if (!strcmp(what, "divide")) { sink = 7 / zero; pr_info("faulty: 7 / 0 = %d\\n", sink); }
  else if (!strcmp(what, "modulo")) { sink = 7 % zero; pr_info("faulty: 7 %% 0 = %d\\n", sink); }
  else if (!strcmp(what, "unaligned")) { *(volatile int *)(data + 1) = 5; pr_info("faulty: unaligned %d\\n", *(volatile int *)(data + 1)); }
  else if (!strcmp(what, "bug")) BUG();
  else if (!strcmp(what, "bug-on")) BUG_ON(n > 0);
  else if (!strcmp(what, "warn")) WARN(1, "faulty warns %d times\\n", 1);
  else if (!strcmp(what, "warn-on")) { if (WARN_ON(n > 0)) pr_info("faulty: went on\\n"); }
  else if (!strcmp(what, "illegal")) asm volatile(".word 0");
  else if (!strcmp(what, "stack")) grow(1);
  else if (!strcmp(what, "sleep-locked")) { spin_lock(&lock); msleep(1); spin_unlock(&lock); }
  else if (!strcmp(what, "held")) { mutex_lock(&mutex); sink = *(volatile int *)0; }
  else if (!strcmp(what, "mutex")) { if (!mutex_trylock(&mutex)) return -EBUSY; mutex_unlock(&mutex); }
  else if (!strcmp(what, "panic")) panic("faulty panics: %d", 7);
  else return -EINVAL;
  return n;
}
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 6, 0)
static const struct proc_ops ops = { .proc_write = act };
#else
static const struct file_operations ops = { .owner = THIS_MODULE, .write = act };
#endif
static int __init start(void) { return proc_create("faulty", 0222, NULL, &ops) ? 0 : -ENOMEM; }
static void __exit stop(void) { remove_proc_entry("faulty", NULL); }
module_init(start);
module_exit(stop);
`;

const GHOST = `
#include <linux/module.h>
#include <linux/fs.h>
#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/proc_fs.h>
#include <linux/slab.h>
#include <linux/timer.h>
#include <linux/version.h>
MODULE_LICENSE("GPL");
static bool forgetful;
module_param(forgetful, bool, 0);
static int major; static struct class *class; static char *memory; static struct timer_list timer;
static int closed(struct inode *inode, struct file *file) { if (!forgetful) *(volatile int *)0 = 1; return 0; }
static ssize_t nothing(struct file *file, char __user *to, size_t n, loff_t *pos) { return 0; }
static const struct file_operations fops = { .read = nothing, .release = closed };
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 6, 0)
static const struct proc_ops ops = { .proc_read = nothing };
#else
static const struct file_operations ops = { .read = nothing };
#endif
static void ring(struct timer_list *t) { pr_info("ghost: rings\\n"); }
static int __init start(void) {
  if (!proc_create("ghost", 0444, NULL, &ops)) return -ENOMEM;
  major = register_chrdev(0, "ghost", &fops);
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
  class = class_create("ghosts");
#else
  class = class_create(THIS_MODULE, "ghosts");
#endif
  device_create(class, NULL, MKDEV(major, 0), NULL, "ghost");
  memory = kmalloc(100, GFP_KERNEL);
  timer_setup(&timer, ring, 0);
  if (forgetful) mod_timer(&timer, jiffies + 60 * HZ);
  return 0;
}
static void __exit stop(void) { }
module_init(start);
module_exit(stop);
`;

/** What is written to the file: the first line that tells of it (4.15's words, then 6.12's when they differ), and the end. */
const CASES: readonly [
  what: string,
  said: RegExp,
  modern: RegExp | null,
  end: 'dies' | 'goes on' | 'halts',
][] = [
  [
    'read-null',
    /^Unable to handle kernel NULL pointer dereference at virtual address 0{16}$/,
    /^Unable to handle kernel access to user memory without uaccess routines at virtual address 0{16}$/,
    'dies',
  ],
  [
    'write-null',
    /NULL pointer dereference at virtual address 0{15}8$/,
    /uaccess routines at virtual address 0{15}8$/,
    'dies',
  ],
  ['wild', /^Unable to handle kernel paging request at virtual address ffffffe1234567f0$/, null, 'dies'],
  [
    'noncanonical',
    /^Unable to handle kernel paging request at virtual address 1234567812345678$/,
    null,
    'dies',
  ],
  [
    'user',
    /^Unable to handle kernel paging request at virtual address 000000[0-3]/,
    /access to user memory without uaccess routines at virtual address 000000[0-3]/,
    'dies',
  ],
  [
    'jump',
    /NULL pointer dereference at virtual address 0{14}10$/,
    /uaccess routines at virtual address 0{14}10$/,
    'dies',
  ],
  [
    'jump-user',
    /paging request at virtual address 000000/,
    /uaccess routines at virtual address 000000/,
    'dies',
  ],
  ['jump-data', /paging request at virtual address ffffffff01/, null, 'dies'],
  ['rodata', /paging request at virtual address ffffffff01/, null, 'dies'],
  ['text', /paging request at virtual address ffffffff01/, null, 'dies'],
  ['kernel-text', /paging request at virtual address ffffffff80/, null, 'dies'],
  ['vmalloc', /paging request at virtual address ffffffc0/, null, 'dies'],
  ['vfree', /paging request at virtual address ffffffc0/, null, 'dies'],
  ['divide', /^faulty: 7 \/ 0 = -1$/, null, 'goes on'],
  ['modulo', /^faulty: 7 % 0 = 7$/, null, 'goes on'],
  ['unaligned', /^faulty: unaligned 5$/, null, 'goes on'],
  ['bug', /^kernel BUG at \/root\/m\/faulty\.c:\d+!$/, null, 'dies'],
  ['bug-on', /^kernel BUG at \/root\/m\/faulty\.c:\d+!$/, null, 'dies'],
  ['warn', /^WARNING: CPU: 0 PID: \d+ at \/root\/m\/faulty\.c:\d+ act\+0x/, null, 'goes on'],
  ['warn-on', /^WARNING: CPU: 0 PID: \d+ at \/root\/m\/faulty\.c:\d+ act\+0x/, null, 'goes on'],
  ['illegal', /^Oops - illegal instruction \[#1\]$/, null, 'dies'],
  ['stack', /^Insufficient stack space to handle exception!$/, null, 'halts'],
  ['held', /virtual address 0{16}$/, null, 'dies'],
  ['panic', /^Kernel panic - not syncing: faulty panics: 7$/, null, 'halts'],
];

/** Runs a command in a fork of the prepared VM until it has ended or the VM has stopped. */
function attempt(base: Student, command: string): { vm: Student; status: number | null; log: string[] } {
  const vm = new Student(forkVm(base.vm));
  const mark = logMark(vm);
  const pid = spawnProcess(vm.vm, { argv: ['/bin/bash', '-c', command], user: 'root' });
  const { kernel } = vm.vm;
  for (let i = 0; i < 2000 && !kernel.halted && kernel.task.spawned.get(pid)?.status === null; i++) {
    const { idleMs } = runVm(vm.vm, 500_000, Number.POSITIVE_INFINITY, 1);
    if (idleMs > 10_000) break;
  }
  return { vm, status: kernel.task.spawned.get(pid)?.status ?? null, log: logSince(vm, mark) };
}

describe.each(RELEASES)('on %s', (release) => {
  const modern = release.startsWith('6');
  let base: Student;
  beforeAll(async () => {
    base = await student({ release });
    makeModules(base, { faulty: FAULTY, ghost: GHOST });
    base.out('insmod /root/m/faulty.ko');
  }, 120_000);

  test.each(CASES)('%s', (what, said, saidModern, end) => {
    // After BUG the recorded kernel panics: it is built with interrupts off there.
    const halts = end === 'halts' || (modern && what.startsWith('bug'));
    const { vm, status, log } = attempt(base, `echo ${what} > /proc/faulty`);
    expect(
      log.some((line) => ((modern && saidModern) || said).test(line)),
      log.join('\n'),
    ).toBe(true);
    if (halts) {
      expect(vm.vm.kernel.halted?.reason).toBe('panic');
      return;
    }
    expect(vm.vm.kernel.halted).toBe(null);
    expect(status).toBe(end === 'dies' ? 11 : 0);
    expect(inspectPart(vm.vm, 'oopses').length).toBe(end === 'dies' || what.startsWith('warn') ? 1 : 0);
    // The machine goes on, and the module with it.
    expect(vm.out('echo alive; lsmod | grep -c faulty')).toBe('alive\n1\n');
  });

  test('a mutex that an oops left held stays held', () => {
    const { vm } = attempt(base, 'echo held > /proc/faulty');
    expect(vm.sh('echo mutex > /proc/faulty').stderr).toContain('Device or resource busy');
  });

  test('panic_on_oops, and kernel.panic seconds later the machine starts again', () => {
    const { vm, log } = attempt(
      base,
      'sysctl -q kernel.panic_on_oops=1 kernel.panic=3; echo wild > /proc/faulty',
    );
    expect(log).toContain('Kernel panic - not syncing: Fatal exception');
    expect(log).toContain('Rebooting in 3 seconds..');
    expect(vm.vm.kernel.halted?.reason).toBe('restart');
  });

  test('sysrq b starts the machine again at once', () => {
    const { vm, log } = attempt(base, 'echo b > /proc/sysrq-trigger');
    expect(
      log.some((line) => /sysrq: (SysRq : )?Resetting/i.test(line)),
      log.join('\n'),
    ).toBe(true);
    expect(vm.vm.kernel.halted?.reason).toBe('restart');
  });

  test('an oops while a task ends: it is left where it is', () => {
    const { vm, log, status } = attempt(base, 'insmod /root/m/ghost.ko; exec 5</dev/ghost; exit 0');
    expect(status).toBe(null);
    expect(log.filter((line) => /^Oops \[#\d\]$/.test(line)).length).toBe(1);
    expect(log).toContain('Fixing recursive fault but reboot is needed!');
    expect(vm.vm.kernel.halted).toBe(null);
    expect(vm.out('echo alive')).toBe('alive\n');
  });

  test('what a module forgets stays: its major, its node, its /proc file, its timer, its open file', () => {
    const vm = new Student(forkVm(base.vm));
    vm.out('insmod /root/m/ghost.ko forgetful=1');
    const held = vm.out('grep ghost /proc/devices; ls /dev/ghost; ls /proc/ghost');
    expect(held).toMatch(/^\d+ ghost\n\/dev\/ghost\n\/proc\/ghost\n$/);
    vm.out('rmmod ghost');
    expect(vm.out('grep ghost /proc/devices; ls /dev/ghost; ls /proc/ghost')).toBe(held);
    const kinds = inspectPart(vm.vm, 'devices').leftovers.map(({ kind }) => kind);
    expect(kinds).toEqual(expect.arrayContaining(['chrdev', 'device', 'class', 'proc', 'allocation']));
    // Opening the node follows pointers into memory that is gone.
    const opened = vm.sh('cat /dev/ghost');
    expect(opened.status).toBe(139);
    expect(vm.out('dmesg -t')).toMatch(
      /Unable to handle kernel paging request at virtual address ffffffff0[0-9a-f]+\nOops \[#1\]/,
    );
    // The next of the same name cannot have its /proc file and class.
    expect(vm.sh('insmod /root/m/ghost.ko').status).not.toBe(0);
    // The timer fires into nothing: a fault in an interrupt ends the machine.
    for (let i = 0; i < 500 && !vm.vm.kernel.halted; i++)
      runVm(vm.vm, 1_000_000, Number.POSITIVE_INFINITY, 1);
    expect(vm.vm.kernel.halted?.reason).toBe('panic');
    expect(vm.vm.kernel.halted?.text).toContain('Fatal exception in interrupt');
  });
});
