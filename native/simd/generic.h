#pragma once

namespace nabla::NABLA_ISA {
namespace {
constexpr int kVectorBytes = 16;
// Six would fit, and gain a twentieth at most; three make half the code.
constexpr int kRegisterRows = 3;
constexpr bool kCompilesWholes = false;
constexpr bool kHasFma = false;
}  // namespace
}  // namespace nabla::NABLA_ISA

#include "narrow_vectors.h"

namespace nabla::NABLA_ISA {
namespace {

/** In n + 1.5 * 2^23 the low bits are n, up to 2^22; what is beyond, and NaN, becomes some number. */
inline Vec<int32_t> to_integers(Vec<float> n) {
  const Vec<float> shifter = Vec<float>{} + 0x1.8p23f;
  return wrapping_sub(reinterpret_cast<Vec<int32_t>>(n + shifter), reinterpret_cast<Vec<int32_t>>(shifter));
}

}  // namespace
}  // namespace nabla::NABLA_ISA

#include "scale_in_two_steps.h"

/** For any machine: vector extensions alone. Without a fused multiply-add, results may differ from other ISAs in the
 * last bit. */
namespace nabla::NABLA_ISA {
namespace {

template <typename V>
V fma(V a, V b, V c) {
  return a * b + c;
}

inline Vec<float> sqrt(Vec<float> a) {
  return lanes(a, [](float x) { return __builtin_sqrtf(x); });
}
inline Vec<double> sqrt(Vec<double> a) {
  return lanes(a, [](double x) { return __builtin_sqrt(x); });
}
inline Vec<float> round(Vec<float> a) {
  return lanes(a, [](float x) { return __builtin_rintf(x); });
}
inline Vec<double> round(Vec<double> a) {
  return lanes(a, [](double x) { return __builtin_rint(x); });
}
inline Vec<float> floor(Vec<float> a) {
  return lanes(a, [](float x) { return __builtin_floorf(x); });
}
inline Vec<double> floor(Vec<double> a) {
  return lanes(a, [](double x) { return __builtin_floor(x); });
}
inline Vec<float> ceil(Vec<float> a) {
  return lanes(a, [](float x) { return __builtin_ceilf(x); });
}
inline Vec<double> ceil(Vec<double> a) {
  return lanes(a, [](double x) { return __builtin_ceil(x); });
}
inline Vec<float> trunc(Vec<float> a) {
  return lanes(a, [](float x) { return __builtin_truncf(x); });
}
inline Vec<double> trunc(Vec<double> a) {
  return lanes(a, [](double x) { return __builtin_trunc(x); });
}

template <typename V>
V greater_of(V a, V b) {
  return a > b ? a : b;
}
template <typename V>
V less_of(V a, V b) {
  return a < b ? a : b;
}

}  // namespace
}  // namespace nabla::NABLA_ISA
