#pragma once

#include "../convert.h"
#include "../program/tiles.h"

/** What gather and scatter share: walking several operands line by line, and checking indices. */
namespace nabla::NABLA_ISA {
namespace {

/** One innermost run of the outer axes: where it starts in each operand, and how far apart its elements are. */
template <int Operands>
struct Line {
  int64_t length;
  /** Row-major position of its first element. */
  int64_t position;
  int64_t offsets[Operands];
  int64_t steps[Operands];

  template <typename T>
  T* at(int i, const Operand& operand) const {
    return reinterpret_cast<T*>(operand.data) + offsets[i];
  }
};

/** Calls body(line) for the lines of the outer axes in row-major order, until it returns false. */
template <int Operands, typename Body>
void for_each_line(const Instruction& instruction, const Operand* const (&operands)[Operands], const Body& body) {
  const int64_t* sizes = instruction.sizes;
  const int last = instruction.outer - 1;
  const int64_t total = Shape{instruction.outer, sizes}.size();
  Line<Operands> line{sizes[last], 0, {}, {}};
  for (int i = 0; i < Operands; i++) line.steps[i] = operands[i]->strides[last];
  int64_t index[kMaxDims] = {};
  for (; line.position < total; line.position += line.length) {
    if (!body(line)) return;
    for (int d = last - 1; d >= 0; d--) {
      index[d]++;
      const bool wraps = index[d] == sizes[d];
      for (int i = 0; i < Operands; i++) {
        line.offsets[i] += operands[i]->strides[d] * (wraps ? 1 - sizes[d] : 1);
      }
      if (!wraps) break;
      index[d] = 0;
    }
  }
}

/** Where the first of `count` indices is that is no position on an axis, or `count`. */
inline int64_t find_bad_index(const int32_t* indices, int64_t step, int64_t count, int64_t size) {
  // Without leaving it early the loop is one of vectors.
  if (step == 1 && size <= INT32_MAX) {
    uint32_t largest = 0;
    for (int64_t i = 0; i < count; i++) {
      const auto index = static_cast<uint32_t>(indices[i]);
      largest = index > largest ? index : largest;
    }
    if (largest < size) return count;
  }
  int64_t i = 0;
  while (i < count && indices[i * step] >= 0 && indices[i * step] < size) i++;
  return i;
}

/** Row-major position of the first index that is no position on the inner axis, or -1. */
inline int64_t first_bad_index(const Instruction& instruction, const Operand& index) {
  const int64_t size = instruction.sizes[instruction.outer];
  const Operand* operands[] = {&index};
  int64_t bad = -1;
  for_each_line(instruction, operands, [&](const Line<1>& line) {
    const int32_t* values = line.at<int32_t>(0, index);
    const int64_t distinct = line.steps[0] == 0 ? 1 : line.length;
    const int64_t at = find_bad_index(values, line.steps[0], distinct, size);
    if (at < distinct) bad = line.position + at;
    return bad < 0;
  });
  return bad;
}

}  // namespace
}  // namespace nabla::NABLA_ISA
