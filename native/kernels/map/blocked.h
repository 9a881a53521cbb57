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
inline int crossing_axis(const MapRecord& record, int operands, int64_t piece) {
  const int last = record.dims - 1;
  if (record.dims + 2 > kMaxDims || record.sizes[last] < 2 * piece) return -1;
  for (int i = 0; i < operands; i++) {
    const int64_t* strides = record.operands[i].strides;
    const int64_t far = __builtin_llabs(strides[last]);
    for (int d = 0; d < last && far >= kFar; d++) {
      const bool closer = strides[d] != 0 && __builtin_llabs(strides[d]) < far;
      if (closer && record.sizes[d] >= 2 * piece) return d;
    }
  }
  return -1;
}

/** Splits off the positions of `axis` from `start` on. */
inline MapRecord split_off(MapRecord& record, int operands, int axis, int64_t start) {
  MapRecord rest = record;
  rest.sizes[axis] = record.sizes[axis] - start;
  for (int i = 0; i < operands; i++) {
    Operand& operand = rest.operands[i];
    operand.data += start * operand.strides[axis] * size_of(operand.dtype);
  }
  record.sizes[axis] = start;
  return rest;
}

/** The same elements with `axis` and the last axis, both multiples of `piece`, as axes of pieces and axes within
 * pieces. */
inline MapRecord in_pieces(const MapRecord& record, int operands, int axis, int64_t piece) {
  MapRecord blocked = record;
  const int last = record.dims - 1;
  const int within[] = {axis, last};
  blocked.dims = record.dims + 2;
  for (int k = 0; k < 2; k++) {
    const int d = within[k];
    blocked.sizes[d] = record.sizes[d] / piece;
    blocked.sizes[record.dims + k] = piece;
    for (int i = 0; i < operands; i++) {
      int64_t* strides = blocked.operands[i].strides;
      strides[record.dims + k] = strides[d];
      strides[d] *= piece;
    }
  }
  return blocked;
}

/** Calls run(record) for records that together do what `record` does. */
template <typename T, typename Run>
void for_each_block(const MapRecord& record, const Run& run) {
  const int operands = record.program->inputs + record.program->outputs;
  const int axis = crossing_axis(record, operands, kPiece<T>);
  if (axis < 0) return run(record);
  MapRecord square = record;
  const int axes[] = {axis, record.dims - 1};
  for (const int d : axes) {
    const int64_t whole = square.sizes[d] / kPiece<T> * kPiece<T>;
    if (whole < square.sizes[d]) run(split_off(square, operands, d, whole));
  }
  run(in_pieces(square, operands, axis, kPiece<T>));
}

}  // namespace
}  // namespace nabla::NABLA_ISA
