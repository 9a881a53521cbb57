#pragma once

#include "../../simd/vec.h"
#include "../integers.h"
#include "../matmul/pack.h"
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

/** Every second lane of two vectors. */
template <typename V>
V evens(V a, V b) {
  return [ a, b ]<int... I>(Indices<I...>) { return __builtin_shufflevector(a, b, (2 * I)...); }
  (MakeIndices<kVectorBytes / sizeof(Lane<V>)>{});
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

/** A phase of a row. Up to a vector beyond is written too. */
template <typename T>
void lay_row(const T* row, int64_t step, int64_t stride, const Inside& inside, int64_t cols, T* to) {
  if (inside.low > 0) clear(to, inside.low);
  const int64_t count = inside.high - inside.low;
  T* start = to + inside.low;
  if (step * stride == 1) {
    int64_t i = 0;
    for (; i + kLanes<T> <= count; i += kLanes<T>) store(start + i, load(row + inside.first + i));
    if (i < count) store(start + i, load_partial(row + inside.first + i, count - i));
    clear(start + round_up(count, kLanes<T>), cols - inside.low - round_up(count, kLanes<T>));
  } else {
    int64_t i = 0;
    if (step * stride == 2) {
      for (; i + kLanes<T> <= count; i += kLanes<T>) {
        const T* from = row + inside.first * step + 2 * i;
        // What follows the last element may be outside of all memory.
        const T* rest = from + kLanes<T>;
        store(start + i, evens(load(from), i + kLanes<T> < count ? load(rest) : load_partial(rest, kLanes<T> - 1)));
      }
    }
    for (; i < count; i++) start[i] = row[(inside.first + i * stride) * step];
    clear(start + count, cols - inside.high);
  }
}

/** Some channels of a sample's group. Up to a vector beyond is written too, and is finite. */
template <typename T>
void lay_image(const Convolution& from, const T* sample, int64_t channels, const Region& region,
               const ImageLayout& layout, T* to) {
  const int64_t* strides = from.input->strides + Convolution::kWhole;
  const int64_t first_plane = region.plane * from.stride[0] - from.before[0];
  const int64_t first_row = region.row * from.stride[1] - from.before[1];
  const int64_t first_col = region.col * from.stride[2] - from.before[2];
  const int64_t top = smaller(larger(-first_row, 0), layout.rows);
  const int64_t bottom = smaller(larger(from.whole[1] - first_row, top), layout.rows);
  const Inside inside = Inside::of(from, first_col, layout.cols);
  // Rows that are whole, and lie side by side, are copied as one.
  const bool is_dense = layout.phases == 1 && from.stride[2] * strides[2] == 1 && strides[1] == from.whole[2] &&
                        first_col == 0 && layout.cols == from.whole[2];
  for (int64_t c = 0; c < channels; c++) {
    for (int64_t z = 0; z < layout.planes; z++, to += layout.plane()) {
      const int64_t plane = first_plane + z;
      if (plane < 0 || plane >= from.whole[0]) {
        clear(to, layout.plane());
        continue;
      }
      const T* source = sample + c * from.input->strides[Convolution::kChannel] + plane * strides[0];
      clear(to, top * layout.row());
      if (is_dense) {
        copy_rows(source + (first_row + top) * strides[1], 0, (bottom - top) * layout.cols, 1, to + top * layout.cols,
                  0);
      } else {
        T* line = to + top * layout.row();
        for (int64_t y = top; y < bottom; y++, line += layout.row()) {
          const T* row = source + (first_row + y) * strides[1];
          lay_row(row, strides[2], from.stride[2], inside, layout.cols, line);
          for (int64_t phase = 1; phase < layout.phases; phase++) {
            const Inside part = Inside::of(from, first_col + phase, layout.cols);
            lay_row(row, strides[2], from.stride[2], part, layout.cols, line + phase * layout.cols);
          }
        }
      }
      clear(to + bottom * layout.row(), (layout.rows - bottom) * layout.row());
    }
  }
  clear(to, kLanes<T>);
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
