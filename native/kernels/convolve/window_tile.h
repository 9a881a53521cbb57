#pragma once

#include "../../simd/vec.h"
#include "../matmul/register_tile.h"

/**
 * Part of an output that stays in registers while terms run: rows are channels, and vectors are places that lie side by
 * side. Every element is one chain of fused multiply-adds over the terms in order, as in a product.
 */
namespace nabla::NABLA_ISA {
namespace {

/** Vectors of a row: more where an output has few rows, which would wait for each other. */
constexpr int kFewRowsOfTile = 3;
constexpr int tile_vectors(int64_t rows) { return rows == 1 ? 8 : rows <= kFewRowsOfTile ? 4 : kRegisterVectors; }
constexpr int kMostVectors = 8;

/** The vectors of a tile: where the image has the first term of each, where its output begins, how many lanes belong to
 * that. */
template <typename T>
struct TileVectors {
  const T* from[kMostVectors];
  T* to[kMostVectors];
  int64_t counts[kMostVectors];
};

/** A is packed: its columns follow each other. Rows of the output are `stride` apart. */
template <typename T>
using WindowTile = void (*)(int64_t k, const T* a, const int64_t* offsets, const TileVectors<T>& vectors,
                            int64_t stride, bool accumulate);

template <typename T, int Rows, int Vectors>
void multiply_window_tile(int64_t k, const T* a, const int64_t* offsets, const TileVectors<T>& vectors, int64_t stride,
                          bool accumulate) {
  using V = Vec<T>;
  V sum[Rows][Vectors]{};
  const T* from[Vectors];
#pragma GCC unroll 8
  for (int j = 0; j < Vectors; j++) from[j] = vectors.from[j];
  if (accumulate) {
#pragma GCC unroll 16
    for (int i = 0; i < Rows; i++) {
#pragma GCC unroll 8
      for (int j = 0; j < Vectors; j++) {
        sum[i][j] = load_columns(vectors.to[j] + i * stride, vectors.counts[j]);
      }
    }
  }
  for (int64_t p = 0; p < k; p++, a += Rows) {
    const int64_t offset = offsets[p];
    if constexpr (kFetchesAhead) __builtin_prefetch(a + kPrefetchCols * Rows);
    V row[Vectors];
#pragma GCC unroll 8
    for (int j = 0; j < Vectors; j++) row[j] = load(from[j] + offset);
#pragma GCC unroll 16
    for (int i = 0; i < Rows; i++) {
      const V factor = splat<V>(a[i]);
#pragma GCC unroll 8
      for (int j = 0; j < Vectors; j++) sum[i][j] = fma(factor, row[j], sum[i][j]);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < Rows; i++) {
#pragma GCC unroll 8
    for (int j = 0; j < Vectors; j++) store_columns(vectors.to[j] + i * stride, sum[i][j], vectors.counts[j]);
  }
}

template <typename T, typename Rows, typename FewRows>
struct WindowTiles;

/** By number of rows, less one. */
template <typename T, int... Row, int... Few>
struct WindowTiles<T, Indices<Row...>, Indices<Few...>> {
  static constexpr WindowTile<T> single[] = {multiply_window_tile<T, Row + 1, 1>...};
  static constexpr WindowTile<T> plain[] = {multiply_window_tile<T, Row + 1, kRegisterVectors>...};
  static constexpr WindowTile<T> wide[] = {multiply_window_tile<T, Few + 1, tile_vectors(Few + 1)>...};
};

/** Of so many rows and vectors, which are those that `tile_vectors` says of some number of rows, or one. */
template <typename T>
WindowTile<T> window_tile(int64_t rows, int64_t vectors) {
  using Tiles = WindowTiles<T, MakeIndices<kRegisterRows>, MakeIndices<kFewRowsOfTile>>;
  if (vectors == 1) return Tiles::single[rows - 1];
  return vectors == kRegisterVectors ? Tiles::plain[rows - 1] : Tiles::wide[rows - 1];
}

}  // namespace
}  // namespace nabla::NABLA_ISA
