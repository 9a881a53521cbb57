#include "messages.h"

#include <thread>

namespace nabla::mpi {

namespace {

/** For how long to look at a message again and again before sleeping in between: where a processor is shared, who
 * sleeps is served before who yields. */
constexpr auto kEager = std::chrono::microseconds(200);
/** Where nothing gets on by being looked at. */
constexpr auto kEagerInMemory = std::chrono::microseconds(50);
constexpr auto kNap = std::chrono::microseconds(50);

template <typename Use>
void each(int64_t count, const Use& use) {
  for (int64_t at = 0; at < count; at += kMostBytes) use(at, std::min(kMostBytes, count - at));
}

std::string shown(double seconds) {
  std::string text = std::to_string(seconds);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

}  // namespace

void Messages::send(const void* from, int64_t bytes, int to) {
  const Timed timed(world_.times.passing);
  world_.times.bytes += bytes;
  each(bytes, [&](int64_t at, int64_t count) {
    add(world_.library->send(channel_, static_cast<const char*>(from) + at, count, to), to);
  });
}

void Messages::receive(void* to, int64_t bytes, int from) {
  const Timed timed(world_.times.passing);
  each(bytes, [&](int64_t at, int64_t count) {
    add(world_.library->receive(channel_, static_cast<char*>(to) + at, count, from), from);
  });
}

void Messages::send(const Pieces& pieces, Range range, int to) {
  pieces.within(range, [&](const char* data, int64_t count, int64_t) { send(data, count * pieces.element, to); });
}

void Messages::receive(const Pieces& pieces, Range range, int from) {
  pieces.within(range, [&](char* data, int64_t count, int64_t) { receive(data, count * pieces.element, from); });
}

void Messages::sum(const Pieces& pieces) {
  pieces.within({0, pieces.total}, [&](char* data, int64_t count, int64_t) {
    each(count, [&](int64_t at, int64_t part) {
      add(world_.library->sum(channel_, data + at * pieces.element, part, pieces.dtype), -1);
    });
  });
}

void Messages::wait() {
  const Timed timed(world_.times.waiting);
  Patience patience(world_, channel_);
  for (; !under_way_.empty(); under_way_.pop_back()) {
    while (!world_.library->test(under_way_.back().request)) patience.pause(under_way_.back().peer);
  }
}

/** While the program computes, the processor is its. */
void Patience::pause(int peer) {
  const Clock::duration waited = Clock::now() - start_;
  if (waited > world_.patience) give_up(peer);
  if (waited < (world_.neighbors.empty() ? kEager : kEagerInMemory) && world_.channels[channel_].awaited) {
    std::this_thread::yield();
  } else {
    std::this_thread::sleep_for(kNap);
  }
}

void Patience::give_up(int peer) const {
  const std::string who = peer < 0 ? "some rank" : "rank " + std::to_string(peer);
  fail(who + " has not answered rank " + std::to_string(world_.library->rank) + " for " +
       shown(std::chrono::duration<double>(world_.patience).count()) +
       " s: it was stopped, its link is down, or it is not doing what the others do (or took longer than the " +
       "timeout of init allows)");
}

}  // namespace nabla::mpi
