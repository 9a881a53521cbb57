/* What the machine can do: multiply-adds in registers, and plain loops over memory that is there already. */
#include <omp.h>

#include "driver.h"

#if defined(__AVX512F__)
enum { WIDTH = 16 };
#elif defined(__AVX__)
enum { WIDTH = 8 };
#else
enum { WIDTH = 4 };
#endif

/** More chains than latency times ports, fewer than there are registers. */
enum { CHAINS = 10 };

typedef float vector __attribute__((vector_size(WIDTH * sizeof(float))));

static float *x, *y, *out;
static size_t size;
static long peak_steps;
static void (*loop)(void);

static void peak(void) {
#pragma omp parallel
  {
    vector chains[CHAINS], factor = {0}, term = {0};
    factor += 0.5f;
    term += 1.0f;
    for (int i = 0; i < CHAINS; i++) chains[i] = term * (float)i;  // all alike, they would become one
    for (long step = 0; step < peak_steps; step++) {
#pragma GCC unroll 10
      for (int i = 0; i < CHAINS; i++) {
        chains[i] = chains[i] * factor + term;  // contracted to one instruction
      }
    }
    vector sum = {0};
    for (int i = 0; i < CHAINS; i++) sum += chains[i];
    if (omp_get_thread_num() == 0) out[0] = sum[0];
  }
}

#define PLAIN_LOOP(name, statement)                                                                \
  static void name(void) {                                                                         \
    _Pragma("omp parallel for simd schedule(static)") for (size_t i = 0; i < size; i++) statement; \
  }

PLAIN_LOOP(copy, out[i] = x[i])
PLAIN_LOOP(add, out[i] = x[i] + y[i])
PLAIN_LOOP(relu, out[i] = x[i] > 0 ? x[i] : 0)
PLAIN_LOOP(add_in_place, x[i] += y[i])
PLAIN_LOOP(relu_in_place, x[i] = x[i] > 0 ? x[i] : 0)

/** Like SGD, whose first buffer is the gradient itself: after zeros it comes to the same. `out` is the buffer. */
PLAIN_LOOP(momentum, {
  const float direction = 0.9f * out[i] + y[i];
  out[i] = direction;
  x[i] -= 1e-3f * direction;
})

static void (*loop_for(const char* request))(void) {
  if (is(request, "kind", "peak")) return peak;
  if (is(request, "kind", "copy")) return copy;
  if (is(request, "kind", "momentum")) return momentum;
  const bool in_place = is(request, "kind", "inPlace");
  if (is(request, "op", "add")) return in_place ? add_in_place : add;
  if (is(request, "op", "relu")) return in_place ? relu_in_place : relu;
  return NULL;
}

static bool prepare(const char* request) {
  loop = loop_for(request);
  if (loop == NULL) return false;
  free(x);
  free(y);
  free(out);
  size = loop == peak ? PROBES : (size_t)number(request, "size");
  peak_steps = (long)(number(request, "flops") / (2 * WIDTH * CHAINS * omp_get_max_threads()));
  x = uniform(size, SEED_X);
  y = uniform(size, SEED_Y);
  out = allocate(size);
  memset(out, 0, size * sizeof(float));
  const bool separate = loop == peak || loop == copy || loop == add || loop == relu;
  result = separate ? out : x;
  result_size = size;
  run();
  if (loop == momentum) run();
  return true;
}

static void run(void) { loop(); }

int main(void) { return serve("loops in C", __VERSION__); }
