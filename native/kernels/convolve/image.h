#pragma once

#include "../../simd/vec.h"
#include "../integers.h"
#include "../matmul/pack.h"
#include "../rows.h"
#include "geometry.h"

/** The part of an input that windows in a region see, with zeros around it: what all of them read lies side by side. */
namespace nabla::NABLA_ISA {
namespace {

constexpr int64_t floor_div(int64_t a, int64_t b) { return a >= 0 ? a / b : -ceil_div(-a, b); }

/** Sizes and distances of an image, in elements. Columns that a stride separates are sorted into phases, so that those
 * of neighbouring places are neighbours. */
struct ImageLayout {
  int64_t planes, rows, phases, cols;

  ImageLayout(const Convolution& from, int64_t region_rows, int64_t region_cols)
      : planes((from.kernel[0] - 1) * from.dilation[0] + 1),
        rows((region_rows - 1) * from.stride[1] + (from.kernel[1] - 1) * from.dilation[1] + 1),
        phases(from.kernel[2] == 1 ? 1 : from.stride[2]),
        cols(region_cols + (from.kernel[2] - 1) * from.dilation[2] / from.stride[2]) {}

  int64_t row() const { return phases * cols; }
  int64_t plane() const { return rows * row(); }
  int64_t channel() const { return planes * plane(); }
};

/** Zeros, as whole vectors: up to one beyond. */
template <typename T>
void clear(T* to, int64_t count) {
  for (int64_t i = 0; i < count; i += kLanes<T>) store(to + i, Vec<T>{});
}

/** Which columns of a phase are inside of the input, and where in its rows the first of them is. */
struct Inside {
  int64_t low, high, first;

  static Inside of(const Convolution& from, int64_t first, int64_t cols) {
    const int64_t stride = from.stride[2];
    const int64_t low = smaller(larger(-floor_div(first, stride), 0), cols);
    const int64_t high = smaller(larger(floor_div(from.whole[2] - 1 - first, stride) + 1, low), cols);
    return {low, high, first + low * stride};
  }
};

/**
 * Some channels of a sample's group. Where an image is `padded` already, because the same region was laid there before,
 * the zeros around the input are left as they are; or else what follows the image is written too, up to two vectors.
 */
template <typename T>
void lay_image(const Convolution& from, const T* sample, int64_t channels, const Region& region,
               const ImageLayout& layout, bool padded, T* to) {
  const int64_t* strides = from.input->strides + Convolution::kWhole;
  const int64_t first_plane = region.plane * from.stride[0] - from.before[0];
  const int64_t first_row = region.row * from.stride[1] - from.before[1];
  const int64_t first_col = region.col * from.stride[2] - from.before[2];
  const int64_t top = smaller(larger(-first_row, 0), layout.rows);
  const int64_t bottom = smaller(larger(from.whole[1] - first_row, top), layout.rows);
  const int64_t step = from.stride[2] * strides[2];
  // Rows that are whole, and lie side by side, are copied as one.
  const bool is_dense =
      layout.phases == 1 && step == 1 && strides[1] == from.whole[2] && first_col == 0 && layout.cols == from.whole[2];
  if (!padded) clear(to, channels * layout.channel() + kLanes<T>);
  for (int64_t c = 0; c < channels; c++) {
    for (int64_t z = 0; z < layout.planes; z++, to += layout.plane()) {
      const int64_t plane = first_plane + z;
      if (plane < 0 || plane >= from.whole[0]) continue;
      const T* source =
          sample + c * from.input->strides[Convolution::kChannel] + plane * strides[0] + (first_row + top) * strides[1];
      T* const first = to + top * layout.row();
      if (is_dense) {
        lay_row(source, 1, (bottom - top) * layout.cols, first);
        continue;
      }
      for (int64_t phase = 0; phase < layout.phases; phase++) {
        const Inside inside = Inside::of(from, first_col + phase, layout.cols);
        const T* row = source + inside.first * strides[2];
        T* line = first + phase * layout.cols + inside.low;
        for (int64_t y = top; y < bottom; y++, row += strides[1], line += layout.row()) {
          lay_row(row, step, inside.high - inside.low, line);
        }
      }
    }
  }
}

/** For each term of an output, an element of the window in one of some channels, where the first place has it. */
inline void term_offsets(const Convolution& from, int64_t channels, const ImageLayout& layout, int64_t* offsets) {
  for (int64_t c = 0; c < channels; c++) {
    for (int64_t z = 0; z < from.kernel[0]; z++) {
      for (int64_t y = 0; y < from.kernel[1]; y++) {
        const int64_t row =
            c * layout.channel() + z * from.dilation[0] * layout.plane() + y * from.dilation[1] * layout.row();
        for (int64_t x = 0; x < from.kernel[2]; x++) {
          const int64_t col = x * from.dilation[2];
          *offsets++ = row + col % from.stride[2] * layout.cols + col / from.stride[2];
        }
      }
    }
  }
}

}  // namespace
}  // namespace nabla::NABLA_ISA
