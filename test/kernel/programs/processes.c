/* Children, waiting, sessions, credentials (man 2 wait, credentials(7)). */
static void t_children(void) {
  on(SIGCHLD, SA_RESTART);
  pid_t p = fork();
  if (!p) _exit(7);
  int st;
  struct rusage ru;
  CHECK(wait4(p, &st, 0, &ru) == p && WEXITSTATUS(st) == 7);
  CHECK(got == SIGCHLD && last.si_code == CLD_EXITED && last.si_status == 7 && last.si_pid == p);
  p = fork();
  if (!p) {
    raise(SIGTERM);
    _exit(0);
  }
  siginfo_t si;
  memset(&si, 0, sizeof si);
  CHECK(waitid(P_PID, p, &si, WEXITED | WNOWAIT) == 0 && si.si_code == CLD_KILLED &&
        si.si_status == SIGTERM && si.si_pid == p);
  CHECK(waitpid(p, &st, 0) == p && WIFSIGNALED(st) && WTERMSIG(st) == SIGTERM);
  errno = 0;
  CHECK(waitpid(-1, &st, 0) == -1 && errno == ECHILD);
  CHECK(waitpid(1, &st, 0) == -1 && errno == ECHILD);
  p = fork();
  if (!p) pause();
  CHECK(waitpid(p, &st, WNOHANG) == 0);
  kill(p, SIGKILL);
  CHECK(waitpid(p, &st, 0) == p && WTERMSIG(st) == SIGKILL);
  signal(SIGCHLD, SIG_IGN);
  p = fork();
  if (!p) _exit(0);
  errno = 0;
  CHECK(waitpid(p, &st, 0) == -1 && errno == ECHILD);
  signal(SIGCHLD, SIG_DFL);
  p = vfork();
  if (!p) _exit(3);
  CHECK(waitpid(p, &st, 0) == p && WEXITSTATUS(st) == 3);
  // orphan goes to subreaper
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  int fd[2];
  pipe(fd);
  p = fork();
  if (!p) {
    if (!fork()) {
      usleep(50000);
      pid_t pp = getppid();
      write(fd[1], &pp, sizeof pp);
      _exit(9);
    }
    _exit(0);
  }
  waitpid(p, &st, 0);
  pid_t pp;
  read(fd[0], &pp, sizeof pp);
  CHECK(pp == getpid());
  CHECK(wait(&st) > 0 && WEXITSTATUS(st) == 9);
  prctl(PR_SET_CHILD_SUBREAPER, 0);
  // pdeathsig, sessions
  p = fork();
  if (!p) {
    CHECK(setsid() == getpid());
    CHECK(getsid(0) == getpid() && getpgrp() == getpid());
    CHECK(setpgid(0, 0) == -1);
    errno = 0;
    CHECK(setsid() == -1 && errno == EPERM);
    _exit(fails);
  }
  waitpid(p, &st, 0);
  CHECK(st == 0);
  p = fork();
  if (!p) pause();
  CHECK(setpgid(p, p) == 0 && getpgid(p) == p);
  CHECK(kill(-p, SIGTERM) == 0);
  CHECK(waitpid(-p, &st, 0) == p);
}
static void t_cred(void) {
  pid_t p = fork();
  int st;
  if (!p) {
    CHECK(setgid(1000) == 0);
    CHECK(setuid(1000) == 0);
    CHECK(getuid() == 1000 && geteuid() == 1000);
    errno = 0;
    CHECK(setuid(0) == -1 && errno == EPERM);
    CHECK(kill(1, SIGTERM) == -1 && errno == EPERM);
    CHECK(sethostname("x", 1) == -1 && errno == EPERM);
    struct rlimit r = {4096, 1 << 20};
    CHECK(setrlimit(RLIMIT_NOFILE, &r) == -1 && errno == EPERM);
    CHECK(nice(-5) == -1);
    _exit(fails);
  }
  waitpid(p, &st, 0);
  CHECK(st == 0);
  p = fork();
  if (!p) {
    CHECK(seteuid(1000) == 0 && geteuid() == 1000 && getuid() == 0);
    CHECK(seteuid(0) == 0);
    CHECK(setresuid(1, 2, 3) == 0);
    uid_t a, b, c;
    getresuid(&a, &b, &c);
    CHECK(a == 1 && b == 2 && c == 3);
    CHECK(setreuid(-1, 3) == 0);
    CHECK(setresuid(9, -1, -1) == -1);
    _exit(fails);
  }
  waitpid(p, &st, 0);
  CHECK(st == 0);
  CHECK(prctl(PR_SET_NAME, "hello") == 0);
  char nm[16];
  prctl(PR_GET_NAME, nm);
  CHECK(!strcmp(nm, "hello"));
}
