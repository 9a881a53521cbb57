#pragma once

#include <cstdint>
#include <vector>

#include "execute.h"

namespace nabla {

/** Where a run of instructions stopped, and what `execute` said there; both -1 if it did not. */
struct Stop {
  int64_t instruction = -1;
  int64_t position = -1;
};

/** Encoded instructions, to be run again and again. Some of their addresses depend on what is bound to ports. */
class Replay {
 public:
  /**
   * @param starts where in `code` each instruction begins
   * @param relocations per port how many addresses depend on it, then where in `code` these are
   * @param addresses what the ports were bound to when the instructions were encoded
   */
  Replay(std::vector<double> code, std::vector<int32_t> starts, std::vector<int32_t> relocations,
         std::vector<double> addresses);

  /** Runs all instructions in order, or up to the first that cannot be done. `addresses` has one for each port. */
  Stop run(const double* addresses, const Kernels& kernels);

 private:
  void bind(const double* addresses);

  std::vector<double> code_;
  std::vector<int32_t> starts_;
  std::vector<int32_t> relocations_;
  std::vector<double> bound_;
};

}  // namespace nabla
