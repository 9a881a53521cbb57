#pragma once

#include <algorithm>

#include "../../parallel.h"
#include "../../scratch.h"
#include "../kernels.h"
#include "../map/map.h"
#include "../matmul/blocks.h"
#include "../matmul/ends.h"
#include "../tasks.h"
#include "geometry.h"
#include "image.h"
#include "place_tile.h"
#include "window_tile.h"

/**
 * Convolve: for every sample and group the product of the weight with all windows, which are not copied but read from
 * an image of what a region of the output sees. Regions are dealt out as tasks; no bit depends on how they are cut.
 */
namespace nabla::NABLA_ISA {
namespace {

/** Terms that are summed up in one go, and the bytes of the image that they are read from: both are to stay in L2. */
template <typename T>
constexpr int64_t kWindowTerms = 1536 / sizeof(T);
constexpr int64_t kImageBytes = 1 << 18;
/** Places of a region, fewer where its product is kept. */
constexpr int64_t kRegionPlaces = 2048;
constexpr int64_t kKeptRegionBytes = 1 << 18;
/** What packing a vector of a term costs, in multiply-adds of a vector. */
constexpr int64_t kPackVector = 6;
/** Whether a product can be turned: in float32, because every size of a tile is code of its own. */
template <typename T>
constexpr bool kCanTurn = sizeof(T) == sizeof(float);
/** What turning a vector of sums costs, in the same. */
constexpr int64_t kTurnVector = 12;
/** Sums beside each other that are enough for none to wait for another. */
constexpr int64_t kFewestSums = 8;

/** How a convolution is computed. */
template <typename T>
struct WindowPlan {
  Regions regions;
  /** Whether vectors are of channels, and places are read one by one. */
  bool turns;
  int64_t channels, panel, vectors;
  /** Whether vectors run from row to row of a region, so that all lanes are used: then they are packed. */
  bool packs;
  /** Where it is summed up, if not in memory of its own; what an epilogue does to it is done there. */
  const Operand* place;
  bool keeps;

  explicit WindowPlan(const Convolution& from) : turns(is_better_turned(from)), vectors(tile_vectors(from.rows)) {
    constexpr int64_t kSize = sizeof(T);
    place = product_place(from);
    const int64_t* steps = (place == nullptr ? from.rest : place)->strides + Convolution::kPlace;
    const bool lies_in_rows = place != nullptr && (steps[2] == 1 || from.places[2] == 1);
    const bool lies_dense = lies_in_rows && (steps[1] == from.places[2] || from.places[1] == 1);
    const int64_t most = lies_dense && !turns && from.epilogue() == nullptr
                             ? kRegionPlaces
                             : smaller(kRegionPlaces, larger(64, kKeptRegionBytes / (from.rows * kSize)));
    regions = Regions::of(from, smaller(most, places_for_all(from)), kLanes<T>);
    packs = !turns &&
            dense_cost(from.rows, regions.rows * regions.cols) < regions.rows * in_rows_cost(from.rows, regions.cols);
    panel = turns ? kRegisterCols<T> : even_part(from.rows, kRegisterRows, 1);
    keeps = packs ? !lies_dense || regions.cols < from.places[2] : !lies_in_rows;
    const ImageLayout layout(from, regions.rows, regions.cols);
    const int64_t limit = smaller(kWindowTerms<T> / from.window(), kImageBytes / (layout.channel() * kSize));
    channels = even_part(from.channels, larger(1, limit), 1);
  }

  /** An output of the product's type, of which the epilogue reads nothing else. */
  static const Operand* product_place(const Convolution& from) {
    const Program* epilogue = from.epilogue();
    if (epilogue == nullptr) return from.rest;
    const int inputs = epilogue->inputs - 1, axes = Convolution::kPlace + kSlides;
    for (int i = inputs; i < from.rest_count(); i++) {
      const Operand& out = from.rest[i];
      const Extent extent(*from.instruction, axes, out);
      const auto meets = [&](const Operand& other) { return extent.meets({*from.instruction, axes, other}); };
      if (out.dtype == kDTypeOf<T> && std::none_of(from.rest, from.rest + inputs, meets)) return &out;
    }
    return nullptr;
  }

