/** What reaches a driver besides read and write: fasync with SIGIO, epoll, read_iter and write_iter. */
import { beforeAll, describe, expect, test } from 'vitest';
import { inspectPart } from '../../src/vm/inspect.ts';
import { type Student, student } from '../vm/student.ts';
import { makeModules, makeProgram, RELEASES } from './driver-fixture.ts';

/** A device that holds one message: minor 0 by read and write, minor 1 by read_iter and write_iter. */
const BELL = `
#include <linux/module.h>
#include <linux/fs.h>
#include <linux/poll.h>
#include <linux/uio.h>
#include <linux/wait.h>
#include <linux/uaccess.h>
MODULE_LICENSE("GPL");
static int major; static size_t held; static char text[64];
static DECLARE_WAIT_QUEUE_HEAD(queue);
static struct fasync_struct *listeners;
static ssize_t take(struct file *file, char __user *to, size_t n, loff_t *pos) {
  if (!held) { if (file->f_flags & O_NONBLOCK) return -EAGAIN; if (wait_event_interruptible(queue, held)) return -ERESTARTSYS; }
  n = min(n, held);
  if (copy_to_user(to, text, n)) return -EFAULT;
  held = 0;
  return n;
}
static void ring(void) { wake_up_interruptible(&queue); if (listeners) kill_fasync(&listeners, SIGIO, POLL_IN); }
static ssize_t give(struct file *file, const char __user *from, size_t n, loff_t *pos) {
  n = min(n, sizeof(text));
  if (copy_from_user(text, from, n)) return -EFAULT;
  held = n; ring();
  return n;
}
static ssize_t take_iter(struct kiocb *iocb, struct iov_iter *to) {
  size_t n = copy_to_iter(text + iocb->ki_pos, min(iov_iter_count(to), held - (size_t)iocb->ki_pos), to);
  iocb->ki_pos += n;
  return n;
}
static ssize_t give_iter(struct kiocb *iocb, struct iov_iter *from) {
  size_t n = copy_from_iter(text, min(iov_iter_count(from), sizeof(text)), from);
  held = n; ring();
  return n;
}
static __poll_t look(struct file *file, poll_table *table) {
  poll_wait(file, &queue, table);
  return held ? POLLIN | POLLRDNORM : 0;
}
static int listen(int fd, struct file *file, int on) { pr_info("bell: fasync %d\\n", on); return fasync_helper(fd, file, on, &listeners); }
static int done(struct inode *inode, struct file *file) { return 0; }
static const struct file_operations plain = { .owner = THIS_MODULE, .read = take, .write = give, .poll = look, .fasync = listen, .release = done };
static const struct file_operations iter = { .owner = THIS_MODULE, .read_iter = take_iter, .write_iter = give_iter };
static int chosen(struct inode *inode, struct file *file) {
  file->f_op = iminor(inode) ? &iter : &plain;
  return 0;
}
static const struct file_operations fops = { .owner = THIS_MODULE, .open = chosen };
static int __init start(void) { major = register_chrdev(0, "bell", &fops); return major < 0 ? major : 0; }
static void __exit stop(void) { unregister_chrdev(major, "bell"); }
module_init(start);
module_exit(stop);
`;

const SIGIO = `#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/ioctl.h>
static volatile int got, code, fds; static volatile long band;
static void heard(int sig, siginfo_t *info, void *ctx) { got = sig; code = info->si_code; band = info->si_band; fds = info->si_fd; }
int main(int argc, char **argv) {
  int ends[2];
  if (!strcmp(argv[1], "pipe")) pipe(ends);
  else if (!strcmp(argv[1], "socket")) socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
  else { ends[0] = open(argv[1], O_RDONLY); ends[1] = open(argv[1], O_WRONLY); }
  struct sigaction action = { .sa_sigaction = heard, .sa_flags = SA_SIGINFO };
  int sig = atoi(argv[2]);
  sigaction(sig ? sig : SIGIO, &action, 0);
  fcntl(ends[0], F_SETOWN, getpid());
  if (sig) fcntl(ends[0], F_SETSIG, sig);
  if (argc > 3) { int on = 1; ioctl(ends[0], FIOASYNC, &on); }
  else fcntl(ends[0], F_SETFL, fcntl(ends[0], F_GETFL) | O_ASYNC);
  write(ends[1], "ding", 4);
  printf("signal %d", got);
  if (sig) printf(" code %d band %#lx fd %s", code, band, fds == ends[0] ? "right" : "wrong");
  char b[8]; int n = read(ends[0], b, 8);
  got = 0;
  fcntl(ends[0], F_SETFL, fcntl(ends[0], F_GETFL) & ~O_ASYNC);
  write(ends[1], "dong", 4);
  printf(", read %d, then %d\\n", n, got);
}
`;

