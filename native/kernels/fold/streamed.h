#pragma once

#include "../program/stretched_operands.h"
#include "resident.h"

namespace nabla::NABLA_ISA {
namespace {

/** With fewer rows than this, threads share each row; else they take whole rows. Either way gives the same bits. */
constexpr int64_t kManyRows = 64;

/** Elements of a row up to which inputs that do not lie in whole runs are copied once, for all stages. */
template <typename T>
constexpr int64_t kGatheredRow = (1 << 17) / sizeof(T);

/** One row that is longer than a tile. Its row values stay here while its elements pass by, once per stage. */
template <typename T>
class StreamedRow {
 public:
  StreamedRow(const Instruction& instruction, int64_t columns, int64_t row)
      : instruction_(instruction), program_(*instruction.program), columns_(columns), parts_(parts_of<T>(columns)) {
    const int64_t partials_bytes = round_up(parts_ * max_folds(program_) * static_cast<int64_t>(sizeof(Partial)), 64);
    int gathered = 0;
    for (int i = 0; i < program_.inputs + program_.outputs; i++) {
      operands_[i] = operand_of_row(instruction.operands[i], row);
      if (i < program_.inputs && is_gathered(i)) gathered++;
    }
    const int64_t copy_bytes = round_up(columns * static_cast<int64_t>(sizeof(T)), 64) + 64;
    char* memory = scratch(Scratch::kFold, values_bytes(program_) + partials_bytes + gathered * copy_bytes);
    values_ = reinterpret_cast<T*>(memory);
    partials_ = reinterpret_cast<Partial*>(memory + values_bytes(program_));
    char* copy = memory + values_bytes(program_) + partials_bytes;
    for (int i = 0; i < program_.inputs && gathered > 0; i++) {
      if (!is_gathered(i)) continue;
      gather(operands_[i], reinterpret_cast<T*>(copy));
      copy += copy_bytes;
    }
  }

  void run() {
    load_values();
    for (int i = 0; i < program_.streamed_count; i++) {
      const Stage& stage = program_.streamed[i];
      const bool is_last = i == program_.streamed_count - 1;
      for_each_task(parts_, [&](int64_t part) { run_part(stage, part, is_last); });
      for (int f = 0; f < stage.fold_count; f++) values_[stage.folds[f].dst] = fold_partials(stage, f);
      for (int r = 0; r < stage.row_count; r++) run_on_values(stage.rows[r]);
    }
    store_values();
  }

 private:
  static int64_t values_bytes(const Program& program) {
    return round_up(program.slots * static_cast<int64_t>(sizeof(T)), 64);
  }
  static int64_t max_folds(const Program& program) {
    int64_t folds = 0;
    for (int i = 0; i < program.streamed_count; i++) folds = larger(folds, program.streamed[i].fold_count);
    return folds;
  }

  /** The part of an operand that belongs to a row: its strides are those of the folded axes. */
  Operand operand_of_row(const Operand& whole, int64_t row) const {
    const int64_t offset = offset_at(row, {instruction_.outer, instruction_.sizes}, whole.strides);
    Operand part{whole.data + offset * size_of(whole.dtype), whole.dtype, {}};
    for (int d = 0; d < instruction_.inner; d++) part.strides[d] = whole.strides[instruction_.outer + d];
    return part;
  }

  Shape shape() const { return {instruction_.inner, instruction_.sizes + instruction_.outer}; }

  /** Whether an input is better copied than walked once per stage: where its stretches do not begin and end with runs.
   */
  bool is_gathered(int i) const {
    if (program_.is_row[i] || program_.streamed_count == 1 || columns_ > kGatheredRow<T>) return false;
    const Walk walk(shape(), operands_[i].strides);
    if (walk.axes == 0 && walk.stride == 0) return false;
    const bool is_dense = operands_[i].dtype == kDTypeOf<T> && walk.stride == 1;
    return !is_dense || (walk.axes > 0 && walk.length % kRun<T> != 0);
  }

  void gather(Operand& operand, T* to) const {
    load_stretch(to, {operand.data, operand.dtype, Walk(shape(), operand.strides), Binding::kEachTile, nullptr}, 0,
                 columns_);
    operand.data = reinterpret_cast<char*>(to);
    operand.dtype = kDTypeOf<T>;
    for (int64_t d = instruction_.inner - 1, step = 1; d >= 0; step *= shape().sizes[d--]) operand.strides[d] = step;
  }

