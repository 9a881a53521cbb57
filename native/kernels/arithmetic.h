#pragma once

#include "../simd/vec.h"

namespace nabla::NABLA_ISA {
namespace {

/** c0 * x^n + c1 * x^(n - 1) + ... + cn, by Horner's rule. */
template <typename V, typename... Rest>
V polynomial(V x, double first, Rest... rest) {
  V sum = splat<V>(static_cast<Lane<V>>(first));
  ((sum = fma(sum, x, splat<V>(static_cast<Lane<V>>(rest)))), ...);
  return sum;
}

/**
 * n / (high + low) for positive numbers, as if the sum (where high >= low) and the quotient were not rounded before the
 * end.
 */
inline Vec<float> quotient(Vec<float> n, Vec<float> high, Vec<float> low) {
  const Vec<float> minus_high = -high;
  const Vec<float> minus_sum = minus_high - low;
  const Vec<float> minus_lost = minus_high - minus_sum - low;
  const Vec<float> two = splat<Vec<float>>(2);
  // 1 / sum to 1e-5: a guess from its bits, off by a twentieth at most, and two steps of Newton's method.
  Vec<float> inverse = from_bits<Vec<float>>(static_cast<int32_t>(0xfef311c7) - to_bits(minus_sum));
  inverse = inverse * fma(minus_sum, inverse, two);
  inverse = inverse * fma(minus_sum, inverse, two);
  const Vec<float> q = n * inverse;
  const Vec<float> remainder = fma(q, minus_lost, fma(q, minus_sum, n));
  return fma(remainder, inverse, q);
}

inline Vec<double> quotient(Vec<double> n, Vec<double> high, Vec<double> low) { return n / (high + low); }

}  // namespace
}  // namespace nabla::NABLA_ISA
