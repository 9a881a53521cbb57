#pragma once

#include "../convert.h"
#include "../program/tiles.h"

/**
 * A map that walks an operand across memory (a transposed copy is the plainest) would fetch a cache line for every
 * element. Cutting both of the axes in question into short pieces, and making the pieces the inner axes, lets a tile
 * use up the lines it fetches.
 */
namespace nabla::NABLA_ISA {
namespace {

/** Length of the pieces: a tile holds a square of them. */
template <typename T>
constexpr int64_t kPiece = sizeof(T) == 4 ? 32 : 16;

/** Steps in elements from which on neighbours are in different cache lines. */
constexpr int64_t kFar = 16;

/** The axis along which an operand lies closer than along the last one, if that is worth blocking; else -1. */
inline int crossing_axis(const Instruction& instruction, int operands, int64_t piece) {
  const int last = instruction.outer - 1;
  if (instruction.outer + 2 > kMaxDims || instruction.sizes[last] < 2 * piece) return -1;
  for (int i = 0; i < operands; i++) {
    const int64_t* strides = instruction.operands[i].strides;
    const int64_t far = __builtin_llabs(strides[last]);
    for (int d = 0; d < last && far >= kFar; d++) {
      const bool closer = strides[d] != 0 && __builtin_llabs(strides[d]) < far;
      if (closer && instruction.sizes[d] >= 2 * piece) return d;
    }
  }
  return -1;
}

/** Splits off the positions of `axis` from `start` on. */
inline Instruction split_off(Instruction& instruction, int operands, int axis, int64_t start) {
  Instruction rest = instruction;
  rest.sizes[axis] = instruction.sizes[axis] - start;
  for (int i = 0; i < operands; i++) {
    Operand& operand = rest.operands[i];
    operand.data += start * operand.strides[axis] * size_of(operand.dtype);
  }
  instruction.sizes[axis] = start;
  return rest;
}

/** The same elements with `axis` and the last axis, both multiples of `piece`, as axes of pieces and axes within
 * pieces. */
inline Instruction in_pieces(const Instruction& instruction, int operands, int axis, int64_t piece) {
  Instruction blocked = instruction;
  const int last = instruction.outer - 1;
  const int within[] = {axis, last};
  blocked.outer = instruction.outer + 2;
  for (int k = 0; k < 2; k++) {
    const int d = within[k];
    blocked.sizes[d] = instruction.sizes[d] / piece;
    blocked.sizes[instruction.outer + k] = piece;
    for (int i = 0; i < operands; i++) {
      int64_t* strides = blocked.operands[i].strides;
      strides[instruction.outer + k] = strides[d];
      strides[d] *= piece;
    }
  }
  return blocked;
}

/** Calls run(part) for instructions that together do what this one does. */
template <typename T, typename Run>
void for_each_block(const Instruction& instruction, const Run& run) {
  const int operands = instruction.program->inputs + instruction.program->outputs;
  const int axis = crossing_axis(instruction, operands, kPiece<T>);
  if (axis < 0) return run(instruction);
  Instruction square = instruction;
  const int axes[] = {axis, instruction.outer - 1};
  for (const int d : axes) {
    const int64_t whole = square.sizes[d] / kPiece<T> * kPiece<T>;
    if (whole < square.sizes[d]) run(split_off(square, operands, d, whole));
  }
  run(in_pieces(square, operands, axis, kPiece<T>));
}

}  // namespace
}  // namespace nabla::NABLA_ISA
