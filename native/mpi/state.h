#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "announcement.h"
#include "heap.h"
#include "library.h"
#include "times.h"

/** What this process has of its world. */
namespace nabla::mpi {

using Clock = std::chrono::steady_clock;

struct Job;

/** Exchanges on a channel are done one at a time, in the order in which they were begun. */
struct Channel {
  std::mutex mutex;
  /** There is a job that nobody is at; one is done. */
  std::condition_variable begun, settled;
  /** Those that are not done, in order. */
  std::deque<std::shared_ptr<Job>> jobs;
  /** Whether a thread is at the first of them. */
  bool busy = false;
  bool has_worker = false;
  bool ending = false;
  /** How many have begun. */
  int64_t number = 0;
  /** Whether somebody has nothing else to do than to wait for them. */
  std::atomic<bool> awaited{false};
  /** What was received and is not yet combined; whoever is busy has it. */
  std::vector<char> received;
};

/** What a rank says of an exchange, for all ranks to see where they are on one machine. Zeros are of none. */
struct Notice {
  /** Which exchange is described here, and of which this rank has done its part. */
  alignas(64) std::atomic<int64_t> told;
  alignas(64) std::atomic<int64_t> done;
  Announcement announcement;
  /** Of pieces in the rank's heap. */
  int64_t places[kMaxOperands];
};

/** So many exchanges of a channel may be under way. */
constexpr int kNotices = 64;

struct Board {
  Notice notices[kChannels][kNotices];
};
static_assert(std::atomic<int64_t>::is_always_lock_free);

/** What all ranks see of one, where they are on one machine. */
struct Neighbor {
  Board* board = nullptr;
  /** Where its heap begins. */
  char* heap = nullptr;
};

struct World {
  std::unique_ptr<Library> library;
  Clock::duration patience;
  Channel channels[kChannels];
  /** By rank, this one too; none where not all ranks share memory. */
  std::vector<Neighbor> neighbors;
  Heap heap;
  ExchangeTimes times;
  std::mutex mutex;
  /** Why nothing can be exchanged any more. */
  std::string broken;
};

[[noreturn]] void fail(const std::string& message);

/** After an exchange that failed the ranks do not know of each other what has arrived. */
void note_broken(World& world, const std::string& message);

}  // namespace nabla::mpi
