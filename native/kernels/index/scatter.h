#pragma once

#include "lines.h"

namespace nabla::NABLA_ISA {
namespace {

/** How `scatter` adds: bools by or, int32 modulo 2^32. */
inline float sum_of(float a, float b) { return a + b; }
inline double sum_of(double a, double b) { return a + b; }
inline Bool sum_of(Bool a, Bool b) { return static_cast<Bool>(a | b); }
inline int32_t sum_of(int32_t a, int32_t b) {
  return static_cast<int32_t>(static_cast<uint32_t>(a) + static_cast<uint32_t>(b));
}

/** In row-major order on one thread, because indices may repeat: the last one set wins, and sums have one order. */
template <typename T, typename Combine>
void scatter_elements(const ScatterRecord& r, Combine combine) {
  const Operand* operands[] = {&r.index, &r.source, &r.out};
  for_each_line(r.dims, r.sizes, operands, [&](const Line<3>& line) {
    const int32_t* index = line.at<int32_t>(0, r.index);
    const T* source = line.at<T>(1, r.source);
    T* out = line.at<T>(2, r.out);
    const auto [index_step, source_step, out_step] = line.steps;
    if (index_step == 0 && source_step == 1 && out_step == 1) {
      out += *index * r.axis_stride;
      for (int64_t i = 0; i < line.length; i++) out[i] = combine(out[i], source[i]);
    } else {
      for (int64_t i = 0; i < line.length; i++) {
        T& target = out[i * out_step + index[i * index_step] * r.axis_stride];
        target = combine(target, source[i * source_step]);
      }
    }
    return true;
  });
}

int64_t scatter(const ScatterRecord& r) {
  const int64_t bad = first_bad_index(r.dims, r.sizes, r.index, r.axis_size);
  if (bad >= 0) return bad;
  with_type(r.dtype, [&]<typename T>(T*) {
    if (r.mode == ScatterMode::kAdd) {
      scatter_elements<T>(r, [](T a, T b) { return sum_of(a, b); });
    } else {
      scatter_elements<T>(r, [](T, T b) { return b; });
    }
  });
  return -1;
}

}  // namespace
}  // namespace nabla::NABLA_ISA
