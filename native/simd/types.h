#pragma once

#include <cstdint>

/**
 * Vector types of the ISA's width. Include through a target header, which defines what kernels must know of it:
 * `kVectorBytes`; `kRegisterRows`, how many rows of two vectors fit its registers beside three more vectors;
 * `kCompilesWholes`, whether whole_programs.h is compiled for it, which takes some 100 KB;
 * `kHasFma`, whether a multiply-add is one instruction.
 */
namespace nabla::NABLA_ISA {
namespace {

template <typename T>
struct VecOf {
  typedef T type __attribute__((vector_size(kVectorBytes)));
  typedef T unaligned __attribute__((vector_size(kVectorBytes), aligned(alignof(T)), may_alias));
};

template <typename T>
using Vec = typename VecOf<T>::type;

template <typename T>
using UnalignedVec = typename VecOf<T>::unaligned;

template <typename T>
constexpr int kLanes = kVectorBytes / sizeof(T);

template <int Bytes>
struct IntOf;
template <>
struct IntOf<4> {
  using type = int32_t;
};
template <>
struct IntOf<8> {
  using type = int64_t;
};

template <typename V>
struct VecTraits;
template <>
struct VecTraits<Vec<float>> {
  using Lane = float;
};
template <>
struct VecTraits<Vec<double>> {
  using Lane = double;
};
template <>
struct VecTraits<Vec<int32_t>> {
  using Lane = int32_t;
};
template <>
struct VecTraits<Vec<int64_t>> {
  using Lane = int64_t;
};

template <int Bytes>
struct UnsignedOf;
template <>
struct UnsignedOf<4> {
  using type = uint32_t;
};
template <>
struct UnsignedOf<8> {
  using type = uint64_t;
};

/** The element type of a vector type. */
template <typename V>
using Lane = typename VecTraits<V>::Lane;

/** The vector of integers as wide as V's lanes: its bits, and what comparisons of V give. */
template <typename V>
using Bits = Vec<typename IntOf<sizeof(Lane<V>)>::type>;

/** The same with unsigned lanes. */
template <typename V>
using Unsigned = Vec<typename UnsignedOf<sizeof(Lane<V>)>::type>;

/** Sums and differences modulo 2^32 or 2^64 of signed lanes, whose own may not overflow: of the bits of numbers. */
template <typename V>
V wrapping_add(V a, V b) {
  return reinterpret_cast<V>(reinterpret_cast<Unsigned<V>>(a) + reinterpret_cast<Unsigned<V>>(b));
}
template <typename V>
V wrapping_sub(V a, V b) {
  return reinterpret_cast<V>(reinterpret_cast<Unsigned<V>>(a) - reinterpret_cast<Unsigned<V>>(b));
}

template <int... I>
struct Indices {};

template <int N, int... I>
struct IndexRange : IndexRange<N - 1, N - 1, I...> {};
template <int... I>
struct IndexRange<0, I...> {
  using type = Indices<I...>;
};

template <int N>
using MakeIndices = typename IndexRange<N>::type;

}  // namespace
}  // namespace nabla::NABLA_ISA
