#pragma once

#include <type_traits>

#include "../../scratch.h"
#include "../../simd/vec.h"
#include "../integers.h"
#include "../matmul/register_tile.h"
#include "../rows.h"
#include "../tasks.h"

/**
 * Max pooling: the largest element of every window, and where it is. The rows of a channel are laid out with what is
 * lowest around them, and sorted by how far they are into a step, so that what neighbouring windows have in one place
 * lies side by side.
 */
namespace nabla::NABLA_ISA {
namespace {

struct Span {
  int64_t low, high;

  bool operator==(const Span& other) const { return low == other.low && high == other.high; }
};

/** Along an axis: a window of `kernel` elements, `dilation` apart, lies in `places`, `stride` apart, of `whole`
 * elements; the first begins `before` elements before them. */
struct PoolAxis {
  int64_t kernel, places, whole, stride, dilation, before;

  /** Where element `k` of the window in a place is; it may be outside. */
  int64_t at(int64_t place, int64_t k) const { return place * stride + k * dilation - before; }
  /** Which elements of a window are inside: those from `low` on, before `high`. */
  Span inside(int64_t place) const {
    const int64_t start = at(place, 0);
    if (start >= 0 && start + (kernel - 1) * dilation < whole) return {0, kernel};
    const int64_t low = start >= 0 ? 0 : smaller(ceil_div(-start, dilation), kernel);
    return {low, start >= whole ? low : larger(low, smaller(kernel, (whole - 1 - start) / dilation + 1))};
  }
  /** The first element of a window that is inside. */
  int64_t first(int64_t place) const {
    const int64_t start = at(place, 0);
    return start >= 0 ? start : start + ceil_div(-start, dilation) * dilation;
  }
};

/** Outer axes: samples and channels. Inner: three of the window, of its places and of the input. */
struct Pooling {
  const Instruction& instruction;
  PoolAxis z, y, x;

  explicit Pooling(const Instruction& from) : instruction(from), z(axis(0)), y(axis(1)), x(axis(2)) {}

  int64_t work() const { return z.kernel * y.kernel * x.kernel * z.places * y.places * x.places; }
  /** How far an operand's elements are apart along the input's axes, or those of places. */
  const int64_t* steps(int operand, int first) const { return instruction.operands[operand].strides + 2 + first; }

 private:
  PoolAxis axis(int d) const {
    const int64_t* sizes = instruction.sizes + 2;
    const auto number = [&](int row) { return static_cast<int64_t>(instruction.numbers[3 * row + d]); };
    return {sizes[d], sizes[3 + d], sizes[6 + d], number(0), number(1), number(2)};
  }
};

template <typename T>
constexpr T kLowest = -__builtin_huge_val();
template <>
constexpr int32_t kLowest<int32_t> = INT32_MIN;

/** An element of a window: how far after that of the first of all the lines have it, and how much more its index is. */
struct PoolTerm {
  int64_t offset, index;
};

/** The rows of a channel, `pitch` apart: for every phase of a stride as many columns as there are places, and some. */
template <typename T>
struct PoolLines {
  using Index = Lane<Bits<Vec<T>>>;
  T* data;
  /** Room for those of a window. */
  PoolTerm* terms;
  /** Of every place of a row where the first element of its window that is inside is. */
  Index* firsts;
  int64_t cols, pitch;

  explicit PoolLines(const Pooling& pooling)
      : cols(round_up(pooling.x.places, kLanes<T>) + (pooling.x.kernel - 1) * pooling.x.dilation / pooling.x.stride),
        pitch(cols * pooling.x.stride) {
    const int64_t size = pooling.z.whole * pooling.y.whole * pitch + kLanes<T>;
    const int64_t places = round_up(pooling.x.places, kLanes<T>);
    const int64_t window = pooling.z.kernel * pooling.y.kernel * pooling.x.kernel;
    terms = reinterpret_cast<PoolTerm*>(
        scratch(Scratch::kInstruction,
                window * static_cast<int64_t>(sizeof(PoolTerm)) + (size + places) * static_cast<int64_t>(sizeof(T))));
    data = reinterpret_cast<T*>(terms + window);
    firsts = reinterpret_cast<Index*>(data + size);
    for (int64_t i = 0; i < size; i++) data[i] = kLowest<T>;
    for (int64_t i = 0; i < places; i++) {
      firsts[i] = static_cast<Index>(pooling.x.first(smaller(i, pooling.x.places - 1)));
    }
  }

  /** What lies around the rows stays as it is. */
  void lay(const Pooling& pooling, const T* channel) const {
    const int64_t* steps = pooling.steps(0, 6);
    T* to = data;
    for (int64_t z = 0; z < pooling.z.whole; z++) {
      for (int64_t y = 0; y < pooling.y.whole; y++, to += pitch) {
        const T* row = channel + z * steps[0] + y * steps[1];
        for (int64_t phase = 0; phase < pooling.x.stride; phase++) lay_phase(pooling.x, row, steps[2], phase, to);
      }
    }
  }

 private:
  void lay_phase(const PoolAxis& x, const T* row, int64_t step, int64_t phase, T* to) const {
    const int64_t start = phase - x.before, low = start >= 0 ? 0 : ceil_div(-start, x.stride);
    const int64_t count = start >= x.whole ? 0 : smaller(cols, (x.whole - 1 - start) / x.stride + 1) - low;
    const T* from = row + (start + low * x.stride) * step;
    T* line = to + phase * cols + low;
    const int64_t apart = x.stride * step;
    // Only moved, so that they need not be numbers.
    using Moved = std::conditional_t<sizeof(T) == sizeof(float), float, double>;
    lay_row(reinterpret_cast<const Moved*>(from), apart, count, reinterpret_cast<Moved*>(line));
  }
};

/** Neighbouring places of a row, as many as a vector has lanes. */
template <typename T>
struct PoolVector {
  using V = Vec<T>;
  using I = Bits<V>;
  V best;
  I index;

