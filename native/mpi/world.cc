#include "world.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <thread>

#include "../checks.h"
#include "../failure.h"
#include "collective.h"
#include "combine.h"
#include "library.h"
#include "pieces.h"

namespace nabla::mpi {

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void fail(const std::string& message) { throw Failure("ERR_NABLA_DISTRIBUTED", message); }

/** What a rank says before its elements: which collective this is. Ranks that went different ways are told apart by it.
 */
struct Announcement {
  int64_t number, kind, dtype, root, pieces, elements, layout;

  bool operator==(const Announcement&) const = default;
};

constexpr const char* kDoing[] = {"sum",      "product", "minimum", "maximum", "sum in any order", "broadcast from",
                                  "gathering"};

std::string describe(const Announcement& one) {
  return "number " + std::to_string(one.number) + ", " + kDoing[one.kind] + " of " + std::to_string(one.elements) +
         " elements in " + std::to_string(one.pieces) + " pieces";
}

struct Channel {
  std::mutex mutex;
  /** Collectives so far. */
  int64_t number = 0;
  /** What was received and is not yet combined. */
  std::vector<char> received;
};

struct World {
  std::unique_ptr<Library> library;
  Clock::duration patience;
  Channel channels[kChannels];
  std::mutex mutex;
  /** Why nothing can be exchanged any more. */
  std::string broken;
};

/** Never deleted: threads may be at it when the process ends. */
World*& the_world() {
  static World* world = nullptr;
  return world;
}

World& joined() {
  World* world = the_world();
  if (world == nullptr || world->library == nullptr) fail("this process has not joined other ranks, or has left them");
  return *world;
}

/** After this the ranks do not know of each other what has arrived. */
[[noreturn]] void break_off(World& world, const std::string& message) {
  {
    const std::lock_guard lock(world.mutex);
    if (world.broken.empty()) world.broken = message;
  }
  fail(message);
}

/** For how long to look at a message again and again before sleeping in between: ranks may share a processor. */
constexpr auto kEager = std::chrono::milliseconds(1);
constexpr auto kNap = std::chrono::microseconds(50);

/** Messages under way, which are waited for together. */
class Messages {
 public:
  Messages(World& world, int channel) : world_(world), channel_(channel) {}

  void send(const void* from, int64_t bytes, int to) {
    each(bytes, [&](int64_t at, int64_t count) {
      add(world_.library->send(channel_, static_cast<const char*>(from) + at, count, to), to);
    });
  }

  void receive(void* to, int64_t bytes, int from) {
    each(bytes, [&](int64_t at, int64_t count) {
      add(world_.library->receive(channel_, static_cast<char*>(to) + at, count, from), from);
    });
  }

  void send(const Pieces& pieces, Range range, int to) {
    pieces.within(range, [&](const char* data, int64_t count) { send(data, count * pieces.element, to); });
  }

  void receive(const Pieces& pieces, Range range, int from) {
    pieces.within(range, [&](char* data, int64_t count) { receive(data, count * pieces.element, from); });
  }

  void sum(const Pieces& pieces) {
    pieces.within({0, pieces.total}, [&](char* data, int64_t count) {
      each(count, [&](int64_t at, int64_t part) {
        add(world_.library->sum(channel_, data + at * pieces.element, part, pieces.dtype), -1);
      });
    });
  }

  /** Returns when all are through. A rank that keeps silent for too long breaks everything off. */
  void wait() {
    const Clock::time_point start = Clock::now();
    for (size_t next = 0; next < under_way_.size();) {
      if (world_.library->test(under_way_[next].request)) {
        next++;
        continue;
      }
      const Clock::duration waited = Clock::now() - start;
      if (waited > world_.patience) give_up(under_way_[next].peer);
      if (waited < kEager) {
        std::this_thread::yield();
      } else {
        std::this_thread::sleep_for(kNap);
      }
    }
    under_way_.clear();
  }

 private:
  struct UnderWay {
    Request request;
    int peer;
  };

  template <typename Use>
  static void each(int64_t count, const Use& use) {
    for (int64_t at = 0; at < count; at += kMostBytes) use(at, std::min(kMostBytes, count - at));
  }

  void add(Request request, int peer) { under_way_.push_back({request, peer}); }

  [[noreturn]] void give_up(int peer) {
    const std::string who = peer < 0 ? "some rank" : "rank " + std::to_string(peer);
    const auto seconds = std::chrono::duration<double>(world_.patience).count();
    std::string waited = std::to_string(seconds);
    waited.erase(waited.find_last_not_of('0') + 1);
    if (waited.back() == '.') waited.pop_back();
    break_off(world_,
              who + " has not answered rank " + std::to_string(world_.library->rank) + " for " + waited +
                  " s: it was stopped, its link is down, or it is not doing what the others do (or took longer than " +
                  "the timeout of init allows)");
  }

  World& world_;
  const int channel_;
  std::vector<UnderWay> under_way_;
};

/** A collective as this rank does it. */
class Collective {
 public:
  Collective(World& world, int channel, const Announcement& own, const Pieces& pieces, CollectiveKind kind)
      : world_(world),
        channel_(channel),
        own_(own),
        pieces_(pieces),
        kind_(kind),
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
    int power = 1;
    while (power * 2 <= size_) power *= 2;
    const Range all{0, pieces_.total};
    if (rank_ >= power) {
      exchange(rank_ - power, all, {0, 0});
      return answer(rank_ - power, {0, 0}, all);
    }
    const bool doubled = rank_ + power < size_;
    if (doubled) exchange(rank_ + power, {0, 0}, all);
    if (pieces_.total * pieces_.element <= kSmall) {
      for (int distance = 1; distance < power; distance *= 2) exchange(rank_ ^ distance, all, all);
    } else {
      halve_and_double(power);
    }
    if (doubled) answer(rank_ + power, all, {0, 0});
  }

