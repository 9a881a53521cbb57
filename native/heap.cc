#include "heap.h"

#include <cstdlib>

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace nabla {

#ifdef __GLIBC__

namespace {

constexpr int kMegabyte = 1 << 20;

void set(int option, const char* variable, int value) {
  if (std::getenv(variable) == nullptr) mallopt(option, value);
}

}  // namespace

void keep_freed_memory() {
  // 32 MB is the most that glibc takes from the heap instead of mapping it by itself.
  set(M_MMAP_THRESHOLD, "MALLOC_MMAP_THRESHOLD_", 32 * kMegabyte);
  set(M_TRIM_THRESHOLD, "MALLOC_TRIM_THRESHOLD_", 256 * kMegabyte);
  set(M_TOP_PAD, "MALLOC_TOP_PAD_", 64 * kMegabyte);
}

#else

void keep_freed_memory() {}

#endif

}  // namespace nabla
