#pragma once

#include "../../simd/vec.h"
#include "../matmul/pack.h"
#include "../matmul/register_tile.h"

/**
 * Part of an output that stays in registers while terms run, turned: rows are neighbouring places, read one by one
 * where the image has them, and vectors are channels. So no lane is lost where rows of places are shorter than vectors,
 * and nothing is packed or read across lines of the cache. Every element is the chain of `window_tile.h`.
 */
namespace nabla::NABLA_ISA {
namespace {

/** Sums (places, channels) are whole vectors wide, and so are the weight's (terms, channels). */
template <typename T>
using PlaceTile = void (*)(int64_t k, const T* image, const int64_t* offsets, const T* weight, T* sums,
                           bool accumulate);

template <typename T, int Places, int Vectors>
void multiply_place_tile(int64_t k, const T* image, const int64_t* offsets, const T* weight, T* sums, bool accumulate) {
  using V = Vec<T>;
  V sum[Places][Vectors]{};
  if (accumulate) {
#pragma GCC unroll 16
    for (int i = 0; i < Places; i++) {
#pragma GCC unroll 2
      for (int j = 0; j < Vectors; j++) sum[i][j] = load(sums + (i * Vectors + j) * kLanes<T>);
    }
  }
  for (int64_t p = 0; p < k; p++, weight += Vectors * kLanes<T>) {
    const T* place = image + offsets[p];
    V row[Vectors];
#pragma GCC unroll 2
    for (int j = 0; j < Vectors; j++) row[j] = load(weight + j * kLanes<T>);
#pragma GCC unroll 16
    for (int i = 0; i < Places; i++) {
      const V factor = splat<V>(place[i]);
#pragma GCC unroll 2
      for (int j = 0; j < Vectors; j++) sum[i][j] = fma(factor, row[j], sum[i][j]);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < Places; i++) {
#pragma GCC unroll 2
    for (int j = 0; j < Vectors; j++) store(sums + (i * Vectors + j) * kLanes<T>, sum[i][j]);
  }
}

/** Places beside so many vectors. */
template <int Vectors>
constexpr int kTilePlaces = Vectors == 1 ? kRegisterRows + 2 : kRegisterRows;

template <typename T, int Vectors, typename Places>
struct PlaceTiles;

/** By number of places, less one. */
template <typename T, int Vectors, int... Place>
struct PlaceTiles<T, Vectors, Indices<Place...>> {
  static constexpr PlaceTile<T> by_places[] = {multiply_place_tile<T, Place + 1, Vectors>...};
};

template <typename T>
PlaceTile<T> place_tile(int64_t places, bool is_wide) {
  return is_wide ? PlaceTiles<T, 2, MakeIndices<kTilePlaces<2>>>::by_places[places - 1]
                 : PlaceTiles<T, 1, MakeIndices<kTilePlaces<1>>>::by_places[places - 1];
}

/** Fetches where `places` neighbouring places of so many channels, `stride` apart, are going to be stored. */
template <typename T>
void fetch_turned(const T* to, int64_t stride, int64_t places, int64_t channels) {
  for (int64_t c = 0; c < channels; c++) {
    __builtin_prefetch(to + c * stride, 1);
    __builtin_prefetch(to + c * stride + places - 1, 1);
  }
}

/** to[c * stride + p] = sums[p * width + c], for so many places and channels. Up to a square of vectors is read. */
template <typename T>
void store_turned(const T* sums, int64_t width, int64_t places, int64_t channels, T* to, int64_t stride) {
  constexpr int kCount = kLanes<T>;
  for (int64_t p = 0; p < places; p += kCount) {
    const int64_t across = smaller(kCount, places - p);
    for (int64_t c = 0; c < channels; c += kCount) {
      Vec<T> rows[kCount];
#pragma GCC unroll 16
      for (int i = 0; i < kCount; i++) rows[i] = load(sums + (p + i) * width + c);
      transpose_square<T>(rows);
      T* line = to + c * stride + p;
#pragma GCC unroll 16
      for (int i = 0; i < kCount; i++) {
        if (c + i < channels) store_columns(line + i * stride, rows[i], across);
      }
    }
  }
}

}  // namespace
}  // namespace nabla::NABLA_ISA
