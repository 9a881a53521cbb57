#pragma once

#include <cstdint>
#include <cstring>

#include "../../simd/vec.h"
#include "../integers.h"

/** Copies of matrix blocks in the order in which register tiles read them. */
namespace nabla::NABLA_ISA {
namespace {

/** The lower (Half 0) or upper (Half 1) lanes of a and b, alternating. */
template <int Half, typename V>
V zip(V a, V b) {
  constexpr int kCount = kVectorBytes / sizeof(Lane<V>);
  return [ a, b ]<int... I>(Indices<I...>) {
    return __builtin_shufflevector(a, b, (I / 2 + I % 2 * kCount + Half * kCount / 2)...);
  }
  (MakeIndices<kCount>{});
}

/** Turns the rows of a square into its columns. */
template <typename T>
void transpose_square(Vec<T> (&rows)[kLanes<T>]) {
  constexpr int kCount = kLanes<T>;
#pragma GCC unroll 4
  for (int width = 1; width < kCount; width *= 2) {
    Vec<T> zipped[kCount];
#pragma GCC unroll 8
    for (int i = 0; i < kCount / 2; i++) {
      zipped[2 * i] = zip<0>(rows[i], rows[i + kCount / 2]);
      zipped[2 * i + 1] = zip<1>(rows[i], rows[i + kCount / 2]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < kCount; i++) rows[i] = zipped[i];
  }
}

/** How many blocks ahead rows are fetched. */
constexpr int kAhead = 4;

/**
 * to[p * to_stride + i] = from[i * from_stride + p] for i < m, p < a vector's lanes; m is at most as many.
 * Rows of `to` are written in order and whole, beyond m too.
 */
template <typename T>
void transpose_block(const T* from, int64_t from_stride, int64_t m, T* to, int64_t to_stride) {
  constexpr int kCount = kLanes<T>;
  Vec<T> rows[kCount];
  for (int i = 0; i < kCount; i++) {
    // Rows are pages apart, and too many for a processor to see where they go on.
    __builtin_prefetch(from + i * from_stride + kAhead * kCount);
    rows[i] = i < m ? load(from + i * from_stride) : Vec<T>{};
  }
  transpose_square<T>(rows);
#pragma GCC unroll 16
  for (int i = 0; i < kCount; i++) store(to + i * to_stride, rows[i]);
}

/** One by one, with zeros from m to `to_stride`: whatever memory held there may be denormal, which slows every
 * multiply-add down. */
template <typename T>
void gather_rows(const T* from, int64_t across, int64_t along, int64_t m, int64_t k, T* to, int64_t to_stride) {
  for (int64_t p = 0; p < k; p++) {
    for (int64_t i = 0; i < m; i++) to[p * to_stride + i] = from[i * across + p * along];
    for (int64_t i = m; i < to_stride; i++) to[p * to_stride + i] = 0;
  }
}

/** to[p * to_stride + i] = from[i * from_stride + p] for i < m, p < k; up to a vector beyond `to` is written
 * too. */
template <typename T>
void transpose(const T* from, int64_t from_stride, int64_t m, int64_t k, T* to, int64_t to_stride) {
  constexpr int kCount = kLanes<T>;
  int64_t p = 0;
  for (; p + kCount <= k; p += kCount) {
    // From the last columns to the first, because the last may spill into the next row.
    for (int64_t i = round_up(m, kCount) - kCount; i >= 0; i -= kCount) {
      const int64_t rows = smaller(m - i, kCount);
      transpose_block(from + i * from_stride + p, from_stride, rows, to + p * to_stride + i, to_stride);
    }
  }
  gather_rows(from + p, from_stride, 1, m, k - p, to + p * to_stride, to_stride);
}

/** to[p * to_stride + i] = from[p * from_stride + i] for i < m, p < k; up to a vector beyond `to` is written
 * too. */
template <typename T>
void copy_rows(const T* from, int64_t from_stride, int64_t m, int64_t k, T* to, int64_t to_stride) {
  constexpr int kCount = kLanes<T>;
  for (int64_t p = 0; p < k; p++) {
    int64_t i = 0;
    for (; i + kCount <= m; i += kCount) store(to + p * to_stride + i, load(from + p * from_stride + i));
    if (i < m) store(to + p * to_stride + i, load_partial(from + p * from_stride + i, m - i));
  }
}

/** Copies k rows of m, in panels of up to `width` columns: rows of a panel are whole vectors, and follow each other. */
template <typename T>
void copy_panels(const T* from, int64_t from_stride, int64_t m, int64_t k, int64_t width, T* to) {
  const int64_t last = m / width * width, last_stride = round_up(m - last, kLanes<T>);
  for (int64_t p = 0; p < k; p++, from += from_stride) {
    for (int64_t i = 0; i < last; i += width) copy_rows(from + i, 0, width, 1, to + i * k + p * width, 0);
    if (last < m) copy_rows(from + last, 0, m - last, 1, to + last * k + p * last_stride, 0);
  }
}

/**
 * to[p * to_stride + i] = from[i * across + p * along] for i < m, p < k. For A, m counts rows; for B it
 * counts columns. Up to a vector beyond `to` is written too; elements from m to `to_stride` are 0.
 */
template <typename T>
void pack(const T* from, int64_t across, int64_t along, int64_t m, int64_t k, T* to, int64_t to_stride) {
  if (along == 1) {
    transpose(from, across, m, k, to, to_stride);
  } else if (across == 1) {
    copy_rows(from, along, m, k, to, to_stride);
  } else {
    gather_rows(from, across, along, m, k, to, to_stride);
  }
}

}  // namespace
}  // namespace nabla::NABLA_ISA
