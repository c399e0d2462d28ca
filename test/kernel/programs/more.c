/* Corners: orphaned groups, pidfds, stacks, limits, clone3, exec of a thread, system call tracing. */
static void on_stack(int s, siginfo_t* i, void* u) {
  (void)i;
  (void)u;
  stack_t now;
  sigaltstack(0, &now);
  got = now.ss_flags == SS_ONSTACK ? s : -1;
}

static void t_stack(void) {
  stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536};
  CHECK(sigaltstack(&stack, 0) == 0);
  struct sigaction a = {0};
  a.sa_sigaction = on_stack;
  a.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigaction(SIGUSR1, &a, 0);
  got = 0;
  raise(SIGUSR1);
  CHECK(got == SIGUSR1);
  stack.ss_size = 100;
  CHECK(sigaltstack(&stack, 0) == -1 && errno == ENOMEM);
  stack.ss_flags = SS_DISABLE;
  CHECK(sigaltstack(&stack, 0) == 0);
}

/* A stopped job whose shell dies gets SIGHUP and SIGCONT. */
static void t_orphans(void) {
  int fd[2], st;
  CHECK(pipe(fd) == 0);
  pid_t session = fork();
  if (!session) {
    setsid();
    pid_t shell = fork();
    if (!shell) {
      setpgid(0, 0);
      pid_t job = fork();
      if (!job) {
        setpgid(0, 0);
        struct sigaction a = {0};
        a.sa_sigaction = remember;
        a.sa_flags = SA_SIGINFO;
        sigaction(SIGHUP, &a, 0);
        raise(SIGSTOP);
        write(fd[1], &(int){got}, sizeof(int));
        _exit(0);
      }
      setpgid(job, job);
      CHECK(waitpid(job, &st, WUNTRACED) == job && WIFSTOPPED(st));
      _exit(0);
    }
    waitpid(shell, &st, 0);
    _exit(0);
  }
  close(fd[1]);
  int seen = 0;
  CHECK(read(fd[0], &seen, sizeof seen) == sizeof seen && seen == SIGHUP);
  waitpid(session, &st, 0);
}

static void t_pidfd(void) {
  pid_t p = fork();
  if (!p) pause();
  int fd = syscall(SYS_pidfd_open, p, 0);
  CHECK(fd >= 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC));
  struct pollfd pf = {fd, POLLIN, 0};
  CHECK(poll(&pf, 1, 0) == 0);
  CHECK(syscall(SYS_pidfd_send_signal, fd, SIGTERM, 0, 0) == 0);
  CHECK(poll(&pf, 1, 5000) == 1 && pf.revents == POLLIN);
  siginfo_t si = {0};
  CHECK(waitid(P_PIDFD, fd, &si, WEXITED) == 0 && si.si_pid == p && si.si_code == CLD_KILLED);
  CHECK(syscall(SYS_pidfd_send_signal, fd, 0, 0, 0) == -1 && errno == ESRCH);
  close(fd);
}

static void t_waitid(void) {
  pid_t p = fork();
  if (!p) {
    raise(SIGSTOP);
    _exit(5);
  }
  siginfo_t si = {0};
  CHECK(waitid(P_ALL, 0, &si, WEXITED | WSTOPPED | WNOWAIT) == 0 && si.si_code == CLD_STOPPED);
  CHECK(waitid(P_PID, p, &si, WSTOPPED) == 0 && si.si_status == SIGSTOP);
  memset(&si, 0xff, sizeof si);
  CHECK(waitid(P_PID, p, &si, WSTOPPED | WNOHANG) == 0 && si.si_pid == 0 && si.si_signo == 0);
  kill(p, SIGCONT);
  CHECK(waitid(P_PID, p, &si, WCONTINUED) == 0 && si.si_code == CLD_CONTINUED && si.si_status == SIGCONT);
  CHECK(waitid(P_PID, p, &si, WEXITED) == 0 && si.si_code == CLD_EXITED && si.si_status == 5);
  CHECK(waitid(P_PID, p, &si, WEXITED) == -1 && errno == ECHILD);
  CHECK(waitid(P_ALL, 0, &si, 0) == -1 && errno == EINVAL);
  CHECK(waitpid(-1, 0, 0x100) == -1 && errno == EINVAL);
}

/* No more processes than RLIMIT_NPROC for a user. */
static void t_nproc(void) {
  pid_t p = fork();
  int st;
  if (!p) {
    struct rlimit limit = {3, 3};
    setrlimit(RLIMIT_NPROC, &limit);
    CHECK(setresuid(4321, 4321, 4321) == 0);
    pid_t a = fork();
    if (!a) pause();
    pid_t b = fork();
    if (!b) pause();
    CHECK(a > 0 && b > 0);
    errno = 0;
    CHECK(fork() == -1 && errno == EAGAIN);
    kill(a, SIGKILL);
    kill(b, SIGKILL);
    _exit(fails);
  }
  CHECK(waitpid(p, &st, 0) == p && st == 0);
}

static void* exec_from_thread(void* arg) {
  execl("/bin/sh", "sh", "-c", arg, NULL);
  return 0;
}

