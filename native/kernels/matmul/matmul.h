#pragma once

#include <cstdint>

#include "../kernels.h"
#include "../map/map.h"
#include "../tasks.h"
#include "blocks.h"
#include "ends.h"
#include "problem.h"
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

inline int64_t batch_offset(const Problem& problem, int64_t batch, const int64_t* strides) {
  return offset_at(batch, problem.batch(), strides);
}

/** a or b, whose rows and columns are these axes. */
template <typename T>
Strided<const T> factor(const Problem& problem, const Operand& from, int row, int col, int64_t batch) {
  const T* data = reinterpret_cast<const T*>(from.data) + batch_offset(problem, batch, from.strides);
  return {data, from.strides[row], from.strides[col]};
}

/** The part of an epilogue's operand (or of the plain output) that belongs to a block. */
inline Operand operand_of_block(const Problem& problem, const Operand& whole, const Block& block) {
  const int64_t row_stride = problem.row_stride(whole), col_stride = problem.col_stride(whole);
  const int64_t offset =
      batch_offset(problem, block.batch, whole.strides) + block.row * row_stride + block.col * col_stride;
  return {whole.data + offset * size_of(whole.dtype), whole.dtype, {row_stride, col_stride}};
}

/** Runs the epilogue over a product while that is in cache. */
template <typename T>
void run_epilogue(const Problem& problem, const Block& block, T* product) {
  Instruction epilogue;
  epilogue.program = problem.epilogue();
  epilogue.params = problem.instruction->params;
  epilogue.misfit = problem.instruction->misfit;
  epilogue.outer = 2;
  epilogue.inner = 0;
  epilogue.sizes[0] = block.rows;
  epilogue.sizes[1] = block.cols;
  epilogue.operands[0] = {reinterpret_cast<char*>(product), kDTypeOf<T>, {block.cols, 1}};
  for (int i = 0; i < problem.rest_count(); i++) {
    epilogue.operands[1 + i] = operand_of_block(problem, problem.rest[i], block);
  }
  map(epilogue);
}

template <typename T>
void copy_product(const Block& block, const T* product, Strided<T> out) {
  for (int64_t row = 0; row < block.rows; row++) {
    for (int64_t col = 0; col < block.cols; col++) *out.at(row, col) = *product++;
  }
}

template <typename T>
Ending<T> ending_of_block(const Problem& problem, const Ends& ends, const Block& block) {
  if (ends.bias == nullptr) return {nullptr, ends.has_relu};
  return {reinterpret_cast<const T*>(operand_of_block(problem, *ends.bias, block).data), ends.has_relu};
}

template <typename T>
void run_block(const Problem& problem, const Ends& ends, const Block& block) {
  const Strided<const T> a = factor<T>(problem, *problem.a, problem.row, problem.sum, block.batch).from(block.row, 0);
  const Strided<const T> b = factor<T>(problem, *problem.b, problem.sum, problem.col, block.batch).from(0, block.col);
  const Operand target = operand_of_block(problem, problem.out(), block);
  const Strided<T> out{reinterpret_cast<T*>(target.data), target.strides[0], target.strides[1]};
  const Ending<T> ending = ending_of_block<T>(problem, ends, block);
  const BlockProduct<T> product{
      a, b, out, block.rows, block.cols, problem.k, !in_place(problem), ends.are_there() ? &ending : nullptr};
  multiply(product, [&](int64_t row, int64_t count, T* c) {
    const Block rows{block.batch, block.row + row, block.col, count, block.cols};
    if (problem.epilogue() != nullptr) {
      run_epilogue(problem, rows, c);
    } else {
      copy_product(rows, c, out.from(row, 0));
    }
  });
}

template <typename T>
void run_blocks(Problem problem) {
  const Ends ends = ends_of<T>(problem);
  problem.has_ending = ends.are_there();
  const Grid grid = Grid::plan<T>(problem);
  const int64_t blocks = grid.size();
  const int64_t tasks = smaller(blocks, grid.tasks);
  for_each_task(tasks, [&](int64_t task) {
    const int64_t end = blocks * (task + 1) / tasks;
    for (int64_t i = blocks * task / tasks; i < end; i++) run_block<T>(problem, ends, grid.block(problem, i));
  });
}

/**
 * Whether the transposed product is computed instead. One long column becomes a row, whose elements fill vectors. A few
 * rows times a matrix that lies transposed (a layer's forward pass on a small batch) become the matrix as it lies times
 * a few columns, which are packed in its stead. At most half as many columns as a vector has lanes (the gradient of a
 * layer with few inputs) become rows, if that makes rows of what lies side by side.
 */
template <typename T>
bool is_better_turned(const Problem& problem) {
  if (problem.n == 1) return problem.m > 1 && problem.k >= kTurningLength;
  if (2 * problem.n <= kLanes<T> && problem.m >= 2 * kLanes<T> && problem.k >= kTurningDepth) {
    return problem.a->strides[problem.row] == 1;
  }
  const bool has_few_rows = problem.m >= kLanes<T> && problem.m <= kFewRows && problem.n >= 2 * problem.m;
  const int64_t row_stride = problem.b->strides[problem.sum], col_stride = problem.b->strides[problem.col];
  const bool lies_transposed = row_stride == 1 && col_stride != 1;
  const bool fits_cache = kRegisterRows <= kSetLines || col_stride * static_cast<int64_t>(sizeof(T)) % kSetBytes != 0;
  return has_few_rows && problem.k >= kTurningDepth && lies_transposed && fits_cache;
}

template <typename T>
void run_matmul(const Problem& problem) {
  if (is_better_turned<T>(problem)) {
    run_blocks<T>(problem.transposed());
  } else {
    run_blocks<T>(problem);
  }
}

/** In float32 or float64, whichever a and b are. */
int64_t matmul(const Instruction& instruction) {
  const Problem problem(instruction);
  if (problem.m == 0 || problem.n == 0) return kDone;
  problem.a->dtype == DType::kFloat64 ? run_matmul<double>(problem) : run_matmul<float>(problem);
  return kDone;
}

}  // namespace
}  // namespace nabla::NABLA_ISA
