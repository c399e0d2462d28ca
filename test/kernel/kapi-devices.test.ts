/** What modules get from printk, kmalloc and character devices: modules by hand, without the image's headers. */
import { beforeAll, describe, expect, test } from 'vitest';
import { offsetOf, sizeOf } from '../../src/kernel/abi/structs/index.ts';
import { type Student, student } from '../vm/student.ts';
import { buildModule, newLines } from './module-fixture.ts';

const field = (name: string): number => offsetOf('file_operations', name) / 8;

const SOURCE = `
typedef unsigned long size_t;
int _printk(const char *fmt, ...);
void *__kmalloc(size_t size, unsigned flags);
void kfree(const void *p);
size_t ksize(const void *p);
int __register_chrdev(unsigned major, unsigned base, unsigned count, const char *name, const void *fops);
void __unregister_chrdev(unsigned major, unsigned base, unsigned count, const char *name);
int __put_user_1(unsigned long value, void *to);
static int major;
static void *fops[${sizeOf('file_operations') / 8}];
static int opened(void *inode, void *file) { _printk("\\0016device: open\\n"); return 0; }
static int closed(void *inode, void *file) { _printk("\\0016device: close\\n"); return 0; }
static long ones(void *file, char *buf, size_t n, long long *pos) {
  for (size_t i = 0; i < n; i++) if (__put_user_1('1', buf + i)) return -14;
  return n;
}
int init_module(void) {
  _printk("\\0016device: [%5d] [%-5d] [%05d] %#x %c %s %lu %pe %*ph\\n", 42, 42, 42, 255, 'A', "text", -1ul, (void *)-12l, 3, "abc");
  char *a = __kmalloc(33, 0xcc0);
  _printk("\\0016device: ksize %lu zero %d\\n", ksize(a), a[32]);
  kfree(a);
  _printk("\\0016device: same %d\\n", a == (char *)__kmalloc(40, 0xcc0));
  fops[${field('open')}] = opened;
  fops[${field('release')}] = closed;
  fops[${field('read')}] = ones;
  major = __register_chrdev(0, 0, 256, "byhand", fops);
  return major < 0 ? major : 0;
}
void cleanup_module(void) { __unregister_chrdev(major, 0, 256, "byhand"); }
`;

describe('a module with a character device', () => {
  let vm: Student;
  beforeAll(async () => {
    vm = await student({ release: '6.12.107+deb13-riscv64' });
    buildModule(vm, 'device', SOURCE);
    vm.out('insmod /tmp/device.ko');
  }, 120_000);

  test('prints and allocates as Linux does', () => {
    expect(newLines(vm).slice(-3)).toEqual([
      '<6>device: [   42] [42   ] [00042] 0xff A text 18446744073709551615 -ENOMEM 61 62 63',
      '<6>device: ksize 64 zero 0',
      '<6>device: same 1',
    ]);
  });

  test('answers read, refuses the rest, and hears of each close', () => {
    const made = vm.sh(
      'mknod /dev/byhand c $(grep byhand /proc/devices | cut -d" " -f1) 0; head -c 10 /dev/byhand',
    );
    expect(made.stdout).toBe('1111111111');
    expect(newLines(vm)).toEqual(['<6>device: open', '<6>device: close']);
    const write = vm.sh('echo 5 > /dev/byhand');
    expect(write.status).toBe(1);
    expect(write.stderr).toContain('write error: Invalid argument');
    newLines(vm);
    expect(vm.sh('bash -c "exec 3</dev/byhand; exit 3"').status).toBe(3);
    expect(newLines(vm)).toEqual(['<6>device: open', '<6>device: close']);
  });

  test('is unknown once the module is gone', () => {
    expect(vm.sh('rmmod device; cat /dev/byhand').stderr).toContain('No such device or address');
  });
});
