#pragma once

#include <bit>
#include <thread>

#include "collective.h"
#include "pieces.h"
#include "state.h"

namespace nabla::mpi {

/** An exchange that has begun. */
struct Job {
  CollectiveKind kind;
  Pieces pieces;
  int64_t root;
  /** Of all on the channel. */
  int64_t number = 0;
  /** In memory: whether the others have been told of it, and whether this rank's part is done. */
  bool is_told = false, is_part_done = false;
  /** In the heap, what lies elsewhere. */
  char* copies = nullptr;
  bool done = false;
  /** Which thread began it: it is the one that waits for it. */
  std::thread::id owner = std::this_thread::get_id();
};

/** The largest power of two that is no more: so many ranks are at the leaves of the tree in which all combine. */
inline int power_within(int ranks) { return static_cast<int>(std::bit_floor(static_cast<unsigned>(ranks))); }

/** Does this rank's part of what all do; afterwards the pieces are the result. */
void exchange(World& world, int channel, Job& job);

}  // namespace nabla::mpi
