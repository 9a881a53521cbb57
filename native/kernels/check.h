#pragma once

#include "../instruction.h"

namespace nabla::NABLA_ISA {
namespace {

/** Cannot be done where its operand, a float64, is not 0. */
int64_t check(const Instruction& instruction) {
  return *reinterpret_cast<const double*>(instruction.operands[0].data) == 0 ? kDone : 0;
}

}  // namespace
}  // namespace nabla::NABLA_ISA
