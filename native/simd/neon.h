#pragma once

#include <arm_neon.h>

namespace nabla::NABLA_ISA {
namespace {
constexpr int kVectorBytes = 16;
constexpr int kRegisterRows = 12;
constexpr bool kCompilesWholes = true;
constexpr bool kHasFma = true;
}  // namespace
}  // namespace nabla::NABLA_ISA

#include "narrow_vectors.h"

namespace nabla::NABLA_ISA {
namespace {

/** 0 for NaN, the nearest for what is too large. */
inline Vec<int32_t> to_integers(Vec<float> n) { return vcvtq_s32_f32(n); }

}  // namespace
}  // namespace nabla::NABLA_ISA

#include "scale_in_two_steps.h"

namespace nabla::NABLA_ISA {
namespace {

inline Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) { return vfmaq_f32(c, a, b); }
inline Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) { return vfmaq_f64(c, a, b); }

inline Vec<float> sqrt(Vec<float> a) { return vsqrtq_f32(a); }
inline Vec<double> sqrt(Vec<double> a) { return vsqrtq_f64(a); }
inline Vec<float> round(Vec<float> a) { return vrndnq_f32(a); }
inline Vec<double> round(Vec<double> a) { return vrndnq_f64(a); }
inline Vec<float> floor(Vec<float> a) { return vrndmq_f32(a); }
inline Vec<double> floor(Vec<double> a) { return vrndmq_f64(a); }
inline Vec<float> ceil(Vec<float> a) { return vrndpq_f32(a); }
inline Vec<double> ceil(Vec<double> a) { return vrndpq_f64(a); }
inline Vec<float> trunc(Vec<float> a) { return vrndq_f32(a); }
inline Vec<double> trunc(Vec<double> a) { return vrndq_f64(a); }

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
