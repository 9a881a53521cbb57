#pragma once

#include <cstdint>

#include "target.h"

/**
 * What kernels say with vectors beyond the compiler's own operators (+, <, ?: and so on): loads, stores, conversions,
 * and the arithmetic the extension lacks. `target.h` brings the parts that differ between ISAs.
 */
namespace nabla::NABLA_ISA {
namespace {

template <typename V>
V splat(Lane<V> x) {
  return x - V{};  // x + 0 would turn -0 into 0.
}

template <typename V>
V from_bits(Bits<V> bits) {
  return reinterpret_cast<V>(bits);
}

template <typename V>
Bits<V> to_bits(V v) {
  return reinterpret_cast<Bits<V>>(v);
}

template <typename V>
constexpr Lane<Bits<V>> kSignBit = sizeof(Lane<V>) == 4 ? INT32_MIN : INT64_MIN;

template <typename V>
V abs(V a) {
  return from_bits<V>(to_bits(a) & ~kSignBit<V>);
}

/** |a| with the sign of `sign`. */
template <typename V>
V copysign(V a, V sign) {
  return from_bits<V>((to_bits(a) & ~kSignBit<V>) | (to_bits(sign) & kSignBit<V>));
}

/** 1 where `mask` is set, else 0. */
template <typename V>
V flag(Bits<V> mask) {
  return from_bits<V>(mask & to_bits(splat<V>(1)));
}

/** The larger; NaN if either is, and 0 of 0 and -0. `greater_of(a, b)` is a > b ? a : b, which is a NaN in b. */
template <typename V>
V max(V a, V b) {
  const V larger = a == b ? from_bits<V>(to_bits(a) & to_bits(b)) : greater_of(a, b);
  return a != a ? a : larger;
}

/** The smaller; NaN if either is, and -0 of 0 and -0. `less_of(a, b)` is a < b ? a : b, which is a NaN in b. */
template <typename V>
V min(V a, V b) {
  const V smaller = a == b ? from_bits<V>(to_bits(a) | to_bits(b)) : less_of(a, b);
  return a != a ? a : smaller;
}

template <typename T>
Vec<T> load(const T* from) {
  return *reinterpret_cast<const UnalignedVec<T>*>(from);
}

template <typename T>
void store(T* to, Vec<T> v) {
  *reinterpret_cast<UnalignedVec<T>*>(to) = v;
}

/** 0, 1, 2, ... */
template <typename T>
Vec<T> iota() {
  alignas(kVectorBytes) T lanes[kLanes<T>];
  for (int i = 0; i < kLanes<T>; i++) lanes[i] = static_cast<T>(i);
  return load(lanes);
}

/** `v` with its lanes rotated down by `By`: lane i is lane i + By. */
template <int By, typename V>
V rotate(V v) {
  return [v]<int... I>(Indices<I...>) { return __builtin_shufflevector(v, v, ((I + By) % sizeof...(I))...); }
  (MakeIndices<kVectorBytes / sizeof(Lane<V>)>{});
}

/** The scalar function `f` of each lane. */
template <typename V, typename F>
V per_lane(F f, V a) {
  for (int i = 0; i < kLanes<Lane<V>>; i++) a[i] = f(a[i]);
  return a;
}

template <typename V, typename F>
V per_lane(F f, V a, V b) {
  for (int i = 0; i < kLanes<Lane<V>>; i++) a[i] = f(a[i], b[i]);
  return a;
}

/** A function of double vectors, of floats. */
template <typename F>
Vec<float> via_double(F f, Vec<float> a) {
  return narrow(f(widen_low(a)), f(widen_high(a)));
}

template <typename F>
Vec<float> via_double(F f, Vec<float> a, Vec<float> b) {
  return narrow(f(widen_low(a), widen_low(b)), f(widen_high(a), widen_high(b)));
}

}  // namespace
}  // namespace nabla::NABLA_ISA
