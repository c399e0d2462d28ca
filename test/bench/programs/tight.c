/* A tight loop: xorshift64 and nothing else. */
#include "start.h"

u64 bench(void) {
  u64 x = 88172645463325252ul;
  for (long i = 0; i < 100000000; i++) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
  }
  return x;
}
