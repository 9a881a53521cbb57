#include "exchange.h"

#include "combine.h"
#include "in_memory.h"
#include "messages.h"

namespace nabla::mpi {

namespace {

/** So few bytes are sent whole: half as many messages, in the same tree. */
constexpr int64_t kSmall = 4096;

/** What comes is combined in blocks of so many bytes, while they are in the cache and the next is on its way. */
constexpr int64_t kBlock = int64_t{1} << 18;

bool goes_whole(const Pieces& pieces) { return pieces.total * pieces.element <= kSmall; }

class Exchange {
 public:
  Exchange(World& world, int channel, const Job& job)
      : world_(world),
        channel_(channel),
        own_(announcement_of(job)),
        pieces_(job.pieces),
        kind_(job.kind),
        rank_(world.library->rank),
        size_(world.library->size) {}

  void run() {
    switch (kind_) {
      case CollectiveKind::kSum:
      case CollectiveKind::kProduct:
      case CollectiveKind::kMinimum:
      case CollectiveKind::kMaximum:
        return reduce();
      case CollectiveKind::kAnySum: {
        Messages messages(world_, channel_);
        messages.sum(pieces_);
        return messages.wait();
      }
      case CollectiveKind::kBroadcast:
        return broadcast(static_cast<int>(own_.root));
      case CollectiveKind::kGather:
        return gather();
    }
  }

 private:
  /**
   * Halving, then doubling. Ranks r and r ^ 1 combine first, then pairs of them, and so on, whichever part of the
   * elements it is: the tree is the same for each, and for half as many ranks that have combined twice as much before.
   * Beyond a power of two, rank r + power has its elements combined with those of r before all others.
   */
  void reduce() {
    const int power = power_within(size_);
    const Range all{0, pieces_.total};
    if (rank_ >= power) {
      swap(rank_ - power, all, {0, 0});
      return answer(rank_ - power, {0, 0}, all);
    }
    const bool doubled = rank_ + power < size_;
    if (doubled) swap(rank_ + power, {0, 0}, all);
    if (goes_whole(pieces_)) {
      for (int distance = 1; distance < power; distance *= 2) swap(rank_ ^ distance, all, all);
    } else {
      halve_and_double(power);
    }
    if (doubled) answer(rank_ + power, all, {0, 0});
  }

  void halve_and_double(int power) {
    std::vector<Range> sent;
    Range mine{0, pieces_.total};
    for (int distance = 1; distance < power; distance *= 2) {
      const int64_t middle = mine.begin + mine.length() / 2;
      const Range lower{mine.begin, middle}, upper{middle, mine.end};
      const bool keeps_lower = (rank_ & distance) == 0;
      mine = keeps_lower ? lower : upper;
      sent.push_back(keeps_lower ? upper : lower);
      swap(rank_ ^ distance, sent.back(), mine);
    }
    for (int distance = power / 2; distance > 0; distance /= 2) {
      answer(rank_ ^ distance, mine, sent.back());
      mine = {std::min(mine.begin, sent.back().begin), std::max(mine.end, sent.back().end)};
      sent.pop_back();
    }
  }

  /** Sends one range to a rank, and combines what that sends of another with what is here. */
  void swap(int peer, Range sent, Range kept) {
    Messages messages(world_, channel_), elements(world_, channel_);
    Announcement theirs;
    messages.receive(&theirs, sizeof theirs, peer);
    messages.send(&own_, sizeof own_, peer);
    for (int64_t i = 0; i < blocks(sent); i++) elements.send(pieces_, block(sent, i), peer);
    messages.wait();
    compare(world_, own_, peer, theirs);
    take(peer, kept);
    elements.wait();
  }

  int64_t blocks(Range range) const { return (range.length() * pieces_.element + kBlock - 1) / kBlock; }

  Range block(Range range, int64_t i) const {
    const int64_t length = kBlock / pieces_.element, begin = range.begin + i * length;
    return {begin, std::min(begin + length, range.end)};
  }

