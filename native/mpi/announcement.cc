#include "announcement.h"

#include <string>

#include "exchange.h"

namespace nabla::mpi {

namespace {

/** Elements of each piece, and so where one ends, in one number. */
int64_t layout_of(const Pieces& pieces) {
  uint64_t hash = 14695981039346656037u;
  for (int64_t i = 0; i < pieces.count(); i++) hash = (hash ^ static_cast<uint64_t>(pieces.length(i))) * 1099511628211u;
  return static_cast<int64_t>(hash);
}

constexpr const char* kDoing[] = {"sum",      "product", "minimum", "maximum", "sum in any order", "broadcast from",
                                  "gathering"};

std::string describe(const Announcement& one) {
  return "number " + std::to_string(one.number) + ", " + kDoing[one.kind] + " of " + std::to_string(one.elements) +
         " elements in " + std::to_string(one.pieces) + " pieces";
}

}  // namespace

Announcement announcement_of(const Job& job) {
  const Pieces& pieces = job.pieces;
  return {job.number,
          static_cast<int64_t>(job.kind),
          static_cast<int64_t>(pieces.dtype),
          job.root,
          pieces.count(),
          pieces.total,
          layout_of(pieces)};
}

void compare(const World& world, const Announcement& own, int peer, const Announcement& theirs) {
  if (theirs == own) return;
  fail("rank " + std::to_string(peer) + " does something else than rank " + std::to_string(world.library->rank) +
       ": there " + describe(theirs) + ", here " + describe(own) +
       "; all ranks must call the same, over tensors of the same shapes, in the same order");
}

}  // namespace nabla::mpi
