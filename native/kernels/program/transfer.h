#pragma once

#include "../../simd/vec.h"
#include "../convert.h"

/** Between memory, of any type, and slots, of the compute type: runs of elements that are evenly far apart. */
namespace nabla::NABLA_ISA {
namespace {

/** Vector by vector: most runs are short. */
template <typename T>
[[gnu::always_inline]] inline void copy_run(T* dst, const T* src, int64_t n) {
  int64_t i = 0;
  for (; i + kLanes<T> <= n; i += kLanes<T>) store<T>(dst + i, load(src + i));
  if (i < n) store_partial(dst + i, load_partial(src + i, n - i), n - i);
}

/** Whether elements of one type are another's as they are, and a vector knows them. */
template <typename To, typename From>
constexpr bool kIsCopied = __is_same(To, From) && (__is_same(To, float) || __is_same(To, double));

template <typename To, typename From>
void load_run(To* dst, const From* src, int64_t stride, int64_t n) {
  if (stride == 1) {
    if constexpr (kIsCopied<To, From>) return copy_run(dst, src, n);
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
    if constexpr (kIsCopied<To, From>) return copy_run(dst, src, n);
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
