#pragma once

#include "../integers.h"
#include "../program/micro_loops.h"
#include "lanes.h"

/**
 * What an epilogue often is: sums with other operands (a bias, a residual), and relu. Register tiles do that on the way
 * to memory, so that such a product is neither kept nor read again. The same operations in the same order, so the same
 * bits.
 */
namespace nabla::NABLA_ISA {
namespace {

constexpr int kMostEndSteps = 3;

/** The steps, where a block's operands begin. */
template <typename T>
struct Ending {
  /** Of a relu there is no data. */
  struct Step {
    const T* data;
    int64_t row_stride, col_stride;
  };
  int count;
  Step steps[kMostEndSteps];

  /** To the sums of a register tile at a row and column; of the last vector `last` columns are there. */
  template <int Rows, int Vectors>
  [[gnu::always_inline]] void apply(Vec<T> (&sum)[Rows][Vectors], int64_t row, int64_t col, int64_t last) const {
    for (int s = 0; s < count; s++) {
      const Step& step = steps[s];
      const T* from = step.data + row * step.row_stride + col * step.col_stride;
      const auto to_each = [&sum](auto value) {
#pragma GCC unroll 16
        for (int i = 0; i < Rows; i++) {
#pragma GCC unroll 4
          for (int j = 0; j < Vectors; j++) sum[i][j] = value(i, j);
        }
      };
      if (step.data == nullptr) {
        to_each([&sum](int i, int j) { return micro::relu_op::apply(sum[i][j], sum[i][j], sum[i][j]); });
      } else if (step.col_stride == 0) {
        to_each([&](int i, int j) { return sum[i][j] + splat<Vec<T>>(from[i * step.row_stride]); });
      } else {
        to_each([&](int i, int j) {
          const int64_t width = j == Vectors - 1 ? last : kLanes<T>;
          return sum[i][j] + load_columns(from + i * step.row_stride + j * kLanes<T>, width);
        });
      }
    }
  }

  /** To a row. */
  void apply(T* row, int64_t cols) const {
    for (int64_t col = 0; col < cols; col += kLanes<T>) {
      const int64_t width = smaller(cols - col, kLanes<T>);
      Vec<T> sum[1][1] = {{load_columns(row + col, width)}};
      apply(sum, 0, col, width);
      store_columns(row + col, sum[0][0], width);
    }
  }
};

}  // namespace
}  // namespace nabla::NABLA_ISA
