#pragma once

#include <cstdint>

#include "../../simd/vec.h"
#include "../integers.h"
#include "pack.h"
#include "register_tile.h"

/**
 * A row times a matrix: C (1, cols) = A (1, k) x B (k, cols). Each element of B is used once, so that the speed is
 * that of reading B where it is.
 */
namespace nabla::NABLA_ISA {
namespace {

/** C += A x B for `Rows` rows of B. C stays in L1 while B streams past it in rows, as memory likes it best. */
template <typename T, int Rows>
void add_rows(const T* a, int64_t a_stride, const T* b, int64_t b_stride, int64_t cols, T* c) {
  Vec<T> factor[Rows];
  for (int p = 0; p < Rows; p++) factor[p] = splat<Vec<T>>(a[p * a_stride]);
  for (int64_t col = 0; col < cols; col += kLanes<T>) {
    const int64_t width = smaller(cols - col, kLanes<T>);
    Vec<T> sum = load_columns(c + col, width);
#pragma GCC unroll 8
    for (int p = 0; p < Rows; p++) sum = fma(factor[p], load_columns(b + p * b_stride + col, width), sum);
    store_columns(c + col, sum, width);
  }
}

/** B's columns are contiguous. */
template <typename T>
void multiply_row(int64_t k, const T* a, int64_t a_stride, const T* b, int64_t b_stride, int64_t cols, T* c) {
  constexpr int kRows = 8;
  for (int64_t col = 0; col < cols; col++) c[col] = 0;
  int64_t p = 0;
  for (; p + kRows <= k; p += kRows)
    add_rows<T, kRows>(a + p * a_stride, a_stride, b + p * b_stride, b_stride, cols, c);
  for (; p < k; p++) add_rows<T, 1>(a + p * a_stride, a_stride, b + p * b_stride, b_stride, cols, c);
}

/** B's columns are rows in memory, `b_stride` apart: squares of them are turned in registers. */
template <typename T>
void multiply_row_transposed(int64_t k, const T* a, int64_t a_stride, const T* b, int64_t b_stride, int64_t cols,
                             T* c) {
  constexpr int kCount = kLanes<T>;
  for (int64_t col = 0; col < cols; col += kCount) {
    const int64_t width = smaller(cols - col, kCount);
    Vec<T> sum{};
    for (int64_t p = 0; p < k; p += kCount) {
      const int64_t length = smaller(k - p, kCount);
      Vec<T> rows[kCount];
      for (int i = 0; i < kCount; i++) {
        rows[i] = i < width ? load_columns(b + (col + i) * b_stride + p, length) : Vec<T>{};
      }
      transpose_square<T>(rows);
      for (int i = 0; i < length; i++) sum = fma(splat<Vec<T>>(a[(p + i) * a_stride]), rows[i], sum);
    }
    store_columns(c + col, sum, width);
  }
}

}  // namespace
}  // namespace nabla::NABLA_ISA
