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
void gather_elements(const GatherRecord& r) {
  const Operand* operands[] = {&r.index, &r.out, &r.input};
  for_each_line(r.dims, r.sizes, operands, [&](const Line<3>& line) {
    const int32_t* index = line.at<int32_t>(0, r.index);
    T* out = line.at<T>(1, r.out);
    const T* input = line.at<T>(2, r.input);
    const auto [index_step, out_step, input_step] = line.steps;
    if (index_step == 0) {
      copy_line(out, out_step, input + *index * r.axis_stride, input_step, line.length);
    } else {
      for (int64_t i = 0; i < line.length; i++) {
        out[i * out_step] = input[i * input_step + index[i * index_step] * r.axis_stride];
      }
    }
    return true;
  });
}

int64_t gather(const GatherRecord& r) {
  const int64_t bad = first_bad_index(r.dims, r.sizes, r.index, r.axis_size);
  if (bad >= 0) return bad;
  switch (size_of(r.dtype)) {
    case 1:
      gather_elements<uint8_t>(r);
      break;
    case 4:
      gather_elements<uint32_t>(r);
      break;
    case 8:
      gather_elements<uint64_t>(r);
      break;
  }
  return -1;
}

}  // namespace
}  // namespace nabla::NABLA_ISA
