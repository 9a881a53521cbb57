#pragma once

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
  /** Whether the neighbor that is first to combine with this rank has been told of it, and how many elements it has. */
  bool is_told = false;
  int64_t staged = 0;
  bool done = false;
  /** Which thread began it: it is the one that waits for it. */
  std::thread::id owner = std::this_thread::get_id();

  bool is_staged() const { return is_told && staged == pieces.total; }
};

/** Does this rank's part of what all do; afterwards the pieces are the result. */
void exchange(World& world, int channel, Job& job);

/** Whether a neighbor can have its elements right away. The rest is nothing but adding up what that gives: a thread
 * beside the program's would only take its processor. */
bool is_staged_first(const World& world, const Job& job);

/** Gives the neighbor what there is room for, without waiting. Nothing else of the channel may be on its way there. */
void stage(World& world, int channel, Job& job);

}  // namespace nabla::mpi
