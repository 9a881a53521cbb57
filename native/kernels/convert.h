#pragma once

#include "../records.h"

/** Conversions between element types and the two types that programs compute in. */
namespace nabla::NABLA_ISA {
namespace {

/** bool in memory: one byte, 0 or 1. */
enum Bool : uint8_t {};

template <typename T>
constexpr DType kDTypeOf = DType::kFloat32;
template <>
constexpr DType kDTypeOf<double> = DType::kFloat64;

/** Calls `visit` with a null pointer to the type that `dtype` has in memory. */
template <typename Visit>
auto with_type(DType dtype, Visit visit) {
  switch (dtype) {
    case DType::kFloat64:
      return visit(static_cast<double*>(nullptr));
    case DType::kInt32:
      return visit(static_cast<int32_t*>(nullptr));
    case DType::kBool:
      return visit(static_cast<Bool*>(nullptr));
    default:
      return visit(static_cast<float*>(nullptr));
  }
}

constexpr int64_t size_of(DType dtype) { return dtype == DType::kFloat64 ? 8 : dtype == DType::kBool ? 1 : 4; }

/** Truncated, then modulo 2^32; 0 for NaN and infinities: as JavaScript stores into an Int32Array. */
inline int32_t to_int32(double x) {
  constexpr double kTwo32 = 4294967296.0;
  if (__builtin_fabs(x) < 9.2e18) return static_cast<int32_t>(static_cast<int64_t>(x));
  if (!__builtin_isfinite(x)) return 0;
  return static_cast<int32_t>(static_cast<int64_t>(__builtin_fmod(x, kTwo32)));
}

template <typename To, typename From>
To convert(From x) {
  if constexpr (__is_same(To, Bool))
    return static_cast<Bool>(x != 0);
  else if constexpr (__is_same(From, Bool))
    return static_cast<To>(x != 0);
  else if constexpr (__is_same(To, int32_t))
    return to_int32(static_cast<double>(x));
  else
    return static_cast<To>(x);
}

}  // namespace
}  // namespace nabla::NABLA_ISA
