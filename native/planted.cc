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
  static float out[1];
  checks::note_memory(out, sizeof out);
  Instruction instruction;
  instruction.outer = 1;
  instruction.inner = 0;
  instruction.sizes[0] = 2;
  instruction.operand_count = 1;
  instruction.operands[0] = {reinterpret_cast<char*>(out), DType::kFloat32, {1}};
  checks::check(instruction, "map");
}

}  // namespace

void plant(const std::string& fault) {
  if (fault == "heap overflow") return overflow_heap();
  if (fault == "signed overflow") return overflow_lane();
  if (fault == "race") return race();
  if (fault == "operand") return reach_beyond();
  throw Failure("ERR_NABLA_VALUE", "no such fault: " + fault);
}

}  // namespace nabla

#endif
