#pragma once

#include <cstdint>

#include "../../simd/vec.h"
#include "ending.h"
#include "lanes.h"

/**
 * The inner loop of matmul: a register tile, part of C that stays in registers while k runs. Every element of C is one
 * chain of fused multiply-adds over k in order, so that its bits do not depend on how the matrices were cut up.
 */
namespace nabla::NABLA_ISA {
namespace {

/** Of a row of C. The ISA says how many rows there are: with these, two vectors of B and one of A the registers are
 * taken. */
constexpr int kRegisterVectors = 2;
/**
 * How far ahead of the arithmetic rows of B and columns of A are fetched: B may come from beyond L2, its rows pages
 * apart. Not beside short tiles: six rows leave no time for it (measured with AVX2: 2 to 6 % slower where B is packed,
 * and a third where its rows are pages apart).
 */
constexpr bool kFetchesAhead = kRegisterRows > 6;
constexpr int kPrefetchRows = 12;
constexpr int kPrefetchCols = 16;

template <typename T>
constexpr int kRegisterCols = kRegisterVectors * kLanes<T>;

/**
 * C (rows, cols) = or += A (rows, k) x B (k, cols), where B is whole vectors wide and of the last vector only
 * `last` columns belong to C. Rows of B are `b_stride` apart, those of C `c_stride`. Where A is row-major
 * (`along_k`) `a_stride` is the distance of its rows, else that of its columns. If C is complete then, `ending` is done
 * to it, whose first column is `col`; or else it is null.
 */
template <typename T>
using RegisterTile = void (*)(int64_t k, const T* a, int64_t a_stride, const T* b, int64_t b_stride, T* c,
                              int64_t c_stride, int64_t last, bool accumulate, const Ending<T>* ending, int64_t col);

template <typename T, int Rows, int Vectors, bool AlongK>
void multiply_register_tile(int64_t k, const T* a, int64_t a_stride, const T* b, int64_t b_stride, T* c,
                            int64_t c_stride, int64_t last, bool accumulate, const Ending<T>* ending, int64_t col) {
  using V = Vec<T>;
  V sum[Rows][Vectors]{};
  if (accumulate) {
    const T* from = c;
#pragma GCC unroll 16
    for (int i = 0; i < Rows; i++, from += c_stride) {
#pragma GCC unroll 4
      for (int j = 0; j < Vectors; j++) {
        sum[i][j] = load_columns(from + j * kLanes<T>, j == Vectors - 1 ? last : kLanes<T>);
      }
    }
  } else {
    // A new result is in no cache: its lines come while k runs, instead of holding up the stores.
#pragma GCC unroll 16
    for (int i = 0; i < Rows; i++) {
#pragma GCC unroll 4
      for (int j = 0; j < Vectors; j++) __builtin_prefetch(c + i * c_stride + j * kLanes<T>, 1);
    }
  }
  const int64_t row_step = AlongK ? a_stride : 1;
  const int64_t k_step = AlongK ? 1 : a_stride;
  for (int64_t p = 0; p < k; p++) {
    V line[Vectors];
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; j++) {
      line[j] = load(b + j * kLanes<T>);
      if constexpr (kFetchesAhead) __builtin_prefetch(b + kPrefetchRows * b_stride + j * kLanes<T>);
    }
    if constexpr (kFetchesAhead && !AlongK) __builtin_prefetch(a + kPrefetchCols * a_stride);
#pragma GCC unroll 16
    for (int i = 0; i < Rows; i++) {
      const V factor = splat<V>(a[i * row_step]);
#pragma GCC unroll 4
      for (int j = 0; j < Vectors; j++) sum[i][j] = fma(factor, line[j], sum[i][j]);
    }
    a += k_step;
    b += b_stride;
  }
  if constexpr (sizeof(T) == sizeof(float)) {
    if (ending != nullptr) ending->apply(sum, col, last);
  }
#pragma GCC unroll 16
  for (int i = 0; i < Rows; i++, c += c_stride) {
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; j++) {
      store_columns(c + j * kLanes<T>, sum[i][j], j == Vectors - 1 ? last : kLanes<T>);
    }
  }
}

template <typename T, int Vectors, bool AlongK, typename Rows>
struct RegisterTiles;

template <typename T, int Vectors, bool AlongK, int... Row>
struct RegisterTiles<T, Vectors, AlongK, Indices<Row...>> {
  /** By number of rows, less one. */
  static constexpr RegisterTile<T> by_rows[] = {multiply_register_tile<T, Row + 1, Vectors, AlongK>...};
};

template <typename T, int Vectors>
RegisterTile<T> register_tile(int64_t rows, bool along_k) {
  using Rows = MakeIndices<kRegisterRows>;
  return along_k ? RegisterTiles<T, Vectors, true, Rows>::by_rows[rows - 1]
                 : RegisterTiles<T, Vectors, false, Rows>::by_rows[rows - 1];
}

template <typename T>
RegisterTile<T> register_tile(int64_t rows, int64_t cols, bool along_k) {
  return cols > kLanes<T> ? register_tile<T, 2>(rows, along_k) : register_tile<T, 1>(rows, along_k);
}

}  // namespace
}  // namespace nabla::NABLA_ISA
