#pragma once

#include "ending.h"
#include "problem.h"

/** Which epilogues are endings. */
namespace nabla::NABLA_ISA {
namespace {

/** What an epilogue does, if registers can do it. */
struct Ends {
  const Operand* bias = nullptr;
  bool has_relu = false;

  bool are_there() const { return bias != nullptr || has_relu; }
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

/** Whether an operand has one element for each column of the output, and is not where that is: sums of several chunks
 * are added up there. */
template <typename T>
bool is_bias(const Problem& problem, const Operand& operand) {
  const int axes = problem.instruction->outer + 2;
  return operand.dtype == kDTypeOf<T> && problem.col_stride(operand) == 1 &&
         (problem.row_stride(operand) == 0 || problem.m == 1) &&
         !Extent(*problem.instruction, axes, operand).meets({*problem.instruction, axes, problem.out()});
}

/** Of a problem's epilogue, whose input 0 is the product. */
template <typename T>
Ends ends_of(const Problem& problem) {
  const Program* program = problem.instruction->program;
  // Every size of a register tile has code for it: only in float32.
  if (sizeof(T) > sizeof(float) || program == nullptr || program->is_double || program->outputs != 1) return {};
  const Operand& out = problem.out();
  if (out.dtype != kDTypeOf<T> || (problem.col_stride(out) != 1 && problem.n > 1)) return {};
  const Stage& stage = program->resident[0];
  if (program->params > 0 || stage.element_count > 2) return {};
  Ends ends;
  int32_t value = 0;
  for (int i = 0; i < stage.element_count; i++) {
    const MicroInstruction& m = stage.elements[i];
    const int32_t other = m.a == value ? m.b : m.a;
    const bool has_value = m.a == value || m.b == value;
    if (m.op == static_cast<int32_t>(MicroOp::relu) && m.a == value) {
      ends.has_relu = true;
    } else if (i == 0 && m.op == static_cast<int32_t>(MicroOp::add) && has_value && other > 0 &&
               other < program->inputs && is_bias<T>(problem, problem.rest[other - 1])) {
      ends.bias = &problem.rest[other - 1];
    } else {
      return {};
    }
    value = m.dst;
  }
  return value == program->inputs ? ends : Ends{};
}

}  // namespace
}  // namespace nabla::NABLA_ISA
