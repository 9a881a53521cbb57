#pragma once

#include <atomic>
#include <exception>
#include <functional>
#include <vector>

#include "loop_threads.h"
#include "replay.h"

namespace nabla {

/** Row j of port `port` becomes row order[j] of the `count` at `rows` before each step. */
struct Feed {
  int port;
  const char* rows;
  int64_t row_bytes;
  int64_t count;
};

/** Numbers that each step finds at `to`: the next `length` of its row of a table. */
struct NumberTarget {
  double* to;
  int64_t length;
};

/** See `Loop` in lib/backend/instruction.ts. `control` is shared with JavaScript: not 0 to stop, steps done. */
struct Steps {
  int64_t count;
  int64_t batch_size;
  std::vector<double> ports;
  std::vector<Feed> feeds;
  const int32_t* order;
  std::vector<NumberTarget> targets;
  /** Row by row, for all steps. */
  const double* rows;
  const char* watched;
  DType watched_type;
  double* history;
  int32_t* control;
};

/** Runs steps in the background. */
class Loop : private Shared {
 public:
  /** Starts. `done` is called there when nothing is left, or here if there can be no thread. */
  Loop(Replay& replay, const Kernels& kernels, Steps steps, std::function<void()> done);
  /** Waits for the end. */
  ~Loop() override;

  /** Has it end after the step under way, if it has not ended. */
  void stop();
  /** After the end: what went wrong is thrown. */
  Stop result() const;

 private:
  bool work(const Turn& turn) noexcept override;
  void finish() noexcept override;
  /** Whether steps are left. */
  bool run_steps(const Turn& turn);
  /** Throws before it writes if there is no such row. */
  void feed(int64_t step) const;
  /** Copies a row of the table of numbers to where instructions read it; returns where the next row begins. */
  const double* give_numbers(const double* row) const;
  void check_rows(const int32_t* rows) const;
  double watched() const;

  Replay& replay_;
  const Kernels& kernels_;
  const Steps steps_;
  const std::function<void()> done_;
  int64_t step_ = 0;
  /** Of the table of numbers, for the next step. */
  const double* row_;
  Stop stop_;
  std::exception_ptr failure_;
  std::atomic<bool> ended_{false};
};

}  // namespace nabla
