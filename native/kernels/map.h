#pragma once

#include "blocked.h"
#include "bound_operands.h"
#include "work.h"

namespace nabla::NABLA_ISA {
namespace {

/** Runs the tiles [begin, end) of a map. */
template <typename T>
void map_tiles(const MapRecord& record, const Tiling& tiling, int64_t begin, int64_t end) {
  const Program& program = *record.program;
  Frame<T> frame(program, record.params, tiling.max_elements());
  BoundOperands<T> operands(frame, program, record.operands, tiling, tiling);
  const Stage& stage = program.resident[0];
  for (int64_t number = begin; number < end; number++) {
    const Tile tile = tile_at(tiling, number);
    operands.load(Kind::kElement, tile);
    frame.run(stage.elements, stage.element_count, tile.extent * tiling.inner);
    operands.store(Kind::kElement, tile);
  }
}

template <typename T>
void map_block(const MapRecord& record) {
  const Tiling tiling = cut({record.dims, record.sizes}, kTileElements<T>);
  in_tasks(tiling.count, tiling.max_elements() * work_per_element(*record.program),
           [&](int64_t begin, int64_t end) { map_tiles<T>(record, tiling, begin, end); });
}

template <typename T>
void map_all(const MapRecord& record) {
  if (Nest{record.dims, record.sizes}.size() == 0) return;
  for_each_block<T>(record, [](const MapRecord& block) { map_block<T>(block); });
}

void map(const MapRecord& record) { record.program->is_double ? map_all<double>(record) : map_all<float>(record); }

}  // namespace
}  // namespace nabla::NABLA_ISA
