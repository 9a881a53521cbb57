#pragma once

#include "state.h"

namespace nabla::mpi {

/** Has all ranks share memory, if they are on one machine. All do it together. */
void find_neighbors(World& world);

}  // namespace nabla::mpi
