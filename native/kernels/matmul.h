#pragma once

#include <cstdint>
#include <cstring>

#include "../records.h"
#include "../scratch.h"
#include "integers.h"
#include "kernels.h"
#include "map.h"
#include "pack.h"
#include "parallel_for.h"
#include "row.h"
#include "tile.h"

/**
 * Matmul in three steps down: a task computes one block of the output, a block is summed up in chunks of k, a
 * chunk is done tile by tile in registers. Tasks share nothing, so each packs what it needs of A and B:
 * blocks are large enough for that not to matter.
 */
namespace nabla::NABLA_ISA {
namespace {

/**
 * Terms that are summed up in one go: so many that loading and storing a tile of C does not count, and, where B is
 * read from its place, so few that a panel of it stays in L1.
 */
template <typename T>
constexpr int64_t kChunk = 4096 / sizeof(T);
template <typename T>
constexpr int64_t kPlainChunk = 1024 / sizeof(T);
/** Multiply-adds of a task, some twenty microseconds: for less, waking another thread does not pay, if it has gone to
 * sleep since the last product. */
constexpr int64_t kTaskWork = 5 << 18;
/** Below so many rows the time of a task is that of reading B, as if there were so many. */
constexpr int64_t kLeastRows = 4;
/** Columns and rows shorter than this are not worth turning a product for. */
constexpr int64_t kTurningLength = 8;
/** Tasks per thread where there are so many blocks, so that all are busy to the end. */
constexpr int64_t kTasksPerThread = 4;
/** What a row or column of a block costs beside its multiply-adds, in those: it must be packed. */
constexpr int64_t kPackWork = 16;
/** A block whose product an epilogue reads is to stay in L2 along with what is packed. */
constexpr int64_t kProductBytes = 1 << 19;
/** Packing pays where rows are so far apart that caches and page tables suffer, and so many tiles read them. */
constexpr int64_t kFarBytes = 1024;
constexpr int64_t kManyColTiles = 8;
constexpr int64_t kManyRowTiles = 16;
/** Rows of a transposed A that are packed at once. */
constexpr int64_t kPackStep = 32;
/** Rows of A that are multiplied at a time: packed, they are to stay in L2. */
constexpr int64_t kBandBytes = 1 << 20;
/** Columns of B that are packed at a time. */
constexpr int64_t kBlockCols = 2048;

/** The length, a multiple of `unit`, of the parts of `size`: as few as `limit` allows, all about as long. */
constexpr int64_t even_part(int64_t size, int64_t limit, int64_t unit) {
  const int64_t parts = size <= limit ? 1 : ceil_div(size, limit);
  if (parts == 1) return larger(unit, round_up(size, unit));  // Without dividing, which small products would feel.
  return larger(unit, round_up(ceil_div(size, parts), unit));
}

template <typename T>
struct Strided {
  T* data;
  int64_t row_stride, col_stride;

  T* at(int64_t row, int64_t col) const { return data + row * row_stride + col * col_stride; }
  Strided from(int64_t row, int64_t col) const { return {at(row, col), row_stride, col_stride}; }
};

/** Memory of one block's computation, carved from the thread's scratch. */
template <typename T>
struct BlockScratch {
  T* a;
  T* b;
  T* product;

  BlockScratch(int64_t a_size, int64_t b_size, int64_t product_size) {
    b = reinterpret_cast<T*>(
        scratch(Scratch::kMatmul, (a_size + b_size + product_size) * static_cast<int64_t>(sizeof(T))));
    a = b + b_size;
    product = a + a_size;
  }
};

/** A panel of A: up to `kTileRows` rows of a chunk, as tiles read it. */
template <typename T>
struct Panel {
  const T* data;
  int64_t stride;
  bool along_k;
};

/** Whether rows (or columns) that `stride` separates are far apart. */
template <typename T>
bool is_far(int64_t stride, int64_t bytes) {
  return stride * static_cast<int64_t>(sizeof(T)) >= bytes;
}

/** Tiles read A where it is if one of its strides is 1, unless the other is long and many tiles read it. */
template <typename T>
bool must_pack_a(const Strided<const T>& a, int64_t cols) {
  if (a.row_stride != 1 && a.col_stride != 1) return true;
  return cols >= kManyColTiles * kTileCols<T> && is_far<T>(larger(a.row_stride, a.col_stride), 2 * kFarBytes);
}

/** Likewise for B, whose columns must be contiguous. */
template <typename T>
bool must_pack_b(const Strided<const T>& b, int64_t rows) {
  return b.col_stride != 1 || (rows >= kManyRowTiles * kTileRows && is_far<T>(b.row_stride, kFarBytes));
}

/**
 * How the product of a block is summed up: `chunk` terms at a time, `band` rows of A at a time, in panels of `panel`
 * rows. What is packed of B for the first band serves the others too.
 */
struct Cut {
  bool packs_a, packs_b;
  int64_t chunk, band, panel;

