#pragma once

#include "../program/tiled_operands.h"
#include "../program/whole_loops.h"
#include "../tasks.h"
#include "order.h"

namespace nabla::NABLA_ISA {
namespace {

/**
 * dst[row, column] = value(row, column), for a vector of columns at a time. What a row's last vector has too many, the
 * next row overwrites.
 */
template <typename T, typename Value>
void fill_rows(T* dst, int64_t rows, int64_t columns, Value value) {
  const T* end = dst + rows * columns;
  for (int64_t row = 0; row < rows; row++, dst += columns) {
    for (int64_t column = 0; column < columns; column += kLanes<T>) {
      const int64_t room = end - (dst + column);
      const Vec<T> v = value(row, column);
      room >= kLanes<T> ? store<T>(dst + column, v) : store_partial(dst + column, v, room);
    }
  }
}

/** Element instructions over a tile of whole or partial rows, whose columns start at `first`. In a tile of one row its
 * row values stand for all elements: they need not be written out. */
template <typename T>
void run_row_elements(Slots<T>& slots, const Program& program, const Stage& stage, int64_t rows, int64_t columns,
                      int64_t first) {
  const WholeLoop<T> whole = whole_loop(program, stage, slots);
  if (whole != nullptr) return run_whole(whole, stage, slots, rows, columns);
  for (int i = 0; i < stage.element_count; i++) {
    const MicroInstruction& m = stage.elements[i];
    const MicroOp op = static_cast<MicroOp>(m.op);
    if (op == MicroOp::position) {
      fill_rows(slots.to_write(m.dst), rows, columns,
                [first](int64_t, int64_t column) { return iota<T>() + splat<Vec<T>>(static_cast<T>(first + column)); });
    } else if (op == MicroOp::expand && rows == 1 && slots.is_register(m.dst)) {
      slots.spread(m.dst, slots[m.a][0]);
    } else if (op == MicroOp::expand) {
      fill_rows(slots.to_write(m.dst), rows, columns,
                [src = slots[m.a]](int64_t row, int64_t) { return splat<Vec<T>>(src[row]); });
    } else if (rows == 1) {
      slots.run_on_row(m, columns);
    } else {
      slots.run(m, rows * columns);
    }
  }
}

/**
 * dst[row] = fold of src[row, columns]; `dst` has room for whole vectors. Stored one by one, the values would be late:
 * a vector loaded from several stores waits for them, and they for all the results that an earlier tile wrote to
 * memory.
 */
template <typename T>
void fold_rows(FoldKind kind, T* dst, const T* src, int64_t rows, int64_t columns) {
  with_fold(kind, [=]<typename Fold>(Fold) {
    for (int64_t first = 0; first < rows; first += kLanes<T>) {
      const int64_t lanes = smaller(kLanes<T>, rows - first);
      Vec<T> values{};
      for (int64_t lane = 0; lane < lanes; lane++) {
        const T* row = src + (first + lane) * columns;
        const Partial partial = columns == 0 ? Fold::identity() : Fold::of_run(row, columns);
        const T value = static_cast<T>(Fold::result(partial));
        values = iota<T>() == splat<Vec<T>>(static_cast<T>(lane)) ? splat<Vec<T>>(value) : values;
      }
      store<T>(dst + first, values);
    }
  });
}

/** Runs tiles [begin, end) of whole rows: all stages of a tile while it is in cache. Elements that are folded in place
 * need no room of their own. */
template <typename T>
void fold_row_tiles(const Instruction& instruction, const Tiling& elements, const Tiling& row_tiling, int64_t columns,
                    bool in_place, int64_t begin, int64_t end) {
  const Program& program = *instruction.program;
  const int64_t room = in_place ? 0 : elements.max_elements();
  Slots<T> slots(program, instruction.params, larger(room, row_tiling.max_elements()));
  TiledOperands<T> operands(slots, program, instruction.operands, elements, row_tiling, instruction.misfit);
  for (int64_t number = begin; number < end; number++) {
    const Tile tile = tile_at(row_tiling, number);
    const int64_t rows = tile.extent * row_tiling.inner;
    operands.load(Kind::kRow, tile);
    operands.load(Kind::kElement, tile);
    for (int i = 0; i < program.resident_count; i++) {
      const Stage& stage = program.resident[i];
      run_row_elements(slots, program, stage, rows, columns, 0);
      for (int f = 0; f < stage.fold_count; f++) {
        const FoldInstruction& fold = stage.folds[f];
        const T* src = rows == 1 ? slots.to_read(fold.src, columns) : slots[fold.src];
        fold_rows(fold.fold, slots[fold.dst], src, rows, columns);
      }
      // To the end of the last vector: what is stored in part can't be passed on to the next load.
      slots.run(stage.rows, stage.row_count, round_up(rows, kLanes<T>));
    }
    operands.store(Kind::kElement, tile);
    operands.store(Kind::kRow, tile);
  }
}

/** How many rows a tile has of which nothing is computed but folds, where they lie: as many results as fill a vector.
 */
template <typename T>
constexpr int64_t kFoldedRows = kLanes<T>;

/** The elements of tiles of rows. */
inline Tiling elements_of(const Instruction& instruction, const Tiling& rows, int64_t columns) {
  Tiling elements = rows;
  elements.shape.dims = instruction.outer + instruction.inner;
  elements.inner = rows.inner * columns;
  return elements;
}

/** Whether the program only folds inputs, and these lie so that tiles of rows can be folded where they are. */
template <typename T>
bool only_folds(const Instruction& instruction, const Tiling& elements) {
  const Program& program = *instruction.program;
  if (program.resident_count != 1 || program.resident[0].element_count > 0) return false;
  for (int i = 0; i < program.inputs + program.outputs; i++) {
    if (program.is_row[i]) continue;
    if (i >= program.inputs || !lies_dense<T>(instruction.operands[i], elements)) return false;
  }
  return true;
}

/** Rows of at most a tile's elements; of none, too. */
template <typename T>
void fold_resident(const Instruction& instruction, int64_t columns) {
  const Shape kept{instruction.outer, instruction.sizes};
  const int64_t in_tile = kTileElements<T> / larger(1, columns);
  Tiling rows = tiles_of(kept, larger(in_tile, kFoldedRows<T>));
  Tiling elements = elements_of(instruction, rows, columns);
  const bool in_place = in_tile < kFoldedRows<T> && only_folds<T>(instruction, elements);
  if (in_tile < kFoldedRows<T> && !in_place) {
    rows = tiles_of(kept, in_tile);
    elements = elements_of(instruction, rows, columns);
  }
  in_tasks(rows.count, elements.max_elements() * work_per_element(*instruction.program),
           [&](int64_t begin, int64_t end) {
             fold_row_tiles<T>(instruction, elements, rows, columns, in_place, begin, end);
           });
}

}  // namespace
}  // namespace nabla::NABLA_ISA
