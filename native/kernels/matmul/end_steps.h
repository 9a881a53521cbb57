#pragma once

#include "ending.h"
#include "problem.h"

/** Which epilogues are endings. */
namespace nabla::NABLA_ISA {
namespace {

/** A step is a sum with an input of the epilogue, of which the product is 0; or relu, which is written as that. */
struct EndSteps {
  int count = 0;
  int32_t inputs[kMostEndSteps];
};

/** From where to where an operand lies, for the axes of a problem's output. */
struct Extent {
  const char *begin, *end;

  Extent(const Instruction& instruction, int axes, const Operand& operand) : begin(operand.data), end(operand.data) {
    for (int d = 0; d < axes; d++) {
      const int64_t length = (instruction.sizes[d] - 1) * operand.strides[d] * size_of(operand.dtype);
      (length < 0 ? begin : end) += length;
    }
    end += size_of(operand.dtype);
  }

  bool meets(const Extent& other) const { return begin < other.end && other.begin < end; }
};

/** The steps of a problem's epilogue, if it is nothing else and its operands lie as registers read them; or else none.
 */
template <typename T>
EndSteps end_steps(const Problem& problem) {
  const Program* program = problem.instruction->program;
  if (program == nullptr || program->is_double != (sizeof(T) == sizeof(double)) || program->outputs != 1) return {};
  const Stage& stage = program->resident[0];
  if (program->params > 0 || stage.element_count > kMostEndSteps) return {};
  const Operand& out = problem.rest[problem.rest_count() - 1];
  if (out.dtype != kDTypeOf<T> || (problem.col_stride(out) != 1 && problem.n > 1)) return {};
  const int axes = problem.instruction->outer + 2;
  const Extent written(*problem.instruction, axes, out);
  EndSteps steps;
  int32_t value = 0;
  for (int i = 0; i < stage.element_count; i++) {
    const MicroInstruction& m = stage.elements[i];
    const int32_t other = m.a == value ? m.b : m.a;
    if (m.op == static_cast<int32_t>(MicroOp::relu) && m.a == value) {
      steps.inputs[steps.count++] = 0;
    } else if (m.op == static_cast<int32_t>(MicroOp::add) && (m.a == value || m.b == value) && other > 0 &&
               other < program->inputs) {
      const Operand& operand = problem.rest[other - 1];
      const int64_t step = problem.col_stride(operand);
      // Sums of several chunks are added up where the output is: what it overlaps would be gone.
      const bool is_apart = !Extent(*problem.instruction, axes, operand).meets(written);
      if (operand.dtype != kDTypeOf<T> || (step != 0 && step != 1) || !is_apart) return {};
      steps.inputs[steps.count++] = other;
    } else {
      return {};
    }
    value = m.dst;
  }
  return value == program->inputs ? steps : EndSteps{};
}

}  // namespace
}  // namespace nabla::NABLA_ISA
