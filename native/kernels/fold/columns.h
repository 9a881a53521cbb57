#pragma once

#include "../program/stretched_operands.h"
#include "../program/whole_loops.h"
#include "../tasks.h"
#include "column_runs.h"

namespace nabla::NABLA_ISA {
namespace {

/** Where there are fewer blocks of columns than this, threads share out their runs. Either way gives the same bits. */
constexpr int64_t kManyBlocks = 64;

/** dst[depth, width] = src[width] */
template <typename T>
void expand_columns(T* dst, const T* src, int64_t depth, int64_t width) {
  for (int64_t i = 0; i < depth; i++) {
    for (int64_t column = 0; column < width; column++) dst[i * width + column] = src[column];
  }
}

/** dst[depth, width] = first + depth */
template <typename T>
void number_depths(T* dst, int64_t depth, int64_t width, int64_t first) {
  for (int64_t i = 0; i < depth; i++) {
    for (int64_t column = 0; column < width; column++) dst[i * width + column] = static_cast<T>(first + i);
  }
}

/** Whether elements are only folded, and lie so that they can be where they are, instead of in a tile's scratch. */
template <typename T>
bool folds_in_place(const Instruction& instruction) {
  const Program& program = *instruction.program;
  if (instruction.inner != 1 || program.resident[0].element_count > 0) return false;
  for (int i = 0; i < program.inputs + program.outputs; i++) {
    if (program.is_row[i]) continue;
    const Operand& operand = instruction.operands[i];
    const bool in_rows = operand.dtype == kDTypeOf<T> && operand.strides[instruction.outer - 1] == 1;
    const bool repeated = operand.strides[instruction.outer] == 0;
    if (i >= program.inputs || !in_rows || repeated) return false;
  }
  return true;
}

/**
 * A block of rows that lie side by side, seen as columns: `width` of them, neighbours on the last kept axis. A column's
 * elements are folded run by run, as order.h says; tiles of a run are [depth, width].
 */
template <typename T>
class ColumnBlock {
 public:
  ColumnBlock(const Instruction& instruction, int64_t depth, int64_t full_width, int64_t number)
      : instruction_(instruction),
        program_(*instruction.program),
        stage_(program_.resident[0]),
        in_place_(folds_in_place<T>(instruction)),
        depth_(depth),
        partials_size_(partials_size(instruction, full_width)) {
    const int row_axis = instruction.outer - 1;
    const int64_t blocks = ceil_div(instruction.sizes[row_axis], full_width);
    const int64_t start = number % blocks * full_width;
    width_ = smaller(full_width, instruction.sizes[row_axis] - start);
    tile_depth_ = smaller(smaller(depth, kRun<T>), larger(1, kTileElements<T> / width_));
    for (int d = 0; d < instruction.inner; d++) sizes_[d] = instruction.sizes[instruction.outer + d];
    sizes_[instruction.inner] = width_;
    for (int i = 0; i < program_.inputs + program_.outputs; i++) {
      operands_[i] = operand_of_block(instruction.operands[i], number / blocks, start, program_.is_row[i]);
    }
  }

  /** Doubles from the partials of a run to those of the next. */
  static int64_t partials_size(const Instruction& instruction, int64_t width) {
    return instruction.program->resident[0].fold_count * ColumnPartials::doubles(width);
  }

  void fold_run(int64_t run, double* partials) const {
    const int64_t first = run * kRun<T>, depth = smaller(kRun<T>, depth_ - first);
    T* lanes = lanes_memory(depth);
    if (in_place_) {
      for_each_fold([&](auto fold, int f, const FoldInstruction& folding) {
        fold_columns_run(fold, partials_at(partials, f), lanes, slab_in_memory(folding.src, first, depth));
      });
    } else {
      fold_tiles(first, depth, partials, lanes);
    }
  }

