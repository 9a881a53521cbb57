#pragma once

#include <cstdint>

namespace nabla::mpi {

struct Job;
struct World;

/** What a rank says before its elements: which exchange this is. Ranks that went different ways are told apart by it.
 */
struct Announcement {
  int64_t number, kind, dtype, root, pieces, elements, layout;

  bool operator==(const Announcement&) const = default;
};

Announcement announcement_of(const Job& job);

/** Fails unless another rank does the same as this one. */
void compare(const World& world, const Announcement& own, int peer, const Announcement& theirs);

}  // namespace nabla::mpi
