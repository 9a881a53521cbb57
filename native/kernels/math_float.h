#pragma once

#include "arithmetic.h"

/** Single precision, to about one unit in the last place. Coefficients are Chebyshev fits unless said otherwise. */
namespace nabla::NABLA_ISA {
namespace {

/** x = n ln 2 + r with |r| <= ln 2 / 2. */
struct Reduced {
  Vec<float> n;
  Vec<float> r;
};

inline Reduced reduce_by_ln2(Vec<float> x) {
  const Vec<float> n = round(x * splat<Vec<float>>(0x1.715476p0f));
  // ln 2 in two parts, the first so short that n times it is exact.
  const Vec<float> r = fma(n, splat<Vec<float>>(-0.693359375f), x);
  return {n, fma(n, splat<Vec<float>>(2.12194440e-4f), r)};
}

/** e^r - 1 for |r| <= ln 2 / 2. */
inline Vec<float> expm1_reduced(Vec<float> r) {
  const Vec<float> q = polynomial(r, 1.9890980869750325563e-4, 1.393364103198670115e-3, 8.3333109344488684687e-3,
                                  4.1666465006040048761e-2, 1.6666666681614255706e-1, 0.5);
  return fma(q, r * r, r);
}

inline Vec<float> exp(Vec<float> x) {
  // Beyond these, infinity and 0. The order of operands lets NaN through.
  x = less_of(splat<Vec<float>>(89), greater_of(splat<Vec<float>>(-104.5f), x));
  const Reduced reduced = reduce_by_ln2(x);
  return scale(expm1_reduced(reduced.r) + splat<Vec<float>>(1), reduced.n);
}

inline Vec<float> exp2(Vec<float> x) {
  x = less_of(splat<Vec<float>>(129), greater_of(splat<Vec<float>>(-151), x));
  const Vec<float> n = round(x);
  const Vec<float> r = (x - n) * splat<Vec<float>>(0x1.62e43p-1f);
  return scale(expm1_reduced(r) + splat<Vec<float>>(1), n);
}

/** 2^n (e^r - 1) + (2^n - 1), with halves in place of ones, because 2^128 overflows where e^x does not yet. */
inline Vec<float> expm1(Vec<float> x) {
  const Vec<float> bounded = less_of(splat<Vec<float>>(89), greater_of(splat<Vec<float>>(-20), x));
  const Reduced reduced = reduce_by_ln2(bounded);
  const Vec<float> half = power_of_two(to_integers(reduced.n) - 1);
  const Vec<float> result = fma(expm1_reduced(reduced.r), half, half - splat<Vec<float>>(0.5f));
  return x == 0 ? x : result + result;
}

/** t / (t + 2) with t = e^2|x| - 1, and the sign of x. From 10 on that is 1. */
inline Vec<float> tanh(Vec<float> x) {
  const Vec<float> a = less_of(splat<Vec<float>>(10), abs(x));
  const Reduced reduced = reduce_by_ln2(a + a);
  const Vec<float> power = power_of_two(to_integers(reduced.n));
  const Vec<float> t = fma(expm1_reduced(reduced.r), power, power - splat<Vec<float>>(1));
  const Vec<float> two = splat<Vec<float>>(2);
  return copysign(quotient(t, two, t), x);
}

/** x = 2^e (1 + f) with 1 + f in [sqrt 1/2, sqrt 2), for normal x > 0. The polynomial is that of Cephes' logf. */
inline Vec<float> log(Vec<float> x) {
  const Vec<float> smallest = splat<Vec<float>>(0x1p-126f);
  const auto subnormal = x < smallest;
  const Vec<float> normal = subnormal ? x * splat<Vec<float>>(0x1p23f) : x;
  const Vec<int32_t> root_half = to_bits(splat<Vec<float>>(0x1.6a09e6p-1f));
  const Vec<int32_t> exponent = (to_bits(normal) - root_half) >> 23;
  const Vec<float> f = from_bits<Vec<float>>(to_bits(normal) - (exponent << 23)) - splat<Vec<float>>(1);
  const Vec<float> e = from_integers(exponent) - (subnormal ? splat<Vec<float>>(23) : splat<Vec<float>>(0));
  const Vec<float> z = f * f;
  Vec<float> y = polynomial(f, 7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
                            -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1);
  y = y * f * z;
  y = fma(e, splat<Vec<float>>(-2.12194440e-4f), y);
  y = fma(z, splat<Vec<float>>(-0.5f), y);
  const Vec<float> result = fma(e, splat<Vec<float>>(0.693359375f), f + y);
  const Vec<float> infinity = splat<Vec<float>>(__builtin_inff());
  const Vec<float> at_zero_or_below = x == 0 ? -infinity : splat<Vec<float>>(__builtin_nanf(""));
  const Vec<float> beyond = x > 0 ? result : at_zero_or_below;
  return x < infinity ? beyond : x;
}

/** Up to 0.93 a polynomial, beyond 1 - e^p(x). The polynomials are Norbert Juffa's. */
inline Vec<float> erf(Vec<float> x) {
  const Vec<float> a = abs(x);
  const Vec<float> square = x * x;
  const Vec<float> near =
      polynomial(square, -5.96761703e-4, 4.99119423e-3, -2.67681349e-2, 1.12819925e-1, -3.76125336e-1, 1.28379166e-1);
  const Vec<float> bounded = less_of(splat<Vec<float>>(4), a);
  const Vec<float> p = polynomial(bounded, -1.72853470e-5, 3.83197126e-4, -3.88396438e-3, 2.42546219e-2, -1.06777877e-1,
                                  -6.34846687e-1, -1.28717512e-1);
  const Vec<float> far = splat<Vec<float>>(1) - exp(fma(p, bounded, -bounded));
  return a > splat<Vec<float>>(0.927734375f) ? copysign(far, x) : fma(near, x, x);
}

}  // namespace
}  // namespace nabla::NABLA_ISA
