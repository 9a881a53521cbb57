#pragma once

#include "types.h"

namespace nabla::NABLA_ISA {
namespace {

/** 2^n for integral n in the range of normal numbers. */
inline Vec<float> power_of_two(Vec<int32_t> n) { return reinterpret_cast<Vec<float>>((n + 127) << 23); }
inline Vec<double> power_of_two(Vec<int64_t> n) { return reinterpret_cast<Vec<double>>((n + 1023) << 52); }

inline Vec<int32_t> to_integers(Vec<float> n) { return __builtin_convertvector(n, Vec<int32_t>); }

/** There is no such instruction below AVX-512: adding 1.5 * 2^52 leaves the integer in the low bits. */
inline Vec<int64_t> to_integers(Vec<double> n) {
  const Vec<double> magic = Vec<double>{} + 0x1.8p52;
  return reinterpret_cast<Vec<int64_t>>(n + magic) - reinterpret_cast<Vec<int64_t>>(magic);
}

/** a * 2^n for integral n. The first product is exact for any a near 1, so that a subnormal result is rounded once. */
template <typename V>
V scale(V a, V n) {
  const auto whole = to_integers(n);
  const auto half = whole >> 1;
  return a * power_of_two(half) * power_of_two(whole - half);
}

}  // namespace
}  // namespace nabla::NABLA_ISA
