#pragma once

#include "lines.h"

namespace nabla::NABLA_ISA {
namespace {

NABLA_NAMED(ScatterMode, kSet, kAdd, kMul, kAmax, kAmin)

/** How it adds: bools by or, int32 modulo 2^32. */
inline float sum_of(float a, float b) { return a + b; }
inline double sum_of(double a, double b) { return a + b; }
inline Bool sum_of(Bool a, Bool b) { return static_cast<Bool>(a | b); }
inline int32_t sum_of(int32_t a, int32_t b) {
  return static_cast<int32_t>(static_cast<uint32_t>(a) + static_cast<uint32_t>(b));
}

/** Bools multiply by and, int32 modulo 2^32. */
inline float product_of(float a, float b) { return a * b; }
inline double product_of(double a, double b) { return a * b; }
inline Bool product_of(Bool a, Bool b) { return static_cast<Bool>(a & b); }
inline int32_t product_of(int32_t a, int32_t b) {
  return static_cast<int32_t>(static_cast<uint32_t>(a) * static_cast<uint32_t>(b));
}

/** NaN wins over all. */
template <typename T>
T larger_of(T a, T b) {
  return a > b || a != a ? a : b;
}
template <typename T>
T smaller_of(T a, T b) {
  return a < b || a != a ? a : b;
}

/** In row-major order on one thread, because indices may repeat: the last one set wins, and sums have one order. What
 * programs have most, `IsCommon`, has loops for elements that lie side by side. */
template <bool IsCommon, typename T, typename Combine>
void scatter_elements(const Instruction& instruction, Combine combine) {
  const Operand &to = instruction.operands[0], &places = instruction.operands[1], &from = instruction.operands[2];
  const int64_t axis_stride = to.strides[instruction.outer];
  const Operand* operands[] = {&places, &from, &to};
  for_each_line(instruction, operands, [&](const Line<3>& line) {
    const int32_t* index = line.at<int32_t>(0, places);
    const T* source = line.at<T>(1, from);
    T* out = line.at<T>(2, to);
    const auto [index_step, source_step, out_step] = line.steps;
    if (IsCommon && index_step == 0 && source_step == 1 && out_step == 1) {
      out += *index * axis_stride;
      for (int64_t i = 0; i < line.length; i++) out[i] = combine(out[i], source[i]);
    } else if (IsCommon && index_step == 1 && source_step == 1 && out_step == 0 && axis_stride == 1) {
      for (int64_t i = 0; i < line.length; i++) out[index[i]] = combine(out[index[i]], source[i]);
    } else {
      for (int64_t i = 0; i < line.length; i++) {
        T& target = out[i * out_step + index[i * index_step] * axis_stride];
        target = combine(target, source[i * source_step]);
      }
    }
    return true;
  });
}

/** out[i with its coordinate on the inner axis replaced by index[i]] (set, add, …)= source[i]. */
[[maybe_unused]] int64_t scatter(const Instruction& instruction) {
  const int64_t bad = first_bad_index(instruction, instruction.operands[1]);
  if (bad >= 0) return bad;
  with_type(instruction.operands[0].dtype, [&]<typename T>(T*) {
    switch (static_cast<ScatterMode>(static_cast<int>(instruction.numbers[0]))) {
      case ScatterMode::kSet:
        return scatter_elements<true, T>(instruction, [](T, T b) { return b; });
      case ScatterMode::kAdd:
        return scatter_elements<!__is_same(T, Bool), T>(instruction, [](T a, T b) { return sum_of(a, b); });
      case ScatterMode::kMul:
        return scatter_elements<false, T>(instruction, [](T a, T b) { return product_of(a, b); });
      case ScatterMode::kAmax:
        return scatter_elements<false, T>(instruction, [](T a, T b) { return larger_of(a, b); });
      case ScatterMode::kAmin:
        return scatter_elements<false, T>(instruction, [](T a, T b) { return smaller_of(a, b); });
    }
  });
  return kDone;
}

}  // namespace
}  // namespace nabla::NABLA_ISA
