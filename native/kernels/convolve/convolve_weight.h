#pragma once

#include "convolve.h"

/**
 * The gradient of a convolution's weight: for every group the product of all windows, as rows, with the gradient of the
 * output, whose channels are columns; summed up over samples and places in order, chunk by chunk. Terms of the weight,
 * or else channels of the output, are dealt out as tasks.
 */
namespace nabla::NABLA_ISA {
namespace {

/** Bytes of a chunk's gradients, and of its windows as far as they are multiplied at a time. */
constexpr int64_t kChunkBytes = 1 << 18;
/** Places of a chunk. */
constexpr int64_t kLeastPlaces = 64;
constexpr int64_t kMostPlaces = 1024;

template <typename T>
struct WeightPlan {
  Regions regions;
  /** Places of a chunk at most; channels whose windows are multiplied at a time. */
  int64_t places, channels;
  /** How input and output channels are divided among tasks. */
  int64_t task_channels, task_rows;

  explicit WeightPlan(const Convolution& from) {
    constexpr int64_t kSize = sizeof(T);
    const int64_t work = from.samples * from.area() * from.rows * from.terms();
    const int64_t busy = smaller(larger(1, from.groups * work / kTaskWork), num_threads());
    const int64_t parts = ceil_div(busy, from.groups);
    task_channels = ceil_div(from.channels, smaller(parts, from.channels));
    task_rows = from.channels >= parts ? from.rows : even_part(from.rows, ceil_div(from.rows, parts), kLanes<T>);
    const int64_t width = round_up(task_rows, kLanes<T>);
    places = smaller(kMostPlaces, larger(kLeastPlaces, kChunkBytes / (width * kSize)));
    regions = Regions::of(from, places, 1);
    const ImageLayout layout(from, regions.rows, regions.cols);
    const int64_t limit =
        smaller(kChunkBytes / (places * from.window() * kSize), kImageBytes / (layout.channel() * kSize));
    channels = even_part(task_channels, larger(1, limit), 1);
  }

  int64_t channel_parts(const Convolution& from) const { return ceil_div(from.channels, task_channels); }
  int64_t row_parts(const Convolution& from) const { return ceil_div(from.rows, task_rows); }
};

/** What one task computes: these terms and output channels of a group. */
template <typename T>
struct WeightBlock {
  const Convolution& convolution;
  const WeightPlan<T>& plan;
  int64_t group, channel, channels, row, rows;
  /** Scratch memory: the image of a region, windows (terms, places), gradients (places, rows) in panels, and sums
   * (terms, rows). */
  T *image, *windows, *gradients, *sums;
  int64_t* offsets;

  int64_t windows_stride() const { return plan.places + kLanes<T>; }
  int64_t terms() const { return channels * convolution.window(); }

  void carve() {
    const Regions& regions = plan.regions;
    const int64_t k = plan.channels * convolution.window();
    const int64_t image_size =
        plan.channels * ImageLayout(convolution, regions.rows, regions.cols).channel() + 2 * kLanes<T>;
    const int64_t windows_size = (k + 1) * windows_stride();
    const int64_t gradients_size = plan.places * round_up(rows, kLanes<T>) + kLanes<T>;
    offsets = reinterpret_cast<int64_t*>(
        scratch(Scratch::kInstruction, k * static_cast<int64_t>(sizeof(int64_t)) +
                                           (image_size + windows_size + gradients_size + terms() * rows) * sizeof(T)));
    image = reinterpret_cast<T*>(offsets + k);
    windows = image + image_size;
    gradients = windows + windows_size;
    sums = gradients + gradients_size;
  }

  /** The number of a region counts those of all samples. */
  Region region(int64_t number) const { return plan.regions.at(convolution, number % plan.regions.size()); }
  int64_t sample(int64_t number) const { return number / plan.regions.size(); }

