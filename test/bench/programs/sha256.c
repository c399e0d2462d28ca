/* SHA-256 over 8 MiB, written for this bench after FIPS 180-4. */
#include "start.h"

static u32 k[64];
static u32 state[8];

static inline u32 ror(u32 x, int n) { return x >> n | x << (32 - n); }

static void block(const u8 *p) {
  u32 w[64];
  for (int i = 0; i < 16; i++) w[i] = (u32)p[4 * i] << 24 | p[4 * i + 1] << 16 | p[4 * i + 2] << 8 | p[4 * i + 3];
  for (int i = 16; i < 64; i++) {
    u32 s0 = ror(w[i - 15], 7) ^ ror(w[i - 15], 18) ^ w[i - 15] >> 3;
    u32 s1 = ror(w[i - 2], 17) ^ ror(w[i - 2], 19) ^ w[i - 2] >> 10;
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  u32 a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7];
  for (int i = 0; i < 64; i++) {
    u32 t1 = h + (ror(e, 6) ^ ror(e, 11) ^ ror(e, 25)) + ((e & f) ^ (~e & g)) + k[i] + w[i];
    u32 t2 = (ror(a, 2) ^ ror(a, 13) ^ ror(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
  }
  state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

/* The constants: the first 32 bits of the fractional parts of cube roots of primes, found by bisection. */
static void constants(void) {
  int found = 0;
  for (u64 n = 2; found < 64; n++) {
    int prime = 1;
    for (u64 d = 2; d * d <= n; d++) prime &= n % d != 0;
    if (!prime) continue;
    unsigned __int128 low = 0, high = (unsigned __int128)8 << 32;
    while (high - low > 1) {
      unsigned __int128 mid = (low + high) / 2;
      if (mid * mid * mid <= (unsigned __int128)n << 96) low = mid; else high = mid;
    }
    k[found++] = (u32)low;
  }
}

static u8 buffer[65536];

u64 bench(void) {
  constants();
  static const u32 start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  for (int i = 0; i < 8; i++) state[i] = start[i];
  for (u32 i = 0; i < sizeof buffer; i++) buffer[i] = i * 7;
  for (int round = 0; round < 128; round++)
    for (u32 at = 0; at < sizeof buffer; at += 64) block(buffer + at);
  return (u64)state[0] << 32 | state[1];
}