  /** Multiply-adds of vectors for each term, where each row of places has vectors of its own. */
  static int64_t in_rows_cost(int64_t rows, int64_t cols) { return ceil_div(cols, kLanes<T>) * rows; }
  /** The same where vectors are packed. */
  static int64_t dense_cost(int64_t rows, int64_t places) { return ceil_div(places, kLanes<T>) * (rows + kPackVector); }

  static bool is_better_turned(const Convolution& from) {
    if (!kCanTurn<T>) return false;
    const int64_t cols = from.places[2], vectors = ceil_div(from.rows, kLanes<T>);
    // Of as many rows of places as a vector has lanes, so that packed ones are whole.
    const int64_t windows = smaller(kLanes<T> * in_rows_cost(from.rows, cols), dense_cost(from.rows, kLanes<T> * cols));
    return kLanes<T> * cols * vectors * (from.terms() + kTurnVector) < windows * from.terms() &&
           smaller(cols, kRegisterRows) * smaller(2, vectors) >= kFewestSums;
  }

  /** So few places of a region that all threads have some. */
  static int64_t places_for_all(const Convolution& from) {
    const int64_t samples = from.samples * from.groups * from.places[0];
    const int64_t work = samples * from.places[1] * from.places[2] * from.rows * larger(1, from.terms());
    const int64_t busy = smaller(larger(1, work / kTaskWork), num_threads());
    const int64_t parts = ceil_div(busy, samples);
    return larger(2 * kLanes<T>, ceil_div(from.places[1] * from.places[2], parts));
  }

  int64_t tasks(const Convolution& from) const {
    const int64_t blocks = from.samples * from.groups * regions.size();
    const int64_t work = from.samples * from.groups * from.area() * from.rows * larger(1, from.terms());
    const int64_t busy = smaller(larger(1, work / kTaskWork), num_threads());
    return busy == 1 ? 1 : smaller(blocks, kTasksPerThread * busy);
  }
};

/** Memory for a task, carved from the thread's scratch. */
template <typename T>
struct WindowScratch {
  T *image, *packed, *sums, *kept, *weight;
  int64_t *offsets, *packed_offsets;

  WindowScratch(const Convolution& from, const WindowPlan<T>& plan) {
    const Regions& regions = plan.regions;
    const int64_t terms = plan.channels * from.window(), width = plan.vectors * kLanes<T>;
    const int64_t image_size = plan.channels * ImageLayout(from, regions.rows, regions.cols).channel() + 2 * kLanes<T>;
    const int64_t packed_size = plan.packs ? (terms + 1) * width : 0;
    const int64_t wide_rows = round_up(from.rows, kLanes<T>);
    const int64_t sums_places = plan.channels < from.channels ? regions.rows * regions.cols : kTilePlaces<1>;
    const int64_t sums_size = plan.turns ? sums_places * wide_rows + kLanes<T> * kRegisterCols<T> : 0;
    const int64_t kept_size = plan.keeps ? from.rows * regions.rows * regions.cols : 0;
    const int64_t weight_size = (plan.turns ? wide_rows : from.rows) * from.terms() + kLanes<T>;
    char* memory =
        scratch(Scratch::kInstruction,
                2 * terms * static_cast<int64_t>(sizeof(int64_t)) + round_up(image_size, kLanes<T>) * sizeof(T) +
                    (packed_size + sums_size + kept_size + weight_size) * sizeof(T) + 2 * kVectorBytes);
    offsets = reinterpret_cast<int64_t*>(memory);
    packed_offsets = offsets + terms;
    packed = reinterpret_cast<T*>(memory + round_up(2 * terms * static_cast<int64_t>(sizeof(int64_t)), kVectorBytes));
    sums = packed + packed_size;
    image = sums + sums_size;
    kept = image + round_up(image_size, kLanes<T>);
    weight = kept + kept_size;
    for (int64_t p = 0; p < terms; p++) packed_offsets[p] = p * width;
  }
};

/** A vector that is packed: from where in the image, and to where in a row of packed ones. */
struct PackedVector {
  int64_t from, to;
};

/** One region of one sample and group. */
template <typename T>
struct RegionProduct {
  const Convolution& convolution;
  const WindowPlan<T>& plan;
  const WindowScratch<T>& memory;
  Region region;
  ImageLayout layout;
  /** Where the product of the first row begins, and how far its rows and those of the region are apart. */
  T* out;
  int64_t out_stride, out_row;