  /** The row values, when all runs are folded; what they came to is in `partials`, run by run. */
  void finish(double* partials) const {
    Slots<T> slots(program_, instruction_.params, width_);
    StretchedOperands<T> operands = row_operands(slots);
    for_each_fold([&](auto fold, int f, const FoldInstruction& folding) {
      T* to = slots[folding.dst];
      const ColumnPartials first = partials_at(partials, f);
      if (depth_ <= kRun<T>) {
        // Most often there is one run: without a loop over runs, that over columns becomes one over vectors.
        for (int64_t column = 0; column < width_; column++) {
          to[column] = static_cast<T>(fold.result(fold.combine(fold.identity(), first[column], 0)));
        }
      } else {
        for (int64_t column = 0; column < width_; column++) {
          to[column] = static_cast<T>(fold.result(total(fold, first, column)));
        }
      }
    });
    slots.run(stage_.rows, stage_.row_count, width_);
    operands.store(0, width_);
  }

 private:
  /** Calls body(fold, number, instruction) for each fold. */
  template <typename Body>
  void for_each_fold(const Body& body) const {
    for (int f = 0; f < stage_.fold_count; f++) {
      with_fold(stage_.folds[f].fold, [&](auto fold) { body(fold, f, stage_.folds[f]); });
    }
  }

  ColumnPartials partials_at(double* memory, int f) const {
    return ColumnPartials::at(memory + f * ColumnPartials::doubles(width_), width_);
  }

  template <typename Fold>
  Partial total(Fold fold, const ColumnPartials& first, int64_t column) const {
    constexpr int64_t kRuns = kPart<T> / kRun<T>;
    const int64_t runs = ceil_div(depth_, kRun<T>);
    Partial total = fold.identity();
    for (int64_t start = 0; start < runs; start += kRuns) {
      Partial part = fold.identity();
      for (int64_t run = start; run < smaller(runs, start + kRuns); run++) {
        const ColumnPartials at{first.values + run * partials_size_, first.positions + run * partials_size_};
        part = fold.combine(part, at[column], 0);
      }
      total = fold.combine(total, part, 0);
    }
    return total;
  }

  /** Room for the lanes of a run, for each fold: some of them if it is folded whole, if it is not short. */
  T* lanes_memory(int64_t depth) const {
    if (depth <= kLeaves && is_folded_whole(depth)) return nullptr;
    const int64_t bytes = stage_.fold_count * lanes_size(depth) * static_cast<int64_t>(sizeof(T));
    return reinterpret_cast<T*>(scratch(Scratch::kLanes, bytes));
  }

  bool is_folded_whole(int64_t depth) const { return in_place_ || depth <= tile_depth_; }

  int64_t lanes_size(int64_t depth) const {
    const bool takes_leaves = is_folded_whole(depth) && depth <= kTermsAtOnce * kFoldLanes<T>;
    return (takes_leaves ? kLeaves : lanes_of_run<T>(depth)) * width_;
  }

  void fold_tiles(int64_t first, int64_t depth, double* partials, T* lanes) const {
    Slots<T> slots(program_, instruction_.params, tile_depth_ * width_);
    row_operands(slots);
    StretchedOperands<T> elements(slots, program_, operands_, Kind::kElement, {instruction_.inner + 1, sizes_}, 1,
                                  tile_depth_ * width_, instruction_.misfit);
    for (int64_t before = 0; before < depth; before += tile_depth_) {
      const int64_t count = smaller(tile_depth_, depth - before);
      elements.load((first + before) * width_, count * width_);
      run_elements(slots, count, first + before);
      for_each_fold([&](auto fold, int f, const FoldInstruction& folding) {
        const Slab<T> tile{slots[folding.src], count, width_, width_, first + before};
        const ColumnPartials to = partials_at(partials, f);
        T* const own = lanes + f * lanes_size(depth);
        is_folded_whole(depth) ? fold_columns_run(fold, to, own, tile) : fold_tile(fold, to, own, tile, before, depth);
      });
      elements.store((first + before) * width_, count * width_);
    }
  }

  /** The row values of all columns: inputs are brought into their slots, and outputs shown where to go. */
  StretchedOperands<T> row_operands(Slots<T>& slots) const {
    StretchedOperands<T> operands(slots, program_, operands_, Kind::kRow, {1, &sizes_[instruction_.inner]}, 1, width_,
                                  instruction_.misfit);
    operands.load(0, width_);
    return operands;
  }

