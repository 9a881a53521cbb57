#pragma once

#include "types.h"

/** Between whole numbers as floating point and as integers, and powers of two. */
namespace nabla::NABLA_ISA {
namespace {

inline Vec<float> from_integers(Vec<int32_t> n) { return __builtin_convertvector(n, Vec<float>); }

// For doubles there is no such instruction below AVX-512: in n + 1.5 * 2^52 the low bits are n.
inline Vec<double> shifter() { return Vec<double>{} + 0x1.8p52; }
inline Vec<int64_t> to_integers(Vec<double> n) {
  return wrapping_sub(reinterpret_cast<Vec<int64_t>>(n + shifter()), reinterpret_cast<Vec<int64_t>>(shifter()));
}
inline Vec<double> from_integers(Vec<int64_t> n) {
  return reinterpret_cast<Vec<double>>(wrapping_add(n, reinterpret_cast<Vec<int64_t>>(shifter()))) - shifter();
}

/** 2^n where that is a normal number. */
inline Vec<float> power_of_two(Vec<int32_t> n) {
  return reinterpret_cast<Vec<float>>(wrapping_add(n, Vec<int32_t>{} + 127) << 23);
}
inline Vec<double> power_of_two(Vec<int64_t> n) {
  return reinterpret_cast<Vec<double>>(wrapping_add(n, Vec<int64_t>{} + 1023) << 52);
}

}  // namespace
}  // namespace nabla::NABLA_ISA