  /** Of equal elements the first is taken, and NaN (the last one) before all. */
  void take(V value, I at) {
    const I takes = (value > best) | (value != value);
    best = takes ? value : best;
    index = takes ? at : index;
  }
};

/** The elements that the windows of a row of places have inside. Rows in the middle have the same, further on. */
template <typename T>
class PoolRow {
 public:
  using Index = typename PoolLines<T>::Index;

  PoolRow(const Pooling& pooling, const PoolLines<T>& lines) : pooling_(pooling), lines_(lines) {}

  void go_to(int64_t plane, int64_t row) {
    const auto& [instruction, z, y, x] = pooling_;
    const Span planes = z.inside(plane), rows = y.inside(row);
    if (!(planes == planes_ && rows == rows_)) list(planes, rows);
    const int64_t line = z.at(plane, 0) * y.whole + y.at(row, 0);
    from_ = lines_.data + line * lines_.pitch;
    index_ = line * x.whole;
    first_ = (z.first(plane) * y.whole + y.first(row)) * x.whole;
  }

  PoolVector<T> from(int64_t place) const {
    const PoolAxis& x = pooling_.x;
    PoolVector<T> pool{Vec<T>{} + kLowest<T>, load(lines_.firsts + place) + static_cast<Index>(first_)};
    const auto indices = iota<Index>() * static_cast<Index>(x.stride) + static_cast<Index>(index_ + x.at(place, 0));
    for (int64_t i = 0; i < count_; i++) {
      const PoolTerm& term = lines_.terms[i];
      pool.take(load(from_ + place + term.offset), indices + static_cast<Index>(term.index));
    }
    return pool;
  }

 private:
  void list(Span planes, Span rows) {
    const auto& [instruction, z, y, x] = pooling_;
    planes_ = planes;
    rows_ = rows;
    count_ = 0;
    for (int64_t kz = planes.low; kz < planes.high; kz++) {
      for (int64_t ky = rows.low; ky < rows.high; ky++) {
        const int64_t line = kz * z.dilation * y.whole + ky * y.dilation;
        for (int64_t kx = 0; kx < x.kernel; kx++) {
          const int64_t col = kx * x.dilation;
          const int64_t offset = col % x.stride * lines_.cols + col / x.stride;
          lines_.terms[count_++] = {line * lines_.pitch + offset, line * x.whole + col};
        }
      }
    }
  }

  const Pooling& pooling_;
  const PoolLines<T>& lines_;
  Span planes_{-1, -1}, rows_{-1, -1};
  int64_t count_ = 0, index_ = 0, first_ = 0;
  const T* from_ = nullptr;
};

/** The first lanes of a vector, `step` apart. */
template <typename To, typename V>
void store_lanes(To* to, int64_t step, V v, int64_t count) {
  if (sizeof(To) == 4 && sizeof(Lane<V>) == 4 && step == 1) {
    store_columns(reinterpret_cast<float*>(to), reinterpret_cast<Vec<float>>(v), count);
  } else {
    for (int64_t i = 0; i < count; i++) to[i * step] = static_cast<To>(v[i]);
  }
}

template <typename T>
void pool_channels(const Pooling& pooling, int64_t begin, int64_t end) {
  const Operand* operands = pooling.instruction.operands;
  const Shape outer{2, pooling.instruction.sizes};
  const int64_t *to = pooling.steps(1, 3), *to_index = pooling.steps(2, 3);
  const PoolLines<T> lines(pooling);
  PoolRow<T> line(pooling, lines);
  for (int64_t number = begin; number < end; number++) {
    lines.lay(pooling, reinterpret_cast<const T*>(operands[0].data) + offset_at(number, outer, operands[0].strides));
    T* values = reinterpret_cast<T*>(operands[1].data) + offset_at(number, outer, operands[1].strides);
    int32_t* indices = reinterpret_cast<int32_t*>(operands[2].data) + offset_at(number, outer, operands[2].strides);
    for (int64_t plane = 0; plane < pooling.z.places; plane++) {
      for (int64_t row = 0; row < pooling.y.places; row++) {
        T* value = values + plane * to[0] + row * to[1];
        int32_t* index = indices + plane * to_index[0] + row * to_index[1];
        line.go_to(plane, row);
        for (int64_t place = 0; place < pooling.x.places; place += kLanes<T>) {
          const PoolVector<T> pool = line.from(place);
          const int64_t count = smaller(kLanes<T>, pooling.x.places - place);
          store_lanes(value + place * to[2], to[2], pool.best, count);
          store_lanes(index + place * to_index[2], to_index[2], pool.index, count);
        }
      }
    }
  }
}

template <typename T>
void run_pool(const Pooling& pooling) {
  const int64_t channels = pooling.instruction.sizes[0] * pooling.instruction.sizes[1];
  if (channels == 0) return;
  in_tasks(channels, 2 * pooling.work(), [&](int64_t begin, int64_t end) { pool_channels<T>(pooling, begin, end); });
}

/** Of whatever type the input is, but bools. */
int64_t max_pool(const Instruction& instruction) {
  const Pooling pooling(instruction);
  switch (instruction.operands[0].dtype) {
    case DType::kFloat32:
      run_pool<float>(pooling);
      break;
    case DType::kFloat64:
      run_pool<double>(pooling);
      break;
    case DType::kInt32:
      run_pool<int32_t>(pooling);
      break;
    case DType::kBool:
      break;
  }
  return kDone;
}

}  // namespace
}  // namespace nabla::NABLA_ISA
