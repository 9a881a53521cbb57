#pragma once

#include "../convert.h"

/** Between memory, of any type, and slots, of the compute type: runs of elements that are evenly far apart. */
namespace nabla::NABLA_ISA {
namespace {

template <typename To, typename From>
void load_run(To* dst, const From* src, int64_t stride, int64_t n) {
  if (stride == 1) {
    for (int64_t i = 0; i < n; i++) dst[i] = convert<To>(src[i]);
  } else if (stride == 0) {
    const To value = convert<To>(*src);
    for (int64_t i = 0; i < n; i++) dst[i] = value;
  } else {
    for (int64_t i = 0; i < n; i++) dst[i] = convert<To>(src[i * stride]);
  }
}

template <typename To, typename From>
void store_run(To* dst, const From* src, int64_t stride, int64_t n) {
  if (stride == 1) {
    for (int64_t i = 0; i < n; i++) dst[i] = convert<To>(src[i]);
  } else {
    for (int64_t i = 0; i < n; i++) dst[i * stride] = convert<To>(src[i]);
  }
}

/** Whether all of src[n] can be stored as `To`: only int32 does not hold everything. */
template <typename To, typename From>
bool all_fit([[maybe_unused]] const From* src, [[maybe_unused]] int64_t n) {
  int32_t outside = 0;
  if constexpr (__is_same(To, int32_t)) {
    for (int64_t i = 0; i < n; i++) outside |= !fits_int32(static_cast<double>(src[i]));
  }
  return outside == 0;
}

/** dst[row, column] = src[column * stride + row], in the order of memory. */
template <typename To, typename From>
void load_transposed(To* dst, const From* src, int64_t stride, int64_t rows, int64_t columns) {
  for (int64_t column = 0; column < columns; column++) {
    for (int64_t row = 0; row < rows; row++) dst[row * columns + column] = convert<To>(src[column * stride + row]);
  }
}

}  // namespace
}  // namespace nabla::NABLA_ISA