  template <typename T>
  static Cut of(const Strided<const T>& a, const Strided<const T>& b, int64_t rows, int64_t cols, int64_t k) {
    const bool packs_b = must_pack_b(b, rows);
    const int64_t chunk = even_part(k, packs_b ? kChunk<T> : kPlainChunk<T>, 1);
    const int64_t limit = kBandBytes / (chunk * static_cast<int64_t>(sizeof(T)));
    const int64_t band = even_part(rows, limit, kTileRows);
    return {must_pack_a(a, cols), packs_b, chunk, band, even_part(smaller(rows, band), kTileRows, 1)};
  }

  template <typename T>
  int64_t a_size() const {
    return band * chunk + ceil_div(band, panel) * kLanes<T>;
  }

  template <typename T>
  int64_t b_size(int64_t rows, int64_t cols) const {
    return (rows > band ? round_up(cols, kTileCols<T>) : kTileCols<T>)*chunk;
  }
};

/** One chunk of k of one block: C (rows, cols) = or += A (rows, k) x B (k, cols). The columns of C are contiguous. */
template <typename T>
struct Chunk {
  Strided<const T> a, b;
  Strided<T> c;
  int64_t rows, cols, k;
  const Cut& cut;
  bool accumulate;
  const BlockScratch<T>& memory;

  void run() const {
    for (int64_t row = 0; row < rows; row += cut.band) multiply_band(row, smaller(rows - row, cut.band));
  }

 private:
  void multiply_band(int64_t start, int64_t count) const {
    if (cut.packs_a) pack_a(start, count);
    for (int64_t col = 0; col < cols; col += kTileCols<T>) {
      const int64_t width = smaller(cols - col, kTileCols<T>);
      const Strided<const T> panel = b_panel(col, width, start == 0);
      for (int64_t row = 0; row < count; row += cut.panel) {
        const int64_t height = smaller(count - row, cut.panel);
        tile(cut.packs_a ? packed_panel(row, height) : plain_panel(start + row), height, panel,
             c.from(start + row, col), width);
      }
    }
  }

  /** Some of k at a time for all rows, so that only few pages of a transposed A are read by turns. */
  void pack_a(int64_t start, int64_t count) const {
    const int64_t step = a.row_stride == 1 ? kPackStep : k;
    for (int64_t p = 0; p < k; p += step) {
      const int64_t length = smaller(step, k - p);
      for (int64_t row = 0; row < count; row += cut.panel) {
        const int64_t height = smaller(count - row, cut.panel);
        T* to = packed_a(row) + p * height;
        pack(a.at(start + row, p), a.row_stride, a.col_stride, height, length, to, height);
      }
    }
  }

  /** Panels are a vector apart, because packing one writes so far beyond it. */
  T* packed_a(int64_t row) const { return memory.a + row * k + row / cut.panel * kLanes<T>; }

  Panel<T> packed_panel(int64_t row, int64_t height) const { return {packed_a(row), height, false}; }

  Panel<T> plain_panel(int64_t row) const {
    const bool along_k = a.col_stride == 1;
    return {a.at(row, 0), along_k ? a.row_stride : a.col_stride, along_k};
  }

  /** Rows of B fill whole vectors: a panel that does not is packed, and filled up. */
  Strided<const T> b_panel(int64_t col, int64_t width, bool first) const {
    if (!cut.packs_b && width % kLanes<T> == 0) return b.from(0, col);
    const int64_t stride = round_up(width, kLanes<T>);
    T* packed = rows > cut.band ? memory.b + col * k : memory.b;
    if (first) pack(b.at(0, col), b.col_stride, b.row_stride, width, k, packed, stride);
    return {packed, stride, 1};
  }

