#pragma once

#include "double.h"

/** On double vectors, but only as accurate as floats need: to about 1e-10. Coefficients are Chebyshev fits. */
namespace nabla::NABLA_ISA {
namespace {
namespace wide {

using V = Vec<double>;

constexpr double kPi = 3.14159265358979323846;
constexpr double kHalfPi = kPi / 2;

/** Below this a few terms of a function's series do; above, log(1 + x) has lost no more than 1e-12 of x. */
constexpr double kTiny = 1e-4;

inline V log2(V x) { return log(x) * splat<V>(0x1.71547652b82fep0); }

/** Beyond this, reduction by two parts of pi/2 loses too much, and the C library takes over. */
constexpr double kMaxAngle = 1e5;

/** x less n quarter turns, |r| <= pi/4, with the sine and cosine of r. */
struct Angle {
  V sine, cosine;
  Vec<int64_t> quarter_turns;
};

inline Angle reduce_angle(V x) {
  const V n = round(x * splat<V>(1 / kHalfPi));
  const V r = fma(n, splat<V>(-6.07710050650619224932e-11), fma(n, splat<V>(-1.57079632673412561417), x));
  const V z = r * r;
  const V s = polynomial(z, -2.4805636241834762561e-8, 2.7555990929565318647e-6, -1.9841266916985965554e-4,
                         8.3333333310792230779e-3, -1.6666666666663885933e-1);
  const V c = polynomial(z, -2.7300959203901469961e-7, 2.4800600377156728018e-5, -1.3888887672016790051e-3,
                         4.1666666664321203341e-2, -0.5, 1);
  return {fma(s * z, r, r), c, to_integers(n)};
}

/** The sine of an angle: quarter turns swap sine and cosine, half turns flip the sign. */
inline V sine_of(const Angle& angle, Vec<int64_t> quarter_turns) {
  const V value = (quarter_turns & 1) != 0 ? angle.cosine : angle.sine;
  return from_bits<V>(to_bits(value) ^ ((quarter_turns & 2) << 62));
}

template <typename Library>
V beyond_max_angle(V x, V result, Library library) {
  const Bits<V> far = abs(x) > splat<V>(kMaxAngle);
  return any(far) ? (far ? per_lane(library, x) : result) : result;
}

inline V sin(V x) {
  const Angle angle = reduce_angle(x);
  const V result = sine_of(angle, angle.quarter_turns);
  return beyond_max_angle(x, x == 0 ? x : result, [](double a) { return __builtin_sin(a); });
}

inline V cos(V x) {
  const Angle angle = reduce_angle(x);
  const V result = sine_of(angle, wrapping_add(angle.quarter_turns, Vec<int64_t>{} + 1));
  return beyond_max_angle(x, result, [](double a) { return __builtin_cos(a); });
}

inline V tan(V x) {
  const Angle angle = reduce_angle(x);
  const auto odd = (angle.quarter_turns & 1) != 0;
  const V result = (odd ? -angle.cosine : angle.sine) / (odd ? angle.sine : angle.cosine);
  return beyond_max_angle(x, x == 0 ? x : result, [](double a) { return __builtin_tan(a); });
}

/** asin t for t in [0, 1/2], from t and its square. */
inline V asin_core(V t, V z) {
  const V p = polynomial(z, 2.8346745231833329288e-2, 1.0675063150363117873e-3, 1.6864090273960119813e-2,
                         1.6902683886393574666e-2, 2.241241772669543317e-2, 3.0379945210024933077e-2,
                         4.4642906474584963452e-2, 7.4999999534297118592e-2, 1.6666666666738632408e-1);
  return fma(p * z, t, t);
}

/** asin |x| where |x| <= 1/2, and otherwise the asin of sqrt((1 - |x|) / 2), which is half of acos |x|. */
inline V asin_folded(V a) {
  const auto far = a > splat<V>(0.5);
  const V z = far ? (splat<V>(1) - a) * splat<V>(0.5) : a * a;
  return asin_core(far ? sqrt(z) : a, z);
}

inline V asin(V x) {
  const V a = abs(x);
  const V p = asin_folded(a);
  return copysign(a > splat<V>(0.5) ? splat<V>(kHalfPi) - (p + p) : p, x);
}

inline V acos(V x) {
  const V a = abs(x);
  const V p = asin_folded(a);
  const V far = x > 0 ? p + p : splat<V>(kPi) - (p + p);
  return a > splat<V>(0.5) ? far : splat<V>(kHalfPi) - copysign(p, x);
}

/** With t = tan(pi/8): up to t the series, up to 1/t after turning by pi/4, beyond after turning by pi/2. */
inline V atan(V x) {
  const V a = abs(x);
  const V one = splat<V>(1);
  const auto middle = a > splat<V>(0.41421356237309503);
  const auto far = a > splat<V>(2.4142135623730951);
  const V numerator = far ? -one : middle ? a - one : a;
  const V denominator = far ? a : middle ? a + one : one;
  const V turned = far ? splat<V>(kHalfPi) : middle ? splat<V>(kPi / 4) : splat<V>(0);
  const V t = numerator / denominator;
  const V z = t * t;
  const V p = polynomial(z, 3.2956795418701365507e-2, -6.0273074609466753293e-2, 7.6048000460782915455e-2,
                         -9.0841018953464294986e-2, 1.1110819716745676225e-1, -1.4285708110360399852e-1,
                         1.999999994985479311e-1, -3.3333333333266199023e-1);
  return copysign(turned + fma(p * z, t, t), x);
}

inline V sinh(V x) {
  const V a = abs(x);
  const V z = x * x;
  const V p = polynomial(z, 2.5456706571523820711e-8, 2.7553770263641490405e-6, 1.984128253011598958e-4,
                         8.3333333174643625948e-3, 1.6666666666698407623e-1);
  const V e = exp(a);
  const V far = copysign((e - splat<V>(1) / e) * splat<V>(0.5), x);
  return a > splat<V>(1) ? far : fma(p * z, x, x);
}

inline V cosh(V x) {
  const V e = exp(abs(x));
  return (e + splat<V>(1) / e) * splat<V>(0.5);
}

inline V asinh(V x) {
  const V a = abs(x);
  const V square = a * a;
  const V series = a - a * square * splat<V>(1.0 / 6);
  const V value = log(a + sqrt(square + splat<V>(1)));
  return copysign(a < splat<V>(kTiny) ? series : value, x);
}

inline V acosh(V x) {
  const V one = splat<V>(1);
  return x < one ? splat<V>(__builtin_nan("")) : log(x + sqrt((x - one) * (x + one)));
}

inline V atanh(V x) {
  const V a = abs(x);
  const V one = splat<V>(1);
  const V series = a + a * a * a * splat<V>(1.0 / 3);
  const V value = log((one + a) / (one - a)) * splat<V>(0.5);
  return copysign(a < splat<V>(kTiny) ? series : value, x);
}

/** e^(-x^2) / (1 + 2x) times a polynomial in (x - 3.75) / (x + 3.75); 2 - erfc(-x) for negative x. 0 for floats
 * from 10.5 on. */
inline V erfc(V x) {
  const V a = less_of(splat<V>(10.5), abs(x));
  const V t = (a - splat<V>(3.75)) / (a + splat<V>(3.75));
  const V p =
      polynomial(t, -6.8185256593624144742e-5, -4.2295671933667814913e-4, 2.8916953876790270988e-4,
                 1.8296471819758267855e-3, -9.717255488401014111e-3, 2.8349165031731956967e-2,
                 -5.8701502036286224068e-2, 9.2305140254995389256e-2, -1.0880311997970242592e-1,
                 8.2276728009368480415e-2, 3.5853874342778030469e-3, -1.402405986840172532e-1, 1.2375126309947796673);
  const V value = p * exp(-a * a) / fma(a, splat<V>(2), splat<V>(1));
  return x < 0 ? splat<V>(2) - value : value;
}

/** e^(b ln |a|), and C's rules: x^0 and 1^y are 1, a negative base takes whole powers only and the sign of odd ones. */
inline V pow(V a, V b) {
  const V one = splat<V>(1);
  const V magnitude = exp(b * log(abs(a)));
  const V half = b * splat<V>(0.5);
  const auto whole = b == round(b);
  const auto odd = whole & (half != round(half));
  const V with_sign = odd ? copysign(magnitude, a) : magnitude;
  const V of_negative = whole ? with_sign : splat<V>(__builtin_nan(""));
  const auto negative = (a < 0) & (abs(a) != splat<V>(__builtin_inf()));
  const V result = negative ? of_negative : with_sign;
  const auto is_one = (b == 0) | (a == one) | ((abs(a) == one) & (abs(b) == splat<V>(__builtin_inf())));
  return is_one ? one : result;
}

}  // namespace wide
}  // namespace
}  // namespace nabla::NABLA_ISA
