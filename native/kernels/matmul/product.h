#pragma once

#include <cstdint>

#include "../../scratch.h"
#include "../integers.h"
#include "ending.h"
#include "pack.h"
#include "register_tile.h"
#include "row_product.h"

/**
 * The product of a block of the output, on one thread: C (rows, cols) = A (rows, k) x B (k, cols) is summed up in
 * chunks of k, a chunk in bands of rows, and a band in register tiles.
 */
namespace nabla::NABLA_ISA {
namespace {

/**
 * Terms that are summed up in one go: so many that loading and storing a register tile does not count, and, where B is
 * read from its place, so few that a panel of it stays in L1.
 */
template <typename T>
constexpr int64_t kChunk = 4096 / sizeof(T);
template <typename T>
constexpr int64_t kPlainChunk = 1024 / sizeof(T);
/** Packing pays where rows are so far apart that caches and page tables suffer, and so many register tiles read them.
 */
constexpr int64_t kFarBytes = 1024;
constexpr int64_t kManyColTiles = 8;
constexpr int64_t kManyRowTiles = 16;
/** Rows of a transposed A that are packed at once. */
constexpr int64_t kPackStep = 32;
/** Panels of B that are packed at once where that reads rows: few pages at a time, and whole stretches of them. */
constexpr int64_t kPanelsAtOnce = 4;
/** Rows of A that are multiplied at a time: packed, they are to stay in L2. */
constexpr int64_t kBandBytes = 1 << 20;
/** Likewise a band of a kept product, which is read again. */
constexpr int64_t kKeptBytes = 1 << 17;

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

/** A panel of A: up to `kRegisterRows` rows of a chunk, as register tiles read it. */
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

/** Register tiles read A where it is if one of its strides is 1, unless the other is long and many of them read it. */
template <typename T>
bool must_pack_a(const Strided<const T>& a, int64_t cols) {
  if (a.row_stride != 1 && a.col_stride != 1) return true;
  return cols >= kManyColTiles * kRegisterCols<T> && is_far<T>(larger(a.row_stride, a.col_stride), 2 * kFarBytes);
}

/** Likewise for B, whose columns must be contiguous. */
template <typename T>
bool must_pack_b(const Strided<const T>& b, int64_t rows) {
  return b.col_stride != 1 || (rows >= kManyRowTiles * kRegisterRows && is_far<T>(b.row_stride, kFarBytes));
}

/** A product to compute. If something is to be done with it before it leaves, it is kept: in scratch memory, not at
 * `c`. */
template <typename T>
struct BlockProduct {
  Strided<const T> a, b;
  Strided<T> c;
  int64_t rows, cols, k;
  bool kept;
  /** What is done to it in registers, or null; a product that is kept has none. */
  const Ending<T>* ending;
};

/** How a product is summed up: `chunk` terms at a time, `band` rows of A at a time, in panels of `panel` rows. What is
 * packed of B for the first band serves the others too. */
struct Blocking {
  bool packs_a, packs_b;
  int64_t chunk, band, panel;

  template <typename T>
  static Blocking of(const BlockProduct<T>& product) {
    constexpr int64_t kSize = sizeof(T);
    const bool packs_b = must_pack_b(product.b, product.rows);
    const int64_t chunk = even_part(product.k, packs_b ? kChunk<T> : kPlainChunk<T>, 1);
    const int64_t a_rows = kBandBytes / (chunk * kSize), kept_rows = kKeptBytes / (product.cols * kSize);
    // Several chunks keep all rows between them: shorter bands would only read B more often.
    const bool fits = !product.kept || chunk < product.k || product.rows <= 2 * kept_rows;
    const int64_t limit = fits ? a_rows : smaller(a_rows, kept_rows);
    const int64_t band = even_part(product.rows, larger(limit, kRegisterRows), kRegisterRows);
    return {must_pack_a(product.a, product.cols), packs_b, chunk, band,
            even_part(smaller(product.rows, band), kRegisterRows, 1)};
  }

  /** Elements that are packed of A: panels are a vector apart, because packing one writes so far beyond it. */
  template <typename T>
  int64_t a_size() const {
    return band * chunk + ceil_div(band, panel) * kLanes<T>;
  }

  /** Some panels of B, or all of a chunk of it for several bands. */
  template <typename T>
  int64_t b_size(const BlockProduct<T>& product) const {
    const int64_t cols = round_up(product.cols, kRegisterCols<T>);
    return (product.rows > band ? cols : smaller(cols, kPanelsAtOnce * kRegisterCols<T>)) * chunk;
  }

  /** Where one chunk is all there is, the bands of a kept product take turns in one place. */
  template <typename T>
  int64_t kept_rows(const BlockProduct<T>& product) const {
    if (!product.kept) return 0;
    return chunk < product.k ? product.rows : smaller(product.rows, band);
  }
};

/** Memory for a product, carved from the thread's scratch. */
template <typename T>
struct ProductScratch {
  T* a;
  T* b;
  T* c;

  ProductScratch(const BlockProduct<T>& product, const Blocking& blocking) {
    const int64_t a_size = blocking.a_size<T>(), b_size = blocking.b_size(product);
    const int64_t c_size = blocking.kept_rows(product) * product.cols;
    b = reinterpret_cast<T*>(
        scratch(Scratch::kInstruction, (a_size + b_size + c_size) * static_cast<int64_t>(sizeof(T))));
    a = b + b_size;
    c = a + a_size;
  }
};

/** One chunk of k, band by band. */
template <typename T>
struct Chunk {
  Strided<const T> a, b;
  int64_t rows, cols, k;
  const Blocking& blocking;
  const ProductScratch<T>& memory;
  bool accumulate;
  /** Of the last chunk. */
  const Ending<T>* ending;

