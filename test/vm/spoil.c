/*
 * Runs damaged copies of a program and counts what became of them: spoil FILE SEED ROUNDS MODE. MODE says how they are damaged: cut
 * short, up to four bits or bytes changed in the headers (head) or anywhere (any). Always true: equal arguments, equal damage.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
static unsigned long s;
static unsigned long rnd(unsigned long n) {
  s ^= s << 13, s ^= s >> 7, s ^= s << 17;
  return s % n;
}
int main(int argc, char **argv) {
  static unsigned char good[1 << 20], bad[1 << 20];
  int f = open(argv[1], O_RDONLY), refused = 0, killed = 0, ran = 0, other = 0;
  long size = read(f, good, sizeof good);
  s = strtoul(argv[2], 0, 0);
  for (int round = 0; round < atoi(argv[3]); round++) {
    long length = size;
    memcpy(bad, good, size);
    if (*argv[4] == 'c') length = rnd(2) ? rnd(size) : rnd(256);
    else for (int flips = 1 + rnd(4); flips--;) {
      long at = rnd(*argv[4] == 'h' ? 64 + 56 * 6 : size);
      bad[at] = rnd(2) ? bad[at] ^ 1 << rnd(8) : rnd(256);
    }
    unlink("bad");
    f = open("bad", O_CREAT | O_WRONLY | O_TRUNC, 0755);
    if (write(f, bad, length) != length) return perror("write"), 2;
    close(f);
    int report[2], why = 0, status;
    pipe2(report, O_CLOEXEC);
    pid_t pid = fork();
    if (!pid) {
      int null = open("/dev/null", O_RDWR);
      for (int i = 0; i < 3; i++) dup2(null, i);
      setrlimit(RLIMIT_AS, &(struct rlimit){64 << 20, 64 << 20});
      setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
      setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 20000}}, 0);
      execl("./bad", "bad", NULL);
      why = errno;
      write(report[1], &why, sizeof why);
      _exit(127);
    }
    close(report[1]);
    read(report[0], &why, sizeof why);
    close(report[0]);
    if (waitpid(pid, &status, 0) != pid) return perror("waitpid"), 3;
    if (why == ENOEXEC || why == EINVAL || why == EIO || why == ENOENT || why == EACCES || why == ENOMEM) refused++;
    else if (why) other++, printf("round %d: %s\n", round, strerror(why));
    else if (WIFSIGNALED(status)) killed++;
    else ran++;
  }
  printf("refused %d killed %d ran %d\n", refused, killed, ran);
  return other != 0;
}