  /** So few bytes are sent whole: half as many messages, in the same tree. */
  static constexpr int64_t kSmall = 4096;

  void halve_and_double(int power) {
    std::vector<Range> sent;
    Range mine{0, pieces_.total};
    for (int distance = 1; distance < power; distance *= 2) {
      const int64_t middle = mine.begin + mine.length() / 2;
      const Range lower{mine.begin, middle}, upper{middle, mine.end};
      const bool keeps_lower = (rank_ & distance) == 0;
      mine = keeps_lower ? lower : upper;
      sent.push_back(keeps_lower ? upper : lower);
      exchange(rank_ ^ distance, sent.back(), mine);
    }
    for (int distance = power / 2; distance > 0; distance /= 2) {
      answer(rank_ ^ distance, mine, sent.back());
      mine = {std::min(mine.begin, sent.back().begin), std::max(mine.end, sent.back().end)};
      sent.pop_back();
    }
  }

  /** Sends one range to a rank, and combines what that sends of another with what is here: the lower rank's comes
   * first. */
  void exchange(int peer, Range sent, Range kept) {
    Messages messages(world_, channel_);
    Announcement theirs;
    messages.send(&own_, sizeof own_, peer);
    messages.receive(&theirs, sizeof theirs, peer);
    Messages elements(world_, channel_);
    elements.send(pieces_, sent, peer);
    messages.wait();
    compare(peer, theirs);
    std::vector<char>& received = world_.channels[channel_].received;
    if (static_cast<int64_t>(received.size()) < kept.length() * pieces_.element) {
      received.resize(kept.length() * pieces_.element);
    }
    char* room = received.data();
    pieces_.within(kept, [&](const char*, int64_t count) {
      elements.receive(room, count * pieces_.element, peer);
      room += count * pieces_.element;
    });
    elements.wait();
    const char* next = received.data();
    pieces_.within(kept, [&](char* data, int64_t count) {
      combine(kind_, pieces_.dtype, data, next, count, rank_ < peer);
      next += count * pieces_.element;
    });
  }

  /** Sends one range as it is, and takes another. */
  void answer(int peer, Range sent, Range taken) {
    Messages messages(world_, channel_);
    messages.send(pieces_, sent, peer);
    messages.receive(pieces_, taken, peer);
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
    break_off(world_, "rank " + std::to_string(peer) + " does something else than rank " + std::to_string(rank_) +
                          ": there " + describe(theirs) + ", here " + describe(own_) +
                          "; all ranks must call the same, over tensors of the same shapes, in the same order");
  }

  World& world_;
  const int channel_;
  const Announcement own_;
  const Pieces& pieces_;
  const CollectiveKind kind_;
  const int rank_, size_;
};

/** Elements of each piece, and so where one ends, in one number. */
int64_t layout_of(const Pieces& pieces) {
  uint64_t hash = 14695981039346656037u;
  for (int64_t i = 0; i < pieces.count(); i++) hash = (hash ^ static_cast<uint64_t>(pieces.length(i))) * 1099511628211u;
  return static_cast<int64_t>(hash);
}

void check_memory(const Operand& operand, int64_t count) {
  if (!checks::kChecked) return;
  Instruction piece{};
  piece.outer = 1;
  piece.sizes[0] = count;
  piece.operand_count = 1;
  piece.operands[0] = operand;
  piece.operands[0].strides[0] = 1;
  checks::check(piece, "collective");
}

}  // namespace

Place join(const std::vector<std::string>& files, double seconds) {
  World*& world = the_world();
  if (world != nullptr) fail("this process has joined the other ranks before");
  auto made = std::make_unique<World>();
  made->library = open(files);
  made->patience = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  world = made.release();
  return {world->library->rank, world->library->size, world->library->version};
}

void leave(int code) {
  World& world = joined();
  if (code != 0) {
    world.library->abort(code);
  } else {
    world.library->finalize();
  }
  world.library.reset();
}

int64_t collective(const Instruction& instruction) {
  // A process by itself has what all ranks have.
  if (the_world() == nullptr) return kDone;
  World& world = joined();
  const double* numbers = instruction.numbers;
  const auto kind = static_cast<CollectiveKind>(static_cast<int>(numbers[0]));
  const int channel = static_cast<int>(numbers[1]);
  Pieces pieces(instruction.operands[0].dtype);
  for (int i = 0; i < instruction.operand_count; i++) {
    const auto count = static_cast<int64_t>(numbers[3 + i]);
    check_memory(instruction.operands[i], count);
    pieces.add(instruction.operands[i].data, count);
  }
  const std::unique_lock lock(world.channels[channel].mutex, std::try_to_lock);
  if (!lock.owns_lock()) fail("another exchange is under way: await the run that makes it first");
  {
    const std::lock_guard broken(world.mutex);
    if (!world.broken.empty()) fail(world.broken);
  }
  const Announcement own{++world.channels[channel].number,
                         static_cast<int64_t>(kind),
                         static_cast<int64_t>(pieces.dtype),
                         static_cast<int64_t>(numbers[2]),
                         pieces.count(),
                         pieces.total,
                         layout_of(pieces)};
  if (world.library->size > 1) Collective(world, channel, own, pieces, kind).run();
  return kDone;
}

}  // namespace nabla::mpi
