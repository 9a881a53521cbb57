#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>

namespace nabla::mpi {

constexpr int64_t kRingBytes = int64_t{1} << 23;

/** Maps of a file begin at a page; Linux has pages of up to 64 KB. */
constexpr int64_t kLargestPage = int64_t{1} << 16;

/** Memory that two processes share, through which one passes messages to the other, in order. Neither ever waits here.
 */
class Ring {
 public:
  /** What is before the bytes; zeros are an empty ring. Counts only grow, and each is written by one side. */
  struct Head {
    alignas(64) std::atomic<int64_t> put;
    alignas(64) std::atomic<int64_t> taken;
  };
  static_assert(std::atomic<int64_t>::is_always_lock_free);

  /** So much memory is one ring: pages that are never used are never there. */
  static constexpr int64_t kMemory = kLargestPage + kRingBytes;

  Ring() = default;
  explicit Ring(char* memory) : head_(reinterpret_cast<Head*>(memory)), data_(memory + kLargestPage) {}

  explicit operator bool() const { return head_ != nullptr; }

  /** For how many bytes. */
  int64_t room() const {
    return kRingBytes - (head_->put.load(std::memory_order_relaxed) - head_->taken.load(std::memory_order_acquire));
  }

  /** Copies as much of what is left of a message as there is room for; returns how much. */
  int64_t put(const char* from, int64_t left) {
    const int64_t at = head_->put.load(std::memory_order_relaxed);
    const int64_t count = part(left, room());
    const int64_t first = before_end(at, count);
    std::memcpy(data_ + at % kRingBytes, from, first);
    std::memcpy(data_, from + first, count - first);
    head_->put.store(at + count, std::memory_order_release);
    return count;
  }

  /** Calls `use(where it is, how many bytes)` for what is there of what is left of a message; returns how much. */
  template <typename Use>
  int64_t take(int64_t left, const Use& use) {
    const int64_t at = head_->taken.load(std::memory_order_relaxed);
    const int64_t count = part(left, head_->put.load(std::memory_order_acquire) - at);
    const int64_t first = before_end(at, count);
    if (first > 0) use(data_ + at % kRingBytes, first);
    if (count > first) use(data_, count - first);
    head_->taken.store(at + count, std::memory_order_release);
    return count;
  }

  /** Each message starts where an element of any type may; both sides say when one is whole. */
  void end_put() { align(head_->put); }
  void end_take() { align(head_->taken); }

 private:
  static constexpr int64_t kAlignment = 8;

  /** No element is cut. The other side may be behind with an end of a message: then there is less than nothing. */
  static int64_t part(int64_t left, int64_t most) {
    return left <= most ? left : std::max<int64_t>(most, 0) / kAlignment * kAlignment;
  }

  static int64_t before_end(int64_t at, int64_t count) { return std::min(count, kRingBytes - at % kRingBytes); }

  static void align(std::atomic<int64_t>& count) {
    const int64_t at = count.load(std::memory_order_relaxed);
    count.store((at + kAlignment - 1) / kAlignment * kAlignment, std::memory_order_release);
  }

  Head* head_ = nullptr;
  char* data_ = nullptr;
};

}  // namespace nabla::mpi
