#pragma once

#include "state.h"

namespace nabla::mpi {

/** Finds the ranks of this machine, and the memory that this one shares with them. All ranks do it together. */
void find_neighbors(World& world);

}  // namespace nabla::mpi
