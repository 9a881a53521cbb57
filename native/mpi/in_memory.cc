#include "in_memory.h"

#include <bit>
#include <cstring>

#include "combine.h"
#include "messages.h"

namespace nabla::mpi {

namespace {

/** What is added at a time; a few of them stay in the first-level cache. */
constexpr int64_t kBlock = 8192;

/** Ranks add up parts that begin at cache lines, if pieces do. */
constexpr int64_t kElementsOfLine = 16;

bool is_reduction(CollectiveKind kind) {
  return kind == CollectiveKind::kSum || kind == CollectiveKind::kProduct || kind == CollectiveKind::kMinimum ||
         kind == CollectiveKind::kMaximum;
}

/** What a rank has of what is gathered. */
Range part_gathered(const World& world, const Job& job, int rank) {
  const int64_t length = job.pieces.total / world.library->size;
  return {rank * length, (rank + 1) * length};
}

/** What of this rank's elements others need: of a broadcast only what its root has, of a gathering its part. */
Range read_by_others(const World& world, const Job& job) {
  const Range all{0, job.pieces.total};
  const int rank = world.library->rank;
  if (job.kind == CollectiveKind::kGather) return part_gathered(world, job, rank);
  return job.kind != CollectiveKind::kBroadcast || job.root == rank ? all : Range{0, 0};
}

Notice& notice(World& world, int rank, int channel, const Job& job) {
  return world.neighbors[rank].board->notices[channel][job.number % kNotices];
}

Notice& own_notice(World& world, int channel, const Job& job) {
  return notice(world, world.library->rank, channel, job);
}

/** Waits until all other ranks have come to an exchange, as one of the numbers in their notices says. */
void await_all(World& world, int channel, const Job& job, std::atomic<int64_t> Notice::*number) {
  const Timed timed(world.times.waiting);
  Patience patience(world, channel);
  for (int peer = 0; peer < world.library->size; peer++) {
    const std::atomic<int64_t>& reached = notice(world, peer, channel, job).*number;
    while (peer != world.library->rank && reached.load(std::memory_order_acquire) < job.number) patience.pause(peer);
  }
}

/** Calls `use(run, where it is, bytes)` for pieces that are not in the heap, if they have elements. */
template <typename Use>
void each_outside(const World& world, const Pieces& pieces, const Use& use) {
  for (int64_t run = 0; run < pieces.count(); run++) {
    char* data = pieces.data(run);
    const int64_t bytes = pieces.length(run) * pieces.element;
    if (bytes > 0 && world.heap.place_of(data) < 0) use(run, data, bytes);
  }
}

/** Elements of a block, where each rank has them, combined by the tree of all ranks. */
class Tree {
 public:
  Tree(CollectiveKind kind, DType dtype, int rank, int size)
      : kind_(kind),
        dtype_(dtype),
        element_(kSizes[static_cast<int>(dtype)]),
        rank_(rank),
        size_(size),
        power_(power_within(size)) {
    room_.resize(std::bit_width(static_cast<unsigned>(power_)) * kBlock);
  }

  /** `at` by rank; each has the result afterwards. */
  void combine_all(const std::vector<char*>& at, int64_t bytes) {
    at_ = at.data();
    bytes_ = bytes;
    const char* result = of_ranks(0, power_, room_.data());
    for (char* to : at) {
      if (to != result) std::memcpy(to, result, bytes);
    }
  }

 private:
  /** Where the combined elements of so many ranks are: in the first block of the room, in this rank's memory, or those
   * of a single one. */
  char* of_ranks(int first, int ranks, char* room) {
    if (ranks == 1) return of_rank(first, room);
    char* low = of_ranks(first, ranks / 2, room);
    char* high = of_ranks(first + ranks / 2, ranks / 2, room + kBlock);
    return join(low, high, room);
  }

  /** Beyond a power of two, a rank's elements go with those of one among the first before all others. */
  char* of_rank(int rank, char* room) {
    return rank + power_ < size_ ? join(at_[rank], at_[rank + power_], room) : at_[rank];
  }

  char* join(char* low, char* high, char* room) {
    char* own = at_[rank_];
    if (high == own) {
      combine(kind_, dtype_, own, low, bytes_ / element_, false);
      return own;
    }
    char* to = low == own ? own : room;
    if (to != low) std::memcpy(to, low, bytes_);
    combine(kind_, dtype_, to, high, bytes_ / element_, true);
    return to;
  }

