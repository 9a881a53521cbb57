#pragma once

#include <cstdint>

#include "../../records.h"
#include "../kernels.h"
#include "../map/map.h"
#include "../tasks.h"
#include "blocks.h"
#include "product.h"

/** Matmul: blocks of the output are dealt out as tasks. These share nothing, so each packs what it needs of A and B. */
namespace nabla::NABLA_ISA {
namespace {

/** Columns and rows shorter than this are not worth turning a product for. */
constexpr int64_t kTurningLength = 8;
/** Rows up to which, and terms from which on, packing these few instead of the matrix makes up for turning the result.
 */
constexpr int64_t kFewRows = 48;
constexpr int64_t kTurningDepth = 256;
/** Rows that are so far apart share a set of the first-level cache, which holds this many lines or a few more. */
constexpr int64_t kSetBytes = 4096;
constexpr int64_t kSetLines = 8;

inline int64_t batch_offset(const MatmulRecord& record, int64_t batch, const int64_t* strides) {
  return offset_at(batch, {record.batch_dims, record.batch_sizes}, strides);
}

template <typename T>
Strided<const T> matrix(const MatmulRecord& record, const Matrix& from, int64_t batch) {
  const T* data = reinterpret_cast<const T*>(from.data) + batch_offset(record, batch, from.batch_strides);
  return {data, from.row_stride, from.col_stride};
}

/** The part of an epilogue's operand (or of the plain output) that belongs to a block. */
inline Operand operand_of_block(const MatmulRecord& record, const Operand& whole, const Block& block) {
  const int64_t row_stride = whole.strides[record.batch_dims];
  const int64_t col_stride = whole.strides[record.batch_dims + 1];
  const int64_t offset =
      batch_offset(record, block.batch, whole.strides) + block.row * row_stride + block.col * col_stride;
  return {whole.data + offset * size_of(whole.dtype), whole.dtype, {row_stride, col_stride}};
}

/** Runs the epilogue over a product while that is in cache. */
template <typename T>
void run_epilogue(const MatmulRecord& record, const Block& block, T* product) {
  MapRecord map_record;
  map_record.program = record.epilogue;
  map_record.dims = 2;
  map_record.sizes[0] = block.rows;
  map_record.sizes[1] = block.cols;
  map_record.params = record.params;
  map_record.misfit = record.misfit;
  map_record.operands[0] = {reinterpret_cast<char*>(product), kDTypeOf<T>, {block.cols, 1}};
  for (int i = 0; i < record.inputs + record.outputs; i++) {
    map_record.operands[1 + i] = operand_of_block(record, record.operands[i], block);
  }
  map(map_record);
}

template <typename T>
void copy_product(const Block& block, const T* product, Strided<T> out) {
  for (int64_t row = 0; row < block.rows; row++) {
    for (int64_t col = 0; col < block.cols; col++) *out.at(row, col) = *product++;
  }
}

template <typename T>
void run_block(const MatmulRecord& record, const Block& block) {
  const Strided<const T> a = matrix<T>(record, record.a, block.batch).from(block.row, 0);
  const Strided<const T> b = matrix<T>(record, record.b, block.batch).from(0, block.col);
  const Operand target = operand_of_block(record, record.operands[0], block);
  const Strided<T> out{reinterpret_cast<T*>(target.data), target.strides[0], target.strides[1]};
  const BlockProduct<T> product{a, b, out, block.rows, block.cols, record.k, !in_place(record)};
  multiply(product, [&](int64_t row, int64_t count, T* c) {
    const Block rows{block.batch, block.row + row, block.col, count, block.cols};
    if (record.epilogue != nullptr) {
      run_epilogue(record, rows, c);
    } else {
      copy_product(rows, c, out.from(row, 0));
    }
  });
}

template <typename T>
void run_blocks(const MatmulRecord& record) {
  const Grid grid = Grid::plan<T>(record);
  const int64_t blocks = grid.size();
  const int64_t tasks = smaller(blocks, grid.tasks);
  for_each_task(tasks, [&](int64_t task) {
    const int64_t end = blocks * (task + 1) / tasks;
    for (int64_t i = blocks * task / tasks; i < end; i++) run_block<T>(record, grid.block(record, i));
  });
}

Matrix transposed(const Matrix& matrix) {
  Matrix other = matrix;
  other.row_stride = matrix.col_stride;
  other.col_stride = matrix.row_stride;
  return other;
}

/** The same product of transposed matrices: out' = b' x a'. */
MatmulRecord transposed(const MatmulRecord& record) {
  MatmulRecord other;
  other.epilogue = record.epilogue;
  other.dtype = record.dtype;
  other.batch_dims = record.batch_dims;
  for (int axis = 0; axis < record.batch_dims; axis++) other.batch_sizes[axis] = record.batch_sizes[axis];
  other.m = record.n;
  other.n = record.m;
  other.k = record.k;
  other.a = transposed(record.b);
  other.b = transposed(record.a);
  other.inputs = record.inputs;
  other.outputs = record.outputs;
  other.params = record.params;
  other.misfit = record.misfit;
  const int row = record.batch_dims, col = row + 1;
  for (int i = 0; i < record.inputs + record.outputs; i++) {
    other.operands[i] = record.operands[i];
    other.operands[i].strides[row] = record.operands[i].strides[col];
    other.operands[i].strides[col] = record.operands[i].strides[row];
  }
  return other;
}

/**
 * Whether the transposed product is computed instead. One long column becomes a row, whose elements fill vectors. A few
 * rows times a matrix that lies transposed (a layer's forward pass on a small batch) become the matrix as it lies times
 * a few columns, which are packed in its stead.
 */
template <typename T>
bool is_better_turned(const MatmulRecord& record) {
  if (record.n == 1) return record.m > 1 && record.k >= kTurningLength;
  const bool has_few_rows = record.m >= kLanes<T> && record.m <= kFewRows && record.n >= 2 * record.m;
  const bool lies_transposed = record.b.row_stride == 1 && record.b.col_stride != 1;
  const bool fits_cache =
      kRegisterRows <= kSetLines || record.b.col_stride * static_cast<int64_t>(sizeof(T)) % kSetBytes != 0;
  return has_few_rows && record.k >= kTurningDepth && lies_transposed && fits_cache;
}

template <typename T>
void run_matmul(const MatmulRecord& record) {
  if (is_better_turned<T>(record)) {
    run_blocks<T>(transposed(record));
  } else {
    run_blocks<T>(record);
  }
}

void matmul(const MatmulRecord& record) {
  if (record.m == 0 || record.n == 0) return;
  record.dtype == DType::kFloat64 ? run_matmul<double>(record) : run_matmul<float>(record);
}

}  // namespace
}  // namespace nabla::NABLA_ISA
