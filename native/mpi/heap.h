#pragma once

#include <cstdint>
#include <map>
#include <mutex>

namespace nabla::mpi {

/** Maps begin at a page, and what is allocated too; Linux has pages of up to 64 KB. */
constexpr int64_t kPage = int64_t{1} << 16;
constexpr int64_t whole_pages(int64_t bytes) { return (bytes + kPage - 1) / kPage * kPage; }

/**
 * Memory of this rank that all ranks of its machine see: what they add up lies in it, so that nobody sends it. What is
 * released stays with the process, for what is allocated next: a program may still run where its memory has been
 * released because JavaScript has ended.
 */
class Heap {
 public:
  void begin(char* memory, int64_t bytes);

  /** From a page on; null where there is no room, or no such memory. */
  char* allocate(int64_t bytes);
  void release(char* at);

  /** Where it is from the beginning of the heap; -1 outside of it. */
  int64_t place_of(const char* at) const { return at >= memory_ && at < memory_ + bytes_ ? at - memory_ : -1; }

 private:
  char* memory_ = nullptr;
  int64_t bytes_ = 0;
  std::mutex mutex_;
  /** From where to how many bytes. No two that are free touch each other. */
  std::map<int64_t, int64_t> free_, taken_;
};

}  // namespace nabla::mpi
