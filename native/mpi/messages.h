#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "pieces.h"
#include "state.h"

namespace nabla::mpi {

/** Messages under way, which are waited for together. */
class Messages {
 public:
  Messages(World& world, int channel) : world_(world), channel_(channel) {}

  void send(const void* from, int64_t bytes, int to);
  void receive(void* to, int64_t bytes, int from);
  void send(const Pieces& pieces, Range range, int to);
  void receive(const Pieces& pieces, Range range, int from);
  void sum(const Pieces& pieces);

  /** Returns when all are through. A rank that keeps silent for too long breaks everything off. */
  void wait();

 private:
  struct UnderWay {
    Request request;
    int peer;
  };

  void add(Request request, int peer) { under_way_.push_back({request, peer}); }
  void pause(Clock::duration waited) const;
  [[noreturn]] void give_up(int peer);

  World& world_;
  const int channel_;
  std::vector<UnderWay> under_way_;
};

}  // namespace nabla::mpi
