/* Runs every part, or the one named, and says how many checks failed. */
#include "check.h"
#include "signals.c"
#include "processes.c"
#include "threads.c"
#include "clocks.c"
#include "tracing.c"
#include "more.c"
#include "waiting.c"
int main(int argc, char** argv) {
  setvbuf(stdout, 0, _IONBF, 0);
#define PART(f) \
  { #f, f }
  static const struct {
    const char* name;
    void (*run)(void);
  } parts[] = {
      PART(t_basic),    PART(t_restart),       PART(t_fault),          PART(t_ucontext), PART(t_children),
      PART(t_threads),  PART(t_time),          PART(t_cred),           PART(t_ptrace),   PART(t_stack),
      PART(t_orphans),  PART(t_pidfd),         PART(t_waitid),         PART(t_nproc),    PART(t_thread_exec),
      PART(t_directed), PART(t_syscall_stops), PART(t_syscall_change), PART(t_denied),   PART(t_set_clock),
      PART(t_signalfd), PART(t_ppoll),         PART(t_choice),         PART(t_sigchld),  PART(t_death_signal),
      PART(t_clone),
  };
  for (unsigned i = 0; i < sizeof parts / sizeof *parts; i++) {
    if (argc > 1 && strcmp(argv[1], parts[i].name)) continue;
    puts(parts[i].name);
    parts[i].run();
  }
  printf("%d checks, %d failed\n", n, fails);
  return fails != 0;
}
