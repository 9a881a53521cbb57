#pragma once

#include "accumulators.h"
#include "bound_operands.h"
#include "work.h"

namespace nabla::NABLA_ISA {
namespace {

/** Where there are fewer blocks of columns than this, threads share each block. Either way gives the same bits. */
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
bool folds_in_place(const FoldRecord& record) {
  const Program& program = *record.program;
  if (record.folded != 1 || program.resident[0].element_count > 0) return false;
  for (int i = 0; i < program.inputs + program.outputs; i++) {
    if (program.is_row[i]) continue;
    const Operand& operand = record.operands[i];
    const bool in_rows = operand.dtype == kDTypeOf<T> && operand.strides[record.kept - 1] == 1;
    const bool repeated = operand.strides[record.kept] == 0;
    if (i >= program.inputs || !in_rows || repeated) return false;
  }
  return true;
}

/**
 * A block of rows that lie side by side, seen as columns: `width` of them, neighbours on the last kept axis. Tiles are
 * [depth, width]. Elements are folded in three levels, all fixed by the shape: groups within a tile, tiles within a
 * part, parts.
 */
template <typename T>
class ColumnBlock {
 public:
  ColumnBlock(const FoldRecord& record, const Tiling& whole, int64_t full_width, int64_t number)
      : record_(record), program_(*record.program), stage_(program_.resident[0]), in_place_(folds_in_place<T>(record)) {
    const int row_axis = record.kept - 1;
    const int64_t blocks = ceil_div(record.sizes[row_axis], full_width);
    const int64_t start = number % blocks * full_width;
    width_ = smaller(full_width, record.sizes[row_axis] - start);
    for (int d = 0; d < record.folded; d++) sizes_[d] = record.sizes[record.kept + d];
    sizes_[record.folded] = width_;
    elements_ = whole;
    elements_.nest = {record.folded + 1, sizes_};
    elements_.inner = whole.inner / full_width * width_;
    columns_ = {{1, sizes_ + record.folded}, 0, width_, 1, 1, 1};
    for (int i = 0; i < program_.inputs + program_.outputs; i++) {
      operands_[i] = operand_of_block(record.operands[i], number / blocks, start, program_.is_row[i]);
    }
  }

  /** Folds one part of the depth into `memory`. */
  void run_part(int64_t part, double* memory) const {
    Frame<T> frame(program_, record_.params, slot_capacity());
    BoundOperands<T> operands(frame, program_, operands_, elements_, columns_, record_.misfit);
    operands.load(Kind::kRow, whole_tile());
    reset(memory);
    const int64_t end = smaller(elements_.count, (part + 1) * kTilesPerPart);
    for (int64_t number = part * kTilesPerPart; number < end; number++) {
      const Tile tile = tile_at(elements_, number);
      const int64_t first = position(tile);
      const int64_t depth = tile.extent * elements_.inner / width_;
      if (!in_place_) operands.load(Kind::kElement, tile);
      run_elements(frame, depth, first);
      for_each_fold([&](auto fold, int f, const FoldInstruction& instruction) {
        accumulate(fold, accumulators(memory, f), slab(frame, instruction.src, depth, first));
      });
      operands.store(Kind::kElement, tile);
    }
  }

  void reset(double* memory) const {
    for_each_fold([&](auto fold, int f, const FoldInstruction&) {
      for (int64_t column = 0; column < width_; column++) accumulators(memory, f).set(column, fold.identity());
    });
  }

  /** Folds a later part's accumulators into those of the parts before it. */
  void combine(double* total, double* part) const {
    for_each_fold([&](auto fold, int f, const FoldInstruction&) {
      const Accumulators to = accumulators(total, f);
      const Accumulators from = accumulators(part, f);
      for (int64_t column = 0; column < width_; column++) to.set(column, fold.combine(to[column], from[column], 0));
    });
  }

  /** The row values, when all elements are folded. */
  void finish(double* total) const {
    Frame<T> frame(program_, record_.params, slot_capacity());
    BoundOperands<T> operands(frame, program_, operands_, elements_, columns_, record_.misfit);
    operands.load(Kind::kRow, whole_tile());
    for_each_fold([&](auto fold, int f, const FoldInstruction& instruction) {
      const Accumulators from = accumulators(total, f);
      T* to = frame[instruction.dst];
      for (int64_t column = 0; column < width_; column++) to[column] = static_cast<T>(fold.result(from[column]));
    });
    frame.run(stage_.rows, stage_.row_count, width_);
    operands.store(Kind::kRow, whole_tile());
  }

