#pragma once

#include "lines.h"

namespace nabla::NABLA_ISA {
namespace {

template <typename T>
void copy_line(T* out, int64_t out_step, const T* from, int64_t from_step, int64_t n) {
  if (out_step == 1 && from_step == 1) {
    __builtin_memcpy(out, from, n * sizeof(T));
  } else {
    for (int64_t i = 0; i < n; i++) out[i * out_step] = from[i * from_step];
  }
}

template <typename T>
void gather_elements(const Instruction& instruction) {
  const Operand &to = instruction.operands[0], &from = instruction.operands[1], &places = instruction.operands[2];
  const int64_t axis_stride = from.strides[instruction.outer];
  const Operand* operands[] = {&places, &to, &from};
  for_each_line(instruction, operands, [&](const Line<3>& line) {
    const int32_t* index = line.at<int32_t>(0, places);
    T* out = line.at<T>(1, to);
    const T* input = line.at<T>(2, from);
    const auto [index_step, out_step, input_step] = line.steps;
    if (index_step == 0) {
      copy_line(out, out_step, input + *index * axis_stride, input_step, line.length);
    } else {
      for (int64_t i = 0; i < line.length; i++) {
        out[i * out_step] = input[i * input_step + index[i * index_step] * axis_stride];
      }
    }
    return true;
  });
}

/** out[i] = input[i with its coordinate on the inner axis replaced by index[i]], whatever the type. */
int64_t gather(const Instruction& instruction) {
  const int64_t bad = first_bad_index(instruction, instruction.operands[2]);
  if (bad >= 0) return bad;
  switch (size_of(instruction.operands[0].dtype)) {
    case 1:
      gather_elements<uint8_t>(instruction);
      break;
    case 4:
      gather_elements<uint32_t>(instruction);
      break;
    case 8:
      gather_elements<uint64_t>(instruction);
      break;
  }
  return kDone;
}

}  // namespace
}  // namespace nabla::NABLA_ISA
