#pragma once

#include "bound_operands.h"
#include "fold_streamed.h"
#include "folding.h"
#include "work.h"

namespace nabla::NABLA_ISA {
namespace {

/** Rows of a tile that are added up before the sums go into the accumulators. */
constexpr int64_t kGroup = 16;
/** Where there are fewer blocks of columns than this, threads share each block. Either way gives the same bits. */
constexpr int64_t kManyBlocks = 64;

/** The running folds of neighbouring columns, in doubles. There is room for whole vectors. */
struct Accumulators {
  double* values;
  double* positions;
};

template <typename Op>
void accumulate_vector(double* to, Vec<double> v) {
  store<double>(to, Op::apply(load(to), v));
}

template <typename Op>
void accumulate_vector(double* to, Vec<float> v) {
  accumulate_vector<Op>(to, widen_low(v));
  accumulate_vector<Op>(to + kLanes<double>, widen_high(v));
}

/** Adds a tile's elements [depth, width] to the accumulators of `width` columns. */
template <typename Op, typename T>
void accumulate(ValueFold<Op>, Accumulators to, const T* x, int64_t depth, int64_t width, int64_t) {
  constexpr int kWidth = kLanes<T>;
  for (int64_t start = 0; start < depth; start += kGroup) {
    const T* group = x + start * width;
    const int64_t rows = smaller(kGroup, depth - start);
    for (int64_t column = 0; column < width; column += kWidth) {
      const int64_t lanes = smaller(kWidth, width - column);
      const auto at = [=](int64_t row) {
        const T* from = group + row * width + column;
        return lanes == kWidth ? load(from) : load_partial(from, lanes);
      };
      Vec<T> sum = at(0);
      for (int64_t row = 1; row < rows; row++) sum = Op::apply(sum, at(row));
      accumulate_vector<Op>(to.values + column, sum);
    }
  }
}

template <typename Op, typename T>
void accumulate(ArgFold<Op>, Accumulators to, const T* x, int64_t depth, int64_t width, int64_t first) {
  for (int64_t i = 0; i < depth; i++) {
    for (int64_t column = 0; column < width; column++) {
      const double value = static_cast<double>(x[i * width + column]);
      if (!Op::takes_over(value, to.values[column])) continue;
      to.values[column] = value;
      to.positions[column] = static_cast<double>(first + i);
    }
  }
}

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

/**
 * A block of rows that lie side by side, seen as columns: `width` of them, neighbours on the last kept axis. Tiles are
 * [depth, width]. Elements are folded in three levels, all fixed by the shape: groups within a tile, tiles within a
 * part, parts.
 */
template <typename T>
class ColumnBlock {
 public:
  ColumnBlock(const FoldRecord& record, const Tiling& whole, int64_t full_width, int64_t number)
      : record_(record), program_(*record.program), stage_(program_.resident[0]) {
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

  static int64_t accumulator_count(const Program& program, int64_t width) {
    return program.resident[0].fold_count * padded(width) * 2;
  }

  /** Folds one part of the depth into `memory`. */
  void run_part(int64_t part, double* memory) const {
    Frame<T> frame(program_, record_.params, elements_.max_elements());
    BoundOperands<T> operands(frame, program_, operands_, elements_, columns_);
    operands.load(Kind::kRow, whole_tile(width_));
    reset(memory);
    const int64_t end = smaller(elements_.count, (part + 1) * kTilesPerPart);
    for (int64_t number = part * kTilesPerPart; number < end; number++) {
      const Tile tile = tile_at(elements_, number);
      const int64_t first = position(tile);
      const int64_t depth = tile.extent * elements_.inner / width_;
      operands.load(Kind::kElement, tile);
      run_elements(frame, depth, first);
      for (int f = 0; f < stage_.fold_count; f++) {
        with_fold(stage_.folds[f].fold, [&]<typename Fold>(Fold fold) {
          accumulate(fold, accumulators(memory, f), frame[stage_.folds[f].src], depth, width_, first);
        });
      }
      operands.store(Kind::kElement, tile);
    }
  }

  void reset(double* memory) const {
    for (int f = 0; f < stage_.fold_count; f++) {
      const Partial identity = with_fold(stage_.folds[f].fold, []<typename Fold>(Fold) { return Fold::identity(); });
      const Accumulators to = accumulators(memory, f);
      for (int64_t column = 0; column < width_; column++) {
        to.values[column] = identity.value;
        to.positions[column] = identity.position;
      }
    }
  }

  /** Folds a later part's accumulators into those of the parts before it. */
  void combine(double* total, double* part) const {
    for (int f = 0; f < stage_.fold_count; f++) {
      const Accumulators to = accumulators(total, f);
      const Accumulators from = accumulators(part, f);
      with_fold(stage_.folds[f].fold, [&]<typename Fold>(Fold) {
        for (int64_t c = 0; c < width_; c++) {
          const Partial sum = Fold::combine({to.values[c], to.positions[c]}, {from.values[c], from.positions[c]}, 0);
          to.values[c] = sum.value;
          to.positions[c] = sum.position;
        }
      });
    }
  }

  /** The row values, when all elements are folded. */
  void finish(double* total) const {
    Frame<T> frame(program_, record_.params, elements_.max_elements());
    BoundOperands<T> operands(frame, program_, operands_, elements_, columns_);
    const Tile tile = whole_tile(width_);
    operands.load(Kind::kRow, tile);
    for (int f = 0; f < stage_.fold_count; f++) {
      T* dst = frame[stage_.folds[f].dst];
      const Accumulators from = accumulators(total, f);
      with_fold(stage_.folds[f].fold, [&]<typename Fold>(Fold) {
        for (int64_t c = 0; c < width_; c++) {
          dst[c] = static_cast<T>(Fold::result({from.values[c], from.positions[c]}));
        }
      });
    }
    frame.run(stage_.rows, stage_.row_count, width_);
    operands.store(Kind::kRow, tile);
  }

 private:
  static int64_t padded(int64_t width) { return round_up(width, kLanes<float>); }

  static Tile whole_tile(int64_t width) { return {0, {0}, width}; }

  Operand operand_of_block(const Operand& whole, int64_t outer, int64_t start, bool is_row) const {
    const int row_axis = record_.kept - 1;
    int64_t offset = start * whole.strides[row_axis];
    for (int d = row_axis - 1; d >= 0; d--) {
      offset += outer % record_.sizes[d] * whole.strides[d];
      outer /= record_.sizes[d];
    }
    Operand part{whole.data + offset * size_of(whole.dtype), whole.dtype, {}};
    if (is_row) {
      part.strides[0] = whole.strides[row_axis];
      return part;
    }
    for (int d = 0; d < record_.folded; d++) part.strides[d] = whole.strides[record_.kept + d];
    part.strides[record_.folded] = whole.strides[row_axis];
    return part;
  }

  Accumulators accumulators(double* memory, int f) const {
    return {memory + 2 * f * padded(width_), memory + (2 * f + 1) * padded(width_)};
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
  int64_t width_;
  int64_t sizes_[kMaxDims];
  Tiling elements_;
  Tiling columns_;
  Operand operands_[kMaxOperands];
};

/** Columns per block: so few that a tile has some depth. */
template <typename T>
int64_t block_width(int64_t columns, int64_t depth) {
  const int64_t limit = kTileElements<T> / smaller(4, depth);
  return ceil_div(columns, ceil_div(columns, limit));
}

template <typename T>
void fold_columns(const FoldRecord& record) {
  const Program& program = *record.program;
  const int row_axis = record.kept - 1;
  int64_t sizes[kMaxDims];
  for (int d = 0; d < record.folded; d++) sizes[d] = record.sizes[record.kept + d];
  const int64_t depth = Nest{record.folded, sizes}.size();
  const int64_t width = block_width<T>(record.sizes[row_axis], depth);
  sizes[record.folded] = width;
  const Tiling tiling = cut({record.folded + 1, sizes}, kTileElements<T>);
  const int64_t blocks = Nest{row_axis, record.sizes}.size() * ceil_div(record.sizes[row_axis], width);
  const int64_t parts = parts_of(tiling);
  const int64_t stride = ColumnBlock<T>::accumulator_count(program, width);

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
