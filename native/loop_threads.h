#pragma once

#include <atomic>
#include <chrono>

namespace nabla {

/** How long a loop may go on while others wait. */
class Turn {
 public:
  using Clock = std::chrono::steady_clock;

  Turn(Clock::time_point start, const std::atomic<int>& waiting) : start_(start), waiting_(waiting) {}

  bool is_over() const { return waiting_.load(std::memory_order_relaxed) > 0 && Clock::now() - start_ > kSlice; }

 private:
  static constexpr std::chrono::milliseconds kSlice{1};

  const Clock::time_point start_;
  const std::atomic<int>& waiting_;
};

/** Work that is done in turns, on threads that it shares with others. */
class Shared {
 public:
  virtual ~Shared() = default;

  /** Works until all is done or the turn is over; returns whether something is left. */
  virtual bool work(const Turn& turn) noexcept = 0;
  /** All is done; this is the last call. */
  virtual void finish() noexcept = 0;

 private:
  friend class LoopThreads;
  bool is_under_way_ = false;
};

/**
 * Has it done in the background, by one of as many threads as `num_threads` says: the next turn is always that of the
 * work which has had the least time. Throws if the system has no thread for it.
 */
void work_in_background(Shared& work);

/** Returns when no thread will touch it any more. */
void wait_for(Shared& work);

/** When the last environment ends: nothing may be under way. */
void end_loop_threads();

}  // namespace nabla
