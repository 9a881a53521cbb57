#include <oneapi/dnnl/dnnl.h>

#include "gemm.h"

static void multiply(void) {
  dnnl_sgemm(transpose_a ? 'T' : 'N', transpose_b ? 'T' : 'N', m, n, k, 1, a, transpose_a ? m : k, b,
             transpose_b ? k : n, 0, c, n);
}

int main(void) {
  const dnnl_version_t* version = dnnl_version();
  char text[64];
  snprintf(text, sizeof text, "%d.%d.%d", version->major, version->minor, version->patch);
  return serve("oneDNN", text);
}
