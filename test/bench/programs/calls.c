/* Calls and returns: fib(34), kept from becoming a loop. */
#include "start.h"

__attribute__((noinline, optimize("no-optimize-sibling-calls", "no-inline"))) static u64 fib(u64 n) {
  return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

u64 bench(void) { return fib(34); }
