#pragma once

#include "../simd/vec.h"
#include "integers.h"

/** Rows that are laid out anew. */
namespace nabla::NABLA_ISA {
namespace {

/** Every second lane of two vectors. */
template <typename V>
V evens(V a, V b) {
  return [ a, b ]<int... I>(Indices<I...>) { return __builtin_shufflevector(a, b, (2 * I)...); }
  (MakeIndices<kVectorBytes / sizeof(Lane<V>)>{});
}

/** What lies in every second place from `from` on, `count` elements and at most a vector; what follows the last may be
 * outside of all memory. */
template <typename T>
Vec<T> load_evens(const T* from, int64_t count) {
  constexpr int64_t kCount = kLanes<T>;
  const int64_t length = 2 * count - 1;
  if (length <= kCount) return evens(load_partial(from, length), Vec<T>{});
  return evens(load(from), load_partial(from + kCount, length - kCount));
}

/** `count` elements of a row, `step` apart, side by side. */
template <typename T>
void lay_row(const T* row, int64_t step, int64_t count, T* to) {
  constexpr int64_t kCount = kLanes<T>;
  if (step != 1 && step != 2) {
    for (int64_t i = 0; i < count; i++) to[i] = row[i * step];
    return;
  }
  if (count < kCount) {
    if (count > 0) store_partial(to, step == 1 ? load_partial(row, count) : load_evens(row, count), count);
    return;
  }
  for (int64_t i = 0; i < count; i += kCount) {
    // The last vector begins where it ends in time: what is around the row stays.
    const int64_t at = smaller(i, count - kCount);
    store(to + at, step == 1 ? load(row + at) : load_evens(row + 2 * at, kCount));
  }
}

}  // namespace
}  // namespace nabla::NABLA_ISA
