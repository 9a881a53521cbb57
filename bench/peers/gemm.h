/* Matrix products through a library's sgemm. A driver defines `multiply`. */
#pragma once

#include "driver.h"

static int m, k, n;
static bool transpose_a, transpose_b;
static float *a, *b, *c;

/** c[m, n] = a[m, k] * b[k, n], row-major; a transposed operand is stored the other way round. */
static void multiply(void);

static bool prepare(const char* request) {
  if (!is(request, "kind", "matmul")) return false;
  free(a);
  free(b);
  free(c);
  m = (int)number(request, "m");
  k = (int)number(request, "k");
  n = (int)number(request, "n");
  transpose_a = flag(request, "transposeA");
  transpose_b = flag(request, "transposeB");
  a = uniform((size_t)m * (size_t)k, SEED_X);
  b = uniform((size_t)k * (size_t)n, SEED_Y);
  result_size = (size_t)m * (size_t)n;
  result = c = allocate(result_size);
  run();
  return true;
}

static void run(void) { multiply(); }
