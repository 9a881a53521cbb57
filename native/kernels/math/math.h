#pragma once

#include "double.h"
#include "single.h"
#include "wide.h"

/**
 * The functions of micro_ops.h. Each has one formula on every ISA. For floats: those that networks spend their time in
 * work in single precision (single.h), the others on double vectors (wide.h). For doubles: exp and log work on
 * vectors, the others call the C library lane by lane.
 */
namespace nabla::NABLA_ISA {
namespace {

/** -1, 0 or 1; 0 for NaN. */
template <typename V>
V sign(V a) {
  return flag<V>(a > 0) - flag<V>(a < 0);
}

#define NABLA_WIDE(name)                                               \
  inline Vec<float> name(Vec<float> a) {                               \
    return via_double([](Vec<double> x) { return wide::name(x); }, a); \
  }
NABLA_WIDE(log2)
NABLA_WIDE(sin)
NABLA_WIDE(cos)
NABLA_WIDE(tan)
NABLA_WIDE(asin)
NABLA_WIDE(acos)
NABLA_WIDE(atan)
NABLA_WIDE(sinh)
NABLA_WIDE(cosh)
NABLA_WIDE(asinh)
NABLA_WIDE(acosh)
NABLA_WIDE(atanh)
NABLA_WIDE(erfc)
#undef NABLA_WIDE

inline Vec<float> pow(Vec<float> a, Vec<float> b) {
  return via_double([](Vec<double> x, Vec<double> y) { return wide::pow(x, y); }, a, b);
}

#define NABLA_LIBRARY(name)                                           \
  inline Vec<double> name(Vec<double> a) {                            \
    return per_lane([](double x) { return __builtin_##name(x); }, a); \
  }
NABLA_LIBRARY(exp2)
NABLA_LIBRARY(expm1)
NABLA_LIBRARY(log2)
NABLA_LIBRARY(log1p)
NABLA_LIBRARY(sin)
NABLA_LIBRARY(cos)
NABLA_LIBRARY(tan)
NABLA_LIBRARY(asin)
NABLA_LIBRARY(acos)
NABLA_LIBRARY(atan)
NABLA_LIBRARY(sinh)
NABLA_LIBRARY(cosh)
NABLA_LIBRARY(tanh)
NABLA_LIBRARY(asinh)
NABLA_LIBRARY(acosh)
NABLA_LIBRARY(atanh)
NABLA_LIBRARY(erf)
NABLA_LIBRARY(erfc)
#undef NABLA_LIBRARY

inline Vec<double> pow(Vec<double> a, Vec<double> b) {
  return per_lane([](double x, double y) { return __builtin_pow(x, y); }, a, b);
}

inline Vec<double> fmod(Vec<double> a, Vec<double> b) {
  return per_lane([](double x, double y) { return __builtin_fmod(x, y); }, a, b);
}

/** Exact in doubles, and then a float. */
inline Vec<float> fmod(Vec<float> a, Vec<float> b) {
  return via_double([](Vec<double> x, Vec<double> y) { return fmod(x, y); }, a, b);
}

/** Whether a whole number is an int32. */
inline Vec<int64_t> is_int32(Vec<double> a) {
  return (a == trunc(a)) & (a >= splat<Vec<double>>(-0x1p31)) & (a < splat<Vec<double>>(0x1p31));
}

inline Vec<double> bit_and(Vec<double> a, Vec<double> b) {
  const Vec<int64_t> both = is_int32(a) & is_int32(b);
  return both ? from_integers(to_integers(a) & to_integers(b)) : Vec<double>{};
}

inline Vec<float> bit_and(Vec<float> a, Vec<float> b) {
  return via_double([](Vec<double> x, Vec<double> y) { return bit_and(x, y); }, a, b);
}

}  // namespace
}  // namespace nabla::NABLA_ISA
