/* Pointer chasing through 8 MiB in a random cycle. */
#include "start.h"

#define NODES (1 << 20)
static struct node { struct node *next; } nodes[NODES];
static u32 order[NODES];

u64 bench(void) {
  u64 seed = 12345;
  for (u32 i = 0; i < NODES; i++) order[i] = i;
  for (u32 i = NODES - 1; i > 0; i--) {
    seed = seed * 6364136223846793005ul + 1442695040888963407ul;
    u32 j = (seed >> 33) % i, t = order[i];
    order[i] = order[j], order[j] = t;
  }
  for (u32 i = 0; i < NODES; i++) nodes[order[i]].next = &nodes[order[(i + 1) % NODES]];
  struct node *at = nodes;
  for (long i = 0; i < 10000000; i++) at = at->next;
  return at - nodes;
}
