/** mmap of modules' files: pages of kmalloc, vmalloc and single pages, vm_ops->fault, open and close of mappings. */
import { beforeAll, describe, expect, test } from 'vitest';
import {
  checkpointVm,
  decodeCheckpoint,
  encodeCheckpoint,
  restoreVm,
  runVm,
  spawnProcess,
} from '../../src/vm/index.ts';
import { inspectModule } from '../../src/vm/inspect.ts';
import { Student, student, workbench } from '../vm/student.ts';
import { logMark, logSince, makeModules, makeProgram, RELEASES } from './driver-fixture.ts';

/** A device with one way of mapping for each minor. */
const MAPPER = `
#include <linux/module.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <linux/io.h>
#include <linux/version.h>
MODULE_LICENSE("GPL");
static int major, faults, maps;
static char *block, *big;
static struct page *single[2];
static void area_open(struct vm_area_struct *vma) { maps++; pr_info("mapper: open %lu pages\\n", vma_pages(vma)); }
static void area_close(struct vm_area_struct *vma) { maps--; pr_info("mapper: close %lu pages\\n", vma_pages(vma)); }
#if LINUX_VERSION_CODE < KERNEL_VERSION(4, 17, 0)
#define vm_fault_t int
#endif
static vm_fault_t area_fault(struct vm_fault *vmf) {
  if (iminor(file_inode(vmf->vma->vm_file)) == 5) return *(volatile int *)0;
  if (vmf->pgoff >= 2) return VM_FAULT_SIGBUS;
  faults++;
  get_page(single[vmf->pgoff]);
  vmf->page = single[vmf->pgoff];
  return 0;
}
static const struct vm_operations_struct ops = { .open = area_open, .close = area_close, .fault = area_fault };
static int map(struct file *file, struct vm_area_struct *vma) {
  unsigned long size = vma->vm_end - vma->vm_start;
  int err = 0;
  switch (iminor(file_inode(file))) {
  case 0: err = remap_pfn_range(vma, vma->vm_start, virt_to_phys(block) >> PAGE_SHIFT, size, vma->vm_page_prot); break;
  case 1: err = remap_vmalloc_range(vma, big, 0); break;
  case 2: err = vm_insert_page(vma, vma->vm_start, single[0]); break;
  case 3: case 5: break;
  default: return -EPERM;
  }
  if (err) return err;
  vma->vm_ops = &ops;
  vma->vm_private_data = file->private_data;
  area_open(vma);
  return 0;
}
static ssize_t tell(struct file *file, char __user *to, size_t n, loff_t *pos) {
  char text[96];
  int len = snprintf(text, sizeof(text), "%.8s|%.8s|%.8s|%d faults|%d maps\\n", block, big,
    (char *)page_address(single[0]), faults, maps);
  return simple_read_from_buffer(to, n, pos, text, len);
}
static int closed(struct inode *inode, struct file *file) { pr_info("mapper: release\\n"); return 0; }
static const struct file_operations fops = { .owner = THIS_MODULE, .mmap = map, .read = tell, .release = closed };
static int __init start(void) {
  block = kzalloc(4 * PAGE_SIZE, GFP_KERNEL);
  big = vmalloc_user(3 * PAGE_SIZE);
  single[0] = alloc_page(GFP_KERNEL | __GFP_ZERO);
  single[1] = alloc_page(GFP_KERNEL | __GFP_ZERO);
  SetPageReserved(virt_to_page(block));
  strcpy(block, "block"); strcpy(big, "big"); strcpy(page_address(single[0]), "single");
  strcpy(page_address(single[1]), "second");
  major = register_chrdev(0, "mapper", &fops);
  return major < 0 ? major : 0;
}
static void __exit stop(void) {
  unregister_chrdev(major, "mapper");
  ClearPageReserved(virt_to_page(block));
  kfree(block); vfree(big); put_page(single[0]); __free_page(single[1]);
}
module_init(start);
module_exit(stop);
`;

const PROGRAM = `#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/wait.h>
static void bus(int sig, siginfo_t *info, void *ctx) { printf("SIGBUS at page %ld\\n", ((long)info->si_addr >> 12) & 15); fflush(stdout); _exit(3); }
int main(int argc, char **argv) {
  int fd = open(argv[1], O_RDWR), pages = atoi(argv[3]), shared = strcmp(argv[2], "private") != 0;
  char *at = mmap(0, pages * 4096, PROT_READ | PROT_WRITE, shared ? MAP_SHARED : MAP_PRIVATE, fd, 0);
  if (at == MAP_FAILED) { printf("mmap: %s\\n", strerror(errno)); return 1; }
  if (strcmp(argv[2], "syscall") == 0) {
    printf("write %zd\\n", write(1, at, 7)); return 0;
  }
  if (strcmp(argv[2], "wait") == 0) { at[0] = 'N'; usleep(300000); printf("%s\\n", strcpy(at, "LATER")); return 0; }
  struct sigaction action = { .sa_sigaction = bus, .sa_flags = SA_SIGINFO };
  sigaction(SIGBUS, &action, 0);
  close(fd);
  for (int i = 0; i < pages; i++) printf("[%.10s]", at + i * 4096);
  puts("");
  memcpy(at, "WRITTEN", 8);
  fflush(stdout);
  if (strcmp(argv[2], "fork") == 0) {
    if (fork() == 0) { printf("child %.8s\\n", at); memcpy(at, "CHILD", 6); fflush(stdout); _exit(0); }
    wait(0); printf("parent %.8s\\n", at); munmap(at + 4096, 4096);
  }
  if (strcmp(argv[2], "grow") == 0) printf("mremap: %s\\n", mremap(at, pages * 4096, (pages + 1) * 4096, MREMAP_MAYMOVE) == MAP_FAILED ? strerror(errno) : "moved");
  return 0;
}
`;

