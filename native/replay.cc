#include "replay.h"

#include <cstddef>
#include <utility>

#include "mpi/collective.h"

namespace nabla {

namespace {

/** What instructions have begun goes on beside them, in memory that may be gone when a run ends before its time. */
class Begun {
 public:
  ~Begun() {
    if (!is_settled) mpi::settle_all();
  }
  bool is_settled = false;
};

}  // namespace

Replay::Replay(std::vector<double> code, std::vector<int32_t> starts, std::vector<int32_t> relocations,
               std::vector<double> addresses)
    : code_(std::move(code)),
      starts_(std::move(starts)),
      relocations_(std::move(relocations)),
      bound_(std::move(addresses)) {}

Stop Replay::run(const double* addresses, const Kernels& kernels) {
  bind(addresses);
  Begun begun;
  for (std::size_t i = 0; i < starts_.size(); i++) {
    const int64_t position = execute(&code_[starts_[i]], kernels);
    if (position != kDone) return {static_cast<int64_t>(i), position};
  }
  begun.is_settled = true;
  return {};
}

/** Addresses are whole numbers below 2^53, so that moving them is exact. */
void Replay::bind(const double* addresses) {
  const int32_t* next = relocations_.data();
  for (std::size_t port = 0; port < bound_.size(); port++) {
    const int32_t count = *next++;
    const double distance = addresses[port] - bound_[port];
    if (distance != 0) {
      for (int32_t i = 0; i < count; i++) code_[next[i]] += distance;
      bound_[port] = addresses[port];
    }
    next += count;
  }
}

}  // namespace nabla
