/* Queues, masks, handlers, restarts, faults, contexts (man 7 signal). */
static void t_basic(void) {
  on(SIGUSR1, 0);
  kill(getpid(), SIGUSR1);
  CHECK(got == SIGUSR1);
  CHECK(last.si_code == SI_USER);
  CHECK(last.si_pid == getpid());
  on(SIGUSR2, 0);
  raise(SIGUSR2);
  CHECK(got == SIGUSR2);
  CHECK(last.si_code == SI_TKILL);
  union sigval v = {.sival_int = 42};
  on(SIGRTMIN, 0);
  sigqueue(getpid(), SIGRTMIN, v);
  CHECK(got == SIGRTMIN && last.si_value.sival_int == 42 && last.si_code == SI_QUEUE);
  sigset_t s, o, p;
  sigemptyset(&s);
  sigaddset(&s, SIGUSR1);
  sigaddset(&s, SIGRTMIN);
  sigprocmask(SIG_BLOCK, &s, &o);
  got = 0;
  kill(getpid(), SIGUSR1);
  kill(getpid(), SIGUSR1);
  for (int i = 0; i < 3; i++) {
    v.sival_int = i;
    sigqueue(getpid(), SIGRTMIN, v);
  }
  CHECK(got == 0);
  sigpending(&p);
  CHECK(sigismember(&p, SIGUSR1) && sigismember(&p, SIGRTMIN));
  siginfo_t si;
  for (int i = 0; i < 3; i++) {
    sigset_t r;
    sigemptyset(&r);
    sigaddset(&r, SIGRTMIN);
    CHECK(sigwaitinfo(&r, &si) == SIGRTMIN && si.si_value.sival_int == i);
  }
  struct timespec ts = {0, 20000000};
  sigset_t r;
  sigemptyset(&r);
  sigaddset(&r, SIGRTMIN);
  errno = 0;
  CHECK(sigtimedwait(&r, &si, &ts) == -1 && errno == EAGAIN);
  sigset_t e;
  sigemptyset(&e);
  errno = 0;
  CHECK(sigsuspend(&e) == -1 && errno == EINTR && got == SIGUSR1);
  sigprocmask(SIG_SETMASK, 0, &p);
  CHECK(sigismember(&p, SIGUSR1));
  sigprocmask(SIG_SETMASK, &o, 0);
  errno = 0;
  CHECK(kill(999999, 0) == -1 && errno == ESRCH);
  CHECK(kill(getpid(), 65) == -1 && errno == EINVAL);
  struct sigaction sa = {0};
  CHECK(sigaction(SIGKILL, &sa, 0) == -1 && errno == EINVAL);
}
static void t_restart(void) {
  int fd[2];
  pipe(fd);
  char c;
  for (int restart = 0; restart < 2; restart++) {
    on(SIGUSR1, restart ? SA_RESTART : 0);
    pid_t p = fork();
    if (!p) {
      usleep(50000);
      kill(getppid(), SIGUSR1);
      usleep(50000);
      write(fd[1], "x", 1);
      _exit(0);
    }
    errno = 0;
    int r = read(fd[0], &c, 1);
    if (restart)
      CHECK(r == 1);
    else {
      CHECK(r == -1 && errno == EINTR);
      read(fd[0], &c, 1);
    }
    CHECK(got == SIGUSR1);
    int st;
    while (waitpid(p, &st, 0) < 0);
    CHECK(WIFEXITED(st));
  }
  on(SIGUSR1, SA_RESTART);
  pid_t p = fork();
  if (!p) {
    usleep(30000);
    kill(getppid(), SIGUSR1);
    _exit(0);
  }
  struct timespec t = {0, 100000000}, rem = {0, 0};
  errno = 0;
  CHECK(nanosleep(&t, &rem) == -1 && errno == EINTR);
  CHECK(rem.tv_nsec > 30000000 && rem.tv_nsec < 90000000);
  waitpid(p, 0, 0);
  // SIGSTOP/CONT does not end a sleep
  p = fork();
  if (!p) {
    struct timespec t = {0, 200000000}, a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    int r = nanosleep(&t, 0);
    clock_gettime(CLOCK_MONOTONIC, &b);
    long ms = (b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000;
    _exit(r == 0 && ms >= 200 && ms < 260 ? 0 : 1);
  }
  usleep(50000);
  kill(p, SIGSTOP);
  int st;
  CHECK(waitpid(p, &st, WUNTRACED) == p && WIFSTOPPED(st) && WSTOPSIG(st) == SIGSTOP);
  kill(p, SIGCONT);
  CHECK(waitpid(p, &st, WCONTINUED) == p && WIFCONTINUED(st));
  CHECK(waitpid(p, &st, 0) == p);
  CHECK(WIFEXITED(st) && WEXITSTATUS(st) == 0);
  struct pollfd pf = {fd[0], POLLIN, 0};
  on(SIGALRM, SA_RESTART);
  struct itimerval it = {{0, 0}, {0, 20000}};
  setitimer(ITIMER_REAL, &it, 0);
  errno = 0;
  CHECK(poll(&pf, 1, 1000) == -1 && errno == EINTR);
  CHECK(got == SIGALRM);
}
static sigjmp_buf jb;
static void* fault;
static int fcode, fsig;
static void seg(int s, siginfo_t* i, void* u) {
  fault = i->si_addr;
  fcode = i->si_code;
  fsig = s;
  siglongjmp(jb, 1);
}
static void t_fault(void) {
  struct sigaction a = {0};
  a.sa_sigaction = seg;
  a.sa_flags = SA_SIGINFO;
  sigaction(SIGSEGV, &a, 0);
  sigaction(SIGBUS, &a, 0);
  sigaction(SIGILL, &a, 0);
  sigaction(SIGTRAP, &a, 0);
  if (!sigsetjmp(jb, 1)) {
    *(volatile int*)16 = 1;
  }
  CHECK(fsig == SIGSEGV && fault == (void*)16 && fcode == SEGV_MAPERR);
  char* m = mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (!sigsetjmp(jb, 1)) {
    *(volatile char*)m = 1;
  }
  CHECK(fault == m && fcode == SEGV_ACCERR);
  if (!sigsetjmp(jb, 1)) {
    asm volatile(".word 0");
  }
  CHECK(fsig == SIGILL);
  if (!sigsetjmp(jb, 1)) {
    asm volatile("ebreak");
  }
  CHECK(fsig == SIGTRAP && fcode == TRAP_BRKPT);
  signal(SIGSEGV, SIG_DFL);
  signal(SIGTRAP, SIG_DFL);
  signal(SIGILL, SIG_DFL);
  stack_t ss = {.ss_sp = malloc(65536), .ss_size = 65536};
  CHECK(sigaltstack(&ss, 0) == 0);
  on(SIGUSR1, SA_ONSTACK);
  stack_t os;
  CHECK(sigaltstack(0, &os) == 0 && os.ss_flags == 0 && os.ss_sp == ss.ss_sp);
}
static void uc(int s, siginfo_t* i, void* u) {
  ucontext_t* c = u;
  c->uc_mcontext.__gregs[0] += 4;
  got = s;
  double d = 1.5;
  asm volatile("fmv.d.x fs0, zero");
  (void)d;
  sigaddset(&c->uc_sigmask, SIGUSR2);
}
static void t_ucontext(void) {
  struct sigaction a = {0};
  a.sa_sigaction = uc;
  a.sa_flags = SA_SIGINFO;
  sigaction(SIGILL, &a, 0);
  got = 0;
  register double x asm("fs0") = 3.25;
  asm volatile(".word 0\n" : "+f"(x));
  CHECK(got == SIGILL);
  CHECK(x == 3.25);
  sigset_t o;
  sigprocmask(SIG_SETMASK, 0, &o);
  CHECK(sigismember(&o, SIGUSR2));
  sigemptyset(&o);
  sigprocmask(SIG_SETMASK, &o, 0);
  struct sigaction r = {0};
  r.sa_sigaction = remember;
  r.sa_flags = SA_SIGINFO | SA_RESETHAND;
  sigaction(SIGUSR1, &r, 0);
  raise(SIGUSR1);
  struct sigaction q;
  sigaction(SIGUSR1, 0, &q);
  CHECK(q.sa_handler == SIG_DFL);
}