  /** While one block is combined, the next may come. */
  void take(int peer, Range kept) {
    const int64_t count = blocks(kept), most = std::min(kBlock, kept.length() * pieces_.element);
    std::vector<char>& room = world_.channels[channel_].received;
    if (static_cast<int64_t>(room.size()) < 2 * most) room.resize(2 * most);
    Messages coming[] = {{world_, channel_}, {world_, channel_}};
    const auto receive = [&](int64_t i) {
      char* to = room.data() + i % 2 * most;
      pieces_.within(block(kept, i), [&](const char*, int64_t length, int64_t) {
        coming[i % 2].receive(to, length * pieces_.element, peer);
        to += length * pieces_.element;
      });
    };
    if (count > 0) receive(0);
    for (int64_t i = 0; i < count; i++) {
      if (i + 1 < count) receive(i + 1);
      coming[i % 2].wait();
      join(block(kept, i), room.data() + i % 2 * most, rank_ < peer);
    }
  }

  /** The lower rank's elements come first. */
  void join(Range range, const char* theirs, bool own_first) {
    const Timed timed(world_.times.summing);
    pieces_.within(range, [&](char* data, int64_t length, int64_t) {
      combine(kind_, pieces_.dtype, data, theirs, length, own_first);
      theirs += length * pieces_.element;
    });
  }

  /** Sends one range as it is, and takes another. */
  void answer(int peer, Range sent, Range taken) {
    Messages messages(world_, channel_);
    messages.receive(pieces_, taken, peer);
    messages.send(pieces_, sent, peer);
    messages.wait();
  }

  /** By a tree: who has the elements sends them on, to the rank that is farthest first. */
  void broadcast(int root) {
    const int place = (rank_ - root + size_) % size_;
    int reach = 1;
    while (reach < size_ && (place & reach) == 0) reach *= 2;
    if (place != 0) take_from((place - reach + root) % size_);
    for (int distance = reach / 2; distance > 0; distance /= 2) {
      if (place + distance < size_) give_to((place + distance + root) % size_);
    }
  }

  void give_to(int peer) {
    Messages messages(world_, channel_);
    messages.send(&own_, sizeof own_, peer);
    messages.send(pieces_, {0, pieces_.total}, peer);
    messages.wait();
  }

  void take_from(int peer) {
    Announcement theirs;
    Messages messages(world_, channel_);
    messages.receive(&theirs, sizeof theirs, peer);
    messages.wait();
    compare(world_, own_, peer, theirs);
    messages.receive(pieces_, {0, pieces_.total}, peer);
    messages.wait();
  }

  /** Around a ring: each rank passes on what it got last. */
  void gather() {
    const int next = (rank_ + 1) % size_, last = (rank_ + size_ - 1) % size_;
    Announcement theirs;
    Messages messages(world_, channel_);
    messages.send(&own_, sizeof own_, next);
    messages.receive(&theirs, sizeof theirs, last);
    messages.wait();
    compare(world_, own_, last, theirs);
    const int64_t part = pieces_.total / size_;
    const auto part_of = [&](int rank) { return Range{rank * part, (rank + 1) * part}; };
    for (int step = 0; step < size_ - 1; step++) {
      messages.send(pieces_, part_of((rank_ - step + size_) % size_), next);
      messages.receive(pieces_, part_of((rank_ - step - 1 + size_) % size_), last);
      messages.wait();
    }
  }

  World& world_;
  const int channel_;
  const Announcement own_;
  const Pieces& pieces_;
  const CollectiveKind kind_;
  const int rank_, size_;
};

}  // namespace

void exchange(World& world, int channel, Job& job) {
  world.times.exchanges++;
  if (world.library->size == 1) return;
  if (!is_in_memory(world, job)) return Exchange(world, channel, job).run();
  if (!job.is_told) tell(world, channel, job);
  if (!job.is_part_done) do_part(world, channel, job);
  finish_in_memory(world, channel, job);
}

}  // namespace nabla::mpi
