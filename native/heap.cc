#include "heap.h"

#include <cstdint>
#include <cstdlib>

#ifdef __GLIBC__
#include <malloc.h>
#endif
#ifdef __linux__
#include <sys/mman.h>
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

#ifdef __linux__

namespace {

constexpr uintptr_t kHugePage = 1 << 21;
/** Has at least one whole page of these, wherever it begins. */
constexpr size_t kLarge = 2 * kHugePage;

}  // namespace

void ask_for_huge_pages(void* memory, size_t bytes) {
  if (bytes < kLarge) return;
  const uintptr_t at = reinterpret_cast<uintptr_t>(memory);
  const uintptr_t begin = (at + kHugePage - 1) / kHugePage * kHugePage;
  const uintptr_t end = (at + bytes) / kHugePage * kHugePage;
  madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
}

#else

void ask_for_huge_pages(void*, size_t) {}

#endif

}  // namespace nabla
