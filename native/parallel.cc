#include "parallel.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "cpu_count.h"

namespace nabla {

namespace {

constexpr std::chrono::microseconds kSpin{50};
constexpr int kMaxThreads = 256;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/** Waits until `word` is no longer `old`: for a while awake, because the next call often follows at once,
 * then asleep. */
void wait_while(const std::atomic<uint32_t>& word, uint32_t old) {
  const auto deadline = std::chrono::steady_clock::now() + kSpin;
  do {
    for (int i = 0; i < 32; i++) {
      if (word.load(std::memory_order_acquire) != old) return;
      pause();
    }
  } while (std::chrono::steady_clock::now() < deadline);
  word.wait(old, std::memory_order_acquire);
}

/**
 * The helpers' side and the caller's side of one job at a time.
 *
 * A job is open from `open()` to `close()`. A helper that wakes while it is open enters, works, and leaves;
 * one that wakes too late finds the gate closed and sleeps on, so that the caller waits for those at work
 * only, never for one that is still waking up.
 */
class Gate {
 public:
  void open() { word_.store(kOpen, std::memory_order_release); }

  bool enter() {
    uint32_t word = word_.load(std::memory_order_relaxed);
    while (word & kOpen) {
      if (word_.compare_exchange_weak(word, word + 1, std::memory_order_acquire)) return true;
    }
    return false;
  }

  void leave() {
    if (word_.fetch_sub(1, std::memory_order_release) == 1) word_.notify_one();
  }

  void close() {
    uint32_t inside = word_.fetch_and(~kOpen, std::memory_order_acquire) & ~kOpen;
    while (inside != 0) {
      wait_while(word_, inside);
      inside = word_.load(std::memory_order_acquire);
    }
  }

 private:
  static constexpr uint32_t kOpen = 1u << 31;
  /** kOpen, and the number of helpers inside. */
  std::atomic<uint32_t> word_{0};
};

/** A run of tasks that belongs to one thread; the others help when they have done their own. */
struct alignas(64) Share {
  std::atomic<int64_t> next{0};
  int64_t end = 0;
};

class Pool {
 public:
  void run(int64_t tasks, Task task, const void* context) {
    if (tasks <= 1 || size() == 1 || busy_.test_and_set(std::memory_order_acquire)) {
      return run_inline(tasks, task, context);
    }
    if (!start_helpers()) {
      release();
      return run_inline(tasks, task, context);
    }
    run_with_helpers(tasks, task, context);
    const std::exception_ptr failure = std::exchange(failure_, nullptr);
    failed_.clear();
    release();
    if (failure) std::rethrow_exception(failure);
  }

  int size() {
    int size = size_.load(std::memory_order_relaxed);
    if (size == 0) {
      size = clamp_size(available_cpus());
      size_.store(size, std::memory_order_relaxed);
    }
    return size;
  }

  void resize(int size) {
    acquire();
    stop_helpers();
    size_.store(clamp_size(size), std::memory_order_relaxed);
    release();
  }

  void enter_environment() { environments_.fetch_add(1); }

  bool leave_environment() {
    if (environments_.fetch_sub(1) != 1) return false;
    acquire();
    stop_helpers();
    release();
    return true;
  }

 private:
  static int clamp_size(int size) { return std::clamp(size, 1, kMaxThreads); }

  static void run_inline(int64_t tasks, Task task, const void* context) {
    for (int64_t i = 0; i < tasks; i++) task(context, i);
  }

  void acquire() {
    while (busy_.test_and_set(std::memory_order_acquire)) busy_.wait(true);
  }

  void release() {
    busy_.clear(std::memory_order_release);
    busy_.notify_one();
  }

  /** False if there are none: the process may have no more threads or memory. It makes do with those that it got. */
  bool start_helpers() {
    if (!helpers_.empty()) return true;
    try {
      shares_ = std::make_unique<Share[]>(size());
      helpers_.reserve(size());
      for (int i = 1; i < size(); i++) helpers_.emplace_back([this, i, seen = round_.load()] { help(i, seen); });
    } catch (const std::exception&) {
      size_.store(static_cast<int>(helpers_.size()) + 1, std::memory_order_relaxed);
    }
    return !helpers_.empty();
  }

  void stop_helpers() {
    stopping_ = true;
    next_round();
    for (std::thread& helper : helpers_) helper.join();
    helpers_.clear();
    stopping_ = false;
  }

  void next_round() {
    round_.fetch_add(1, std::memory_order_release);
    round_.notify_all();
  }

  void run_with_helpers(int64_t tasks, Task task, const void* context) {
    task_ = task;
    context_ = context;
    const int threads = size();
    for (int i = 0; i < threads; i++) {
      shares_[i].next.store(tasks * i / threads, std::memory_order_relaxed);
      shares_[i].end = tasks * (i + 1) / threads;
    }
    gate_.open();
    next_round();
    work(0);
    gate_.close();
  }

  void help(int index, uint32_t seen) {
    for (;;) {
      wait_while(round_, seen);
      seen = round_.load(std::memory_order_acquire);
      if (stopping_) return;
      if (!gate_.enter()) continue;
      work(index);
      gate_.leave();
    }
  }

  /** The thread's own share first: the same part of the data, call after call, is in its cache. */
  void work(int index) {
    const int threads = size();
    for (int i = 0; i < threads; i++) {
      Share& share = shares_[(index + i) % threads];
      for (;;) {
        const int64_t task = share.next.fetch_add(1, std::memory_order_relaxed);
        if (task >= share.end) break;
        run_task(task);
      }
    }
  }

  /** The first exception is kept for the caller; the other tasks run all the same. */
  void run_task(int64_t task) {
    try {
      task_(context_, task);
    } catch (...) {
      if (!failed_.test_and_set()) failure_ = std::current_exception();
    }
  }

  std::atomic_flag busy_;
  std::atomic<int> size_{0};
  std::atomic<int> environments_{0};
  std::vector<std::thread> helpers_;
  std::unique_ptr<Share[]> shares_;
  std::atomic<uint32_t> round_{0};
  std::atomic<bool> stopping_{false};
  Gate gate_;
  Task task_ = nullptr;
  const void* context_ = nullptr;
  std::atomic_flag failed_;
  std::exception_ptr failure_;
};

/** Never destroyed: at process exit its threads may still be waiting on it. */
Pool& pool() {
  static Pool& pool = *new Pool;
  return pool;
}

}  // namespace

void parallel_for(int64_t tasks, Task run, const void* context) { pool().run(tasks, run, context); }

int num_threads() { return pool().size(); }
void set_num_threads(int count) { pool().resize(count); }

void enter_environment() { pool().enter_environment(); }
bool leave_environment() { return pool().leave_environment(); }

}  // namespace nabla
