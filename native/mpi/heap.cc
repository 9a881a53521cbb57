#include "heap.h"

#include <iterator>

namespace nabla::mpi {

void Heap::begin(char* memory, int64_t bytes) {
  memory_ = memory;
  bytes_ = bytes;
  free_[0] = bytes;
}

char* Heap::allocate(int64_t bytes) {
  const int64_t wanted = whole_pages(bytes);
  const std::lock_guard lock(mutex_);
  for (auto found = free_.begin(); found != free_.end(); ++found) {
    const auto [at, size] = *found;
    if (size < wanted) continue;
    free_.erase(found);
    if (size > wanted) free_[at + wanted] = size - wanted;
    taken_[at] = wanted;
    return memory_ + at;
  }
  return nullptr;
}

void Heap::release(char* of) {
  const std::lock_guard lock(mutex_);
  const auto found = taken_.find(of - memory_);
  auto [at, size] = *found;
  taken_.erase(found);
  auto next = free_.lower_bound(at);
  if (next != free_.end() && next->first == at + size) {
    size += next->second;
    next = free_.erase(next);
  }
  if (next != free_.begin()) {
    const auto before = std::prev(next);
    if (before->first + before->second == at) {
      before->second += size;
      return;
    }
  }
  free_[at] = size;
}

}  // namespace nabla::mpi