  Operand operand_of_block(const Operand& whole, int64_t outer, int64_t start, bool is_row) const {
    const int row_axis = instruction_.outer - 1;
    const int64_t offset =
        offset_at(outer, {row_axis, instruction_.sizes}, whole.strides) + start * whole.strides[row_axis];
    Operand part{whole.data + offset * size_of(whole.dtype), whole.dtype, {}};
    if (!is_row) {
      for (int d = 0; d < instruction_.inner; d++) part.strides[d] = whole.strides[instruction_.outer + d];
    }
    part.strides[is_row ? 0 : instruction_.inner] = whole.strides[row_axis];
    return part;
  }

  Slab<T> slab_in_memory(int slot, int64_t first, int64_t depth) const {
    const int64_t stride = operands_[slot].strides[0];
    return {reinterpret_cast<const T*>(operands_[slot].data) + first * stride, depth, width_, stride, first};
  }

  void run_elements(Slots<T>& slots, int64_t depth, int64_t first) const {
    // Row values are one for each column here, not one for all.
    const WholeLoop<T> whole = has_row_values(stage_) ? nullptr : whole_loop(program_, stage_, slots);
    if (whole != nullptr) return run_whole(whole, stage_, slots, 1, depth * width_);
    for (int i = 0; i < stage_.element_count; i++) {
      const MicroInstruction& m = stage_.elements[i];
      const MicroOp op = static_cast<MicroOp>(m.op);
      if (op == MicroOp::position) {
        number_depths(slots[m.dst], depth, width_, first);
      } else if (op == MicroOp::expand) {
        expand_columns(slots[m.dst], slots[m.a], depth, width_);
      } else {
        slots.run(m, depth * width_);
      }
    }
  }

  const Instruction& instruction_;
  const Program& program_;
  const Stage& stage_;
  const bool in_place_;
  const int64_t depth_;
  const int64_t partials_size_;
  int64_t width_;
  int64_t tile_depth_;
  int64_t sizes_[kMaxDims];
  Operand operands_[kMaxOperands];
};

/** Rows from which on a tile is deep enough. */
constexpr int64_t kTileDepth = 16;

/**
 * Columns per block, whole cache lines of them: so few that the lanes of a run, or a tile of some depth, stay in the
 * first-level cache; where columns are folded as they lie in memory, so many that rows are read in long stretches.
 */
template <typename T>
int64_t block_width(int64_t columns, int64_t depth, bool in_place) {
  constexpr int64_t kLine = 64 / sizeof(T);
  const int64_t in_tiles = kTileElements<T> / smaller(kTileDepth, depth);
  const int64_t limit = in_place ? (depth > kLeaves ? kTileElements<T> / (depth > kTermsAtOnce * kFoldLanes<T> ? 8 : 4)
                                                    : kTileElements<T>)
                                 : in_tiles;
  const int64_t even = ceil_div(columns, ceil_div(columns, limit));
  return smaller(larger(even, limit), round_up(even, kLine));
}

template <typename T>
void fold_columns(const Instruction& instruction, int64_t depth) {
  const int row_axis = instruction.outer - 1;
  const int64_t width = block_width<T>(instruction.sizes[row_axis], depth, folds_in_place<T>(instruction));
  const int64_t blocks = Shape{row_axis, instruction.sizes}.size() * ceil_div(instruction.sizes[row_axis], width);
  const int64_t runs = ceil_div(depth, kRun<T>);
  const int64_t work = width * work_per_element(*instruction.program);
  const int64_t size = ColumnBlock<T>::partials_size(instruction, width);
  const auto memory = [size](int64_t count) {
    return reinterpret_cast<double*>(scratch(Scratch::kFold, count * size * static_cast<int64_t>(sizeof(double))));
  };

  if (blocks < kManyBlocks && runs > 1) {
    double* partials = memory(blocks * runs);
    in_tasks(blocks * runs, kRun<T> * work, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) {
        ColumnBlock<T>(instruction, depth, width, i / runs).fold_run(i % runs, partials + i * size);
      }
    });
    for (int64_t i = 0; i < blocks; i++)
      ColumnBlock<T>(instruction, depth, width, i).finish(partials + i * runs * size);
    return;
  }
  in_tasks(blocks, depth * work, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const ColumnBlock<T> block(instruction, depth, width, i);
      double* partials = memory(runs);
      for (int64_t run = 0; run < runs; run++) block.fold_run(run, partials + run * size);
      block.finish(partials);
    }
  });
}

}  // namespace
}  // namespace nabla::NABLA_ISA
