#pragma once

#include "../integers.h"

/** Of matrices in rows of doubles, as lib/backend/js/factor.ts has them: operation by operation, to the same bits. */
namespace nabla::NABLA_ISA {
namespace {

/** to[j] -= factor * from[j]. */
inline void subtract(double* __restrict to, double factor, const double* __restrict from, int64_t count) {
  for (int64_t j = 0; j < count; j++) to[j] -= factor * from[j];
}

/** `column` has room for n numbers. */
inline void cholesky(const double* a, double* l, double* info, int64_t n, double* column) {
  for (int64_t i = 0; i < n; i++) {
    for (int64_t j = 0; j <= i; j++) l[i * n + j] = a[i * n + j];
  }
  for (int64_t k = 0; k < n; k++) {
    const double pivot = l[k * n + k];
    if (!(pivot > 0)) {
      *info = static_cast<double>(k + 1);
      return;
    }
    const double root = __builtin_sqrt(pivot);
    l[k * n + k] = root;
    for (int64_t i = k + 1; i < n; i++) l[i * n + k] = column[i] = l[i * n + k] / root;
    for (int64_t i = k + 1; i < n; i++) subtract(l + i * n + k + 1, column[i], column + k + 1, i - k);
  }
}

inline void lu(const double* a, double* work, double* pivots, double* info, int64_t m, int64_t n, int64_t count) {
  for (int64_t i = 0; i < m * n; i++) work[i] = a[i];
  for (int64_t k = 0; k < count; k++) {
    int64_t best = k;
    for (int64_t i = k + 1; i < m; i++) {
      if (__builtin_fabs(work[i * n + k]) > __builtin_fabs(work[best * n + k])) best = i;
    }
    pivots[k] = static_cast<double>(best + 1);
    for (int64_t j = 0; j < n && best != k; j++) {
      const double x = work[k * n + j];
      work[k * n + j] = work[best * n + j];
      work[best * n + j] = x;
    }
    const double pivot = work[k * n + k];
    if (pivot == 0) {
      if (*info == 0) *info = static_cast<double>(k + 1);
      continue;
    }
    for (int64_t i = k + 1; i < m; i++) {
      const double factor = work[i * n + k] /= pivot;
      subtract(work + i * n + k + 1, factor, work + k * n + k + 1, n - k - 1);
    }
  }
}

/** A pivot that is no row exchanges nothing. */
inline void order(const double* pivots, double* rows, int64_t m, int64_t count) {
  for (int64_t i = 0; i < m; i++) rows[i] = static_cast<double>(i);
  for (int64_t k = 0; k < smaller(m, count); k++) {
    const int64_t other = static_cast<int64_t>(pivots[k]) - 1;
    if (other < 0 || other >= m) continue;
    const double row = rows[k];
    rows[k] = rows[other];
    rows[other] = row;
  }
}

/** NaN is larger than all others. */
inline double larger_or_nan(double a, double b) { return a > b || a != a ? a : b; }

}  // namespace
}  // namespace nabla::NABLA_ISA
