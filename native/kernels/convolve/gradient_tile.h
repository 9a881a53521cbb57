#pragma once

#include "../../simd/vec.h"
#include "../matmul/register_tile.h"

/**
 * Part of a weight's gradient that stays in registers while places run: rows are terms, read one by one where the image
 * has them, and vectors are output channels. Every element is one chain of fused multiply-adds over the places in
 * order.
 */
namespace nabla::NABLA_ISA {
namespace {

/** Terms beside so many vectors, and places that are taken at a time: a term's address is read once for these. */
template <int Vectors>
constexpr int kTileTerms = Vectors == 1 ? kRegisterRows + 2 : kRegisterRows - (kRegisterRows > 6 ? 2 : 1);
template <int Vectors>
constexpr int kPlacesAtOnce = 4 / Vectors;

/** Neighbouring places: how far after those of the first place of all the image has their terms, and how many they are.
 */
struct PlaceLine {
  int64_t offset, places;
};

/** `from`: where the image has each term. Gradients (places, channels) are whole vectors wide. Rows of `to` are
 * `stride` apart. */
template <typename T>
using GradientTile = void (*)(const PlaceLine* lines, int64_t line_count, const T* const* from, const T* gradients,
                              T* to, int64_t stride, int64_t last, bool accumulate);

/** Adds what some neighbouring places contribute. */
template <int Places, typename T, int Terms, int Vectors>
inline __attribute__((always_inline)) void add_places(Vec<T> (&sum)[Terms][Vectors], const T* const* from, int64_t at,
                                                      const T* gradients) {
  using V = Vec<T>;
  V gradient[Places][Vectors];
#pragma GCC unroll 4
  for (int p = 0; p < Places; p++) {
#pragma GCC unroll 2
    for (int j = 0; j < Vectors; j++) gradient[p][j] = load(gradients + (p * Vectors + j) * kLanes<T>);
  }
#pragma GCC unroll 16
  for (int i = 0; i < Terms; i++) {
    const T* term = from[i] + at;
#pragma GCC unroll 4
    for (int p = 0; p < Places; p++) {
      const V factor = splat<V>(term[p]);
#pragma GCC unroll 2
      for (int j = 0; j < Vectors; j++) sum[i][j] = fma(factor, gradient[p][j], sum[i][j]);
    }
  }
}

template <typename T, int Terms, int Vectors>
void multiply_gradient_tile(const PlaceLine* lines, int64_t line_count, const T* const* from, const T* gradients, T* to,
                            int64_t stride, int64_t last, bool accumulate) {
  constexpr int kPlaces = kPlacesAtOnce<Vectors>;
  constexpr int64_t kWidth = Vectors * kLanes<T>;
  Vec<T> sum[Terms][Vectors]{};
  if (accumulate) {
#pragma GCC unroll 16
    for (int i = 0; i < Terms; i++) {
#pragma GCC unroll 2
      for (int j = 0; j < Vectors; j++) {
        sum[i][j] = load_columns(to + i * stride + j * kLanes<T>, j == Vectors - 1 ? last : kLanes<T>);
      }
    }
  }
  for (int64_t line = 0; line < line_count; line++) {
    int64_t at = lines[line].offset;
    const int64_t end = at + lines[line].places;
    for (; at + kPlaces <= end; at += kPlaces, gradients += kPlaces * kWidth)
      add_places<kPlaces>(sum, from, at, gradients);
    for (; at < end; at++, gradients += kWidth) add_places<1>(sum, from, at, gradients);
  }
#pragma GCC unroll 16
  for (int i = 0; i < Terms; i++) {
#pragma GCC unroll 2
    for (int j = 0; j < Vectors; j++) {
      store_columns(to + i * stride + j * kLanes<T>, sum[i][j], j == Vectors - 1 ? last : kLanes<T>);
    }
  }
}

template <typename T, int Vectors, typename Terms>
struct GradientTiles;

/** By number of terms, less one. */
template <typename T, int Vectors, int... Term>
struct GradientTiles<T, Vectors, Indices<Term...>> {
  static constexpr GradientTile<T> by_terms[] = {multiply_gradient_tile<T, Term + 1, Vectors>...};
};

template <typename T>
GradientTile<T> gradient_tile(int64_t terms, bool is_wide) {
  return is_wide ? GradientTiles<T, 2, MakeIndices<kTileTerms<2>>>::by_terms[terms - 1]
                 : GradientTiles<T, 1, MakeIndices<kTileTerms<1>>>::by_terms[terms - 1];
}

}  // namespace
}  // namespace nabla::NABLA_ISA
