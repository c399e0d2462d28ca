/* Runs every part, or the one named, and says how many checks failed. */
#include "check.h"
#include "signals.c"
#include "processes.c"
#include "threads.c"
#include "clocks.c"
#include "tracing.c"
int main(int argc, char** argv) {
  setvbuf(stdout, 0, _IONBF, 0);
#define RUN(f)                            \
  if (argc < 2 || !strcmp(argv[1], #f)) { \
    puts(#f);                             \
    f();                                  \
  }
  RUN(t_basic)
  RUN(t_restart) RUN(t_fault) RUN(t_ucontext) RUN(t_children) RUN(t_threads) RUN(t_time) RUN(t_cred)
      RUN(t_ptrace) printf("%d checks, %d failed\n", n, fails);
  return fails != 0;
}