  const CollectiveKind kind_;
  const DType dtype_;
  const int64_t element_;
  const int rank_, size_, power_;
  std::vector<char> room_;
  char* const* at_ = nullptr;
  int64_t bytes_ = 0;
};

/** Where a rank begins to add. */
int64_t part_of(int rank, int size, int64_t total) {
  return rank == size ? total : total * rank / size / kElementsOfLine * kElementsOfLine;
}

constexpr int64_t aligned(int64_t bytes) { return (bytes + 63) / 64 * 64; }

/** Where a rank has an element of a piece, by the byte. */
char* place_at(World& world, int rank, int channel, const Job& job, int64_t run, int64_t byte) {
  return world.neighbors[rank].heap + notice(world, rank, channel, job).places[run] + byte;
}

/** Says where elements are that others need, for those that they do not see by a copy. */
void place(World& world, int channel, Job& job, Range needed) {
  const Timed timed(world.times.passing);
  int64_t bytes = 0;
  each_outside(world, job.pieces, [&](int64_t, const char*, int64_t length) { bytes += aligned(length); });
  if (bytes > 0) job.copies = world.heap.allocate(bytes);
  if (bytes > 0 && job.copies == nullptr) {
    fail("no memory that ranks share is left for " + std::to_string(bytes) +
         " bytes; set NABLA_SHARED_MEMORY=0 to do without");
  }
  int64_t* places = own_notice(world, channel, job).places;
  for (int64_t run = 0; run < job.pieces.count(); run++) places[run] = world.heap.place_of(job.pieces.data(run));
  char* to = job.copies;
  each_outside(world, job.pieces, [&](int64_t run, const char*, int64_t length) {
    places[run] = world.heap.place_of(to);
    to += aligned(length);
  });
  job.pieces.within(needed, [&](const char* data, int64_t count, int64_t run) {
    if (world.heap.place_of(data) >= 0) return;
    char* copy = place_at(world, world.library->rank, channel, job, run, data - job.pieces.data(run));
    std::memcpy(copy, data, count * job.pieces.element);
  });
}

/** This rank's part of the elements, for all. */
void add(World& world, int channel, const Job& job) {
  const Timed timed(world.times.summing);
  const Pieces& pieces = job.pieces;
  const int rank = world.library->rank, size = world.library->size;
  Tree tree(job.kind, pieces.dtype, rank, size);
  std::vector<char*> at(size);
  const Range part{part_of(rank, size, pieces.total), part_of(rank + 1, size, pieces.total)};
  pieces.within(part, [&](const char* data, int64_t count, int64_t run) {
    const int64_t bytes = count * pieces.element, first = data - pieces.data(run);
    for (int64_t done = 0; done < bytes; done += kBlock) {
      for (int peer = 0; peer < size; peer++) at[peer] = place_at(world, peer, channel, job, run, first + done);
      tree.combine_all(at, std::min(kBlock, bytes - done));
    }
  });
  world.times.bytes += part.length() * pieces.element * (size - 1);
}

/** Takes elements as another rank has them. */
void copy_from(World& world, int channel, const Job& job, int peer, Range range) {
  if (peer == world.library->rank) return;
  const Timed timed(world.times.passing);
  job.pieces.within(range, [&](char* data, int64_t count, int64_t run) {
    std::memcpy(data, place_at(world, peer, channel, job, run, data - job.pieces.data(run)),
                count * job.pieces.element);
  });
}

}  // namespace

bool is_in_memory(const World& world, const Job& job) {
  return !world.neighbors.empty() && job.kind != CollectiveKind::kAnySum;
}

bool may_tell(const Channel& channel, const Job& job) {
  return channel.jobs.empty() || job.number - channel.jobs.front()->number < kNotices;
}

void tell(World& world, int channel, Job& job) {
  const Range needed = read_by_others(world, job);
  if (needed.length() > 0) place(world, channel, job, needed);
  Notice& notice = own_notice(world, channel, job);
  notice.announcement = announcement_of(job);
  notice.told.store(job.number, std::memory_order_release);
  job.is_told = true;
}

void do_part(World& world, int channel, Job& job) {
  await_all(world, channel, job, &Notice::told);
  for (int peer = 0; peer < world.library->size; peer++) {
    compare(world, announcement_of(job), peer, notice(world, peer, channel, job).announcement);
  }
  if (is_reduction(job.kind)) {
    add(world, channel, job);
  } else if (job.kind == CollectiveKind::kBroadcast) {
    copy_from(world, channel, job, static_cast<int>(job.root), {0, job.pieces.total});
  } else {
    for (int peer = 0; peer < world.library->size; peer++) {
      copy_from(world, channel, job, peer, part_gathered(world, job, peer));
    }
  }
  own_notice(world, channel, job).done.store(job.number, std::memory_order_release);
  job.is_part_done = true;
}

void finish_in_memory(World& world, int channel, Job& job) {
  await_all(world, channel, job, &Notice::done);
  if (is_reduction(job.kind)) {
    const Timed timed(world.times.passing);
    const char* from = job.copies;
    each_outside(world, job.pieces, [&](int64_t, char* data, int64_t length) {
      std::memcpy(data, from, length);
      from += aligned(length);
    });
  }
  if (job.copies != nullptr) world.heap.release(job.copies);
}

}  // namespace nabla::mpi
