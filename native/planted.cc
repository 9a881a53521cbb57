#include "planted.h"

#ifdef NABLA_CHECKED

#include <cstdint>
#include <cstring>
#include <memory>
#include <thread>

#include "checks.h"
#include "failure.h"

namespace nabla {

namespace {

void overflow_heap() {
  const auto memory = std::make_unique<char[]>(64);
  volatile size_t size = 65;
  std::memset(memory.get(), 1, size);
}

void overflow_lane() {
  typedef int32_t Lanes __attribute__((vector_size(16)));
  volatile int32_t largest = INT32_MAX;
  Lanes lanes = {largest, 0, 0, 0};
  lanes += 1;
  largest = lanes[0];
}

void race() {
  int counter = 0;
  std::thread other([&counter] { counter++; });
  counter++;
  other.join();
}

/** An output of two elements in memory of one. */
void reach_beyond() {
  alignas(64) static int32_t state[628];
  static float out[1];
  checks::note_memory(state, sizeof state);
  checks::note_memory(out, sizeof out);
  checks::check(RandomRecord{RandomKind::kUniform, DType::kFloat32, state, reinterpret_cast<char*>(out), 2, 0, 1});
}

}  // namespace

void plant(const std::string& fault) {
  if (fault == "heap overflow") return overflow_heap();
  if (fault == "signed overflow") return overflow_lane();
  if (fault == "race") return race();
  if (fault == "record") return reach_beyond();
  throw Failure("ERR_NABLA_VALUE", "no such fault: " + fault);
}

}  // namespace nabla

#endif
