#pragma once

#include "polynomial.h"

/**
 * Single precision, to within two units in the last place. Coefficients are minimax fits unless said otherwise.
 */
namespace nabla::NABLA_ISA {
namespace {

/** -|a| */
inline Vec<float> minus_abs(Vec<float> a) { return from_bits<Vec<float>>(to_bits(a) | kSignBit<Vec<float>>); }

/** a, which is not negative, with the sign of `sign`. */
inline Vec<float> with_sign(Vec<float> a, Vec<float> sign) {
  return from_bits<Vec<float>>(to_bits(a) | (to_bits(sign) & kSignBit<Vec<float>>));
}

constexpr float kLog2E = 0x1.715476p0f;
constexpr float kLn2 = 0x1.62e43p-1f;

/** A whole number, and 2 to its power where that is a normal number. */
struct Whole {
  Vec<float> n;
  Vec<float> power;
};

/** a * b, rounded: added to 1.5 * 2^23, a number becomes whole, and the exponent of its power the lowest bits. */
inline Whole rounded_product(Vec<float> a, Vec<float> b) {
  const Vec<float> shifter = splat<Vec<float>>(0x1.8p23f + 127);
  const Vec<float> shifted = fma(a, b, shifter);
  return {shifted - shifter, from_bits<Vec<float>>(to_bits(shifted) << 23)};
}

/** x = n ln 2 + r with |r| <= ln 2 / 2. */
struct Reduced {
  Whole whole;
  Vec<float> r;
};

inline Reduced reduce_by_ln2(Vec<float> x) {
  const Whole whole = rounded_product(x, splat<Vec<float>>(kLog2E));
  // ln 2 in two parts, the first so short that n times it is exact.
  const Vec<float> r = fma(whole.n, splat<Vec<float>>(-0.693359375f), x);
  return {whole, fma(whole.n, splat<Vec<float>>(2.12194440e-4f), r)};
}

/** (e^r - 1 - r) / r^2 for |r| <= ln 2 / 2. */
inline Vec<float> exp_curvature(Vec<float> r) {
  return polynomial(r, 1.3863726672e-3, 8.3675425062e-3, 4.1667239968e-2, 1.6666533547e-1, 0.5);
}

inline Vec<float> exp_reduced(Vec<float> r) {
  const Vec<float> one = splat<Vec<float>>(1);
  return fma(fma(exp_curvature(r), r, one), r, one);
}

inline Vec<float> expm1_reduced(Vec<float> r) { return fma(exp_curvature(r), r * r, r); }

inline Vec<float> exp(Vec<float> x) {
  // Beyond these, infinity and 0. The order of operands lets NaN through.
  x = less_of(splat<Vec<float>>(89), greater_of(splat<Vec<float>>(-104.5f), x));
  const Reduced reduced = reduce_by_ln2(x);
  return scale(exp_reduced(reduced.r), reduced.whole.n);
}

inline Vec<float> exp2(Vec<float> x) {
  x = less_of(splat<Vec<float>>(129), greater_of(splat<Vec<float>>(-151), x));
  const Vec<float> n = round(x);
  return scale(exp_reduced((x - n) * splat<Vec<float>>(kLn2)), n);
}

/** 2^n (e^r - 1) + (2^n - 1), with halves in place of ones, because 2^128 overflows where e^x does not yet. */
inline Vec<float> expm1(Vec<float> x) {
  const Vec<float> bounded = less_of(splat<Vec<float>>(89), greater_of(splat<Vec<float>>(-20), x));
  const Reduced reduced = reduce_by_ln2(bounded);
  const Vec<float> half = from_bits<Vec<float>>(wrapping_sub(to_bits(reduced.whole.power), Vec<int32_t>{} + (1 << 23)));
  const Vec<float> result = fma(expm1_reduced(reduced.r), half, half - splat<Vec<float>>(0.5f));
  return x == 0 ? x : result + result;
}

/**
 * n / (1 + e) for e in [0, 1] and n between (1 - e) and 1, or e, as if the sum and the quotient were not rounded before
 * the end: 1 / (1 + e) to 5e-5, then a step of Newton's method, whose first difference is exact.
 */
inline Vec<float> over_one_plus(Vec<float> e, Vec<float> n) {
  const Vec<float> inverse = polynomial(e, -1.0448446503e-1, 4.1793786013e-1, -7.7057292971e-1, 9.5342074372e-1,
                                        -9.962757002e-1, 9.999489822e-1);
  const Vec<float> q = n * inverse;
  return fma(fma(-q, e, n - q), inverse, q);
}

/** 1 / (1 + e^-x), in terms of e^-|x|. */
inline Vec<float> sigmoid(Vec<float> x) {
  const Vec<float> bounded = greater_of(splat<Vec<float>>(-104.5f), minus_abs(x));
  const Reduced reduced = reduce_by_ln2(bounded);
  const Vec<float> e = scale(exp_reduced(reduced.r), reduced.whole.n);
  return over_one_plus(e, x < 0 ? e : splat<Vec<float>>(1));
}

/** (1 - e) / (1 + e) with e = e^-2|x|, and the sign of x. From 10 on that is 1. */
inline Vec<float> tanh(Vec<float> x) {
  const Vec<float> twice = less_of(splat<Vec<float>>(20), abs(x + x));
  const Whole whole = rounded_product(twice, splat<Vec<float>>(-kLog2E));
  const Vec<float> less_one = expm1_reduced(fma(whole.n, splat<Vec<float>>(-kLn2), -twice));
  const Vec<float> e = fma(less_one, whole.power, whole.power);
  const Vec<float> n = fma(-less_one, whole.power, splat<Vec<float>>(1) - whole.power);
  return with_sign(over_one_plus(e, n), x);
}

/** Whether x is neither subnormal nor 0, infinite, NaN or negative: from 2^-126 to the largest number. */
inline Vec<int32_t> is_ordinary(Vec<float> x) {
  // What is smaller wraps around, what is negative comes later.
  return reinterpret_cast<Vec<uint32_t>>(x) - 0x00800000u < 0x7f000000u;
}

/** How far 1.5 is above x in powers of two, rounded down, as a difference of bits: times this, x is in (0.75, 1.5]. */
inline Vec<int32_t> exponent_below(Vec<float> x) {
  return wrapping_sub(to_bits(splat<Vec<float>>(1.5f)), to_bits(x)) & static_cast<int32_t>(0xff800000);
}

/** log(1 + f) - log(2^s), s being a difference of bits as above, for f in (-0.25, 0.5]. */
inline Vec<float> log1p_less(Vec<float> f, Vec<int32_t> s) {
  const Vec<float> p = polynomial(f, -4.6167462473e-2, 1.0582777077e-1, -1.3186892059e-1, 1.4467703873e-1,
                                  -1.664374267e-1, 1.9991090579e-1, -2.5000194094e-1, 3.3333448139e-1, -0.5);
  return fma(from_integers(s), splat<Vec<float>>(-0x1p-23f * kLn2), fma(p, f * f, f));
}

/** What log is of 0, of less and of more than all numbers. */
inline Vec<float> log_beyond(Vec<float> x, Vec<float> otherwise) {
  const Vec<float> infinity = splat<Vec<float>>(__builtin_inff());
  const Vec<float> at_zero_or_below = x == 0 ? -infinity : splat<Vec<float>>(__builtin_nanf(""));
  return x < infinity ? (x > 0 ? otherwise : at_zero_or_below) : x;
}

inline Vec<float> log_of_ordinary(Vec<float> x) {
  const Vec<int32_t> s = exponent_below(x);
  return log1p_less(from_bits<Vec<float>>(wrapping_add(to_bits(x), s)) - splat<Vec<float>>(1), s);
}

inline Vec<float> log(Vec<float> x) {
  const Vec<float> result = log_of_ordinary(x);
  const Vec<int32_t> ordinary = is_ordinary(x);
  if (!any(~ordinary)) return result;
  const Vec<float> of_subnormal = log_of_ordinary(x * splat<Vec<float>>(0x1p23f)) - splat<Vec<float>>(23 * kLn2);
  return ordinary ? result : log_beyond(x, of_subnormal);
}

/** As log(u) with u = 1 + x, whose rounding is of no matter: only its exponent is used. */
inline Vec<float> log1p(Vec<float> x) {
  const Vec<float> one = splat<Vec<float>>(1);
  const Vec<float> u = x + one;
  const Vec<int32_t> s = exponent_below(u);
  const Vec<float> scaled = from_bits<Vec<float>>(wrapping_add(to_bits(x), s));
  // 2^s by way of 2^(s + 2), which is never subnormal.
  const Vec<float> four = from_bits<Vec<float>>(wrapping_add(to_bits(splat<Vec<float>>(4)), s));
  const Vec<float> result = log1p_less(scaled - fma(four, splat<Vec<float>>(-0.25f), one), s);
  const Vec<int32_t> ordinary = is_ordinary(u);
  return any(~ordinary) ? (ordinary ? result : log_beyond(u, result)) : result;
}

/** Up to 1.1 a polynomial, beyond 1 - p(x)^8. */
inline Vec<float> erf(Vec<float> x) {
  const Vec<float> a = abs(x);
  const Vec<float> near = polynomial(x * x, 7.2360693594e-5, -7.8247394413e-4, 5.1677310839e-3, -2.6843518019e-2,
                                     1.1283364147e-1, -3.7612611055e-1, 1.2837916613e-1);
  const Vec<float> root = polynomial(less_of(splat<Vec<float>>(4), a), 1.6021408373e-4, -2.5811558589e-3,
                                     1.3413974084e-2, -1.2489449233e-2, -6.0021255165e-2, -1.459852457e-1, 1.001083374);
  const Vec<float> square = root * root;
  const Vec<float> fourth = square * square;
  const Vec<float> far = with_sign(fma(-fourth, fourth, splat<Vec<float>>(1)), x);
  return a > splat<Vec<float>>(1.1f) ? far : fma(near, x, x);
}

}  // namespace
}  // namespace nabla::NABLA_ISA