  /** What `k` terms from `start` on contribute. */
  void add(int64_t start, int64_t k) const { plan.turns ? add_turned(start, k) : add_windows(start, k, start > 0); }

 private:
  void add_windows(int64_t start, int64_t k, bool accumulate) const {
    const int64_t vectors =
        plan.packs ? ceil_div(region.area(), kLanes<T>) : region.rows * ceil_div(region.cols, kLanes<T>);
    for (int64_t first = 0; first < vectors;) {
      const int64_t left = vectors - first, count = left == 1 ? 1 : smaller(left, plan.vectors);
      TileVectors<T> tile;
      const int64_t* offsets = plan.packs ? packed(tile, first, count, k) : in_rows(tile, first, count);
      for (int64_t row = 0; row < convolution.rows; row += plan.panel) {
        const int64_t height = smaller(plan.panel, convolution.rows - row);
        window_tile<T>(height, count == 1 ? 1 : plan.vectors)(
            k, memory.weight + row * convolution.terms() + start * height, offsets, tile, out_stride, accumulate);
        for (int j = 0; j < kMostVectors; j++) tile.to[j] += height * out_stride;
      }
      first += count;
    }
  }

  /** Sums are kept, place by place, until the last terms have been added. */
  void add_turned(int64_t start, int64_t k) const {
    const bool is_whole = k == convolution.terms(), is_last = start + k == convolution.terms();
    T* sums = memory.sums;
    for (int64_t row = 0; row < convolution.rows; row += plan.panel) {
      const int64_t height = smaller(plan.panel, convolution.rows - row), width = round_up(height, kLanes<T>);
      const bool is_wide = width > kLanes<T>;
      const int64_t across = even_part(region.cols, is_wide ? kTilePlaces<2> : kTilePlaces<1>, 1);
      const T* weight = memory.weight + row * convolution.terms() + start * width;
      for (int64_t line = 0; line < region.rows; line++) {
        for (int64_t col = 0; col < region.cols; col += across) {
          const int64_t count = smaller(across, region.cols - col);
          T* to = out + row * out_stride + line * out_row + col;
          if (is_last) fetch_turned(to, out_stride, count, height);
          place_tile<T>(count, is_wide)(k, memory.image + place(line, col), memory.offsets, weight, sums, start > 0);
          if (is_last) store_turned(sums, width, count, height, to, out_stride);
          if (!is_whole) sums += count * width;
        }
      }
    }
  }

  /** What there are no vectors for repeats the last one, and is not stored. */
  void fill(TileVectors<T>& tile, int64_t count) const {
    for (int64_t j = count; j < kMostVectors; j++) {
      tile.from[j] = tile.from[count - 1];
      tile.to[j] = tile.to[count - 1];
      tile.counts[j] = 0;
    }
  }

  /** Where the image has the first term of a place. */
  int64_t place(int64_t row, int64_t col) const { return row * convolution.stride[1] * layout.row() + col; }

  const int64_t* in_rows(TileVectors<T>& tile, int64_t first, int64_t count) const {
    const int64_t across = ceil_div(region.cols, kLanes<T>);
    for (int64_t j = 0; j < count; j++) {
      const int64_t row = (first + j) / across, col = (first + j) % across * kLanes<T>;
      tile.from[j] = memory.image + place(row, col);
      tile.to[j] = out + row * out_row + col;
      tile.counts[j] = smaller(kLanes<T>, region.cols - col);
    }
    fill(tile, count);
    return memory.offsets;
  }

