#pragma once

#include "../../instruction.h"
#include "../integers.h"

/**
 * Iteration spaces are run tile by tile: a tile is `step` neighbouring positions of one axis, with all axes inside it
 * whole, and has at most about a thousand elements, so that what a program computes stays in the first-level cache.
 */
namespace nabla::NABLA_ISA {
namespace {

/** Elements per tile: 4 KiB of them. */
template <typename T>
constexpr int64_t kTileElements = 4096 / sizeof(T);

/** The axes of an iteration, outermost first; at least one. */
struct Shape {
  int dims;
  const int64_t* sizes;

  int64_t size() const {
    int64_t product = 1;
    for (int d = 0; d < dims; d++) product *= sizes[d];
    return product;
  }
};

/** How far from the first position the one with this row-major number is. */
inline int64_t offset_at(int64_t number, Shape shape, const int64_t* strides) {
  int64_t offset = 0;
  for (int d = shape.dims - 1; d >= 0; d--) {
    offset += number % shape.sizes[d] * strides[d];
    number /= shape.sizes[d];
  }
  return offset;
}

struct Tiling {
  Shape shape;
  /** The axis that is cut. */
  int axis;
  /** Positions of the axis per tile; the last tile along it may have fewer. */
  int64_t step;
  /** Elements per position of the axis. */
  int64_t inner;
  int64_t tiles_along_axis;
  int64_t count;

  int64_t max_elements() const { return step * inner; }
};

/** Cuts a shape without empty axes into tiles of at most `limit` elements. */
inline Tiling tiles_of(Shape shape, int64_t limit) {
  int axis = shape.dims - 1;
  int64_t inner = 1;
  while (axis > 0 && inner * shape.sizes[axis] <= limit) inner *= shape.sizes[axis--];
  const int64_t whole = shape.sizes[axis];
  if (axis == 0 && inner * whole <= limit) return {shape, 0, whole, inner, 1, 1};
  const int64_t step = smaller(whole, limit / inner);
  const int64_t along = ceil_div(whole, step);
  int64_t count = along;
  for (int d = 0; d < axis; d++) count *= shape.sizes[d];
  return {shape, axis, step, inner, along, count};
}

/** Where a tile is: its position on the cut axis and those outside of it, and its extent on the cut axis. */
struct Tile {
  int axis;
  int64_t index[kMaxDims];
  int64_t extent;

  /**
   * The case of one axis stands alone: summed in a vector, the load of `index` would wait for its stores, and they for
   * all the results that an earlier tile wrote to memory.
   */
  int64_t offset(const int64_t* strides) const {
    int64_t sum = index[0] * strides[0];
    if (axis == 0) return sum;
    for (int d = 1; d <= axis; d++) sum += index[d] * strides[d];
    return sum;
  }
};

inline Tile tile_at(const Tiling& tiling, int64_t number) {
  Tile tile;
  tile.axis = tiling.axis;
  int64_t outer = tiling.axis == 0 ? 0 : number / tiling.tiles_along_axis;
  tile.index[tiling.axis] = (number - outer * tiling.tiles_along_axis) * tiling.step;
  for (int d = tiling.axis - 1; d >= 0; d--) {
    tile.index[d] = outer % tiling.shape.sizes[d];
    outer /= tiling.shape.sizes[d];
  }
  tile.extent = smaller(tiling.step, tiling.shape.sizes[tiling.axis] - tile.index[tiling.axis]);
  return tile;
}

/** Whether the elements of every tile follow each other in memory. */
inline bool contiguous_in_tiles(const Tiling& tiling, const int64_t* strides) {
  int64_t step = 1;
  for (int d = tiling.shape.dims - 1; d > tiling.axis; d--) {
    if (strides[d] != step && tiling.shape.sizes[d] != 1) return false;
    step *= tiling.shape.sizes[d];
  }
  return strides[tiling.axis] == step || tiling.step == 1;
}

/** Whether every tile sees the same elements. */
inline bool same_in_tiles(const Tiling& tiling, const int64_t* strides) {
  for (int d = 0; d <= tiling.axis; d++) {
    if (strides[d] != 0 && tiling.shape.sizes[d] != 1) return false;
  }
  return true;
}

}  // namespace
}  // namespace nabla::NABLA_ISA
