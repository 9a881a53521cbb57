#pragma once

#include <cstdint>

#include "../../simd/target.h"

/**
 * The functions behind random numbers, bit for bit those of lib/backend/js: single-precision.ts,
 * transcendental.ts, double-double.ts, fused.ts, where their methods and sources are told. Straight-line
 * code, so that the compiler vectorises the loops that call them.
 */
namespace nabla::NABLA_ISA::rng {
namespace {

struct DoubleDouble {
  double hi;
  double lo;
};

constexpr DoubleDouble two_sum(double a, double b) {
  const double hi = a + b;
  const double t = hi - a;
  return {hi, (a - (hi - t)) + (b - t)};
}

constexpr DoubleDouble fast_two_sum(double a, double b) {
  const double hi = a + b;
  return {hi, b - (hi - a)};
}

constexpr double upper_half(double a) {
  const double t = 134217729.0 * a;
  return t - (t - a);
}

constexpr DoubleDouble two_product(double a, double b) {
  const double hi = a * b;
  if constexpr (kHasFma) {
    if (!__builtin_is_constant_evaluated()) return {hi, __builtin_fma(a, b, -hi)};
  }
  const double a1 = upper_half(a), b1 = upper_half(b);
  const double a0 = a - a1, b0 = b - b1;
  return {hi, (((a1 * b1 - hi) + a1 * b0) + a0 * b1) + a0 * b0};
}

constexpr DoubleDouble add(DoubleDouble a, DoubleDouble b) {
  const DoubleDouble s = two_sum(a.hi, b.hi);
  return fast_two_sum(s.hi, s.lo + (a.lo + b.lo));
}

constexpr DoubleDouble mul(DoubleDouble a, DoubleDouble b) {
  const DoubleDouble p = two_product(a.hi, b.hi);
  return fast_two_sum(p.hi, p.lo + (a.hi * b.lo + a.lo * b.hi));
}

constexpr DoubleDouble div(DoubleDouble a, DoubleDouble b) {
  const double q = a.hi / b.hi;
  const DoubleDouble p = two_product(q, b.hi);
  return fast_two_sum(q, (((a.hi - p.hi) - p.lo) + a.lo - q * b.lo) / b.hi);
}

inline double fused(double a, double b, double c) { return __builtin_fma(a, b, c); }

inline float fused(float a, float b, float c) {
  if constexpr (kHasFma) return __builtin_fmaf(a, b, c);
  const double product = static_cast<double>(a) * b;
  const double sum = product + c;
  const float nearest = static_cast<float>(sum);
  const double distance = sum - nearest;
  const double other = sum + distance;
  if (distance == 0 || static_cast<float>(other) != other) return nearest;
  const double error = two_sum(product, c).lo;
  return error != 0 && (error > 0) == (distance > 0) ? static_cast<float>(other) : nearest;
}

constexpr double kPi = 3.14159265358979323846;

struct SinCosFloat {
  float sin;
  float cos;
};
struct SinCosDouble {
  double sin;
  double cos;
};

/** A polynomial, the highest coefficient first. */
template <typename... Lower>
inline float horner(float x, float sum, Lower... coefficients) {
  ((sum = fused(sum, x, coefficients)), ...);
  return sum;
}

/** ln x for positive, normal x. */
inline float log_positive(float x) {
  const int32_t bits = __builtin_bit_cast(int32_t, x);
  const float mantissa = __builtin_bit_cast(float, (bits & 0x7fffff) | 0x3f000000);
  const bool small = mantissa < 0.70710678f;
  const float e = static_cast<float>((bits >> 23) - 126 - (small ? 1 : 0));
  const float m = (mantissa - 1.0f) + (small ? mantissa : 0.0f);
  const float z = m * m;
  float y = horner(m, 7.0376836292e-2f, -1.1514610310e-1f, 1.1676998740e-1f, -1.2420140846e-1f, 1.4249322787e-1f,
                   -1.6668057665e-1f, 2.0000714765e-1f, -2.4999993993e-1f, 3.3333331174e-1f);
  y = y * m;
  y = fused(z, y, e * -2.12194440e-4f);
  y = fused(z, -0.5f, y);
  return fused(e, 0.693359375f, m + y);
}

/** Sine and cosine of x >= 0, of moderate size. */
inline SinCosFloat sin_cos(float x) {
  const int32_t octant = (static_cast<int32_t>(x * 1.27323954473516f) + 1) & ~1;
  const float multiple = static_cast<float>(octant);
  float r = fused(multiple, -0.78515625f, x);
  r = fused(multiple, -2.4187564849853515625e-4f, r);
  r = fused(multiple, -3.77489497744594108e-8f, r);
  const float z = r * r;
  const float t = z * horner(z, 2.443315711809948e-5f, -1.388731625493765e-3f, 4.166664568298827e-2f);
  const float c = fused(z, t, -0.5f * z) + 1.0f;
  const float s = fused(r, horner(z, -1.9515295891e-4f, 8.3321608736e-3f, -1.6666654611e-1f) * z, r);
  const bool swapped = (octant & 2) != 0;
  const float sin = swapped ? c : s;
  const float cos = swapped ? s : c;
  return {(octant & 4) != 0 ? -sin : sin, ((octant - 2) & 4) == 0 ? -cos : cos};
}

struct Scaled {
  double m;
  double e;
};

inline Scaled split_exponent(double x) {
  const uint64_t bits = __builtin_bit_cast(uint64_t, x);
  const uint64_t mantissa = bits & 0xfffffffffffffu;
  const bool small = (mantissa >> 32) < 0x6a09e;
  const uint64_t exponent = small ? 0x3ff0000000000000u : 0x3fe0000000000000u;
  const double m = __builtin_bit_cast(double, mantissa | exponent);
  return {m, static_cast<double>(static_cast<int32_t>(bits >> 52) - 1022 - (small ? 1 : 0))};
}

/** Coefficients of a power series, the lowest first. */
template <int Count>
struct Series {
  DoubleDouble coefficients[Count];
};

constexpr Series<14> artanh_series() {
  Series<14> series = {};
  for (int k = 0; k < 14; k++) series.coefficients[k] = div({1, 0}, {2.0 * k + 1, 0});
  return series;
}

template <int Count>
constexpr Series<Count> alternating_factorials(int first) {
  Series<Count> series = {};
  series.coefficients[0] = {1, 0};
  for (int k = 1; k < Count; k++) {
    const double n = first + 2 * (k - 1);
    series.coefficients[k] = div(series.coefficients[k - 1], {-(n + 1) * (n + 2), 0});
  }
  return series;
}

constexpr Series<14> kArtanh = artanh_series();
constexpr Series<12> kSine = alternating_factorials<12>(1);
constexpr Series<12> kCosine = alternating_factorials<12>(0);

template <int Count>
inline DoubleDouble evaluate(const Series<Count>& series, DoubleDouble z) {
  double tail = 0;
  for (int k = Count - 1; k > 4; k--) tail = tail * z.hi + series.coefficients[k].hi;
  DoubleDouble sum = {tail, 0};
  for (int k = 4; k >= 0; k--) sum = add(series.coefficients[k], mul(z, sum));
  return sum;
}

inline double log_positive(double x) {
  const Scaled scaled = split_exponent(x);
  const DoubleDouble s = div({scaled.m - 1, 0}, two_sum(scaled.m, 1));
  const DoubleDouble log_m = mul({2 * s.hi, 2 * s.lo}, evaluate(kArtanh, mul(s, s)));
  return add(fast_two_sum(scaled.e * 0.693147180559933, scaled.e * 1.23466660414777e-14), log_m).hi;
}

inline SinCosDouble sin_cos(double x) {
  constexpr double kHalfPi[] = {1.5707963267948966, 6.123233995736757e-17, 8.4784276603689e-32};
  const int32_t quadrant = static_cast<int32_t>(x / kHalfPi[0] + 0.5);
  const double multiple = quadrant;
  const DoubleDouble first = two_sum(x, -multiple * kHalfPi[0]);
  const DoubleDouble second = two_sum(first.hi, -multiple * kHalfPi[1]);
  const DoubleDouble r = fast_two_sum(second.hi, second.lo + (first.lo - multiple * kHalfPi[2]));
  const DoubleDouble z = mul(r, r);
  const double s = mul(r, evaluate(kSine, z)).hi;
  const double c = evaluate(kCosine, z).hi;
  const bool swapped = (quadrant & 1) != 0;
  const double sin = swapped ? c : s;
  const double cos = swapped ? s : c;
  return {(quadrant & 2) != 0 ? -sin : sin, ((quadrant + 1) & 2) != 0 ? -cos : cos};
}

inline double log1p_series(double f, double half) {
  const double s = f / (2 + f);
  const double z = s * s;
  const double z2 = z * z;
  const double z4 = z2 * z2;
  const double r1 = z * 6.666666666666735130e-1;
  const double r2 = 3.999999999940941908e-1 + z * 2.857142874366239149e-1;
  const double r3 = 2.222219843214978396e-1 + z * 1.818357216161805012e-1;
  const double r4 = 1.531383769920937332e-1 + z * 1.479819860511658591e-1;
  return s * (half + (((r1 + z2 * r2) + z4 * r3) + (z4 * z2) * r4));
}

/** ln(1 - u) for u in [0, 1), a multiple of 2^-53. */
inline double log1p_minus(double u) {
  const double x = -u;
  if (x > -0x1p-29) return x - x * x * 0.5;
  if (x > -0.2928934097290039) {
    const double half = 0.5 * x * x;
    return x - (half - log1p_series(x, half));
  }
  const Scaled scaled = split_exponent(1 + x);
  const double f = scaled.m - 1;
  const double scale = scaled.e * 6.93147180369123816490e-1;
  const double scale_low = scaled.e * 1.90821492927058770002e-10;
  const double half = 0.5 * f * f;
  if (f == 0) return scale + scale_low;
  if (f >= -1.5 * 0x1p-20 && f < 0x1p-20) {
    return scale - ((half * (1 - 0.66666666666666666 * f) - scale_low) - f);
  }
  return scale - ((half - (log1p_series(f, half) + scale_low)) - f);
}

}  // namespace
}  // namespace nabla::NABLA_ISA::rng
