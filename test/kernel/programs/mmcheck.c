/* Every line it prints says what Linux does with memory; see mm.test.ts. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static sigjmp_buf back;
static int signo, code;
static void *where;
static void caught(int s, siginfo_t *i, void *u) { signo = s; code = i->si_code; where = i->si_addr; siglongjmp(back, 1); }
static const char *touch(volatile char *p, int write) {
  static char text[64];
  if (sigsetjmp(back, 1)) { snprintf(text, sizeof text, "%s/%d%s", signo == SIGSEGV ? "SEGV" : "BUS", code, where == p ? "" : " wrong address"); return text; }
  if (write) *p = 1; else (void)*p;
  return "ok";
}
#define E(x) ({ errno = 0; long r_ = (long)(x); r_ == -1 ? strerrorname_np(errno) : "ok"; })
#define P 4096
#define RW (PROT_READ | PROT_WRITE)
#define AP (MAP_ANONYMOUS | MAP_PRIVATE)

int main(void) {
  setvbuf(stdout, 0, _IOLBF, 0);
  struct sigaction sa = {.sa_sigaction = caught, .sa_flags = SA_SIGINFO};
  sigaction(SIGSEGV, &sa, 0); sigaction(SIGBUS, &sa, 0);
  printf("null %s\n", touch(0, 0));
  printf("null write %s\n", touch(0, 1));
  printf("code write %s\n", touch((char *)main, 1));
  char *a = mmap(0, 8 * P, RW, AP, -1, 0);
  printf("anon %s %d\n", touch(a, 0), a[5 * P]);
  printf("anon write %s %d\n", touch(a + 3 * P, 1), a[3 * P]);
  printf("mprotect %s\n", E(mprotect(a + 2 * P, 2 * P, PROT_READ)));
  printf("read-only %s %s\n", touch(a + 3 * P, 0), touch(a + 3 * P, 1));
  printf("none %s\n", E(mprotect(a + 2 * P, P, PROT_NONE)));
  printf("none read %s\n", touch(a + 2 * P, 0));
  printf("back %s\n", E(mprotect(a, 8 * P, RW)));
  printf("kept %d %s\n", a[3 * P], touch(a + 2 * P, 1));
  printf("munmap middle %s\n", E(munmap(a + 4 * P, P)));
  printf("hole %s, beside %s %s\n", touch(a + 4 * P, 0), touch(a + 4 * P - 1, 0), touch(a + 5 * P, 1));
  printf("mprotect over hole %s\n", E(mprotect(a, 8 * P, RW)));
  printf("msync hole %s\n", E(msync(a, 8 * P, MS_SYNC)));
  printf("msync flags %s\n", E(msync(a, P, MS_SYNC | MS_ASYNC)));
  printf("madvise hole %s\n", E(madvise(a, 8 * P, MADV_DONTNEED)));
  printf("dropped %d\n", a[3 * P]);
  printf("madvise bad %s\n", E(madvise(a, P, 12345)));
  printf("unaligned %s %s %s\n", E(munmap(a + 1, P)), E(mprotect(a + 1, P, RW)), E(mmap(a + 1, P, RW, AP | MAP_FIXED, -1, 0)));
  printf("zero length %s %s\n", E(mmap(0, 0, RW, AP, -1, 0)), E(munmap(a, 0)));
  printf("no type %s\n", E(mmap(0, P, RW, MAP_ANONYMOUS, -1, 0)));
  printf("bad fd %s\n", E(mmap(0, P, RW, MAP_PRIVATE, 77, 0)));
  printf("low %s\n", E(mmap((void *)P, P, RW, AP | MAP_FIXED_NOREPLACE, -1, 0)) );
  printf("noreplace %s\n", E(mmap(a, P, RW, AP | MAP_FIXED_NOREPLACE, -1, 0)));
  printf("replace %s %d\n", E(mmap(a, P, RW, AP | MAP_FIXED, -1, 0)), a[0]);
  a[0] = 42;

  int fd = open("/tmp/mmcheck.file", O_RDWR | O_CREAT | O_TRUNC, 0600);
  char block[6000];
  memset(block, 'x', sizeof block);
  printf("write %zd\n", write(fd, block, sizeof block));
  char *s = mmap(0, 4 * P, RW, MAP_SHARED, fd, 0), *p = mmap(0, 4 * P, RW, MAP_PRIVATE, fd, 0);
  printf("file %c %c tail %d beyond %s\n", s[0], p[5999], s[6000], touch(s + 2 * P, 0));
  p[0] = 'p'; s[1] = 's';
  char two[2]; pread(fd, two, 2, 0);
  printf("file has %c%c, private sees %c%c\n", two[0], two[1], p[0], p[1]);
  s[100] = 'S'; pwrite(fd, "W", 1, 101);
  printf("private later %c%c shared %c\n", p[100], p[101], s[101]);
  printf("ftruncate %s\n", E(ftruncate(fd, 3 * P)));
  printf("grown %s %d\n", touch(s + 2 * P, 1), s[2 * P]);
  printf("shrunk %s %s\n", E(ftruncate(fd, P)), touch(s + 2 * P, 0));
  printf("first page %c\n", s[1]);
  int ro = open("/tmp/mmcheck.file", O_RDONLY), wo = open("/tmp/mmcheck.file", O_WRONLY);
  printf("shared write of ro %s, private %s, of wo %s\n", E(mmap(0, P, RW, MAP_SHARED, ro, 0)), E(mmap(0, P, RW, MAP_PRIVATE, ro, 0)), E(mmap(0, P, PROT_READ, MAP_SHARED, wo, 0)));
  char *r = mmap(0, P, PROT_READ, MAP_SHARED, ro, 0);
  printf("mprotect ro shared %s\n", E(mprotect(r, P, RW)));
  printf("offset %s\n", E(mmap(0, P, PROT_READ, MAP_SHARED, ro, 100)));
  int dir = open("/tmp", O_RDONLY);
  printf("directory %s\n", E(mmap(0, P, PROT_READ, MAP_SHARED, dir, 0)));

  char *shared = mmap(0, 2 * P, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pid_t pid = fork();
  if (pid == 0) { a[0] = 7; shared[0] = 9; shared[P] = a[0]; s[2] = 'c'; _exit(a[0]); }
  int status; waitpid(pid, &status, 0);
  printf("fork: child %d, mine %d, shared %d %d, file %c\n", WEXITSTATUS(status), a[0], shared[0], shared[P], s[2]);
  if (fork() == 0) { setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}); signal(SIGSEGV, SIG_DFL); *(volatile char *)8 = 1; _exit(0); }
  wait(&status);
  printf("crash %d\n", WTERMSIG(status));

  char *m = mmap(0, 4 * P, RW, AP, -1, 0);
  for (int i = 0; i < 4; i++) m[i * P] = 'a' + i;
  munmap(m + 2 * P, 2 * P);
  char *blocked = mmap(m + 2 * P, P, RW, AP | MAP_FIXED, -1, 0);
  mprotect(blocked, P, PROT_READ);
  printf("mremap no move %s\n", E(mremap(m, 2 * P, 6 * P, 0)));
  char *n = mremap(m, 2 * P, 6 * P, MREMAP_MAYMOVE);
  printf("moved %d %c%c %d old %s\n", n != m, n[0], n[P], n[5 * P], touch(m, 0));
  n = mremap(n, 6 * P, P, 0);
  printf("shrunk %c %s\n", n[0], touch(n + P, 0));
  char *f = mmap(0, 4 * P, PROT_NONE, AP, -1, 0);
  printf("fixed %d %c\n", mremap(n, P, 2 * P, MREMAP_MAYMOVE | MREMAP_FIXED, f + P) == f + P, f[P]);
  printf("fixed neighbours %s %s\n", touch(f, 0), touch(f + 2 * P, 1));
  printf("mremap unmapped %s\n", E(mremap(n, P, 2 * P, MREMAP_MAYMOVE)));

  void *brk0 = sbrk(0);
  char *h = sbrk(3 * P + 100);
  printf("sbrk %d %s\n", h == brk0, touch(h + 3 * P, 1));
  h[0] = 1; sbrk(-(3 * P + 100)); h = sbrk(4 * P);
  printf("fresh %d\n", h[P]);
  printf("huge %s\n", E(mmap(0, 1L << 40, RW, AP, -1, 0)));
  struct rlimit lim = {64 << 20, 64 << 20};
  if (fork() == 0) {
    setrlimit(RLIMIT_AS, &lim);
    printf("RLIMIT_AS %s %s\n", E(mmap(0, 128 << 20, RW, AP, -1, 0)), E(mmap(0, 1 << 20, RW, AP, -1, 0)));
    fflush(stdout); _exit(0);
  }
  wait(0);
  unsigned char vec[4];
  char *c = mmap(0, 4 * P, RW, AP, -1, 0);
  c[P] = 1;
  printf("mincore %s %d%d%d%d\n", E(mincore(c, 4 * P, vec)), vec[0] & 1, vec[1] & 1, vec[2] & 1, vec[3] & 1);
  printf("mincore hole %s\n", E(mincore((void *)(1L << 35), P, vec)));
  printf("mlock %s %s\n", E(mlock(c, P)), E(munlock(c, P)));
  /* system calls with bad buffers */
  printf("bad read %s, ro buffer %s\n", E(pread(fd, (void *)8, 10, 0)), E(pread(fd, r, 10, 0)));
  char *edge = mmap(0, 2 * P, RW, AP, -1, 0); munmap(edge + P, P);
  printf("edge %zd\n", pread(fd, edge + P - 10, 100, 0));
  struct iovec iov[2] = {{edge, 4}, {(void *)8, 4}};
  printf("iov %zd %s\n", preadv(fd, iov, 2, 0), E(preadv(fd, iov, -1, 0)));
  struct iovec local = {two, 2}, remote = {s, 2};
  printf("process_vm_readv %zd %c%c\n", process_vm_readv(getpid(), &local, 1, &remote, 1, 0), two[0], two[1]);
  /* executable page: run code that was just written */
  unsigned *x = mmap(0, P, RW | PROT_EXEC, AP, -1, 0);
  x[0] = 0x02a00513; x[1] = 0x00008067; /* li a0,42; ret */
  __builtin___clear_cache((char *)x, (char *)(x + 2));
  printf("code %d\n", ((int (*)(void))x)());
  x[0] = 0x02b00513;
  __builtin___clear_cache((char *)x, (char *)(x + 2));
  printf("code again %d\n", ((int (*)(void))x)());
  mprotect(x, P, RW);
  if (sigsetjmp(back, 1) == 0) { ((int (*)(void))x)(); printf("ran\n"); }
  else printf("no exec %d %d %d\n", signo == SIGSEGV, code, where == (void *)x);
  /* stack */
  volatile char deep[3 << 20]; deep[0] = 1; deep[(3 << 20) - 1] = 2;
  printf("stack %d\n", deep[0] + deep[(3 << 20) - 1]);
  unlink("/tmp/mmcheck.file");
  return 0;
}
