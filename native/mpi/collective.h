#pragma once

#include "../instruction.h"

namespace nabla::mpi {

/** What all ranks do with buffers of the same sizes; every rank has the result. */
NABLA_NAMED(CollectiveKind, kSum, kProduct, kMinimum, kMaximum, kAnySum, kBroadcast, kGather)

/** The instruction: its numbers are kind, channel, root, and how many elements each operand has. */
int64_t collective(const Instruction& instruction);

}  // namespace nabla::mpi
