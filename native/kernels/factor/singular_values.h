#pragma once

#include "decompositions.h"

/** Singular values by one-sided Jacobi rotations. */
namespace nabla::NABLA_ISA {
namespace {

constexpr int kMostSweeps = 60;
constexpr double kEpsilon = 0x1p-52;

inline double dot_in_order(const double* a, const double* b, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; i++) sum += a[i] * b[i];
  return sum;
}

inline void rotate(double* __restrict p, double* __restrict q, int64_t count, double cosine, double sine) {
  for (int64_t i = 0; i < count; i++) {
    const double x = p[i], y = q[i];
    p[i] = cosine * x - sine * y;
    q[i] = sine * x + cosine * y;
  }
}

/** One rotation for each pair of columns that is not orthogonal yet; false if all are. */
inline bool rotate_pairs(double* w, double* v, int64_t m, int64_t n) {
  const double tolerance = kEpsilon * __builtin_sqrt(static_cast<double>(m));
  bool rotated = false;
  for (int64_t i = 0; i < n; i++) {
    for (int64_t j = i + 1; j < n; j++) {
      double *const p = w + i * m, *const q = w + j * m;
      double a = 0, b = 0, c = 0;
      for (int64_t r = 0; r < m; r++) {
        a += p[r] * p[r];
        b += q[r] * q[r];
        c += p[r] * q[r];
      }
      if (!(__builtin_fabs(c) > tolerance * __builtin_sqrt(a) * __builtin_sqrt(b))) continue;
      rotated = true;
      const double zeta = (b - a) / (2 * c);
      const double tangent = (zeta >= 0 ? 1 : -1) / (__builtin_fabs(zeta) + __builtin_sqrt(1 + zeta * zeta));
      const double cosine = 1 / __builtin_sqrt(1 + tangent * tangent);
      rotate(p, q, m, cosine, cosine * tangent);
      rotate(v + i * n, v + j * n, n, cosine, cosine * tangent);
    }
  }
  return rotated;
}

/** A power of two near the largest element, so that no square is too large or too small; 1 where there is none. */
inline double scale_of(const double* a, int64_t count) {
  double largest = 0;
  for (int64_t i = 0; i < count; i++) largest = larger_or_nan(largest, __builtin_fabs(a[i]));
  double scale = 1;
  if (!(largest > 0) || largest == __builtin_inf()) return scale;
  while (scale < largest / 2) scale *= 2;
  while (scale > largest) scale /= 2;
  return scale;
}

/** The first of the largest, or of NaN. */
inline int64_t largest_of(const double* lengths, int64_t count) {
  int64_t best = 0;
  for (int64_t j = 1; j < count; j++) {
    const bool is_nan = lengths[j] != lengths[j] && lengths[best] == lengths[best];
    if (lengths[j] > lengths[best] || is_nan) best = j;
  }
  return best;
}

inline void svd(const double* a, double* u, double* values, double* v, int64_t m, int64_t n, double* more) {
  const double scale = scale_of(a, m * n);
  double *const w = more, *const turned = w + n * m, *const lengths = turned + n * n;
  for (int64_t j = 0; j < n; j++) {
    for (int64_t i = 0; i < n; i++) turned[j * n + i] = i == j ? 1 : 0;
    for (int64_t i = 0; i < m; i++) w[j * m + i] = a[i * n + j] / scale;
  }
  for (int sweep = 0; sweep < kMostSweeps && rotate_pairs(w, turned, m, n); sweep++)
    ;
  double largest = 0;
  for (int64_t j = 0; j < n; j++) {
    lengths[j] = __builtin_sqrt(dot_in_order(w + j * m, w + j * m, m));
    largest = larger_or_nan(largest, lengths[j]);
  }
  for (int64_t place = 0; place < n; place++) {
    const int64_t next = largest_of(lengths, n);
    const double length = lengths[next];
    lengths[next] = -1;
    values[place] = length * scale;
    const bool is_nothing = length <= largest * static_cast<double>(m) * kEpsilon;
    for (int64_t i = 0; i < m; i++) u[i * n + place] = is_nothing ? 0 : w[next * m + i] / length;
    for (int64_t i = 0; i < n; i++) v[i * n + place] = turned[next * n + i];
  }
}

}  // namespace
}  // namespace nabla::NABLA_ISA
