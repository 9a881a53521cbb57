#pragma once

#include "convolve.h"
#include "gradient_tile.h"

/**
 * The gradient of a convolution's weight: for every group the product of all windows, as rows, with the gradient of the
 * output, whose channels are columns; summed up over samples and places in order, chunk by chunk. Windows are not
 * copied but read from images of the regions of a chunk. Terms of the weight, or else channels of the output, are dealt
 * out as tasks.
 */
namespace nabla::NABLA_ISA {
namespace {

/** Bytes of a chunk's gradients for the channels of a tile: they are to stay in L1 while the terms pass by. */
constexpr int64_t kPanelBytes = 1 << 15;
constexpr int64_t kMostPlaces = 512;

template <typename T>
struct WeightPlan {
  Regions regions;
  ImageLayout layout;
  /** Of a chunk: places at most, and regions; channels whose images are laid at a time. */
  int64_t places, batch, channels;
  /** How input and output channels are divided among tasks. */
  int64_t task_channels, task_rows;

  explicit WeightPlan(const Convolution& from) : regions{}, layout(from, 1, 1) {
    constexpr int64_t kSize = sizeof(T);
    const int64_t work = from.samples * from.area() * from.rows * from.terms();
    const int64_t busy = smaller(larger(1, from.groups * work / kTaskWork), num_threads());
    const int64_t parts = ceil_div(busy, from.groups);
    task_channels = ceil_div(from.channels, smaller(parts, from.channels));
    task_rows = from.channels >= parts ? from.rows : even_part(from.rows, ceil_div(from.rows, parts), kLanes<T>);
    const int64_t width = smaller(round_up(task_rows, kLanes<T>), kRegisterCols<T>);
    places = smaller(kMostPlaces, kPanelBytes / (width * kSize));
    regions = Regions::of(from, places, 1);
    layout = ImageLayout(from, regions.rows, regions.cols);
    batch = smaller(from.samples * regions.size(), larger(1, places / (regions.rows * regions.cols)));
    channels = even_part(task_channels, larger(1, kImageBytes / (batch * layout.channel() * kSize)), 1);
  }

  int64_t channel_parts(const Convolution& from) const { return ceil_div(from.channels, task_channels); }
  int64_t row_parts(const Convolution& from) const { return ceil_div(from.rows, task_rows); }
  /** Elements of the image of a region. */
  int64_t image_size() const { return channels * layout.channel() + kLanes<T>; }
};

/** What one task computes: these terms and output channels of a group. */
template <typename T>
struct WeightBlock {
  const Convolution& convolution;
  const WeightPlan<T>& plan;
  int64_t group, channel, channels, row, rows;
  /** Scratch memory: the images of a chunk's regions, their gradients (places, rows) in panels, sums (terms, rows), and
   * where the image has each term. */
  T *images, *gradients, *sums;
  int64_t* offsets;
  PlaceLine* lines;

  int64_t terms() const { return channels * convolution.window(); }

  void carve() {
    const int64_t k = plan.channels * convolution.window();
    const int64_t images_size = plan.batch * plan.image_size() + kLanes<T>;
    const int64_t gradients_size = plan.places * round_up(rows, kLanes<T>) + kLanes<T>;
    const int64_t line_count = plan.batch * plan.regions.rows;
    offsets = reinterpret_cast<int64_t*>(
        scratch(Scratch::kInstruction, k * static_cast<int64_t>(sizeof(int64_t)) +
                                           line_count * static_cast<int64_t>(sizeof(PlaceLine)) +
                                           (images_size + gradients_size + terms() * rows) * sizeof(T)));
    lines = reinterpret_cast<PlaceLine*>(offsets + k);
    images = reinterpret_cast<T*>(lines + line_count);
    gradients = images + images_size;
    sums = gradients + gradients_size;
    term_offsets(convolution, plan.channels, plan.layout, offsets);
  }

  /** The number of a region counts those of all samples. */
  Region region(int64_t number) const { return plan.regions.at(convolution, number % plan.regions.size()); }
  int64_t sample(int64_t number) const { return number / plan.regions.size(); }

  /** Gradients of a region, after those of `place` others. */
  void pack_gradients(int64_t number, int64_t place, int64_t chunk) const {
    const Region at = region(number);
    const Operand from = at_region(convolution.rest[0], sample(number), group, at, sizeof(T));
    const bool is_dense = from.strides[1] == at.cols * from.strides[2];
    const int64_t count = is_dense ? 1 : at.rows, length = is_dense ? at.area() : at.cols;
    for (int64_t first = 0; first < rows; first += kRegisterCols<T>) {
      const int64_t cols = smaller(kRegisterCols<T>, rows - first), width = round_up(cols, kLanes<T>);
      const T* source = reinterpret_cast<const T*>(from.data) + (row + first) * from.strides[0];
      for (int64_t line = 0; line < count; line++) {
        T* to = gradients + first * chunk + (place + line * length) * width;
        pack(source + line * from.strides[1], from.strides[0], from.strides[2], cols, length, to, width);
      }
    }
  }

