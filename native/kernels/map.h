#pragma once

#include "frame.h"
#include "parallel_for.h"
#include "work.h"

namespace nabla::NABLA_ISA {
namespace {

/** Runs the tiles [begin, end) of a map. */
template <typename T>
void map_tiles(const MapRecord& record, const Tiling& tiling, int64_t begin, int64_t end) {
  const Program& program = *record.program;
  const int operands = program.inputs + program.outputs;
  Frame<T> frame(program, record.params, tiling.max_elements());
  Port ports[kMaxOperands];
  for (int i = 0; i < operands; i++) {
    const Operand& operand = record.operands[i];
    const bool is_input = i < program.inputs;
    ports[i] = is_input ? input_port<T>(operand, operand.strides, tiling) : output_port<T>(operand, operand.strides, tiling);
    if (is_input) frame.load_once(i, ports[i]);
  }
  const Stage& stage = program.resident[0];
  for (int64_t number = begin; number < end; number++) {
    const Tile tile = tile_at(tiling, number);
    for (int i = 0; i < program.inputs; i++) frame.load(i, ports[i], tile);
    for (int i = program.inputs; i < operands; i++) frame.point_output(i, ports[i], tile);
    frame.run(stage.elements, stage.element_count, tile.extent * tiling.inner);
    for (int i = program.inputs; i < operands; i++) frame.store(i, ports[i], tile);
  }
}

template <typename T>
Tiling map_tiling(const MapRecord& record) {
  return cut({record.dims, record.sizes}, kTileElements<T>);
}

template <typename T>
void map_in_tasks(const MapRecord& record) {
  const Tiling tiling = map_tiling<T>(record);
  in_tasks(tiling.count, tiling.max_elements() * work_per_element(*record.program),
           [&](int64_t begin, int64_t end) { map_tiles<T>(record, tiling, begin, end); });
}

bool is_empty(const MapRecord& record) { return Nest{record.dims, record.sizes}.size() == 0; }

void map(const MapRecord& record) {
  if (is_empty(record)) return;
  record.program->is_double ? map_in_tasks<double>(record) : map_in_tasks<float>(record);
}

/** On the calling thread alone: what a matmul runs on each finished tile. */
template <typename T>
void map_inline(const MapRecord& record) {
  if (is_empty(record)) return;
  const Tiling tiling = map_tiling<T>(record);
  map_tiles<T>(record, tiling, 0, tiling.count);
}

}  // namespace
}  // namespace nabla::NABLA_ISA
