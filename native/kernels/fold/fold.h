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
inline bool rows_lie_side_by_side(const FoldRecord& record) {
  const int row_axis = record.kept - 1;
  const int element_axis = record.kept + record.folded - 1;
  for (int i = 0; i < record.program->inputs; i++) {
    const int64_t* strides = record.operands[i].strides;
    if (record.program->is_row[i] || strides[row_axis] == strides[element_axis]) continue;
    return record.sizes[row_axis] > 1 && __builtin_llabs(strides[row_axis]) < __builtin_llabs(strides[element_axis]);
  }
  return false;
}

template <typename T>
void fold_all(const FoldRecord& record) {
  const int64_t rows = Shape{record.kept, record.sizes}.size();
  const int64_t columns = Shape{record.folded, record.sizes + record.kept}.size();
  if (rows == 0) return;
  const bool one_stage = record.program->resident_count == 1;
  const bool short_rows = columns <= kShortRow && rows > columns;
  if (columns > 0 && one_stage && (short_rows || rows_lie_side_by_side(record)))
    return fold_columns<T>(record, columns);
  if (columns <= kTileElements<T>) return fold_resident<T>(record, columns);
  fold_streamed<T>(record, rows, columns);
}

void fold(const FoldRecord& record) { record.program->is_double ? fold_all<double>(record) : fold_all<float>(record); }

}  // namespace
}  // namespace nabla::NABLA_ISA