  /** The part of a region's image that some channels make; `again` where an image was before. */
  void lay(int64_t number, int64_t first, int64_t count, bool again, T* image) const {
    const int64_t* strides = convolution.input->strides;
    const T* input = reinterpret_cast<const T*>(convolution.input->data) +
                     sample(number) * strides[Convolution::kSample] + group * strides[Convolution::kGroup] +
                     (channel + first) * strides[Convolution::kChannel];
    lay_image(convolution, input, count, region(number), plan.layout, again && plan.regions.size() == 1, image);
  }

  /** The lines of places of regions [begin, end), whose images follow each other; how many they are. */
  int64_t list_lines(int64_t begin, int64_t end) const {
    const int64_t step = convolution.stride[1] * plan.layout.row();
    int64_t count = 0;
    for (int64_t number = begin; number < end; number++) {
      const Region at = region(number);
      for (int64_t line = 0; line < at.rows; line++) {
        lines[count++] = {(number - begin) * plan.image_size() + line * step, at.cols};
      }
    }
    return count;
  }

  /** Adds what regions [begin, end), with `chunk` places, contribute. */
  void add(int64_t begin, int64_t end, int64_t chunk) const {
    for (int64_t number = begin, place = 0; number < end; place += region(number++).area()) {
      pack_gradients(number, place, chunk);
    }
    const int64_t line_count = list_lines(begin, end);
    for (int64_t first = 0; first < channels; first += plan.channels) {
      const int64_t count = smaller(plan.channels, channels - first);
      for (int64_t number = begin; number < end; number++) {
        lay(number, first, count, begin > 0 || first > 0, images + (number - begin) * plan.image_size());
      }
      for (int64_t col = 0; col < rows; col += kRegisterCols<T>) {
        add_terms(first, count * convolution.window(), col, chunk, line_count, begin > 0);
      }
    }
  }

  /** The same for `k` terms, from those of channel `first` on, and the columns of a tile from `col` on. */
  void add_terms(int64_t first, int64_t k, int64_t col, int64_t chunk, int64_t line_count, bool accumulate) const {
    const int64_t width = smaller(kRegisterCols<T>, rows - col),
                  last = width - (round_up(width, kLanes<T>) - kLanes<T>);
    const bool is_wide = width > kLanes<T>;
    const int64_t panel = even_part(k, is_wide ? kTileTerms<2> : kTileTerms<1>, 1);
    for (int64_t term = 0; term < k; term += panel) {
      const int64_t height = smaller(panel, k - term);
      const T* from[kTileTerms<1>];
      for (int64_t i = 0; i < height; i++) from[i] = images + offsets[term + i];
      T* to = sums + (first * convolution.window() + term) * rows + col;
      gradient_tile<T>(height, is_wide)(lines, line_count, from, gradients + col * chunk, to, rows, last, accumulate);
    }
  }

  void run() {
    carve();
    const int64_t count = convolution.samples * plan.regions.size();
    for (int64_t begin = 0, end = 0; begin < count; begin = end) {
      int64_t chunk = region(end++).area();
      while (end < count && end - begin < plan.batch && chunk + region(end).area() <= plan.places)
        chunk += region(end++).area();
      add(begin, end, chunk);
    }
    store_sums();
  }

  /** To the weight, where terms lie side by side: some of them at a time for every output channel. */
  void store_sums() const {
    constexpr int64_t kBlock = 64;
    const int64_t* strides = convolution.weight->strides;
    const Shape parts{1 + kSlides, convolution.instruction->sizes + Convolution::kChannel};
    T* out = reinterpret_cast<T*>(convolution.weight->data) + group * strides[Convolution::kGroup] +
             channel * strides[Convolution::kChannel] + row * strides[Convolution::kRow];
    for (int64_t first = 0; first < terms(); first += kBlock) {
      const int64_t count = smaller(kBlock, terms() - first);
      int64_t at[kBlock];
      for (int64_t i = 0; i < count; i++) at[i] = offset_at(first + i, parts, strides + Convolution::kChannel);
      for (int64_t col = 0; col < rows; col++) {
        T* to = out + col * strides[Convolution::kRow];
        for (int64_t i = 0; i < count; i++) to[at[i]] = sums[(first + i) * rows + col];
      }
    }
  }
};

template <typename T>
void run_convolve_weight(const Convolution& from) {
  const WeightPlan<T> plan(from);
  const int64_t channel_parts = plan.channel_parts(from), row_parts = plan.row_parts(from);
  for_each_task(from.groups * channel_parts * row_parts, [&](int64_t task) {
    const int64_t row = task % row_parts * plan.task_rows;
    const int64_t channel = task / row_parts % channel_parts * plan.task_channels;
    WeightBlock<T> block{from,
                         plan,
                         task / row_parts / channel_parts,
                         channel,
                         smaller(plan.task_channels, from.channels - channel),
                         row,
                         smaller(plan.task_rows, from.rows - row),
                         nullptr,
                         nullptr,
                         nullptr,
                         nullptr,
                         nullptr};
    block.run();
  });
}

/** In float32 or float64, whichever the operands are. There is at least one sample and one place. */
int64_t convolve_weight(const Instruction& instruction) {
  const Convolution from(instruction);
  if (from.groups * from.rows * from.terms() == 0) return kDone;
  from.input->dtype == DType::kFloat64 ? run_convolve_weight<double>(from) : run_convolve_weight<float>(from);
  return kDone;
}

}  // namespace
}  // namespace nabla::NABLA_ISA
