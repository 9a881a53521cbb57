#pragma once

#include "../instruction.h"

/** Conversions between element types and the two types that programs compute in. */
namespace nabla::NABLA_ISA {
namespace {

template <typename T>
constexpr DType kDTypeOf = DType::kFloat32;
template <>
constexpr DType kDTypeOf<double> = DType::kFloat64;

/** Calls `visit` with a null pointer to the type that `dtype` has in memory. */
template <typename Visit>
auto with_type(DType dtype, Visit visit) {
  switch (dtype) {
#define NABLA_CASE(name, Type) \
  case DType::name:            \
    return visit(static_cast<Type*>(nullptr));
    NABLA_DTYPES(NABLA_CASE)
#undef NABLA_CASE
  }
  __builtin_unreachable();
}

constexpr int64_t size_of(DType dtype) { return kSizes[static_cast<int>(dtype)]; }

/** Whether the integer part of `x` is an int32; NaN is none. */
inline bool fits_int32(double x) { return x > -2147483649.0 && x < 2147483648.0; }

/** The integer part, or 0 where that does not fit. */
inline int32_t to_int32(double x) { return static_cast<int32_t>(fits_int32(x) ? x : 0); }

/** Says, from whichever thread, that a value did not fit the type it was stored as. */
inline void report(bool* misfit) { __atomic_store_n(misfit, true, __ATOMIC_RELAXED); }

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
