#pragma once

#include "../program/tiled_operands.h"
#include "../program/whole_loops.h"
#include "../tasks.h"
#include "blocked.h"

namespace nabla::NABLA_ISA {
namespace {

/** Runs the tiles [begin, end) of a map. */
template <typename T>
void map_tiles(const Instruction& instruction, const Tiling& tiling, int64_t begin, int64_t end) {
  const Program& program = *instruction.program;
  Slots<T> slots(program, instruction.params, tiling.max_elements());
  TiledOperands<T> operands(slots, program, instruction.operands, tiling, tiling, instruction.misfit);
  const Stage& stage = program.resident[0];
  const WholeLoop<T> whole = whole_loop(program, stage, slots);
  for (int64_t number = begin; number < end; number++) {
    const Tile tile = tile_at(tiling, number);
    operands.load(Kind::kElement, tile);
    const int64_t n = tile.extent * tiling.inner;
    if (whole != nullptr) {
      run_whole(whole, stage, slots, 1, n);
    } else {
      slots.run(stage.elements, stage.element_count, n);
    }
    operands.store(Kind::kElement, tile);
  }
}

/** Rows from which on a tile for each costs less than copying them into tiles of several. */
constexpr int64_t kLongRow = 192;

/** What the slots of a tile may take of the first-level cache, of which half or more is 32 KiB. */
constexpr int64_t kSlotBytes = 24 * 1024;
constexpr int64_t kFewestBytes = 1024;

/** Whether a map is going to run as a whole. */
inline bool runs_whole(const Instruction& instruction, const Shape& shape) {
  const WholeMatch& match = instruction.program->resident[0].whole;
  if (match.index < 0) return false;
  for (int i = 0; i < match.count; i++) {
    const int slot = match.slots[i];
    if (slot >= instruction.program->inputs) continue;
    const bool is_one = is_one_value(shape, instruction.operands[slot].strides);
    if (is_one != ((match.kinds[i] & kOneValue) != 0)) return false;
  }
  return true;
}

/** Elements of a tile, fewer where a program has many slots (an update by Adam, with 16, takes 0.7 of the time). */
template <typename T>
int64_t tile_elements(const Instruction& instruction, const Shape& shape) {
  const Program& program = *instruction.program;
  if (runs_whole(instruction, shape)) return kTileElements<T>;
  int64_t bytes = kTileElements<T> * static_cast<int64_t>(sizeof(T));
  while (bytes > kFewestBytes && bytes * program.slots > kSlotBytes) bytes /= 2;
  return bytes / static_cast<int64_t>(sizeof(T));
}

/**
 * Tiles of several rows, unless these are long and an operand's are apart: one by one they are used where they lie. So
 * is a repeated row: copied for a tile of several, it takes more of the first-level cache than it saves (5 to 20 %).
 */
template <typename T>
Tiling map_tiling(const Instruction& instruction) {
  const Shape shape{instruction.outer, instruction.sizes};
  const Tiling tiling = tiles_of(shape, tile_elements<T>(instruction, shape));
  const int64_t row = instruction.sizes[instruction.outer - 1];
  if (row < kLongRow || tiling.axis == instruction.outer - 1) return tiling;
  for (int i = 0; i < instruction.program->inputs + instruction.program->outputs; i++) {
    const Operand& operand = instruction.operands[i];
    const bool lies_in_rows = operand.dtype == kDTypeOf<T> && operand.strides[instruction.outer - 1] == 1;
    if (lies_in_rows && !lies_dense<T>(operand, tiling)) return tiles_of(shape, row);
  }
  return tiling;
}

/**
 * Whether a map runs as a whole over rows that are short and apart, such as the gates of a recurrence: they are used
 * where they lie, instead of being copied to tiles of several and back.
 */
template <typename T>
bool runs_in_rows(const Instruction& instruction) {
  if (!__is_same(T, float) || !kCompilesWholes || instruction.outer != 2) return false;
  const Shape shape{instruction.outer, instruction.sizes};
  const int64_t row = instruction.sizes[1];
  if (row < kLanes<T> || row >= kLongRow || !runs_whole(instruction, shape)) return false;
  const Program& program = *instruction.program;
  bool is_apart = false;
  for (int i = 0; i < program.inputs + program.outputs; i++) {
    const Operand& operand = instruction.operands[i];
    if (i < program.inputs && is_one_value(shape, operand.strides)) continue;
    if (operand.dtype != kDTypeOf<T> || operand.strides[1] != 1) return false;
    is_apart |= operand.strides[0] != row;
  }
  return is_apart;
}

/** Runs the rows [begin, end) of such a map. */
template <typename T>
void map_rows(const Instruction& instruction, int64_t begin, int64_t end) {
  const Program& program = *instruction.program;
  const Stage& stage = program.resident[0];
  const Shape shape{instruction.outer, instruction.sizes};
  Slots<T> slots(program, instruction.params, kLanes<T>);
  for (int i = 0; i < program.inputs; i++) {
    const Operand& operand = instruction.operands[i];
    if (is_one_value(shape, operand.strides)) slots.keep_same(i, read_one<T>(operand));
  }
  T* at[kWholeSlots]{};
  int64_t steps[kWholeSlots]{};
  for (int k = 0; k < stage.whole.count; k++) {
    const int slot = stage.whole.slots[k];
    at[k] = slots[slot];
    if (slot >= program.inputs + program.outputs || slots.is_same(slot)) continue;
    const Operand& operand = instruction.operands[slot];
    steps[k] = operand.strides[0];
    at[k] = reinterpret_cast<T*>(operand.data) + begin * steps[k];
  }
  const WholeLoop<T> loop = whole_loop(program, stage, slots);
  for (int64_t row = begin; row < end; row++) {
    loop(at, instruction.sizes[1]);
    for (int k = 0; k < stage.whole.count; k++) at[k] += steps[k];
  }
}

template <typename T>
void map_block(const Instruction& instruction) {
  if (runs_in_rows<T>(instruction)) {
    const int64_t work = instruction.sizes[1] * work_per_element(*instruction.program);
    return in_tasks(instruction.sizes[0], work,
                    [&](int64_t begin, int64_t end) { map_rows<T>(instruction, begin, end); });
  }
  const Tiling tiling = map_tiling<T>(instruction);
  in_tasks(tiling.count, tiling.max_elements() * work_per_element(*instruction.program),
           [&](int64_t begin, int64_t end) { map_tiles<T>(instruction, tiling, begin, end); });
}

template <typename T>
void map_all(const Instruction& instruction) {
  if (Shape{instruction.outer, instruction.sizes}.size() == 0) return;
  for_each_block<T>(instruction, [](const Instruction& block) { map_block<T>(block); });
}

/** There are no inner axes. Operands: the program's inputs, then its outputs. */
int64_t map(const Instruction& instruction) {
  instruction.program->is_double ? map_all<double>(instruction) : map_all<float>(instruction);
  return kDone;
}

}  // namespace
}  // namespace nabla::NABLA_ISA