describe.each(RELEASES)('mmap of a driver on %s', (release) => {
  let vm: Student;
  beforeAll(async () => {
    vm = await student({ release });
    makeModules(vm, { mapper: MAPPER });
    makeProgram(vm, 'map', PROGRAM);
    vm.out('insmod /root/m/mapper.ko');
    vm.out('for i in 0 1 2 3 4 5; do mknod /dev/m$i c $(grep mapper /proc/devices | cut -d" " -f1) $i; done');
  }, 120_000);

  test('pages of kmalloc, vmalloc and alloc_page are shared with the program', () => {
    expect(vm.out('/root/m/map /dev/m0 shared 4')).toBe('[block][][][]\n');
    expect(vm.out('/root/m/map /dev/m1 shared 3')).toBe('[big][][]\n');
    expect(vm.out('/root/m/map /dev/m2 shared 1')).toBe('[single]\n');
    expect(vm.out('cat /dev/m0')).toBe('WRITTEN|WRITTEN|WRITTEN|0 faults|0 maps\n');
  });

  test('a private mapping shows them and writes to copies', () => {
    expect(vm.out('/root/m/map /dev/m1 private 3')).toBe('[WRITTEN][][]\n');
  });

  test('vm_ops: fault gives a page, or SIGBUS; open and close count mappings; the file is released after the last', () => {
    const mark = logMark(vm);
    expect(vm.out('/root/m/map /dev/m3 shared 2')).toBe('[WRITTEN][second]\n');
    expect(vm.out('cat /dev/m3')).toContain('2 faults|0 maps');
    expect(logSince(vm, mark).filter((text) => text.startsWith('mapper'))).toEqual([
      'mapper: open 2 pages',
      'mapper: close 2 pages',
      'mapper: release',
      'mapper: release',
    ]);
    expect(vm.sh('/root/m/map /dev/m3 shared 3').stdout).toMatch(/SIGBUS at page \d+\n$/);
  });

  test('a system call may be the first to touch a page', () => {
    expect(vm.out('/root/m/map /dev/m3 syscall 2')).toBe('WRITTEN' + 'write 7\n');
  });

  test('fork and partial munmap open and close areas; a mapping does not grow', () => {
    const mark = logMark(vm);
    expect(vm.out('/root/m/map /dev/m0 fork 4')).toBe('[WRITTEN][][][]\nchild WRITTEN\nparent CHILD\n');
    const words = logSince(vm, mark).filter((text) => text.startsWith('mapper'));
    expect(words.filter((text) => /open/.test(text)).length).toBe(
      words.filter((text) => /close/.test(text)).length,
    );
    expect(words.at(-1)).toBe('mapper: release');
    expect(vm.out('/root/m/map /dev/m0 grow 4')).toContain('mremap: Bad address');
    expect(vm.out('cat /dev/m0')).toContain('0 maps');
  });

  test("a refusal is the caller's errno; it can be tried again", () => {
    expect(vm.sh('/root/m/map /dev/m4 shared 1').stdout).toBe('mmap: Operation not permitted\n');
    expect(vm.out('/root/m/map /dev/m0 shared 1')).toBe('[WRITTEN]\n');
  });

  test('a mapping goes through a checkpoint', async () => {
    const { machine, image } = await workbench();
    const pid = spawnProcess(vm.vm, { argv: ['/root/m/map', '/dev/m3', 'wait', '2'], user: 'root' });
    for (let i = 0; i < 200 && vm.vm.kernel.task.groups.get(pid)?.exitStatus === -1; i++) {
      if (vm.vm.kernel.task.tasks.get(pid)?.activations.some(({ step }) => /sleep/.test(step))) break;
      runVm(vm.vm, 20_000);
    }
    const bytes = encodeCheckpoint(checkpointVm(vm.vm));
    const later = new Student(restoreVm(decodeCheckpoint(bytes, 'memory'), machine, image));
    for (const each of [later, vm]) {
      expect(each.out('cat /dev/m3')).toMatch(/\|N\S* *\|\d+ faults\|1 maps/);
      expect(each.out('sleep 1; cat /dev/m3')).toMatch(/\|LATER\|\d+ faults\|0 maps/);
    }
  });

  test('a driver that faults in its fault operation kills who touched the page', () => {
    const mark = logMark(vm);
    expect(vm.sh('/root/m/map /dev/m5 shared 1').status).toBe(139);
    const log = logSince(vm, mark).join('\n');
    expect(log).toMatch(/virtual address 0{16}\nOops \[#1\]/);
    expect(log).toMatch(/\] area_fault\+\S+ \[mapper\]\n\[<\S+>\] __do_fault\+/);
    expect(vm.out('echo alive')).toBe('alive\n');
  });

  test('nothing is left behind', () => {
    expect(inspectModule(vm.vm, 'mapper')?.refcount).toBe(0);
    vm.out('rmmod mapper');
    expect(vm.vm.kernel.kapi?.areaCalls).toEqual([]);
    expect(
      [...(vm.vm.kernel.kapi?.heap.objects.values() ?? [])].filter(({ module }) => module === 'mapper'),
    ).toEqual([]);
  });
});
