/* What ordinary programs do: a tokenizer with a hash table, string copies, sorting, a little recursion and division. */
#include "start.h"

#define WORDS 4096
static char text[1 << 18];
static struct entry { const char *word; u32 length, hash, count; struct entry *next; } pool[WORDS];
static struct entry *table[1024];
static struct entry *sorted[WORDS];
static u32 used;

static u32 hash(const char *s, u32 n) {
  u32 h = 2166136261u;
  for (u32 i = 0; i < n; i++) h = (h ^ (u8)s[i]) * 16777619u;
  return h;
}

static int same(const char *a, const char *b, u32 n) {
  while (n && *a == *b) a++, b++, n--;
  return n == 0;
}

static void count(const char *word, u32 length) {
  u32 h = hash(word, length);
  for (struct entry *e = table[h & 1023]; e; e = e->next)
    if (e->hash == h && e->length == length && same(e->word, word, length)) { e->count++; return; }
  if (used == WORDS) return;
  struct entry *e = &pool[used++];
  *e = (struct entry){word, length, h, 1, table[h & 1023]};
  table[h & 1023] = e;
}

static int before(const struct entry *a, const struct entry *b) {
  if (a->count != b->count) return a->count > b->count;
  for (u32 i = 0; i < a->length && i < b->length; i++)
    if (a->word[i] != b->word[i]) return a->word[i] < b->word[i];
  return a->length < b->length;
}

static void sort(struct entry **list, long n) {
  if (n < 2) return;
  struct entry *pivot = list[n / 2];
  long i = 0, j = n - 1;
  while (i <= j) {
    while (before(list[i], pivot)) i++;
    while (before(pivot, list[j])) j--;
    if (i <= j) { struct entry *t = list[i]; list[i++] = list[j]; list[j--] = t; }
  }
  sort(list, j + 1);
  sort(list + i, n - i);
}

u64 bench(void) {
  u64 seed = 99, result = 0;
  u32 length = 0;
  while (length < sizeof text - 16) {
    seed = seed * 6364136223846793005ul + 1442695040888963407ul;
    u32 word = (seed >> 40) % 3000 % ((seed >> 33) % 1500 + 1);
    do text[length++] = 'a' + word % 26; while (word /= 26);
    text[length++] = ' ';
  }
  for (int round = 0; round < 24; round++) {
    used = 0;
    for (int i = 0; i < 1024; i++) table[i] = 0;
    for (u32 at = 0; at < length;) {
      u32 from = at;
      while (at < length && text[at] != ' ') at++;
      count(text + from, at - from);
      at++;
    }
    for (u32 i = 0; i < used; i++) sorted[i] = &pool[i];
    sort(sorted, used);
    for (u32 i = 0; i < used; i += 7) result = result * 31 + sorted[i]->count + sorted[i]->hash;
  }
  return result;
}