  /** Gradients of a region, after those of `place` others. */
  void pack_gradients(int64_t number, int64_t place, int64_t chunk) const {
    const Region at = region(number);
    const Operand from = at_region(convolution.rest[0], sample(number), group, at, sizeof(T));
    const bool is_dense = from.strides[1] == at.cols * from.strides[2];
    const int64_t lines = is_dense ? 1 : at.rows, length = is_dense ? at.area() : at.cols;
    for (int64_t first = 0; first < rows; first += kRegisterCols<T>) {
      const int64_t count = smaller(kRegisterCols<T>, rows - first), width = round_up(count, kLanes<T>);
      const T* source = reinterpret_cast<const T*>(from.data) + (row + first) * from.strides[0];
      for (int64_t line = 0; line < lines; line++) {
        T* to = gradients + first * chunk + (place + line * length) * width;
        pack(source + line * from.strides[1], from.strides[0], from.strides[2], count, length, to, width);
      }
    }
  }

  /** Windows of a region in some channels, likewise; up to a vector beyond is written too. */
  void lay_windows(int64_t number, int64_t place, int64_t first, int64_t count) const {
    const Region at = region(number);
    const int64_t* strides = convolution.input->strides;
    const ImageLayout layout(convolution, at.rows, at.cols);
    term_offsets(convolution, count, layout, offsets);
    const T* input = reinterpret_cast<const T*>(convolution.input->data) +
                     sample(number) * strides[Convolution::kSample] + group * strides[Convolution::kGroup] +
                     (channel + first) * strides[Convolution::kChannel];
    lay_image(convolution, input, count, at, layout, image);
    const int64_t step = convolution.stride[1] * layout.row();
    for (int64_t p = 0; p < count * convolution.window(); p++) {
      const T* from = image + offsets[p];
      T* to = windows + p * windows_stride() + place;
      for (int64_t line = 0; line < at.rows; line++, from += step, to += at.cols) {
        for (int64_t i = 0; i < at.cols; i += kLanes<T>) store(to + i, load(from + i));
      }
    }
  }

  /** Adds what regions [begin, end), with `chunk` places, contribute. */
  void add(int64_t begin, int64_t end, int64_t chunk) const {
    for (int64_t number = begin, place = 0; number < end; place += region(number++).area()) {
      pack_gradients(number, place, chunk);
    }
    const int64_t panel = even_part(plan.channels * convolution.window(), kRegisterRows, 1);
    for (int64_t first = 0; first < channels; first += plan.channels) {
      const int64_t count = smaller(plan.channels, channels - first), k = count * convolution.window();
      for (int64_t number = begin, place = 0; number < end; place += region(number++).area()) {
        lay_windows(number, place, first, count);
      }
      for (int64_t col = 0; col < rows; col += kRegisterCols<T>) {
        const int64_t width = smaller(kRegisterCols<T>, rows - col), whole = round_up(width, kLanes<T>);
        const int64_t last = width - (whole - kLanes<T>);
        for (int64_t term = 0; term < k; term += panel) {
          const int64_t height = smaller(panel, k - term);
          T* to = sums + (first * convolution.window() + term) * rows + col;
          register_tile<T>(height, width, true)(chunk, windows + term * windows_stride(), windows_stride(),
                                                gradients + col * chunk, whole, to, rows, last, begin > 0);
        }
      }
    }
  }

  void run() {
    carve();
    const int64_t count = convolution.samples * plan.regions.size();
    for (int64_t begin = 0, end = 0; begin < count; begin = end) {
      int64_t chunk = region(end++).area();
      while (end < count && chunk + region(end).area() <= plan.places) chunk += region(end++).area();
      add(begin, end, chunk);
    }
    const int64_t* strides = convolution.weight->strides;
    const Shape parts{1 + kSlides, convolution.instruction->sizes + Convolution::kChannel};
    T* out = reinterpret_cast<T*>(convolution.weight->data) + group * strides[Convolution::kGroup] +
             channel * strides[Convolution::kChannel] + row * strides[Convolution::kRow];
    for (int64_t term = 0; term < terms(); term++) {
      T* to = out + offset_at(term, parts, strides + Convolution::kChannel);
      for (int64_t i = 0; i < rows; i++) to[i * strides[Convolution::kRow]] = sums[term * rows + i];
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
