#pragma once

#include "types.h"

/** What ISAs with 16-byte vectors share: parts of vectors go by way of memory. */
namespace nabla::NABLA_ISA {
namespace {

inline Vec<double> widen_low(Vec<float> a) { return Vec<double>{a[0], a[1]}; }
inline Vec<double> widen_high(Vec<float> a) { return Vec<double>{a[2], a[3]}; }
inline Vec<float> narrow(Vec<double> low, Vec<double> high) {
  return Vec<float>{static_cast<float>(low[0]), static_cast<float>(low[1]), static_cast<float>(high[0]),
                    static_cast<float>(high[1])};
}

inline bool any(Vec<int32_t> mask) { return (mask[0] | mask[1] | mask[2] | mask[3]) != 0; }
inline bool any(Vec<int64_t> mask) { return (mask[0] | mask[1]) != 0; }

template <typename T>
Vec<T> load_partial(const T* from, int64_t count) {
  Vec<T> v{};
  for (int64_t i = 0; i < count; i++) v[i] = from[i];
  return v;
}

template <typename T>
void store_partial(T* to, Vec<T> v, int64_t count) {
  for (int64_t i = 0; i < count; i++) to[i] = v[i];
}

/** Applies a scalar function that the compiler turns into one instruction per lane or vector. */
template <typename V, typename F>
V lanes(V a, F f) {
  for (int i = 0; i < kLanes<Lane<V>>; i++) a[i] = f(a[i]);
  return a;
}

}  // namespace
}  // namespace nabla::NABLA_ISA