const EPOLL = `
#include <stdio.h>
#include <fcntl.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/wait.h>
int main(void) {
  int fd = open("/dev/bell0", O_RDWR), ep = epoll_create1(0), outer = epoll_create1(0);
  struct epoll_event event = { .events = EPOLLIN, .data.u32 = 7 }, out[4];
  epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event);
  epoll_ctl(outer, EPOLL_CTL_ADD, ep, &event);
  printf("none %d", epoll_wait(ep, out, 4, 0));
  write(fd, "x", 1);
  printf(", one %d:%u", epoll_wait(ep, out, 4, 0), out[0].data.u32);
  printf(", nested %d", epoll_wait(outer, out, 4, 0));
  char c; read(fd, &c, 1);
  printf(", none %d\\n", epoll_wait(ep, out, 4, 0));
  fflush(stdout);
  if (fork() == 0) { usleep(50000); write(fd, "y", 1); _exit(0); }
  int n = epoll_wait(outer, out, 4, 5000);
  printf("woken %d", n); wait(0);
  read(fd, &c, 1);
  if (fork() == 0) { usleep(50000); write(fd, "z", 1); _exit(0); }
  n = epoll_wait(ep, out, 4, 5000);
  printf(", woken %d", n); wait(0);
  read(fd, &c, 1);
  printf(", timeout %d\\n", epoll_wait(ep, out, 4, 20));
  event.events = EPOLLIN | EPOLLET;
  epoll_ctl(ep, EPOLL_CTL_MOD, fd, &event);
  write(fd, "1", 1);
  printf("edge %d", epoll_wait(ep, out, 4, 0));
  printf(", same %d", epoll_wait(ep, out, 4, 0));
  write(fd, "2", 1);
  printf(", edge %d", epoll_wait(ep, out, 4, 0));
  read(fd, &c, 1);
  printf(", read %d\\n", epoll_wait(ep, out, 4, 0));
}
`;

describe.each(RELEASES)('on %s', (release) => {
  let vm: Student;
  beforeAll(async () => {
    vm = await student({ release });
    makeModules(vm, { bell: BELL });
    makeProgram(vm, 'sigio', SIGIO);
    makeProgram(vm, 'epoll', EPOLL);
    vm.out('insmod /root/m/bell.ko');
    vm.out('for i in 0 1; do mknod /dev/bell$i c $(grep bell /proc/devices | cut -d" " -f1) $i; done');
  }, 120_000);

  test.each(['/dev/bell0', 'pipe', 'socket'])('SIGIO from %s', (what) => {
    expect(vm.out(`/root/m/sigio ${what} 0`)).toBe('signal 29, read 4, then 0\n');
    expect(vm.out(`/root/m/sigio ${what} 0 ioctl`)).toBe('signal 29, read 4, then 0\n');
    // F_SETSIG: a signal of one's own tells what happened.
    expect(vm.out(`/root/m/sigio ${what} 40`)).toBe('signal 40 code 1 band 0x41 fd right, read 4, then 0\n');
  });

  test('a driver hears of O_ASYNC, and of its end when the file is closed', () => {
    vm.out('dmesg -C; /root/m/sigio /dev/bell0 0 ioctl');
    expect(vm.out('dmesg -t')).toBe('bell: fasync 1\nbell: fasync 0\n');
    expect(inspectPart(vm.vm, 'memory').allocations).toEqual([]);
  });

  test('epoll: level, nested, woken by another process, edges', () => {
    vm.out('head -c 4 /dev/bell0 > /dev/null');
    expect(vm.out('/root/m/epoll')).toBe(
      'none 0, one 1:7, nested 1, none 0\nwoken 1, woken 1, timeout 0\nedge 1, same 0, edge 1, read 0\n',
    );
  });

  test('read_iter and write_iter', () => {
    expect(vm.out('printf "hello iter" > /dev/bell1; head -c 5 /dev/bell1; echo; cat /dev/bell1')).toBe(
      'hello\nhello iter',
    );
  });
});
