#pragma once

#include "../program/tiles.h"

namespace nabla::NABLA_ISA {
namespace {

/**
 * For every position of the outer axes, the batch: out (m, n) = a (m, k) x b (k, n). The inner axes are m, n and k.
 * After a and b come out, or the further inputs of the epilogue, whose input 0 is the product, and its outputs.
 */
struct Problem {
  const Instruction* instruction;
  const Operand *a, *b, *rest;
  int64_t m, n, k;
  /** Where strides have those along m, n and k. */
  int row, col, sum;
  /** Whether register tiles do what the epilogue does: see ends.h. */
  bool has_ending = false;

  explicit Problem(const Instruction& instruction)
      : instruction(&instruction),
        a(&instruction.operands[0]),
        b(&instruction.operands[1]),
        rest(&instruction.operands[2]),
        row(instruction.outer),
        col(row + 1),
        sum(row + 2) {
    m = instruction.sizes[row];
    n = instruction.sizes[col];
    k = instruction.sizes[sum];
  }

  /** The same product of transposed matrices: out' = b' x a'. */
  Problem transposed() const {
    Problem other = *this;
    other.a = b;
    other.b = a;
    other.m = n;
    other.n = m;
    other.row = col;
    other.col = row;
    return other;
  }

  /** What is left to do with a product. */
  const Program* epilogue() const { return has_ending ? nullptr : instruction->program; }
  /** Of a product that nothing is left to do with. */
  const Operand& out() const { return rest[rest_count() - 1]; }
  int rest_count() const { return instruction->operand_count - 2; }
  Shape batch() const { return {instruction->outer, instruction->sizes}; }
  int64_t row_stride(const Operand& out) const { return out.strides[row]; }
  int64_t col_stride(const Operand& out) const { return out.strides[col]; }
};

}  // namespace
}  // namespace nabla::NABLA_ISA
