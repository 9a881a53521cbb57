#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "../instruction.h"

namespace nabla::mpi {

/** Elements from `begin` to `end`. */
struct Range {
  int64_t begin, end;

  int64_t length() const { return end - begin; }
};

/** Several runs of elements of one type, as if they lay end to end. */
class Pieces {
 public:
  explicit Pieces(DType dtype) : dtype(dtype), element(kSizes[static_cast<int>(dtype)]) {}

  void add(char* data, int64_t count) {
    runs_.push_back({data, {total, total + count}});
    total += count;
  }

  bool begins_at(const char* data) const { return runs_[0].data == data; }
  int64_t count() const { return static_cast<int64_t>(runs_.size()); }
  int64_t length(int64_t run) const { return runs_[run].place.length(); }
  char* data(int64_t run) const { return runs_[run].data; }

  /** Calls `use(where it is, how many elements, of which run)` for every run of a range, in order. */
  template <typename Use>
  void within(Range range, const Use& use) const {
    for (int64_t i = 0; i < count(); i++) {
      const Run& run = runs_[i];
      const int64_t begin = std::max(range.begin, run.place.begin), end = std::min(range.end, run.place.end);
      if (begin < end) use(run.data + (begin - run.place.begin) * element, end - begin, i);
    }
  }

  const DType dtype;
  const int64_t element;
  int64_t total = 0;

 private:
  struct Run {
    char* data;
    Range place;
  };
  std::vector<Run> runs_;
};

}  // namespace nabla::mpi
