#include "loop_threads.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "parallel.h"

namespace nabla {

/** For the whole process, as the pool of `parallel_for`. Threads stay: to start one takes longer than many an epoch. */
class LoopThreads {
 public:
  void add(Shared& work) {
    const std::lock_guard alive(lifetime_);
    const std::lock_guard lock(mutex_);
    if (idle_ <= queue_.size() && threads_.size() < limit()) start_thread();
    work.is_under_way_ = true;
    enqueue(floor_, work);
    work_.notify_one();
  }

  void wait_for(Shared& work) {
    std::unique_lock lock(mutex_);
    finished_.wait(lock, [&] { return !work.is_under_way_; });
  }

  void end() {
    const std::lock_guard alive(lifetime_);
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    work_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    ending_ = false;
  }

 private:
  /** How long something has worked, beginning with what the others had when it came. */
  using Time = Turn::Clock::duration;

  static size_t limit() { return static_cast<size_t>(num_threads()); }

  void start_thread() {
    try {
      threads_.emplace_back([this] { serve(); });
    } catch (const std::exception&) {
      // Those that there are do it later.
      if (threads_.empty()) throw;
    }
  }

  void enqueue(Time time, Shared& work) {
    queue_.emplace(time, &work);
    waiting_.store(static_cast<int>(queue_.size()), std::memory_order_relaxed);
  }

  Shared& dequeue() {
    const auto first = queue_.begin();
    floor_ = std::max(floor_, first->first);
    Shared& work = *first->second;
    queue_.erase(first);
    waiting_.store(static_cast<int>(queue_.size()), std::memory_order_relaxed);
    return work;
  }

  void serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
      idle_++;
      work_.wait(lock, [&] { return ending_ || (!queue_.empty() && busy_ < limit()); });
      idle_--;
      if (ending_) return;
      busy_++;
      take_turn(lock);
      busy_--;
    }
  }

  void take_turn(std::unique_lock<std::mutex>& lock) {
    const Time before = queue_.begin()->first;
    Shared& work = dequeue();
    lock.unlock();
    const auto start = Turn::Clock::now();
    const bool is_left = work.work(Turn(start, waiting_));
    const Time used = Turn::Clock::now() - start;
    if (!is_left) work.finish();
    lock.lock();
    if (is_left) return enqueue(before + used, work);
    work.is_under_way_ = false;
    finished_.notify_all();
  }

  /** Held while threads are started or ended. */
  std::mutex lifetime_;
  /** Of all below. */
  std::mutex mutex_;
  std::condition_variable work_;
  std::condition_variable finished_;
  std::vector<std::thread> threads_;
  std::multimap<Time, Shared*> queue_;
  std::atomic<int> waiting_{0};
  Time floor_{};
  size_t idle_ = 0;
  size_t busy_ = 0;
  bool ending_ = false;
};

namespace {

/** Never destroyed: at process exit its threads may still be waiting on it. */
LoopThreads& threads() {
  static LoopThreads& threads = *new LoopThreads;
  return threads;
}

}  // namespace

void work_in_background(Shared& work) { threads().add(work); }
void wait_for(Shared& work) { threads().wait_for(work); }
void end_loop_threads() { threads().end(); }

}  // namespace nabla
