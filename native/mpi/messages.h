#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "pieces.h"
#include "state.h"

namespace nabla::mpi {

/** Waiting for a rank. One that keeps silent for too long breaks everything off. */
class Patience {
 public:
  Patience(World& world, int channel) : world_(world), channel_(channel) {}

  /** Gives the processor to others for a while. The rank that is waited for is any where it is -1. */
  void pause(int peer);

 private:
  [[noreturn]] void give_up(int peer) const;

  World& world_;
  const int channel_;
  const Clock::time_point start_ = Clock::now();
};

/** Messages under way, which are waited for together: sent to one rank, received from one. */
class Messages {
 public:
  Messages(World& world, int channel) : world_(world), channel_(channel) {}

  void send(const void* from, int64_t bytes, int to);
  void receive(void* to, int64_t bytes, int from);
  void send(const Pieces& pieces, Range range, int to);
  void receive(const Pieces& pieces, Range range, int from);
  void sum(const Pieces& pieces);

  /** Returns when all are through. */
  void wait();

 private:
  struct UnderWay {
    Request request;
    int peer;
  };

  void add(Request request, int peer) { under_way_.push_back({request, peer}); }

  World& world_;
  const int channel_;
  std::vector<UnderWay> under_way_;
};

}  // namespace nabla::mpi
