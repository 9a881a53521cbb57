#pragma once

#include "../instruction.h"

namespace nabla::mpi {

/** What all ranks do with buffers of the same sizes; every rank has the result. */
NABLA_NAMED(CollectiveKind, kSum, kProduct, kMinimum, kMaximum, kAnySum, kBroadcast, kGather)

/** Numbers before those of elements of each operand: kind, channel, root, whether it is only begun. */
constexpr int kCollectiveSettings = 4;

/** The instruction. */
int64_t collective(const Instruction& instruction);

/** Waits for one that was begun; it has the same numbers and operands. */
int64_t settle(const Instruction& instruction);

/** Waits for all that this thread has begun. */
void settle_all() noexcept;

}  // namespace nabla::mpi
