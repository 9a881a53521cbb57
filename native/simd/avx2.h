#pragma once

#include <immintrin.h>

namespace nabla::NABLA_ISA {
namespace {
constexpr int kVectorBytes = 32;
constexpr int kRegisterRows = 6;
constexpr bool kCompilesWholes = true;
constexpr bool kHasFma = true;
}  // namespace
}  // namespace nabla::NABLA_ISA

#include "types.h"

namespace nabla::NABLA_ISA {
namespace {

/** INT32_MIN for NaN and what is too large: unlike the compiler's own conversion, the instruction has a value for it.
 */
inline Vec<int32_t> to_integers(Vec<float> n) { return reinterpret_cast<Vec<int32_t>>(_mm256_cvttps_epi32(n)); }

}  // namespace
}  // namespace nabla::NABLA_ISA

#include "scale_in_two_steps.h"

namespace nabla::NABLA_ISA {
namespace {

inline Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) { return _mm256_fmadd_ps(a, b, c); }
inline Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) { return _mm256_fmadd_pd(a, b, c); }

inline Vec<float> sqrt(Vec<float> a) { return _mm256_sqrt_ps(a); }
inline Vec<double> sqrt(Vec<double> a) { return _mm256_sqrt_pd(a); }

constexpr int kNearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
constexpr int kDown = _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC;
constexpr int kUp = _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC;
constexpr int kToZero = _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC;

inline Vec<float> round(Vec<float> a) { return _mm256_round_ps(a, kNearest); }
inline Vec<double> round(Vec<double> a) { return _mm256_round_pd(a, kNearest); }
inline Vec<float> floor(Vec<float> a) { return _mm256_round_ps(a, kDown); }
inline Vec<double> floor(Vec<double> a) { return _mm256_round_pd(a, kDown); }
inline Vec<float> ceil(Vec<float> a) { return _mm256_round_ps(a, kUp); }
inline Vec<double> ceil(Vec<double> a) { return _mm256_round_pd(a, kUp); }
inline Vec<float> trunc(Vec<float> a) { return _mm256_round_ps(a, kToZero); }
inline Vec<double> trunc(Vec<double> a) { return _mm256_round_pd(a, kToZero); }

inline Vec<float> greater_of(Vec<float> a, Vec<float> b) { return _mm256_max_ps(a, b); }
inline Vec<double> greater_of(Vec<double> a, Vec<double> b) { return _mm256_max_pd(a, b); }
inline Vec<float> less_of(Vec<float> a, Vec<float> b) { return _mm256_min_ps(a, b); }
inline Vec<double> less_of(Vec<double> a, Vec<double> b) { return _mm256_min_pd(a, b); }

inline Vec<double> widen_low(Vec<float> a) { return _mm256_cvtps_pd(_mm256_castps256_ps128(a)); }
inline Vec<double> widen_high(Vec<float> a) { return _mm256_cvtps_pd(_mm256_extractf128_ps(a, 1)); }
inline Vec<float> narrow(Vec<double> low, Vec<double> high) {
  return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm256_cvtpd_ps(low)), _mm256_cvtpd_ps(high), 1);
}

inline bool any(Vec<int32_t> mask) { return _mm256_movemask_ps(reinterpret_cast<Vec<float>>(mask)) != 0; }
inline bool any(Vec<int64_t> mask) { return _mm256_movemask_pd(reinterpret_cast<Vec<double>>(mask)) != 0; }

inline __m256i first_floats(int64_t count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
inline __m256i first_doubles(int64_t count) {
  return _mm256_cmpgt_epi64(_mm256_set1_epi64x(count), _mm256_setr_epi64x(0, 1, 2, 3));
}

inline Vec<float> load_partial(const float* from, int64_t count) {
  return _mm256_maskload_ps(from, first_floats(count));
}
inline Vec<double> load_partial(const double* from, int64_t count) {
  return _mm256_maskload_pd(from, first_doubles(count));
}
inline void store_partial(float* to, Vec<float> v, int64_t count) { _mm256_maskstore_ps(to, first_floats(count), v); }
inline void store_partial(double* to, Vec<double> v, int64_t count) {
  _mm256_maskstore_pd(to, first_doubles(count), v);
}

}  // namespace
}  // namespace nabla::NABLA_ISA
