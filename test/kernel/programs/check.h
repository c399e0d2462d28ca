/* What every part of the suite shares: a check that counts, and a handler that remembers the last signal. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <signal.h>
#include <errno.h>
#include <pthread.h>
#include <sys/wait.h>
#include <sys/time.h>
#include <sys/resource.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/mman.h>
#include <time.h>
#include <sched.h>
#include <ucontext.h>
#include <setjmp.h>
#include <poll.h>
#include <fcntl.h>
#include <sys/ptrace.h>
#include <linux/futex.h>
#include <sys/uio.h>
#include <sys/signalfd.h>
#include <sys/select.h>
static int fails, n;
#define CHECK(c)                                                                              \
  do {                                                                                        \
    n++;                                                                                      \
    if (!(c)) {                                                                               \
      fails++;                                                                                \
      printf("FAIL %s:%d %s errno=%d(%s)\n", __func__, __LINE__, #c, errno, strerror(errno)); \
    }                                                                                         \
  } while (0)
static volatile int got;
static siginfo_t last;
static void remember(int s, siginfo_t* i, void* u) {
  (void)u;
  got = s;
  last = *i;
}
static void on(int s, int flags) {
  struct sigaction a = {0};
  a.sa_sigaction = remember;
  a.sa_flags = SA_SIGINFO | flags;
  sigaction(s, &a, 0);
  got = 0;
}
