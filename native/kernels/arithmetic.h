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

/** n / (high + low), where high >= low >= 0, as if the sum and the quotient were not rounded before the end. */
template <typename V>
V quotient(V n, V high, V low) {
  const V sum = high + low;
  const V lost = low - (sum - high);
  const V inverse = splat<V>(1) / sum;
  const V q = n * inverse;
  const V remainder = fma(-q, lost, fma(-q, sum, n));
  return fma(remainder, inverse, q);
}

}  // namespace
}  // namespace nabla::NABLA_ISA
