#pragma once

#include "whole_numbers.h"

namespace nabla::NABLA_ISA {
namespace {

/** a * 2^n for whole n, and NaN where a is. The first product is exact for any a near 1, so that a subnormal result is
 * rounded once. */
template <typename V>
V scale(V a, V n) {
  const auto whole = to_integers(n);
  const auto half = whole >> 1;
  return a * power_of_two(half) * power_of_two(whole - half);
}

}  // namespace
}  // namespace nabla::NABLA_ISA
