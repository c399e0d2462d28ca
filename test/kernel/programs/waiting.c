/* Signals beside other waits: signalfd, ppoll's mask, choice of thread, SIGCHLD options, death signals. */
static void t_signalfd(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGCHLD);
  sigprocmask(SIG_BLOCK, &set, 0);
  int fd = signalfd(-1, &set, SFD_NONBLOCK);
  struct signalfd_siginfo si;
  CHECK(fd >= 0 && read(fd, &si, sizeof si) == -1 && errno == EAGAIN);
  pid_t p = fork();
  if (!p) {
    kill(getppid(), SIGUSR1);
    _exit(7);
  }
  struct pollfd pf = {fd, POLLIN, 0};
  int seen_user = 0, seen_child = 0;
  while (!seen_user || !seen_child) {
    CHECK(poll(&pf, 1, 5000) == 1);
    if (read(fd, &si, sizeof si) != sizeof si) break;
    if (si.ssi_signo == SIGUSR1) seen_user = si.ssi_pid == p;
    if (si.ssi_signo == SIGCHLD) seen_child = si.ssi_status == 7 && si.ssi_code == CLD_EXITED;
  }
  CHECK(seen_user && seen_child);
  waitpid(p, 0, 0);
  close(fd);
  sigprocmask(SIG_UNBLOCK, &set, 0);
}

static void t_ppoll(void) {
  sigset_t set, none;
  sigemptyset(&none);
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, 0);
  on(SIGUSR1, SA_RESTART);
  raise(SIGUSR1);
  CHECK(got == 0);
  struct timespec second = {1, 0};
  errno = 0;
  CHECK(ppoll(0, 0, &second, &none) == -1 && errno == EINTR && got == SIGUSR1);
  got = 0;
  raise(SIGUSR1);
  fd_set fds;
  FD_ZERO(&fds);
  errno = 0;
  CHECK(pselect(0, &fds, 0, 0, &second, &none) == -1 && errno == EINTR && got == SIGUSR1);
  sigset_t now;
  sigprocmask(SIG_SETMASK, 0, &now);
  CHECK(sigismember(&now, SIGUSR1));
  got = 0;
  struct timespec zero = {0, 0};
  CHECK(ppoll(0, 0, &zero, &set) == 0 && got == 0);
  sigprocmask(SIG_UNBLOCK, &set, 0);
}

static volatile pthread_t taker;
static void note_thread(int s) {
  (void)s;
  taker = pthread_self();
}
static void* open_thread(void* arg) {
  (void)arg;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  pthread_sigmask(SIG_UNBLOCK, &set, 0);
  while (!taker) usleep(1000);
  return 0;
}

static void t_choice(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  pthread_sigmask(SIG_BLOCK, &set, 0);
  signal(SIGUSR2, note_thread);
  pthread_t t;
  pthread_create(&t, 0, open_thread, 0);
  usleep(5000);
  kill(getpid(), SIGUSR2);
  pthread_join(t, 0);
  CHECK(pthread_equal(taker, t));
  pthread_sigmask(SIG_UNBLOCK, &set, 0);
}

static void t_sigchld(void) {
  int st;
  on(SIGCHLD, SA_NOCLDSTOP);
  pid_t p = fork();
  if (!p) {
    raise(SIGSTOP);
    _exit(0);
  }
  CHECK(waitpid(p, &st, WUNTRACED) == p && WIFSTOPPED(st) && got == 0);
  kill(p, SIGCONT);
  while (waitpid(p, &st, 0) != p);
  CHECK(got == SIGCHLD && last.si_code == CLD_EXITED);
  on(SIGCHLD, 0);
  p = fork();
  if (!p) {
    raise(SIGSTOP);
    _exit(0);
  }
  while (waitpid(p, &st, WUNTRACED) != p);
  CHECK(got == SIGCHLD && last.si_code == CLD_STOPPED && last.si_status == SIGSTOP);
  kill(p, SIGKILL);
  while (waitpid(p, &st, 0) != p);
  struct sigaction a = {0};
  a.sa_handler = SIG_DFL;
  a.sa_flags = SA_NOCLDWAIT;
  sigaction(SIGCHLD, &a, 0);
  p = fork();
  if (!p) _exit(0);
  errno = 0;
  CHECK(waitpid(p, &st, 0) == -1 && errno == ECHILD);
  signal(SIGCHLD, SIG_DFL);
}

static void t_death_signal(void) {
  int fd[2];
  CHECK(pipe(fd) == 0);
  pid_t p = fork();
  if (!p) {
    pid_t child = fork();
    if (!child) {
      on(SIGUSR1, 0);
      prctl(PR_SET_PDEATHSIG, SIGUSR1);
      write(fd[1], "r", 1);
      pause();
      write(fd[1], got == SIGUSR1 ? "y" : "n", 1);
      _exit(0);
    }
    usleep(20000);
    _exit(0);
  }
  char c = 0;
  CHECK(read(fd[0], &c, 1) == 1 && c == 'r');
  CHECK(read(fd[0], &c, 1) == 1 && c == 'y');
  waitpid(p, 0, 0);
  close(fd[0]);
  close(fd[1]);
}

/* A child that clone gives to our own parent, and one with another exit signal. */
static int leave(void* arg) {
  return (int)(long)arg;
}
static void t_clone(void) {
  static char stack[2][65536] __attribute__((aligned(16)));
  int st, ptid = 0;
  pid_t p = clone(leave, stack[0] + 65536, CLONE_VM | CLONE_PARENT_SETTID | SIGUSR1, (void*)5, &ptid);
  CHECK(p > 0 && ptid == p);
  errno = 0;
  CHECK(waitpid(p, &st, 0) == -1 && errno == ECHILD);
  signal(SIGUSR1, SIG_IGN);
  CHECK(waitpid(p, &st, __WALL) == p && WEXITSTATUS(st) == 5);
  pid_t middle = fork();
  if (!middle) {
    clone(leave, stack[1] + 65536, CLONE_PARENT | SIGCHLD, (void*)6);
    _exit(1);
  }
  int sum = 0;
  for (int i = 0; i < 2; i++) {
    CHECK(wait(&st) > 0);
    sum += WEXITSTATUS(st);
  }
  CHECK(sum == 7);
  CHECK(clone(leave, stack[0] + 65536, CLONE_THREAD, 0) == -1 && errno == EINVAL);
}
