#pragma once

#include <cstdint>

#include "../../simd/vec.h"

namespace nabla::NABLA_ISA {
namespace {

/** A vector of which `count` lanes are there. */
template <typename T>
Vec<T> load_columns(const T* from, int64_t count) {
  return count == kLanes<T> ? load(from) : load_partial(from, count);
}

template <typename T>
void store_columns(T* to, Vec<T> v, int64_t count) {
  if (count == kLanes<T>) {
    store(to, v);
  } else {
    store_partial(to, v, count);
  }
}

}  // namespace
}  // namespace nabla::NABLA_ISA
