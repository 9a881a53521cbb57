#pragma once

#include "kernels/kernels.h"

namespace nabla {

/** Runs one encoded instruction. Returns `kDone`, `kMisfit`, or what its kernel returns where it cannot be done. */
int64_t execute(const double* code, const Kernels& kernels);

}  // namespace nabla
