#include "exchange.h"

#include "combine.h"
#include "messages.h"

namespace nabla::mpi {

namespace {

/** What a rank says before its elements: which exchange this is. Ranks that went different ways are told apart by it.
 */
struct Announcement {
  int64_t number, kind, dtype, root, pieces, elements, layout;

  bool operator==(const Announcement&) const = default;
};

/** Elements of each piece, and so where one ends, in one number. */
int64_t layout_of(const Pieces& pieces) {
  uint64_t hash = 14695981039346656037u;
  for (int64_t i = 0; i < pieces.count(); i++) hash = (hash ^ static_cast<uint64_t>(pieces.length(i))) * 1099511628211u;
  return static_cast<int64_t>(hash);
}

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

constexpr const char* kDoing[] = {"sum",      "product", "minimum", "maximum", "sum in any order", "broadcast from",
                                  "gathering"};

std::string describe(const Announcement& one) {
  return "number " + std::to_string(one.number) + ", " + kDoing[one.kind] + " of " + std::to_string(one.elements) +
         " elements in " + std::to_string(one.pieces) + " pieces";
}

/** So few bytes are sent whole: half as many messages, in the same tree. */
constexpr int64_t kSmall = 4096;

/** What comes is combined in blocks of so many bytes, while they are in the cache and the next is on its way. */
constexpr int64_t kBlock = int64_t{1} << 18;

/** Few ranks of one machine send each other all: that is hardly more to copy than halves, and less to wait for. */
bool is_among_few(const World& world) {
  return world.is_one_machine && (world.library->size == 2 || world.library->size == 4);
}

bool goes_whole(const World& world, const Pieces& pieces) {
  return is_among_few(world) || pieces.total * pieces.element <= kSmall;
}

bool is_reduction(CollectiveKind kind) {
  return kind == CollectiveKind::kSum || kind == CollectiveKind::kProduct || kind == CollectiveKind::kMinimum ||
         kind == CollectiveKind::kMaximum;
}

class Exchange {
 public:
  Exchange(World& world, int channel, Job& job)
      : world_(world),
        channel_(channel),
        job_(job),
        own_(announcement_of(job)),
        pieces_(job.pieces),
        kind_(job.kind),
        rank_(world.library->rank),
        size_(world.library->size) {}

  /** Gives the neighbor that is first as much as there is room for. */
  void stage() {
    Ring& ring = world_.neighbors[first_peer()].to[channel_];
    if (ring.room() < static_cast<int64_t>(sizeof own_)) return;
    Messages(world_, channel_).send(&own_, sizeof own_, first_peer());
    job_.is_told = true;
    Range left{0, pieces_.total};
    put(first_peer(), left);
    job_.staged = left.begin;
  }

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
    int power = 1;
    while (power * 2 <= size_) power *= 2;
    const Range all{0, pieces_.total};
    if (rank_ >= power) {
      swap(rank_ - power, all, {0, 0});
      return answer(rank_ - power, {0, 0}, all);
    }
    const bool doubled = rank_ + power < size_;
    if (doubled) swap(rank_ + power, {0, 0}, all);
    if (goes_whole(world_, pieces_)) {
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
    if (world_.neighbors[peer].to[channel_]) return swap_in_memory(peer, sent, kept);
    Messages messages(world_, channel_), elements(world_, channel_);
    Announcement theirs;
    messages.receive(&theirs, sizeof theirs, peer);
    messages.send(&own_, sizeof own_, peer);
    for (int64_t i = 0; i < blocks(sent); i++) elements.send(pieces_, block(sent, i), peer);
    messages.wait();
    compare(peer, theirs);
    take(peer, kept);
    elements.wait();
  }

  /** What a neighbor sends is combined from where it lies. */
  void swap_in_memory(int peer, Range sent, Range kept) {
    Messages messages(world_, channel_);
    Announcement theirs;
    const bool is_told = peer == first_peer() && job_.is_told;
    if (is_told) sent.begin += job_.staged;
    messages.receive(&theirs, sizeof theirs, peer);
    if (!is_told) messages.send(&own_, sizeof own_, peer);
    messages.wait();
    compare(peer, theirs);
    // What is combined where it lies must have been copied before.
    const bool is_same = sent.end == kept.end;
    Patience patience(world_, channel_);
    for (bool is_put = is_told && job_.is_staged(), is_taken = false;;) {
      if (!is_put) is_put = put(peer, sent);
      if (!is_taken) is_taken = take_in_memory(peer, kept, is_same ? sent.begin : kept.end);
      if (is_put && is_taken) return;
      const Timed timed(world_.times.waiting);
      patience.pause(peer);
    }
  }

  int first_peer() const { return rank_ ^ 1; }

  /** Copies what there is room for, and leaves the rest; whether nothing is left. */
  bool put(int peer, Range& left) {
    const Timed timed(world_.times.passing);
    Ring& ring = world_.neighbors[peer].to[channel_];
    const int64_t before = left.begin;
    pieces_.within(left, [&](const char* data, int64_t count, int64_t place) {
      if (place == left.begin) left.begin += ring.put(data, count * pieces_.element) / pieces_.element;
    });
    world_.times.bytes += (left.begin - before) * pieces_.element;
    if (left.length() > 0) return false;
    ring.end_put();
    return true;
  }

  /** Combines what has come, up to some place, and leaves the rest; whether nothing is left. */
  bool take_in_memory(int peer, Range& left, int64_t end) {
    Ring& ring = world_.neighbors[peer].from[channel_];
    pieces_.within({left.begin, end}, [&](char* data, int64_t count, int64_t place) {
      if (place != left.begin) return;
      const int64_t bytes = ring.take(count * pieces_.element, [&](const char* theirs, int64_t bytes) {
        const Timed timed(world_.times.summing);
        combine(kind_, pieces_.dtype, data, theirs, bytes / pieces_.element, rank_ < peer);
        data += bytes;
      });
      left.begin += bytes / pieces_.element;
    });
    if (left.length() > 0) return false;
    ring.end_take();
    return true;
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
    compare(peer, theirs);
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
    compare(last, theirs);
    const int64_t part = pieces_.total / size_;
    const auto part_of = [&](int rank) { return Range{rank * part, (rank + 1) * part}; };
    for (int step = 0; step < size_ - 1; step++) {
      messages.send(pieces_, part_of((rank_ - step + size_) % size_), next);
      messages.receive(pieces_, part_of((rank_ - step - 1 + size_) % size_), last);
      messages.wait();
    }
  }

  void compare(int peer, const Announcement& theirs) {
    if (theirs == own_) return;
    fail("rank " + std::to_string(peer) + " does something else than rank " + std::to_string(rank_) + ": there " +
         describe(theirs) + ", here " + describe(own_) +
         "; all ranks must call the same, over tensors of the same shapes, in the same order");
  }

  World& world_;
  const int channel_;
  Job& job_;
  const Announcement own_;
  const Pieces& pieces_;
  const CollectiveKind kind_;
  const int rank_, size_;
};

}  // namespace

void exchange(World& world, int channel, Job& job) {
  world.times.exchanges++;
  if (world.library->size > 1) Exchange(world, channel, job).run();
}

bool is_staged_first(const World& world, const Job& job) { return is_reduction(job.kind) && is_among_few(world); }

void stage(World& world, int channel, Job& job) {
  const Timed timed(world.times.awaited);
  Exchange(world, channel, job).stage();
}

}  // namespace nabla::mpi
