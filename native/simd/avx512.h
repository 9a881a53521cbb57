#pragma once

#include <immintrin.h>

namespace nabla::NABLA_ISA {
namespace {
constexpr int kVectorBytes = 64;
constexpr int kRegisterRows = 14;
constexpr bool kCompilesWholes = true;
constexpr bool kHasFma = true;
}  // namespace
}  // namespace nabla::NABLA_ISA

#include "whole_numbers.h"

namespace nabla::NABLA_ISA {
namespace {

inline Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) { return _mm512_fmadd_ps(a, b, c); }
inline Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) { return _mm512_fmadd_pd(a, b, c); }

// With a mask of all lanes, because GCC 12 warns of uninitialised values inside the plain forms. It costs no
// instruction.
constexpr __mmask16 kAllFloats = 0xffff;
constexpr __mmask8 kAllDoubles = 0xff;

inline Vec<float> sqrt(Vec<float> a) { return _mm512_maskz_sqrt_ps(kAllFloats, a); }
inline Vec<double> sqrt(Vec<double> a) { return _mm512_maskz_sqrt_pd(kAllDoubles, a); }

constexpr int kNearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
constexpr int kDown = _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC;
constexpr int kUp = _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC;
constexpr int kToZero = _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC;

inline Vec<float> round(Vec<float> a) { return _mm512_maskz_roundscale_ps(kAllFloats, a, kNearest); }
inline Vec<double> round(Vec<double> a) { return _mm512_maskz_roundscale_pd(kAllDoubles, a, kNearest); }
inline Vec<float> floor(Vec<float> a) { return _mm512_maskz_roundscale_ps(kAllFloats, a, kDown); }
inline Vec<double> floor(Vec<double> a) { return _mm512_maskz_roundscale_pd(kAllDoubles, a, kDown); }
inline Vec<float> ceil(Vec<float> a) { return _mm512_maskz_roundscale_ps(kAllFloats, a, kUp); }
inline Vec<double> ceil(Vec<double> a) { return _mm512_maskz_roundscale_pd(kAllDoubles, a, kUp); }
inline Vec<float> trunc(Vec<float> a) { return _mm512_maskz_roundscale_ps(kAllFloats, a, kToZero); }
inline Vec<double> trunc(Vec<double> a) { return _mm512_maskz_roundscale_pd(kAllDoubles, a, kToZero); }

inline Vec<float> greater_of(Vec<float> a, Vec<float> b) { return _mm512_maskz_max_ps(kAllFloats, a, b); }
inline Vec<double> greater_of(Vec<double> a, Vec<double> b) { return _mm512_maskz_max_pd(kAllDoubles, a, b); }
inline Vec<float> less_of(Vec<float> a, Vec<float> b) { return _mm512_maskz_min_ps(kAllFloats, a, b); }
inline Vec<double> less_of(Vec<double> a, Vec<double> b) { return _mm512_maskz_min_pd(kAllDoubles, a, b); }

/** a * 2^n, rounded once; n is whole. */
inline Vec<float> scale(Vec<float> a, Vec<float> n) { return _mm512_maskz_scalef_ps(kAllFloats, a, n); }
inline Vec<double> scale(Vec<double> a, Vec<double> n) { return _mm512_maskz_scalef_pd(kAllDoubles, a, n); }

inline Vec<double> widen_low(Vec<float> a) {
  return _mm512_maskz_cvtps_pd(kAllDoubles, _mm512_maskz_extractf32x8_ps(kAllDoubles, a, 0));
}
inline Vec<double> widen_high(Vec<float> a) {
  return _mm512_maskz_cvtps_pd(kAllDoubles, _mm512_maskz_extractf32x8_ps(kAllDoubles, a, 1));
}
inline Vec<float> narrow(Vec<double> low, Vec<double> high) {
  return _mm512_maskz_insertf32x8(kAllFloats, _mm512_castps256_ps512(_mm512_maskz_cvtpd_ps(kAllDoubles, low)),
                                  _mm512_maskz_cvtpd_ps(kAllDoubles, high), 1);
}

inline bool any(Vec<int32_t> mask) { return _mm512_movepi32_mask(reinterpret_cast<__m512i>(mask)) != 0; }
inline bool any(Vec<int64_t> mask) { return _mm512_movepi64_mask(reinterpret_cast<__m512i>(mask)) != 0; }

constexpr __mmask16 first(int64_t count) { return static_cast<__mmask16>((1u << count) - 1); }

inline Vec<float> load_partial(const float* from, int64_t count) { return _mm512_maskz_loadu_ps(first(count), from); }
inline Vec<double> load_partial(const double* from, int64_t count) {
  return _mm512_maskz_loadu_pd(static_cast<__mmask8>(first(count)), from);
}
inline void store_partial(float* to, Vec<float> v, int64_t count) { _mm512_mask_storeu_ps(to, first(count), v); }
inline void store_partial(double* to, Vec<double> v, int64_t count) {
  _mm512_mask_storeu_pd(to, static_cast<__mmask8>(first(count)), v);
}

}  // namespace
}  // namespace nabla::NABLA_ISA
