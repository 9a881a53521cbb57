#pragma once

#include "../program/tiled_operands.h"
#include "../tasks.h"
#include "blocked.h"

namespace nabla::NABLA_ISA {
namespace {

/** Runs the tiles [begin, end) of a map. */
template <typename T>
void map_tiles(const MapRecord& record, const Tiling& tiling, int64_t begin, int64_t end) {
  const Program& program = *record.program;
  Slots<T> slots(program, record.params, tiling.max_elements());
  TiledOperands<T> operands(slots, program, record.operands, tiling, tiling, record.misfit);
  const Stage& stage = program.resident[0];
  for (int64_t number = begin; number < end; number++) {
    const Tile tile = tile_at(tiling, number);
    operands.load(Kind::kElement, tile);
    slots.run(stage.elements, stage.element_count, tile.extent * tiling.inner);
    operands.store(Kind::kElement, tile);
  }
}

/** Rows from which on a tile for each costs less than copying them into tiles of several. */
constexpr int64_t kLongRow = 192;

/**
 * Tiles of several rows, unless these are long and an operand's are apart: one by one they are used where they lie. So
 * is a repeated row: copied for a tile of several, it takes more of the first-level cache than it saves (5 to 20 %).
 */
template <typename T>
Tiling map_tiling(const MapRecord& record) {
  const Shape shape{record.dims, record.sizes};
  const Tiling tiling = tiles_of(shape, kTileElements<T>);
  const int64_t row = record.sizes[record.dims - 1];
  if (row < kLongRow || tiling.axis == record.dims - 1) return tiling;
  for (int i = 0; i < record.program->inputs + record.program->outputs; i++) {
    const Operand& operand = record.operands[i];
    const bool lies_in_rows = operand.dtype == kDTypeOf<T> && operand.strides[record.dims - 1] == 1;
    if (lies_in_rows && !lies_dense<T>(operand, tiling)) return tiles_of(shape, row);
  }
  return tiling;
}

template <typename T>
void map_block(const MapRecord& record) {
  const Tiling tiling = map_tiling<T>(record);
  in_tasks(tiling.count, tiling.max_elements() * work_per_element(*record.program),
           [&](int64_t begin, int64_t end) { map_tiles<T>(record, tiling, begin, end); });
}

template <typename T>
void map_all(const MapRecord& record) {
  if (Shape{record.dims, record.sizes}.size() == 0) return;
  for_each_block<T>(record, [](const MapRecord& block) { map_block<T>(block); });
}

void map(const MapRecord& record) { record.program->is_double ? map_all<double>(record) : map_all<float>(record); }

}  // namespace
}  // namespace nabla::NABLA_ISA