  const int64_t* packed(TileVectors<T>& tile, int64_t first, int64_t count, int64_t k) const {
    const int64_t start = first * kLanes<T>, end = smaller(start + count * kLanes<T>, region.area());
    for (int64_t j = 0; j < count; j++) {
      tile.from[j] = memory.packed + j * kLanes<T>;
      tile.to[j] = out + start + j * kLanes<T>;
      tile.counts[j] = smaller(kLanes<T>, end - start - j * kLanes<T>);
    }
    fill(tile, count);
    PackedVector pieces[2 * kMostVectors * kLanes<T> + 1];
    int64_t parts = 0, at = start;
    while (at < end) {
      const int64_t row = at / region.cols, col = at % region.cols;
      const int64_t length = smaller(smaller(kLanes<T>, region.cols - col), end - at);
      pieces[parts++] = {place(row, col), at - start};
      at += length;
    }
    // Lanes that belong to no place are computed too, of numbers that are not denormal.
    if (at < start + count * kLanes<T>) pieces[parts++] = {0, at - start};
    const int64_t width = plan.vectors * kLanes<T>;
    for (int64_t p = 0; p < k; p++) {
      const T* from = memory.image + memory.offsets[p];
      T* to = memory.packed + p * width;
      for (int64_t i = 0; i < parts; i++) store(to + pieces[i].to, load(from + pieces[i].from));
    }
    return memory.packed_offsets;
  }
};

/** An operand that is walked as the output is, from a region on. */
inline Operand at_region(const Operand& whole, int64_t sample, int64_t group, const Region& region, int64_t scale) {
  const int64_t* strides = whole.strides;
  const int64_t offset = sample * strides[Convolution::kSample] + group * strides[Convolution::kGroup] +
                         region.plane * strides[Convolution::kPlace] + region.row * strides[Convolution::kPlace + 1] +
                         region.col * strides[Convolution::kPlace + 2];
  return {whole.data + offset * scale,
          whole.dtype,
          {strides[Convolution::kRow], strides[Convolution::kPlace + 1], strides[Convolution::kPlace + 2]}};
}

/** Copies a kept product of a region to the output. */
template <typename T>
void copy_region(const Convolution& from, const Region& region, const T* product, const Operand& to) {
  T* out = reinterpret_cast<T*>(to.data);
  for (int64_t i = 0; i < from.rows; i++) {
    for (int64_t row = 0; row < region.rows; row++) {
      T* line = out + i * to.strides[0] + row * to.strides[1];
      for (int64_t col = 0; col < region.cols; col++) line[col * to.strides[2]] = *product++;
    }
  }
}

/** Hands a product of a region on to the epilogue. */
inline void run_epilogue(const Convolution& from, int64_t sample, int64_t group, const Region& region,
                         const Operand& product) {
  Instruction epilogue;
  epilogue.program = from.epilogue();
  epilogue.params = from.instruction->params;
  epilogue.misfit = from.instruction->misfit;
  epilogue.outer = 3;
  epilogue.inner = 0;
  epilogue.sizes[0] = from.rows;
  epilogue.sizes[1] = region.rows;
  epilogue.sizes[2] = region.cols;
  epilogue.operands[0] = product;
  for (int i = 0; i < from.rest_count(); i++) {
    epilogue.operands[1 + i] = at_region(from.rest[i], sample, group, region, size_of(from.rest[i].dtype));
  }
  map(epilogue);
}

/** The weight of a group in panels of rows, term by term, with zeros up to a multiple of `unit` rows; up to a vector
 * beyond is written too. */
template <typename T>
void pack_weight(const Convolution& from, const T* weight, int64_t panel, int64_t unit, T* to) {
  const int64_t* strides = from.weight->strides;
  const int64_t row_stride = strides[Convolution::kRow], step = strides[Convolution::kKernel + 2];
  const bool is_dense = step == 1 && strides[Convolution::kKernel + 1] == from.kernel[2] &&
                        strides[Convolution::kKernel] == from.kernel[1] * from.kernel[2] &&
                        strides[Convolution::kChannel] == from.window();
  for (int64_t row = 0; row < from.rows; row += panel, weight += panel * row_stride) {
    const int64_t height = smaller(panel, from.rows - row), width = round_up(height, unit);
    if (is_dense) {
      transpose(weight, row_stride, height, from.terms(), to, width);
      to += width * from.terms();
      continue;
    }
    for (int64_t c = 0; c < from.channels; c++) {
      for (int64_t z = 0; z < from.kernel[0]; z++) {
        for (int64_t y = 0; y < from.kernel[1]; y++) {
          const T* line = weight + c * strides[Convolution::kChannel] + z * strides[Convolution::kKernel] +
                          y * strides[Convolution::kKernel + 1];
          for (int64_t x = 0; x < from.kernel[2]; x++) {
            gather_rows(line + x * step, row_stride, 0, height, 1, to, width);
            to += width;
          }
        }
      }
    }
  }
}

/** Some regions of all samples and groups: of one group after the other, and in these one region after the other. */
template <typename T>
void convolve_regions(const Convolution& from, const WindowPlan<T>& plan, int64_t begin, int64_t end) {
  const WindowScratch<T> memory(from, plan);
  const int64_t regions = plan.regions.size(), window = from.window();
  int64_t packed = -1, known_rows = -1, known_cols = -1, known_channels = -1;
  Region laid{-1, -1, -1, -1, -1};
  for (int64_t index = begin; index < end; index++) {
    const int64_t sample = index % from.samples, group = index / from.samples / regions;
    const Region region = plan.regions.at(from, index / from.samples % regions);
    const T* weight = reinterpret_cast<const T*>(from.weight->data) + group * from.weight->strides[Convolution::kGroup];
    if (packed != group) pack_weight(from, weight, plan.panel, plan.turns ? kLanes<T> : 1, memory.weight);
    packed = group;
    const Operand sums =
        plan.keeps ? Operand{reinterpret_cast<char*>(memory.kept), kDTypeOf<T>, {region.area(), region.cols, 1}}
                   : at_region(*plan.place, sample, group, region, sizeof(T));
    const RegionProduct<T> product{from,
                                   plan,
                                   memory,
                                   region,
                                   ImageLayout(from, region.rows, region.cols),
                                   reinterpret_cast<T*>(sums.data),
                                   sums.strides[0],
                                   sums.strides[1]};
    const T* input = reinterpret_cast<const T*>(from.input->data) + sample * from.input->strides[Convolution::kSample] +
                     group * from.input->strides[Convolution::kGroup];
    for (int64_t channel = 0; channel < from.channels; channel += plan.channels) {
      const int64_t count = smaller(plan.channels, from.channels - channel);
      if (known_rows != region.rows || known_cols != region.cols || known_channels < count) {
        term_offsets(from, count, product.layout, memory.offsets);
        known_rows = region.rows;
        known_cols = region.cols;
        known_channels = count;
      }
      lay_image(from, input + channel * from.input->strides[Convolution::kChannel], count, region, product.layout,
                laid == region, memory.image);
      laid = region;
      product.add(channel * window, count * window);
    }
    if (from.epilogue() != nullptr) {
      run_epilogue(from, sample, group, region, sums);
    } else if (plan.keeps) {
      copy_region(from, region, memory.kept, at_region(*plan.place, sample, group, region, sizeof(T)));
    }
  }
}

template <typename T>
void run_convolve(const Convolution& from) {
  const WindowPlan<T> plan(from);
  const int64_t blocks = from.samples * from.groups * plan.regions.size(), tasks = plan.tasks(from);
  for_each_task(
      tasks, [&](int64_t task) { convolve_regions(from, plan, blocks * task / tasks, blocks * (task + 1) / tasks); });
}

/** In float32 or float64, whichever the operands are. There is at least one channel and one element of a window. */
int64_t convolve(const Instruction& instruction) {
  const Convolution from(instruction);
  if (from.samples * from.groups * from.rows * from.area() == 0) return kDone;
  from.input->dtype == DType::kFloat64 ? run_convolve<double>(from) : run_convolve<float>(from);
  return kDone;
}

}  // namespace
}  // namespace nabla::NABLA_ISA
