#pragma once

#include "../integers.h"
#include "../program/tiles.h"

namespace nabla::NABLA_ISA {
namespace {

/** Axes that a window slides over: those that are missing have one element. */
constexpr int kSlides = 3;

/**
 * A window of `kernel` elements, `dilation` apart, that lies in `places` of an input, `stride` apart; the first begins
 * `before` elements before the input, around which there are zeros. For every sample and group of channels there are
 * `rows` channels of the output and `channels` of the input.
 */
struct Convolution {
  const Instruction* instruction;
  const Operand *input, *weight, *rest;
  int64_t samples, groups, rows, channels;
  const int64_t *kernel, *places, *whole;
  int64_t stride[kSlides], dilation[kSlides], before[kSlides];

  /** Where strides and sizes have each of these axes. */
  enum Axis { kSample, kGroup, kRow, kChannel, kKernel, kPlace = kKernel + kSlides, kWhole = kPlace + kSlides };

  explicit Convolution(const Instruction& from)
      : instruction(&from),
        input(&from.operands[0]),
        weight(&from.operands[1]),
        rest(&from.operands[2]),
        samples(from.sizes[kSample]),
        groups(from.sizes[kGroup]),
        rows(from.sizes[kRow]),
        channels(from.sizes[kChannel]),
        kernel(from.sizes + kKernel),
        places(from.sizes + kPlace),
        whole(from.sizes + kWhole) {
    for (int d = 0; d < kSlides; d++) {
      stride[d] = static_cast<int64_t>(from.numbers[d]);
      dilation[d] = static_cast<int64_t>(from.numbers[kSlides + d]);
      before[d] = static_cast<int64_t>(from.numbers[2 * kSlides + d]);
    }
  }

  int64_t window() const { return kernel[0] * kernel[1] * kernel[2]; }
  int64_t terms() const { return channels * window(); }
  int64_t area() const { return places[0] * places[1] * places[2]; }
  const Program* epilogue() const { return instruction->program; }
  int rest_count() const { return instruction->operand_count - 2; }
};

/** Some places of a sample: columns of consecutive rows of one plane. */
struct Region {
  int64_t plane, row, col, rows, cols;

  int64_t area() const { return rows * cols; }
  bool operator==(const Region& other) const {
    return plane == other.plane && row == other.row && col == other.col && rows == other.rows && cols == other.cols;
  }
};

/** How places are cut into regions of at most so many rows and columns. */
struct Regions {
  int64_t planes, rows, cols, row_count, col_count;

  static Regions of(const Convolution& from, int64_t most, int64_t unit) {
    const int64_t cols =
        smaller(from.places[2], round_up(ceil_div(from.places[2], ceil_div(from.places[2], most)), unit));
    const int64_t parts = ceil_div(from.places[1], larger(1, most / cols));
    const int64_t rows = ceil_div(from.places[1], parts);
    return {from.places[0], rows, cols, ceil_div(from.places[1], rows), ceil_div(from.places[2], cols)};
  }

  int64_t size() const { return planes * row_count * col_count; }

  Region at(const Convolution& from, int64_t index) const {
    const int64_t col = index % col_count * cols;
    const int64_t row = index / col_count % row_count * rows;
    return {index / col_count / row_count, row, col, smaller(rows, from.places[1] - row),
            smaller(cols, from.places[2] - col)};
  }
};

}  // namespace
}  // namespace nabla::NABLA_ISA