  void tile(Panel<T> panel, int64_t height, Strided<const T> row, Strided<T> out, int64_t width) const {
    const TileKernel<T> kernel = tile_kernel<T>(height, width, panel.along_k);
    const int64_t last = width - (ceil_div(width, kLanes<T>) - 1) * kLanes<T>;
    kernel(k, panel.data, panel.stride, row.data, row.row_stride, out.data, out.row_stride, last, accumulate);
  }
};

/** C (rows, cols) = A (rows, k) x B (k, cols), chunk by chunk. */
template <typename T>
void multiply_chunks(Strided<const T> a, Strided<const T> b, Strided<T> c, int64_t rows, int64_t cols, int64_t k,
                     const Cut& cut, const BlockScratch<T>& memory) {
  int64_t start = 0;
  do {
    const int64_t length = smaller(cut.chunk, k - start);
    Chunk<T>{a.from(0, start), b.from(start, 0), c, rows, cols, length, cut, start > 0, memory}.run();
    start += length;
  } while (start < k);
}

template <typename T>
void multiply_block(Strided<const T> a, Strided<const T> b, Strided<T> c, int64_t rows, int64_t cols, int64_t k,
                    const Cut& cut, const BlockScratch<T>& memory) {
  if (rows == 1 && b.col_stride == 1) {
    multiply_row(k, a.data, a.col_stride, b.data, b.row_stride, cols, c.data);
  } else if (rows == 1 && b.row_stride == 1) {
    multiply_row_transposed(k, a.data, a.col_stride, b.data, b.col_stride, cols, c.data);
  } else {
    multiply_chunks(a, b, c, rows, cols, k, cut, memory);
  }
}

/** Whether tiles are stored to the output itself: their columns must be contiguous there. */
inline bool in_place(const MatmulRecord& record) {
  return record.epilogue == nullptr && (record.operands[0].strides[record.batch_dims + 1] == 1 || record.n == 1);
}

/** What one task computes: these rows and columns of one batch. */
struct Block {
  int64_t batch, row, col, rows, cols;
};

/** Rows and columns of a block, multiples of those of a tile unless the matrix has fewer. */
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
      const int64_t rows = even_part(m, ceil_div(m, across), kTileRows);
      const int64_t cols = even_part(n, ceil_div(n, ceil_div(parts, across)), kTileCols<T>);
      const int64_t blocks = ceil_div(m, rows) * ceil_div(n, cols);
      const int64_t work = ceil_div(blocks, parts) * (rows * cols + kPackWork * (rows + cols));
      if (work < least) {
        least = work;
        best = {rows, cols};
      }
    }
    return best;
  }

  /** Halves the longer side until the block has at most `size` elements or is a tile. */
  template <typename T>
  void limit(int64_t size) {
    while (rows * cols > size && (rows > kTileRows || cols > kTileCols<T>)) {
      if (cols > kTileCols<T> && (cols >= rows || rows <= kTileRows)) {
        cols = round_up(ceil_div(cols, 2), kTileCols<T>);
      } else {
        rows = round_up(ceil_div(rows, 2), kTileRows);
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
  static Grid plan(const MatmulRecord& record) {
    int64_t batches = 1;
    for (int axis = 0; axis < record.batch_dims; axis++) batches *= record.batch_sizes[axis];
    const int64_t work = batches * larger(kLeastRows, record.m) * record.n * larger(1, record.k);
    const int64_t busy = smaller(larger(1, work / kTaskWork), num_threads());
    const int64_t parts = busy <= batches ? 1 : ceil_div(busy, larger(1, batches));
    BlockSize size = BlockSize::of_parts<T>(record.m, record.n, parts);
    size.cols = even_part(size.cols, kBlockCols, kTileCols<T>);
    if (!in_place(record)) size.limit<T>(kProductBytes / static_cast<int64_t>(sizeof(T)));
    const int64_t tasks = busy == 1 ? 1 : kTasksPerThread * busy;
    return {batches, size.rows, size.cols, ceil_div(record.m, size.rows), ceil_div(record.n, size.cols), tasks};
  }

  int64_t size() const { return batches * rows_of_blocks * cols_of_blocks; }

  Block block(const MatmulRecord& record, int64_t index) const {
    const int64_t col = index % cols_of_blocks * block_cols;
    const int64_t row = index / cols_of_blocks % rows_of_blocks * block_rows;
    const int64_t batch = index / cols_of_blocks / rows_of_blocks;
    return {batch, row, col, smaller(block_rows, record.m - row), smaller(block_cols, record.n - col)};
  }
};

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

/** Runs the epilogue over a block's product while that is in cache. */
template <typename T>
void run_epilogue(const MatmulRecord& record, const Block& block, T* product) {
  MapRecord map_record;
  map_record.program = record.epilogue;
  map_record.dims = 2;
  map_record.sizes[0] = block.rows;
  map_record.sizes[1] = block.cols;
  map_record.params = record.params;
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
  const Cut cut = Cut::of<T>(a, b, block.rows, block.cols, record.k);
  const int64_t product_size = in_place(record) ? 0 : block.rows * block.cols;
  const BlockScratch<T> memory(cut.a_size<T>(), cut.b_size<T>(block.rows, block.cols), product_size);
  const Strided<T> c = in_place(record) ? out : Strided<T>{memory.product, block.cols, 1};
  multiply_block(a, b, c, block.rows, block.cols, record.k, cut, memory);
  if (record.epilogue != nullptr) {
    run_epilogue(record, block, memory.product);
  } else if (!in_place(record)) {
    copy_product(block, memory.product, out);
  }
}

template <typename T>
void run_matmul(const MatmulRecord& record) {
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
  const int row = record.batch_dims, col = row + 1;
  for (int i = 0; i < record.inputs + record.outputs; i++) {
    other.operands[i] = record.operands[i];
    other.operands[i].strides[row] = record.operands[i].strides[col];
    other.operands[i].strides[col] = record.operands[i].strides[row];
  }
  return other;
}

/** A product of one long column is turned into one of a row, whose elements fill vectors. */
void matmul(const MatmulRecord& record) {
  if (record.m == 0 || record.n == 0) return;
  if (record.n == 1 && record.m > 1 && record.k >= kTurningLength) {
    matmul(transposed(record));
  } else if (record.dtype == DType::kFloat64) {
    run_matmul<double>(record);
  } else {
    run_matmul<float>(record);
  }
}

}  // namespace
}  // namespace nabla::NABLA_ISA
