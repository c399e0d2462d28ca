/* Double arithmetic: Mandelbrot and a small n-body step, no library. */
#include "start.h"

u64 bench(void) {
  u64 total = 0;
  for (int py = 0; py < 160; py++)
    for (int px = 0; px < 240; px++) {
      double cx = px * (3.0 / 240) - 2.2, cy = py * (2.4 / 160) - 1.2, x = 0, y = 0;
      int n = 0;
      while (n < 200 && x * x + y * y < 4) {
        double t = x * x - y * y + cx;
        y = 2 * x * y + cy;
        x = t;
        n++;
      }
      total = total * 3 + n;
    }
  double p[3] = {1, 0.5, -0.25}, v[3] = {0, 0.4, 0.1};
  for (int i = 0; i < 200000; i++) {
    double r2 = p[0] * p[0] + p[1] * p[1] + p[2] * p[2];
    double f = -0.001 / (r2 * (1 + r2));
    for (int j = 0; j < 3; j++) v[j] += f * p[j], p[j] += 0.001 * v[j];
  }
  return total ^ (u64)(p[0] * 1e15);
}
