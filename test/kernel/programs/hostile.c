/* System calls with arguments nobody would pass: usage hostile FIRST LAST CALLS ROUNDS SEED. Each round is a
 * child of its own. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned long state;
static char *page, *readonly;

static unsigned long next(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

static long value(void) {
  switch (next() % 16) {
    case 0: return 0;
    case 1: return -1;
    case 2: return 1;
    case 3: return next() % 8;
    case 4: return (long)page + next() % 4096;
    case 5: return (long)page;
    case 6: return (long)page + 4096 - next() % 16;
    case 7: return (long)readonly;
    case 8: return next();
    case 9: return 1L << (next() % 64);
    case 10: return next() % 1024;
    case 11: return -(long)(next() % 100);
    case 12: return 0x3ffffff000L;
    case 13: return (int)next();
    case 14: return getpid();
    default: return 4096 * (next() % 64);
  }
}

static void child(int first, int last, int calls) {
  setrlimit(RLIMIT_CPU, &(struct rlimit){20, 20});
  setrlimit(RLIMIT_FSIZE, &(struct rlimit){1 << 24, 1 << 24});
  for (int i = 1; i < 65; i++)
    if (i != SIGALRM && i != SIGSEGV) signal(i, SIG_IGN);
  alarm(3);
  for (int i = 0; i < calls; i++) {
    int nr = first + next() % (last - first);
    if (nr == SYS_reboot) continue;
    for (int j = 0; j < 64; j++) ((unsigned long*)page)[next() % 512] = value();
    if (next() % 4 == 0) strcpy(page, "/tmp/hostile/x");
    if (next() % 2) alarm(1);
    syscall(nr, value(), value(), value(), value(), value(), value());
  }
  _exit(0);
}

int main(int argc, char** argv) {
  if (argc < 6 || chdir("/tmp/hostile")) return 2;
  page = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(page + 4096, 4096);
  readonly = mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  state = atol(argv[5]) * 2654435761u + 1;
  for (int round = 0; round < atoi(argv[4]); round++) {
    unsigned long seed = next() | 1;
    pid_t p = fork();
    if (!p) {
      state = seed;
      child(atoi(argv[1]), atoi(argv[2]), atoi(argv[3]));
    }
    waitpid(p, 0, __WALL);
    while (waitpid(-1, 0, WNOHANG | __WALL) > 0);
  }
  return 0;
}
