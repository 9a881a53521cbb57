#pragma once
#include "../simd/vec.h"
namespace nabla::NABLA_ISA {
namespace {
#define U(name) template <typename V> V name(V a) { return per_lane([](auto x) { return (decltype(x))__builtin_##name((double)x); }, a); }
U(exp) U(exp2) U(expm1) U(log) U(log2) U(log1p) U(sin) U(cos) U(tan) U(asin) U(acos) U(atan) U(sinh) U(cosh) U(tanh) U(asinh) U(acosh) U(atanh) U(erf) U(erfc)
template <typename V> V sigmoid(V a) { return splat<V>(1) / (splat<V>(1) + exp(-a)); }
template <typename V> V sign(V a) { return flag<V>(a > 0) - flag<V>(a < 0); }
template <typename V> V pow(V a, V b) { return per_lane([](auto x, auto y) { return (decltype(x))__builtin_pow((double)x, (double)y); }, a, b); }
}
}
