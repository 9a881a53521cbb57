#pragma once

#include <cstdint>

#include "../../parallel.h"
#include "problem.h"
#include "product.h"

/** How the output of a matmul is cut into blocks, and blocks are dealt out as tasks. */
namespace nabla::NABLA_ISA {
namespace {

/** Multiply-adds of a task, some twenty microseconds: for less, waking another thread does not pay, if it has gone to
 * sleep since the last product. */
constexpr int64_t kTaskWork = 5 << 18;
/** Below so many rows the time of a task is that of reading B, as if there were so many. */
constexpr int64_t kLeastRows = 4;
/** Tasks per thread where there are so many blocks, so that all are busy to the end. */
constexpr int64_t kTasksPerThread = 4;
/** What a row or column of a block costs beside its multiply-adds, in those: it must be packed. */
constexpr int64_t kPackWork = 16;
/** Columns of B that are packed at a time; fewer where the product is kept, so that its bands have many rows. */
constexpr int64_t kBlockCols = 2048;
constexpr int64_t kKeptCols = 1024;
/** Size of a block whose product is kept while it is summed up in several chunks. */
constexpr int64_t kKeptBlockBytes = 1 << 20;

/** Whether register tiles are stored to the output itself: their columns must be contiguous there. */
inline bool in_place(const Problem& problem) {
  return problem.epilogue() == nullptr && (problem.col_stride(problem.out()) == 1 || problem.n == 1);
}

/** What one task computes: these rows and columns of one batch. */
struct Block {
  int64_t batch, row, col, rows, cols;
};

/** Rows and columns of a block, multiples of those of a register tile unless the matrix has fewer. */
struct BlockSize {
  int64_t rows, cols;

  /** The size of `parts` blocks, or a few more, of an output: that which leaves least to the busiest of as many
   * threads. */
  template <typename T>
  static BlockSize of_parts(int64_t m, int64_t n, int64_t parts) {
    if (parts == 1) return {m, n};
    BlockSize best{};
    int64_t least = INT64_MAX;
    for (int64_t across = 1; across <= parts; across++) {
      const int64_t rows = even_part(m, ceil_div(m, across), kRegisterRows);
      const int64_t cols = even_part(n, ceil_div(n, ceil_div(parts, across)), kRegisterCols<T>);
      const int64_t blocks = ceil_div(m, rows) * ceil_div(n, cols);
      const int64_t work = ceil_div(blocks, parts) * (rows * cols + kPackWork * (rows + cols));
      if (work < least) {
        least = work;
        best = {rows, cols};
      }
    }
    return best;
  }

  /** Halves the longer side until the block has at most `size` elements or is a register tile. */
  template <typename T>
  void limit(int64_t size) {
    while (rows * cols > size && (rows > kRegisterRows || cols > kRegisterCols<T>)) {
      if (cols > kRegisterCols<T> && (cols >= rows || rows <= kRegisterRows)) {
        cols = round_up(ceil_div(cols, 2), kRegisterCols<T>);
      } else {
        rows = round_up(ceil_div(rows, 2), kRegisterRows);
      }
    }
  }
};

/**
 * How the output is cut into blocks and blocks are dealt out as tasks. No bit of the result depends on it, so
 * the number of threads may have a say.
 */
struct Grid {
  int64_t batches, block_rows, block_cols, rows_of_blocks, cols_of_blocks;
  int64_t tasks;

  template <typename T>
  static Grid plan(const Problem& problem) {
    const int64_t batches = problem.batch().size();
    const int64_t work = batches * larger(kLeastRows, problem.m) * problem.n * larger(1, problem.k);
    const int64_t busy = smaller(larger(1, work / kTaskWork), num_threads());
    const int64_t parts = busy <= batches ? 1 : ceil_div(busy, larger(1, batches));
    BlockSize size = BlockSize::of_parts<T>(problem.m, problem.n, parts);
    size.cols = even_part(size.cols, in_place(problem) ? kBlockCols : kKeptCols, kRegisterCols<T>);
    if (!in_place(problem) && problem.k > kChunk<T>) size.limit<T>(kKeptBlockBytes / static_cast<int64_t>(sizeof(T)));
    const int64_t tasks = busy == 1 ? 1 : kTasksPerThread * busy;
    return {batches, size.rows, size.cols, ceil_div(problem.m, size.rows), ceil_div(problem.n, size.cols), tasks};
  }

  int64_t size() const { return batches * rows_of_blocks * cols_of_blocks; }

  Block block(const Problem& problem, int64_t index) const {
    const int64_t col = index % cols_of_blocks * block_cols;
    const int64_t row = index / cols_of_blocks % rows_of_blocks * block_rows;
    const int64_t batch = index / cols_of_blocks / rows_of_blocks;
    return {batch, row, col, smaller(block_rows, problem.m - row), smaller(block_cols, problem.n - col)};
  }
};

}  // namespace
}  // namespace nabla::NABLA_ISA
