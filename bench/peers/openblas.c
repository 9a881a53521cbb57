#include <cblas.h>

#include "gemm.h"

static void multiply(void) {
  cblas_sgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans, transpose_b ? CblasTrans : CblasNoTrans, m, n, k,
              1, a, transpose_a ? m : k, b, transpose_b ? k : n, 0, c, n);
}

int main(void) {
  char version[16] = "unknown", text[64];
  sscanf(openblas_get_config(), "OpenBLAS %15s", version);
  snprintf(text, sizeof text, "%s (%s)", version, openblas_get_corename());
  return serve("OpenBLAS", text);
}
