#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace nabla::mpi {

/** Where the time of exchanges goes, in nanoseconds, and how much was sent. */
struct ExchangeTimes {
  /** Until a message was through, and to look whether it is; with what the library copies then. */
  std::atomic<int64_t> waiting{0};
  /** In calls of the library that sent or received something, and copying to and from memory that ranks share. */
  std::atomic<int64_t> passing{0};
  std::atomic<int64_t> summing{0};
  /** For how long programs could do nothing else. */
  std::atomic<int64_t> awaited{0};
  std::atomic<int64_t> bytes{0};
  std::atomic<int64_t> exchanges{0};
};

/** Adds the time of a block to a sum. */
class Timed {
 public:
  explicit Timed(std::atomic<int64_t>& sum) : sum_(sum), start_(std::chrono::steady_clock::now()) {}
  ~Timed() { sum_ += std::chrono::nanoseconds(std::chrono::steady_clock::now() - start_).count(); }
  Timed(const Timed&) = delete;
  Timed& operator=(const Timed&) = delete;

 private:
  std::atomic<int64_t>& sum_;
  const std::chrono::steady_clock::time_point start_;
};

}  // namespace nabla::mpi