 private:
  /** Calls body(fold, number, instruction) for each fold. */
  template <typename Body>
  void for_each_fold(const Body& body) const {
    for (int f = 0; f < stage_.fold_count; f++) {
      with_fold(stage_.folds[f].fold, [&](auto fold) { body(fold, f, stage_.folds[f]); });
    }
  }

  Accumulators accumulators(double* memory, int f) const {
    return Accumulators::at(memory + f * Accumulators::doubles(width_), width_);
  }

  int64_t slot_capacity() const { return in_place_ ? width_ : elements_.max_elements(); }

  /** All the columns, in the tiling of row values. */
  Tile whole_tile() const { return {0, {0}, width_}; }

  Operand operand_of_block(const Operand& whole, int64_t outer, int64_t start, bool is_row) const {
    const int row_axis = record_.kept - 1;
    const int64_t offset = offset_at(outer, {row_axis, record_.sizes}, whole.strides) + start * whole.strides[row_axis];
    Operand part{whole.data + offset * size_of(whole.dtype), whole.dtype, {}};
    if (!is_row) {
      for (int d = 0; d < record_.folded; d++) part.strides[d] = whole.strides[record_.kept + d];
    }
    part.strides[is_row ? 0 : record_.folded] = whole.strides[row_axis];
    return part;
  }

  /** What a fold of a tile reads. */
  Slab<T> slab(const Frame<T>& frame, int slot, int64_t depth, int64_t first) const {
    if (!in_place_) return {frame[slot], depth, width_, width_, first};
    const int64_t stride = operands_[slot].strides[0];
    return {reinterpret_cast<const T*>(operands_[slot].data) + first * stride, depth, width_, stride, first};
  }

  /** How deep a tile starts. */
  int64_t position(const Tile& tile) const {
    int64_t sum = 0;
    for (int d = 0; d <= elements_.axis; d++) sum = sum * sizes_[d] + tile.index[d];
    return sum * elements_.inner / width_;
  }

  void run_elements(const Frame<T>& frame, int64_t depth, int64_t first) const {
    for (int i = 0; i < stage_.element_count; i++) {
      const MicroInstruction& m = stage_.elements[i];
      switch (static_cast<MicroOp>(m.op)) {
        case MicroOp::position:
          number_depths(frame[m.dst], depth, width_, first);
          break;
        case MicroOp::expand:
          expand_columns(frame[m.dst], frame[m.a], depth, width_);
          break;
        default:
          frame.run(m, depth * width_);
      }
    }
  }

  const FoldRecord& record_;
  const Program& program_;
  const Stage& stage_;
  const bool in_place_;
  int64_t width_;
  int64_t sizes_[kMaxDims];
  Tiling elements_;
  Tiling columns_;
  Operand operands_[kMaxOperands];
};

/** Columns per block, of tiles of at most `elements`: so few that a tile has some depth. */
inline int64_t block_width(int64_t columns, int64_t depth, int64_t elements) {
  const int64_t limit = elements / smaller(kGroup, depth);
  return ceil_div(columns, ceil_div(columns, limit));
}

template <typename T>
void fold_columns(const FoldRecord& record) {
  const Program& program = *record.program;
  const int row_axis = record.kept - 1;
  int64_t sizes[kMaxDims];
  for (int d = 0; d < record.folded; d++) sizes[d] = record.sizes[record.kept + d];
  const int64_t depth = Nest{record.folded, sizes}.size();
  const int64_t elements = folds_in_place<T>(record) ? kGroup * kTileElements<T> : kTileElements<T>;
  const int64_t width = block_width(record.sizes[row_axis], depth, elements);
  sizes[record.folded] = width;
  const Tiling tiling = cut({record.folded + 1, sizes}, elements);
  const int64_t blocks = Nest{row_axis, record.sizes}.size() * ceil_div(record.sizes[row_axis], width);
  const int64_t parts = parts_of(tiling);
  const int64_t stride = program.resident[0].fold_count * Accumulators::doubles(width);

  const auto memory = [&] { return reinterpret_cast<double*>(scratch(Scratch::kFold, (parts + 1) * stride * 8)); };
  const auto run_blocks = [&](int64_t begin, int64_t end) {
    for (int64_t number = begin; number < end; number++) {
      const ColumnBlock<T> block(record, tiling, width, number);
      double* total = memory();
      double* partials = total + stride;
      for_each_task(parts, [&](int64_t part) { block.run_part(part, partials + part * stride); });
      block.reset(total);
      for (int64_t part = 0; part < parts; part++) block.combine(total, partials + part * stride);
      block.finish(total);
    }
  };
  if (blocks < kManyBlocks && parts > 1) return run_blocks(0, blocks);
  in_tasks(blocks, depth * width * work_per_element(program), run_blocks);
}

}  // namespace
}  // namespace nabla::NABLA_ISA