  void load_values() {
    for (int i = 0; i < program_.inputs; i++) {
      if (program_.is_row[i]) values_[i] = read_one<T>(operands_[i]);
    }
    T* scalars = values_ + program_.inputs + program_.outputs;
    for (int i = 0; i < program_.params; i++) *scalars++ = static_cast<T>(instruction_.params[i]);
    for (int i = 0; i < program_.constants; i++) *scalars++ = static_cast<T>(program_.constant_values[i]);
  }

  void store_values() const {
    for (int i = program_.inputs; i < program_.inputs + program_.outputs; i++) {
      if (!program_.is_row[i]) continue;
      with_type(operands_[i].dtype, [&]<typename S>(S*) {
        if (!all_fit<S>(values_ + i, 1)) report(instruction_.misfit);
        *reinterpret_cast<S*>(operands_[i].data) = convert<S>(values_[i]);
      });
    }
  }

  void run_on_values(const MicroInstruction& m) const {
    kMicroLoops<T>[m.op](values_ + m.dst, values_ + m.a, values_ + m.b, values_ + m.c, 1, values_ + m.dst);
  }

  /** Folds the runs of one part. */
  void run_part(const Stage& stage, int64_t part, bool is_last) const {
    Slots<T> slots(program_, instruction_.params, kRun<T>);
    StretchedOperands<T> operands(slots, program_, operands_, Kind::kElement, shape(), 0, kRun<T>, instruction_.misfit);
    show_values(slots);
    Partial* partials = partials_ + part * stage.fold_count;
    reset(stage, partials);
    T* lanes = reinterpret_cast<T*>(scratch(Scratch::kLanes, stage.fold_count * kLaneBytes));
    const int64_t end = smaller(columns_, (part + 1) * kPart<T>);
    for (int64_t at = part * kPart<T>; at < end;) {
      const int64_t before = at % kRun<T>, run = smaller(kRun<T>, end - (at - before));
      const Piece piece{at, before, operands.evenly(at, run - before), run};
      operands.load(at, piece.count);
      run_row_elements(slots, program_, stage, 1, piece.count, at);
      add_folds(stage, slots, piece, lanes, partials);
      if (is_last) operands.store(at, piece.count);
      at += piece.count;
    }
  }

  /** Slots of row values are where the values are kept. */
  void show_values(Slots<T>& slots) const {
    for (int i = 0; i < program_.inputs + program_.outputs; i++) {
      if (program_.is_row[i]) slots.point(i, values_ + i);
    }
    for (int i = program_.slots - program_.row_registers; i < program_.slots; i++) slots.point(i, values_ + i);
  }

  static void reset(const Stage& stage, Partial* partials) {
    for (int f = 0; f < stage.fold_count; f++) {
      partials[f] = with_fold(stage.folds[f].fold, []<typename Fold>(Fold) { return Fold::identity(); });
    }
  }

  static void add_folds(const Stage& stage, const Slots<T>& slots, const Piece& piece, T* lanes, Partial* partials) {
    for (int f = 0; f < stage.fold_count; f++) {
      const T* elements = slots.to_read(stage.folds[f].src, piece.count);
      partials[f] = with_fold(stage.folds[f].fold, [&]<typename Fold>(Fold) {
        return Fold::with_piece(partials[f], lanes + f * kFoldLanes<T>, elements, piece);
      });
    }
  }

  T fold_partials(const Stage& stage, int f) const {
    return with_fold(stage.folds[f].fold, [&]<typename Fold>(Fold) {
      Partial total = Fold::identity();
      for (int64_t part = 0; part < parts_; part++) {
        total = Fold::combine(total, partials_[part * stage.fold_count + f], 0);
      }
      return static_cast<T>(Fold::result(total));
    });
  }

  const Instruction& instruction_;
  const Program& program_;
  const int64_t columns_;
  const int64_t parts_;
  Operand operands_[kMaxOperands];
  /** Of all slots, those that are row values, parameters and constants. */
  T* values_;
  Partial* partials_;
};

template <typename T>
void fold_streamed(const Instruction& instruction, int64_t rows, int64_t columns) {
  const auto run_rows = [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) StreamedRow<T>(instruction, columns, row).run();
  };
  if (rows < kManyRows && parts_of<T>(columns) > 1) return run_rows(0, rows);
  in_tasks(rows, columns * work_per_element(*instruction.program), run_rows);
}

}  // namespace
}  // namespace nabla::NABLA_ISA