/* exec in another thread keeps the pid, and kills the rest. */
static void t_thread_exec(void) {
  int st;
  pid_t p = fork();
  if (!p) {
    char command[64];
    snprintf(command, sizeof command, "test $$ = %d && exit 11", getpid());
    pthread_t t;
    pthread_create(&t, 0, exec_from_thread, command);
    for (;;) pause();
  }
  CHECK(waitpid(p, &st, 0) == p && WIFEXITED(st) && WEXITSTATUS(st) == 11);
}

static volatile pid_t thread_tid;
static void* signal_target(void* arg) {
  (void)arg;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  pthread_sigmask(SIG_BLOCK, &set, 0);
  thread_tid = syscall(SYS_gettid);
  siginfo_t si;
  return (void*)(long)sigwaitinfo(&set, &si);
}

static void t_directed(void) {
  pthread_t t;
  void* result;
  pthread_create(&t, 0, signal_target, 0);
  while (!thread_tid) sched_yield();
  CHECK(syscall(SYS_tgkill, getpid(), thread_tid, SIGUSR2) == 0);
  pthread_join(t, &result);
  CHECK((long)result == SIGUSR2);
  CHECK(syscall(SYS_tgkill, getpid(), thread_tid, 0) == -1 && errno == ESRCH);
  CHECK(syscall(SYS_tgkill, getpid() + 1, getpid(), 0) == -1 && errno == ESRCH);
}

static int count_syscall_stops(int options, int* events) {
  pid_t p = fork();
  int st, stops = 0;
  if (!p) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    syscall(SYS_getppid);
    if (!fork()) _exit(0);
    wait(0);
    _exit(3);
  }
  waitpid(p, &st, 0);
  ptrace(PTRACE_SETOPTIONS, p, 0, PTRACE_O_TRACESYSGOOD | options);
  ptrace(PTRACE_SYSCALL, p, 0, 0);
  for (;;) {
    pid_t w = waitpid(-1, &st, __WALL);
    if (w < 0) break;
    if (!WIFSTOPPED(st)) {
      if (w == p) CHECK(WIFEXITED(st) && WEXITSTATUS(st) == 3);
      continue;
    }
    int pass = 0;
    if (WSTOPSIG(st) == (SIGTRAP | 0x80))
      stops++;
    else if (st >> 16)
      ++*events;
    else if (WSTOPSIG(st) != SIGSTOP)
      pass = WSTOPSIG(st);
    ptrace(PTRACE_SYSCALL, w, 0, pass);
  }
  return stops;
}

static void t_syscall_stops(void) {
  int events = 0;
  int plain = count_syscall_stops(0, &events);
  CHECK(events == 0 && plain > 6);
  int followed = count_syscall_stops(PTRACE_O_TRACEFORK | PTRACE_O_TRACEEXIT, &events);
  CHECK(events == 3 && followed > plain);
}

/* A tracer sees the number and arguments, and may change them. */
static void t_syscall_change(void) {
  pid_t p = fork();
  int st;
  if (!p) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    _exit(syscall(SYS_getppid) == 4242 ? 0 : 1);
  }
  waitpid(p, &st, 0);
  ptrace(PTRACE_SETOPTIONS, p, 0, PTRACE_O_TRACESYSGOOD);
  unsigned long regs[32];
  struct iovec iov = {regs, sizeof regs};
  for (int seen = 0;;) {
    ptrace(PTRACE_SYSCALL, p, 0, 0);
    if (waitpid(p, &st, 0) != p || !WIFSTOPPED(st)) break;
    CHECK(ptrace(PTRACE_GETREGSET, p, 1, &iov) == 0 && iov.iov_len == sizeof regs);
    if (regs[17] != SYS_getppid) continue;
    if (seen++ == 0) continue;
    regs[10] = 4242;
    CHECK(ptrace(PTRACE_SETREGSET, p, 1, &iov) == 0);
  }
  CHECK(WIFEXITED(st) && WEXITSTATUS(st) == 0);
}

static void t_denied(void) {
  pid_t victim = fork();
  int st;
  if (!victim) pause();
  pid_t p = fork();
  if (!p) {
    setresgid(1000, 1000, 1000);
    setresuid(1000, 1000, 1000);
    CHECK(ptrace(PTRACE_ATTACH, victim, 0, 0) == -1 && errno == EPERM);
    CHECK(ptrace(PTRACE_CONT, victim, 0, 0) == -1 && errno == ESRCH);
    CHECK(ptrace(PTRACE_ATTACH, 999999, 0, 0) == -1 && errno == ESRCH);
    _exit(fails);
  }
  CHECK(waitpid(p, &st, 0) == p && st == 0);
  kill(victim, SIGKILL);
  waitpid(victim, &st, 0);
}

static void t_set_clock(void) {
  struct timespec before, after, saved;
  clock_gettime(CLOCK_REALTIME, &saved);
  clock_gettime(CLOCK_MONOTONIC, &before);
  struct timespec date = {2000000000, 0};
  CHECK(clock_settime(CLOCK_REALTIME, &date) == 0);
  CHECK(time(0) == 2000000000);
  clock_gettime(CLOCK_MONOTONIC, &after);
  CHECK(after.tv_sec - before.tv_sec <= 1);
  CHECK(clock_settime(CLOCK_MONOTONIC, &date) == -1 && errno == EINVAL);
  CHECK(clock_settime(CLOCK_REALTIME, &saved) == 0);
}
