#pragma once

#include <cstdint>

#include "collective.h"

namespace nabla::mpi {

/** own[i] becomes own[i] op other[i], or (where `own_first` is false) other[i] op own[i]: that differs only in which
 * NaN it is. */
void combine(CollectiveKind kind, DType dtype, char* own, const char* other, int64_t count, bool own_first);

}  // namespace nabla::mpi
