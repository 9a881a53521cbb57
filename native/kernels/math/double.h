#pragma once

#include "polynomial.h"

namespace nabla::NABLA_ISA {
namespace {

/** ln 2, the first part so short that its product with an exponent is exact. */
constexpr double kLn2High = 6.93147180369123816490e-01;
constexpr double kLn2Low = 1.90821492927058770002e-10;

inline Vec<double> exp(Vec<double> x) {
  using V = Vec<double>;
  // Beyond these, infinity and 0. The order of operands lets NaN through.
  x = less_of(splat<V>(710), greater_of(splat<V>(-746), x));
  const V n = round(x * splat<V>(0x1.71547652b82fep0));
  const V r = fma(n, splat<V>(-kLn2Low), fma(n, splat<V>(-kLn2High), x));
  const V q =
      polynomial(r, 2.09146793765839351e-9, 2.5105206373957011116e-8, 2.7557273661348636219e-7,
                 2.7557255425746434282e-6, 2.4801587325533363819e-5, 1.9841269874800491981e-4, 1.3888888888883752417e-3,
                 8.333333333326140884e-3, 4.1666666666666669752e-2, 1.6666666666666670986e-1, 0.5);
  return scale(fma(q, r * r, r) + splat<V>(1), n);
}

/** 1 / (1 + e^-x), in terms of e^-|x|, so that nothing overflows. */
inline Vec<double> sigmoid(Vec<double> x) {
  using V = Vec<double>;
  const V one = splat<V>(1);
  const V e = exp(-abs(x));
  return (x < 0 ? e : one) / (one + e);
}

/** x = 2^e (1 + f) with 1 + f in [sqrt 1/2, sqrt 2); the method and polynomial of fdlibm's e_log.c. */
inline Vec<double> log(Vec<double> x) {
  using V = Vec<double>;
  const auto subnormal = x < splat<V>(0x1p-1022);
  const V normal = subnormal ? x * splat<V>(0x1p54) : x;
  const Vec<int64_t> root_half = to_bits(splat<V>(0x1.6a09e667f3bcdp-1));
  const Vec<int64_t> exponent = wrapping_sub(to_bits(normal), root_half) >> 52;
  const V f = from_bits<V>(wrapping_sub(to_bits(normal), exponent << 52)) - splat<V>(1);
  const V e = from_integers(exponent) - (subnormal ? splat<V>(54) : splat<V>(0));
  const V s = f / (f + splat<V>(2));
  const V z = s * s;
  const V series = z * polynomial(z, 1.479819860511658591e-1, 1.531383769920937332e-1, 1.818357216161805012e-1,
                                  2.222219843214978396e-1, 2.857142874366239149e-1, 3.999999999940941908e-1,
                                  6.666666666666735130e-1);
  const V half_square = f * f * splat<V>(0.5);
  const V low = fma(s, half_square + series, e * splat<V>(kLn2Low));
  const V result = fma(e, splat<V>(kLn2High), f - (half_square - low));
  const V infinity = splat<V>(__builtin_inf());
  const V at_zero_or_below = x == 0 ? -infinity : splat<V>(__builtin_nan(""));
  const V beyond = x > 0 ? result : at_zero_or_below;
  return x < infinity ? beyond : x;
}

}  // namespace
}  // namespace nabla::NABLA_ISA
