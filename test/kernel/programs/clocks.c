/* Clocks, sleeps, interval and POSIX timers, CPU limits (man 7 time). */
static void t_time(void) {
  struct timespec a, b;
  clock_gettime(CLOCK_MONOTONIC, &a);
  usleep(20000);
  clock_gettime(CLOCK_MONOTONIC, &b);
  long us = (b.tv_sec - a.tv_sec) * 1000000 + (b.tv_nsec - a.tv_nsec) / 1000;
  CHECK(us >= 20000 && us < 30000);
  on(SIGALRM, SA_RESTART);
  struct itimerval it = {{0, 10000}, {0, 10000}}, ov;
  int count = 0;
  setitimer(ITIMER_REAL, &it, 0);
  for (int i = 0; i < 5; i++) {
    got = 0;
    pause();
    count += got == SIGALRM;
  }
  CHECK(count == 5);
  it = (struct itimerval){{0, 0}, {0, 0}};
  setitimer(ITIMER_REAL, &it, &ov);
  CHECK(ov.it_interval.tv_usec == 10000 && ov.it_value.tv_usec > 0 && ov.it_value.tv_usec <= 10000);
  on(SIGVTALRM, SA_RESTART);
  it = (struct itimerval){{0, 0}, {0, 5000}};
  setitimer(ITIMER_VIRTUAL, &it, 0);
  for (volatile long i = 0; i < 20000000 && !got; i++);
  CHECK(got == SIGVTALRM);
  timer_t t;
  struct sigevent se = {0};
  se.sigev_notify = SIGEV_SIGNAL;
  se.sigev_signo = SIGRTMIN;
  se.sigev_value.sival_int = 77;
  on(SIGRTMIN, 0);
  CHECK(timer_create(CLOCK_MONOTONIC, &se, &t) == 0);
  struct itimerspec is = {{0, 10000000}, {0, 10000000}};
  CHECK(timer_settime(t, 0, &is, 0) == 0);
  pause();
  CHECK(got == SIGRTMIN && last.si_value.sival_int == 77 && last.si_code == SI_TIMER);
  sigset_t s;
  sigemptyset(&s);
  sigaddset(&s, SIGRTMIN);
  sigprocmask(SIG_BLOCK, &s, 0);
  usleep(55000);
  sigprocmask(SIG_UNBLOCK, &s, 0);
  CHECK(last.si_overrun >= 3 && last.si_overrun <= 6);
  CHECK(timer_delete(t) == 0);
  CHECK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a) == 0 && (a.tv_sec || a.tv_nsec));
  CHECK(clock_gettime(99, &a) == -1 && errno == EINVAL);
  clockid_t c;
  CHECK(clock_getcpuclockid(0, &c) == 0 && clock_gettime(c, &a) == 0);
  struct timespec abs;
  clock_gettime(CLOCK_MONOTONIC, &abs);
  abs.tv_nsec += 20000000;
  if (abs.tv_nsec >= 1000000000) {
    abs.tv_nsec -= 1000000000;
    abs.tv_sec++;
  }
  CHECK(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &abs, 0) == 0);
  clock_gettime(CLOCK_MONOTONIC, &b);
  CHECK(b.tv_sec > abs.tv_sec || (b.tv_sec == abs.tv_sec && b.tv_nsec >= abs.tv_nsec));
  struct rusage ru;
  CHECK(getrusage(RUSAGE_SELF, &ru) == 0 && ru.ru_maxrss > 100);
  pid_t p = fork();
  if (!p) {
    struct rlimit r = {1, 2};
    setrlimit(RLIMIT_CPU, &r);
    for (;;);
  }
  int st;
  CHECK(waitpid(p, &st, 0) == p && WIFSIGNALED(st) && WTERMSIG(st) == SIGXCPU);
}
