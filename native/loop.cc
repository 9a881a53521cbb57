#include "loop.h"

#include <cstring>
#include <string>
#include <utility>

#include "failure.h"

namespace nabla {

Loop::Loop(Replay& replay, const Kernels& kernels, Steps steps, std::function<void()> done)
    : replay_(replay), kernels_(kernels), steps_(std::move(steps)), done_(std::move(done)), row_(steps_.rows) {
  try {
    work_in_background(*this);
  } catch (const std::exception&) {
    failure_ = std::current_exception();
    finish();
  }
}

Loop::~Loop() { wait_for(*this); }

void Loop::stop() {
  if (!ended_) __atomic_store_n(&steps_.control[0], 1, __ATOMIC_RELAXED);
}

Stop Loop::result() const {
  if (failure_) std::rethrow_exception(failure_);
  return stop_;
}

/**
 * With the priority of all threads. A lower one (nice 1 to 19 on Linux, with one such thread per core) did not bring
 * the timers and requests of the main thread forward: the scheduler lets a thread that has slept run at once.
 */
bool Loop::work(const Turn& turn) noexcept {
  try {
    return run_steps(turn);
  } catch (...) {
    failure_ = std::current_exception();
    return false;
  }
}

void Loop::finish() noexcept {
  ended_ = true;
  done_();
}

bool Loop::run_steps(const Turn& turn) {
  while (step_ < steps_.count) {
    if (__atomic_load_n(&steps_.control[0], __ATOMIC_RELAXED) != 0) return false;
    feed(step_);
    row_ = give_numbers(row_);
    stop_ = replay_.run(steps_.ports.data(), kernels_);
    if (stop_.instruction >= 0) return false;
    steps_.history[step_] = watched();
    __atomic_store_n(&steps_.control[1], static_cast<int32_t>(++step_), __ATOMIC_RELEASE);
    if (turn.is_over()) return step_ < steps_.count;
  }
  return false;
}

/** Whoever made the order has checked it; but what is in memory decides what is read, so it is checked here too. */
void Loop::check_rows(const int32_t* rows) const {
  for (const Feed& feed : steps_.feeds) {
    for (int64_t j = 0; j < steps_.batch_size; j++) {
      if (rows[j] >= 0 && rows[j] < feed.count) continue;
      throw Failure("ERR_NABLA_VALUE",
                    "expected rows from 0 to " + std::to_string(feed.count - 1) + ", got " + std::to_string(rows[j]));
    }
  }
}

void Loop::feed(int64_t step) const {
  const int32_t* rows = steps_.order + step * steps_.batch_size;
  check_rows(rows);
  for (const Feed& feed : steps_.feeds) {
    char* to = reinterpret_cast<char*>(static_cast<uintptr_t>(steps_.ports[feed.port]));
    for (int64_t j = 0; j < steps_.batch_size; j++) {
      std::memcpy(to + j * feed.row_bytes, feed.rows + rows[j] * feed.row_bytes, feed.row_bytes);
    }
  }
}

const double* Loop::give_numbers(const double* row) const {
  for (const NumberTarget& target : steps_.targets) {
    std::memcpy(target.to, row, target.length * sizeof(double));
    row += target.length;
  }
  return row;
}

double Loop::watched() const {
  if (steps_.watched_type == DType::kFloat64) return *reinterpret_cast<const double*>(steps_.watched);
  return *reinterpret_cast<const float*>(steps_.watched);
}

}  // namespace nabla
