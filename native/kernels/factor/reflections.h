#pragma once

#include "../math/math.h"
#include "decompositions.h"

/**
 * Householder reflections. Columns are treated in strips, which stay in cache while all reflections are applied to
 * them: each column by itself, so that its bits do not depend on that.
 */
namespace nabla::NABLA_ISA {
namespace {

/** Columns of a strip. */
constexpr int64_t kStrip = 16;

/** Room for a strip, for the vectors of all reflections, and for a row or a column. */
constexpr int64_t factor_scratch(int64_t m, int64_t n, int64_t k) {
  const int64_t reflecting = m * kStrip + m * larger(k, 1);
  const int64_t turning = n * (m + n + 1);
  return larger(reflecting, turning) + m + n;
}

/** (I - tau v vT) applied to the columns of a strip, from row `first` on; v[first] is taken as 1. */
inline void reflect_strip(double* strip, int64_t m, const double* v, double tau, int64_t first) {
  using V = Vec<double>;
  constexpr int kWidth = kLanes<double>;
  constexpr int kVectors = kStrip / kWidth;
  V sums[kVectors];
  for (V& sum : sums) sum = splat<V>(0);
  for (int64_t i = first; i < m; i++) {
    const V weight = splat<V>(i == first ? 1 : v[i]);
    for (int k = 0; k < kVectors; k++) sums[k] = sums[k] + weight * load(strip + i * kStrip + k * kWidth);
  }
  for (int64_t i = first; i < m; i++) {
    const V weight = splat<V>(tau * (i == first ? 1 : v[i]));
    for (int k = 0; k < kVectors; k++) {
      double* const at = strip + i * kStrip + k * kWidth;
      store(at, load(at) - weight * sums[k]);
    }
  }
}

/** What a column becomes: the vector of the reflection that clears it, below what is left of it. Returns its factor. */
inline double reflection_of(double* v, int64_t first, int64_t m) {
  double largest = 0;
  for (int64_t i = first + 1; i < m; i++) largest = larger_or_nan(largest, __builtin_fabs(v[i]));
  if (largest == 0) return 0;
  const double alpha = v[first];
  largest = larger_or_nan(largest, __builtin_fabs(alpha));
  double sum = 0;
  for (int64_t i = first; i < m; i++) sum += (v[i] / largest) * (v[i] / largest);
  const double norm = largest * __builtin_sqrt(sum);
  const double beta = alpha >= 0 ? -norm : norm;
  for (int64_t i = first + 1; i < m; i++) v[i] = v[i] / (alpha - beta);
  v[first] = beta;
  return (beta - alpha) / beta;
}

/** Copies columns of rows into a strip, or back; what a strip has beyond them is 0. */
inline void load_strip(double* strip, const double* rows, int64_t m, int64_t n, int64_t from) {
  const int64_t count = smaller(kStrip, n - from);
  for (int64_t i = 0; i < m; i++) {
    for (int64_t j = 0; j < kStrip; j++) strip[i * kStrip + j] = j < count ? rows[i * n + from + j] : 0;
  }
}

inline void store_strip(double* rows, const double* strip, int64_t m, int64_t n, int64_t from) {
  const int64_t count = smaller(kStrip, n - from);
  for (int64_t i = 0; i < m; i++) {
    for (int64_t j = 0; j < count; j++) rows[i * n + from + j] = strip[i * kStrip + j];
  }
}

inline void qr(const double* a, double* packed, double* taus, int64_t m, int64_t n, int64_t count, double* more) {
  double *const strip = more, *const vectors = more + m * kStrip;
  const auto apply = [&](int64_t k) {
    if (taus[k] != 0) reflect_strip(strip, m, vectors + k * m, taus[k], k);
  };
  for (int64_t from = 0; from < n; from += kStrip) {
    load_strip(strip, a, m, n, from);
    for (int64_t k = 0; k < smaller(from, count); k++) apply(k);
    const int64_t end = smaller(from + kStrip, n);
    for (int64_t k = from; k < end; k++) {
      const double* const column = strip + k - from;
      if (k >= count) {
        for (int64_t i = 0; i < m; i++) packed[i * n + k] = column[i * kStrip];
        continue;
      }
      double* const v = vectors + k * m;
      for (int64_t i = 0; i < m; i++) v[i] = column[i * kStrip];
      taus[k] = reflection_of(v, k, m);
      for (int64_t i = 0; i < m; i++) packed[i * n + k] = v[i];
      // What it does to columns that are done is of no account.
      apply(k);
    }
  }
}

inline void reflect(const double* packed, const double* taus, double* q, int64_t m, int64_t n, int64_t count,
                    double* more) {
  double *const strip = more, *const vectors = more + m * kStrip;
  for (int64_t i = 0; i < m; i++) {
    for (int64_t k = 0; k < count; k++) vectors[k * m + i] = packed[i * count + k];
  }
  for (int64_t from = 0; from < n; from += kStrip) {
    for (int64_t i = 0; i < m; i++) {
      for (int64_t j = 0; j < kStrip; j++) strip[i * kStrip + j] = i == from + j && i < n ? 1 : 0;
    }
    // Those after the strip leave it as it is.
    for (int64_t k = smaller(count, from + kStrip) - 1; k >= 0; k--) {
      if (taus[k] != 0) reflect_strip(strip, m, vectors + k * m, taus[k], k);
    }
    store_strip(q, strip, m, n, from);
  }
}

}  // namespace
}  // namespace nabla::NABLA_ISA