  /** Rows of C, at `c`, = or += those of A from `start` on x B. The columns of C are contiguous. */
  void multiply_band(int64_t start, int64_t count, Strided<T> c) const {
    if (blocking.packs_a) pack_a(start, count);
    for (int64_t col = 0; col < cols; col += kRegisterCols<T>) {
      const int64_t width = smaller(cols - col, kRegisterCols<T>);
      const Strided<const T> panel = b_panel(col, width, start == 0);
      for (int64_t row = 0; row < count; row += blocking.panel) {
        const int64_t height = smaller(count - row, blocking.panel);
        multiply_tile(blocking.packs_a ? packed_panel(row, height) : plain_panel(start + row), height, panel,
                      c.from(row, col), width, col);
      }
    }
  }

 private:
  /** Some of k at a time for all rows, so that only few pages of a transposed A are read by turns. */
  void pack_a(int64_t start, int64_t count) const {
    const int64_t step = a.row_stride == 1 ? kPackStep : k;
    for (int64_t p = 0; p < k; p += step) {
      const int64_t length = smaller(step, k - p);
      for (int64_t row = 0; row < count; row += blocking.panel) {
        const int64_t height = smaller(count - row, blocking.panel);
        T* to = packed_a(row) + p * height;
        pack(a.at(start + row, p), a.row_stride, a.col_stride, height, length, to, height);
      }
    }
  }

  T* packed_a(int64_t row) const { return memory.a + row * k + row / blocking.panel * kLanes<T>; }

  Panel<T> packed_panel(int64_t row, int64_t height) const { return {packed_a(row), height, false}; }

  Panel<T> plain_panel(int64_t row) const {
    const bool along_k = a.col_stride == 1;
    return {a.at(row, 0), along_k ? a.row_stride : a.col_stride, along_k};
  }

  /** Rows of B fill whole vectors: a panel that does not is packed, and filled up. */
  Strided<const T> b_panel(int64_t col, int64_t width, bool first) const {
    if (!blocking.packs_b && width % kLanes<T> == 0) return b.from(0, col);
    T* packed = memory.b + (rows > blocking.band ? col : col % (kPanelsAtOnce * kRegisterCols<T>)) * k;
    if (first) pack_b(col, width, packed);
    return {packed, round_up(width, kLanes<T>), 1};
  }

  void pack_b(int64_t col, int64_t width, T* to) const {
    if (b.col_stride != 1 || !blocking.packs_b) {
      pack(b.at(0, col), b.col_stride, b.row_stride, width, k, to, round_up(width, kLanes<T>));
    } else if (col % (kPanelsAtOnce * kRegisterCols<T>) == 0) {
      const int64_t count = smaller(cols - col, kPanelsAtOnce * kRegisterCols<T>);
      copy_panels(b.at(0, col), b.row_stride, count, k, kRegisterCols<T>, to);
    }
  }

  void multiply_tile(Panel<T> panel, int64_t height, Strided<const T> b_rows, Strided<T> out, int64_t width,
                     int64_t col) const {
    const RegisterTile<T> kernel = register_tile<T>(height, width, panel.along_k);
    const int64_t last = width - (ceil_div(width, kLanes<T>) - 1) * kLanes<T>;
    kernel(k, panel.data, panel.stride, b_rows.data, b_rows.row_stride, out.data, out.row_stride, last, accumulate,
           ending, col);
  }
};

/** Calls finish(row, count, c) when `count` rows from `row` on, kept at `c`, are complete. */
template <typename T, typename Finish>
void multiply_chunks(const BlockProduct<T>& product, const Finish& finish) {
  const Blocking blocking = Blocking::of(product);
  const ProductScratch<T> memory(product, blocking);
  const Strided<T> whole = product.kept ? Strided<T>{memory.c, product.cols, 1} : product.c;
  const bool one_place = product.kept && blocking.chunk >= product.k;
  int64_t start = 0;
  do {
    const int64_t length = smaller(blocking.chunk, product.k - start);
    const bool last = start + length >= product.k;
    const Chunk<T> chunk{product.a.from(0, start),
                         product.b.from(start, 0),
                         product.rows,
                         product.cols,
                         length,
                         blocking,
                         memory,
                         start > 0,
                         last ? product.ending : nullptr};
    for (int64_t row = 0; row < product.rows; row += blocking.band) {
      const int64_t count = smaller(product.rows - row, blocking.band);
      const Strided<T> c = one_place ? whole : whole.from(row, 0);
      chunk.multiply_band(row, count, c);
      if (product.kept && last) finish(row, count, c.data);
    }
    start += length;
  } while (start < product.k);
}

/** A row times a matrix whose columns, or rows, are contiguous. */
template <typename T, typename Finish>
void multiply_one_row(const BlockProduct<T>& product, const Finish& finish) {
  const auto& [a, b, out, rows, cols, k, kept, ending] = product;
  const int64_t bytes = cols * static_cast<int64_t>(sizeof(T));
  T* c = kept ? reinterpret_cast<T*>(scratch(Scratch::kInstruction, bytes)) : out.data;
  if (b.col_stride == 1) {
    multiply_row(k, a.data, a.col_stride, b.data, b.row_stride, cols, c);
  } else {
    multiply_row_transposed(k, a.data, a.col_stride, b.data, b.col_stride, cols, c);
  }
  if (ending != nullptr) ending->apply(c, cols);
  if (kept) finish(0, 1, c);
}

template <typename T, typename Finish>
void multiply(const BlockProduct<T>& product, const Finish& finish) {
  if (product.rows == 1 && (product.b.col_stride == 1 || product.b.row_stride == 1)) {
    multiply_one_row(product, finish);
  } else {
    multiply_chunks(product, finish);
  }
}

}  // namespace
}  // namespace nabla::NABLA_ISA
