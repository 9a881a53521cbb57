#pragma once

#include "columns.h"
#include "resident.h"
#include "streamed.h"

/**
 * A fold runs a program over rows: what the folded axes span. Three schedules: rows that lie side by side in memory are
 * folded column by column, all at once (for programs of one stage); rows that fit a tile go through all stages in
 * cache; longer ones are streamed once per stage. All fold in the order of order.h, so that the choice is one of
 * speed.
 */
namespace nabla::NABLA_ISA {
namespace {

/** Rows so short that folding them one by one costs more than gathering them. */
constexpr int64_t kShortRow = 8;

/** Whether an input's next row is nearer in memory than its row's next element. */
inline bool rows_lie_side_by_side(const Instruction& instruction) {
  const int row_axis = instruction.outer - 1;
  const int element_axis = instruction.outer + instruction.inner - 1;
  for (int i = 0; i < instruction.program->inputs; i++) {
    const int64_t* strides = instruction.operands[i].strides;
    if (instruction.program->is_row[i] || strides[row_axis] == strides[element_axis]) continue;
    return instruction.sizes[row_axis] > 1 &&
           __builtin_llabs(strides[row_axis]) < __builtin_llabs(strides[element_axis]);
  }
  return false;
}

template <typename T>
void fold_all(const Instruction& instruction) {
  const int64_t rows = Shape{instruction.outer, instruction.sizes}.size();
  const int64_t columns = Shape{instruction.inner, instruction.sizes + instruction.outer}.size();
  if (rows == 0) return;
  const bool one_stage = instruction.program->resident_count == 1;
  const bool short_rows = columns <= kShortRow && rows > columns;
  if (columns > 0 && one_stage && (short_rows || rows_lie_side_by_side(instruction)))
    return fold_columns<T>(instruction, columns);
  if (columns <= kTileElements<T>) return fold_resident<T>(instruction, columns);
  fold_streamed<T>(instruction, rows, columns);
}

/** Outer axes are kept, inner ones folded; row operands have stride 0 in these. Operands: the program's inputs, then
 * its outputs. */
int64_t fold(const Instruction& instruction) {
  instruction.program->is_double ? fold_all<double>(instruction) : fold_all<float>(instruction);
  return kDone;
}

}  // namespace
}  // namespace nabla::NABLA_ISA
