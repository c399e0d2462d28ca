/* ptrace(2): attach, seize, events, group stops. */
static void t_ptrace(void) {
  pid_t p = fork();
  int st;
  if (!p) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    kill(getpid(), SIGUSR1);
    execl("/bin/true", "true", NULL);
  }
  on(SIGUSR1, 0);
  CHECK(waitpid(p, &st, 0) == p && WIFSTOPPED(st) && WSTOPSIG(st) == SIGSTOP);
  CHECK(ptrace(PTRACE_SETOPTIONS, p, 0, PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT) == 0);
  CHECK(ptrace(PTRACE_CONT, p, 0, 0) == 0);
  CHECK(waitpid(p, &st, 0) == p && WIFSTOPPED(st) && WSTOPSIG(st) == SIGUSR1);
  siginfo_t si;
  CHECK(ptrace(PTRACE_GETSIGINFO, p, 0, &si) == 0 && si.si_signo == SIGUSR1);
  ptrace(PTRACE_CONT, p, 0, 0);
  CHECK(waitpid(p, &st, 0) == p && (st >> 8) == (SIGTRAP | (PTRACE_EVENT_EXEC << 8)));
  ptrace(PTRACE_CONT, p, 0, 0);
  CHECK(waitpid(p, &st, 0) == p && (st >> 8) == (SIGTRAP | (PTRACE_EVENT_EXIT << 8)));
  unsigned long msg;
  CHECK(ptrace(PTRACE_GETEVENTMSG, p, 0, &msg) == 0 && msg == 0);
  ptrace(PTRACE_CONT, p, 0, 0);
  CHECK(waitpid(p, &st, 0) == p && WIFEXITED(st));
  p = fork();
  if (!p) {
    for (;;) pause();
  }
  usleep(10000);
  CHECK(ptrace(PTRACE_ATTACH, p, 0, 0) == 0);
  CHECK(waitpid(p, &st, 0) == p && WSTOPSIG(st) == SIGSTOP);
  long w = 0x1122334455667788;
  static long target = 1;
  CHECK(ptrace(PTRACE_POKEDATA, p, &target, w) == 0);
  errno = 0;
  CHECK(ptrace(PTRACE_PEEKDATA, p, &target, 0) == w && target == 1);
  CHECK(ptrace(PTRACE_DETACH, p, 0, 0) == 0);
  kill(p, SIGKILL);
  waitpid(p, &st, 0);
  CHECK(WTERMSIG(st) == SIGKILL);
  p = fork();
  if (!p) {
    for (;;) pause();
  }
  usleep(10000);
  CHECK(ptrace(PTRACE_SEIZE, p, 0, PTRACE_O_TRACESYSGOOD) == 0);
  CHECK(ptrace(PTRACE_INTERRUPT, p, 0, 0) == 0);
  CHECK(waitpid(p, &st, 0) == p && (st >> 8) == (SIGTRAP | (PTRACE_EVENT_STOP << 8)));
  ptrace(PTRACE_CONT, p, 0, 0);
  kill(p, SIGSTOP);
  CHECK(waitpid(p, &st, 0) == p && WSTOPSIG(st) == SIGSTOP);
  ptrace(PTRACE_CONT, p, 0, SIGSTOP);
  CHECK(waitpid(p, &st, 0) == p && (st >> 8) == (SIGSTOP | (PTRACE_EVENT_STOP << 8)));
  CHECK(ptrace(PTRACE_LISTEN, p, 0, 0) == 0);
  kill(p, SIGCONT);
  CHECK(waitpid(p, &st, 0) == p && (st >> 8) == (SIGTRAP | (PTRACE_EVENT_STOP << 8)));
  ptrace(PTRACE_CONT, p, 0, 0);
  CHECK(waitpid(p, &st, 0) == p && WSTOPSIG(st) == SIGCONT);
  kill(p, SIGKILL);
  CHECK(waitpid(p, &st, 0) == p && WTERMSIG(st) == SIGKILL);
}
