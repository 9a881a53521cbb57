#include <cblas.h>
#include <unistd.h>

#include "gemm.h"

static void multiply(void) {
  cblas_sgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans, transpose_b ? CblasTrans : CblasNoTrans, m, n, k,
              1, a, transpose_a ? m : k, b, transpose_b ? k : n, 0, c, n);
}

/** The kernels that suit a processor which is newer than the library, or NULL: it would take those of a Prescott. */
static const char* better_kernels(void) {
  if (strcmp(openblas_get_corename(), "Prescott") != 0 || getenv("OPENBLAS_CORETYPE") != NULL) return NULL;
#if defined(__AVX512F__)
  return "SkylakeX";
#elif defined(__AVX2__)
  return "Haswell";
#else
  return NULL;
#endif
}

int main(int count, char** arguments) {
  (void)count;
  const char* kernels = better_kernels();
  if (kernels != NULL) {
    setenv("OPENBLAS_CORETYPE", kernels, 1);  // which it reads when it is loaded
    execv(arguments[0], arguments);
  }
  char version[16] = "unknown", text[64];
  sscanf(openblas_get_config(), "OpenBLAS %15s", version);
  snprintf(text, sizeof text, "%s (%s)", version, openblas_get_corename());
  return serve("OpenBLAS", text);
}
