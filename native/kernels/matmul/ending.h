#pragma once

#include "../integers.h"
#include "../program/micro_loops.h"
#include "lanes.h"

/**
 * What an epilogue often is: a bias, and relu. Register tiles do that on the way to memory, so that such a product is
 * neither kept nor read again. The same operations in the same order, so the same bits.
 */
namespace nabla::NABLA_ISA {
namespace {

template <typename T>
struct Ending {
  /** An element for each column; null for none. */
  const T* bias;
  bool has_relu;

  /** To the sums of a register tile from a column on; of the last vector `last` columns are there. */
  template <int Rows, int Vectors>
  [[gnu::always_inline]] void apply(Vec<T> (&sum)[Rows][Vectors], int64_t col, int64_t last) const {
    if (bias != nullptr) {
#pragma GCC unroll 4
      for (int j = 0; j < Vectors; j++) {
        const Vec<T> of_columns = load_columns(bias + col + j * kLanes<T>, j == Vectors - 1 ? last : kLanes<T>);
#pragma GCC unroll 16
        for (int i = 0; i < Rows; i++) sum[i][j] += of_columns;
      }
    }
    if (has_relu) {
#pragma GCC unroll 16
      for (int i = 0; i < Rows; i++) {
#pragma GCC unroll 4
        for (int j = 0; j < Vectors; j++) sum[i][j] = micro::relu_op::apply(sum[i][j], sum[i][j], sum[i][j]);
      }
    }
  }

  /** To a row. */
  void apply(T* row, int64_t cols) const {
    for (int64_t col = 0; col < cols; col += kLanes<T>) {
      const int64_t width = smaller(cols - col, kLanes<T>);
      Vec<T> sum[1][1] = {{load_columns(row + col, width)}};
      apply(sum, col, width);
      store_columns(row + col, sum[0][0], width);
    }
  }
};

}  // namespace
}  // namespace nabla::NABLA_ISA
