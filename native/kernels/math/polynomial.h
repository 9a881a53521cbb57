#pragma once

#include "../../simd/vec.h"

namespace nabla::NABLA_ISA {
namespace {

/** c0 * x^n + c1 * x^(n - 1) + ... + cn, by Horner's rule. */
template <typename V, typename... Rest>
V polynomial(V x, double first, Rest... rest) {
  V sum = splat<V>(static_cast<Lane<V>>(first));
  ((sum = fma(sum, x, splat<V>(static_cast<Lane<V>>(rest)))), ...);
  return sum;
}

}  // namespace
}  // namespace nabla::NABLA_ISA
