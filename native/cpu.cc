#include "cpu.h"

#include <cstring>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace nabla {

namespace {

bool always() { return true; }

}  // namespace

#if defined(__x86_64__)

#ifndef NABLA_WITHOUT_AVX512
namespace avx512 {
extern const Kernels kernels;
}
#endif
namespace avx2 {
extern const Kernels kernels;
}
namespace baseline {
extern const Kernels kernels;
}

namespace {

// Detected by hand: __builtin_cpu_supports needs a runtime library that not every toolchain links.

constexpr bool has(unsigned word, unsigned mask) { return (word & mask) == mask; }

/** The register states that the operating system saves (XCR0), or 0 where it does not say. */
unsigned saved_states() {
  constexpr unsigned kOsxsave = 1u << 27;
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !has(c, kOsxsave)) return 0;
  unsigned low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

bool runs_avx2() {
  constexpr unsigned kSseAndAvxState = 0x6;
  constexpr unsigned kFma = 1u << 12, kAvx = 1u << 28;
  constexpr unsigned kAvx2 = 1u << 5;
  unsigned a, b, c, d;
  if (!has(saved_states(), kSseAndAvxState)) return false;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !has(c, kFma | kAvx)) return false;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && has(b, kAvx2);
}

#ifndef NABLA_WITHOUT_AVX512
bool runs_avx512() {
  constexpr unsigned kMaskAndZmmState = 0xe0;
  constexpr unsigned kF = 1u << 16, kDq = 1u << 17, kBw = 1u << 30, kVl = 1u << 31;
  unsigned a, b, c, d;
  if (!runs_avx2() || !has(saved_states(), kMaskAndZmmState)) return false;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && has(b, kF | kDq | kBw | kVl);
}
#endif

constexpr Isa kIsas[] = {
#ifndef NABLA_WITHOUT_AVX512
    {"avx512", &avx512::kernels, runs_avx512},
#endif
    {"avx2", &avx2::kernels, runs_avx2},
    {"baseline", &baseline::kernels, always},
};

}  // namespace

#elif defined(__aarch64__)

namespace neon {
extern const Kernels kernels;
}

namespace {
constexpr Isa kIsas[] = {{"neon", &neon::kernels, always}};
}

#else

namespace baseline {
extern const Kernels kernels;
}

namespace {
constexpr Isa kIsas[] = {{"baseline", &baseline::kernels, always}};
}

#endif

std::span<const Isa> isas() { return kIsas; }

const Isa* select_isa(const char* name) {
  const bool any = name == nullptr || *name == '\0';
  for (const Isa& isa : kIsas) {
    if ((any || std::strcmp(isa.name, name) == 0) && isa.runs_here()) return &isa;
  }
  return nullptr;
}

}  // namespace nabla
