/* Threads, futexes, process-wide stops and exits (man 7 pthreads, futex). */
static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cv = PTHREAD_COND_INITIALIZER;
static int counter, ready;
static __thread int tls = 5;
static void* worker(void* a) {
  for (int i = 0; i < 2000; i++) {
    pthread_mutex_lock(&mu);
    counter++;
    pthread_mutex_unlock(&mu);
    if (i % 100 == 0) sched_yield();
  }
  tls = (long)a;
  pthread_mutex_lock(&mu);
  ready++;
  pthread_cond_broadcast(&cv);
  pthread_mutex_unlock(&mu);
  return (void*)(long)tls;
}
static void* sleeper(void* a) {
  pause();
  return 0;
}
static void t_threads(void) {
  pthread_t t[8];
  for (long i = 0; i < 8; i++) CHECK(pthread_create(&t[i], 0, worker, (void*)i) == 0);
  pthread_mutex_lock(&mu);
  while (ready < 8) pthread_cond_wait(&cv, &mu);
  pthread_mutex_unlock(&mu);
  for (long i = 0; i < 8; i++) {
    void* r;
    pthread_join(t[i], &r);
    CHECK(r == (void*)i);
  }
  CHECK(counter == 16000);
  CHECK(tls == 5);
  struct timespec ts;
  clock_gettime(CLOCK_REALTIME, &ts);
  ts.tv_nsec += 30000000;
  if (ts.tv_nsec >= 1000000000) {
    ts.tv_nsec -= 1000000000;
    ts.tv_sec++;
  }
  pthread_mutex_lock(&mu);
  CHECK(pthread_cond_timedwait(&cv, &mu, &ts) == ETIMEDOUT);
  pthread_mutex_unlock(&mu);
  pid_t p = fork();
  if (!p) {
    pthread_t x;
    for (int i = 0; i < 3; i++) pthread_create(&x, 0, sleeper, 0);
    usleep(10000);
    exit(4);
  }
  int st;
  CHECK(waitpid(p, &st, 0) == p && WIFEXITED(st) && WEXITSTATUS(st) == 4);
  p = fork();
  if (!p) {
    pthread_t x;
    for (int i = 0; i < 3; i++) pthread_create(&x, 0, sleeper, 0);
    usleep(10000);
    execl("/bin/sh", "sh", "-c", "exit 6", NULL);
  }
  CHECK(waitpid(p, &st, 0) == p && WIFEXITED(st) && WEXITSTATUS(st) == 6);
  p = fork();
  if (!p) {
    pthread_t x;
    pthread_create(&x, 0, sleeper, 0);
    pthread_exit(0);
  }
  usleep(20000);
  kill(p, SIGTERM);
  CHECK(waitpid(p, &st, 0) == p && WTERMSIG(st) == SIGTERM);
  p = fork();
  if (!p) {
    pthread_t x;
    for (int i = 0; i < 3; i++) pthread_create(&x, 0, sleeper, 0);
    pause();
  }
  usleep(20000);
  kill(p, SIGSTOP);
  CHECK(waitpid(p, &st, WUNTRACED) == p && WIFSTOPPED(st));
  kill(p, SIGCONT);
  CHECK(waitpid(p, &st, WCONTINUED) == p && WIFCONTINUED(st));
  kill(p, SIGKILL);
  CHECK(waitpid(p, &st, 0) == p && WTERMSIG(st) == SIGKILL);
  pthread_mutexattr_t ma;
  pthread_mutexattr_init(&ma);
  pthread_mutexattr_setrobust(&ma, PTHREAD_MUTEX_ROBUST);
  pthread_mutexattr_setpshared(&ma, PTHREAD_PROCESS_SHARED);
  pthread_mutex_t* m = mmap(0, 4096, 3, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_mutex_init(m, &ma);
  p = fork();
  if (!p) {
    pthread_mutex_lock(m);
    _exit(0);
  }
  waitpid(p, &st, 0);
  CHECK(pthread_mutex_lock(m) == EOWNERDEAD);
}
