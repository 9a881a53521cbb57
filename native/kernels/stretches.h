#pragma once

#include "bound_operands.h"

/**
 * Any stretch of a nest's elements in row-major order, wherever it begins and ends. A fold's rows are cut into
 * stretches of fixed lengths, whatever the axes that operands are walked by.
 */
namespace nabla::NABLA_ISA {
namespace {

/** An operand's way through a nest: runs of `length` elements, `stride` apart, one for each position on the `axes`
 * outer axes. */
struct Walk {
  Nest nest;
  const int64_t* strides;
  int axes;
  int64_t length;
  int64_t stride;

  Walk() = default;
  Walk(Nest nest, const int64_t* strides)
      : nest(nest), strides(strides), axes(nest.dims - 1), length(nest.sizes[axes]), stride(strides[axes]) {
    while (axes > 0 && strides[axes - 1] == strides[axes] * nest.sizes[axes]) length *= nest.sizes[--axes];
  }

  /** Whether a stretch lies within a run. */
  bool is_even(int64_t start, int64_t count) const {
    return axes == 0 || start / length == (start + count - 1) / length;
  }

  /** Where an element is. */
  int64_t offset(int64_t number) const {
    if (axes == 0) return number * stride;
    return offset_at(number / length, {axes, nest.sizes}, strides) + number % length * stride;
  }

  /** Calls run(offset, n) for each run of a stretch, or the part of it that belongs to the stretch, in order. */
  template <typename Run>
  void for_each_run(int64_t start, int64_t count, const Run& run) const {
    if (axes == 0) return run(start * stride, count);
    int64_t number = start / length, within = start - number * length;
    int64_t index[kMaxDims];
    int64_t offset = 0;
    for (int d = axes - 1; d >= 0; d--) {
      index[d] = number % nest.sizes[d];
      offset += index[d] * strides[d];
      number /= nest.sizes[d];
    }
    while (true) {
      const int64_t n = smaller(count, length - within);
      run(offset + within * stride, n);
      count -= n;
      if (count == 0) return;
      within = 0;
      for (int d = axes - 1;; d--) {
        offset += strides[d];
        if (++index[d] < nest.sizes[d]) break;
        offset -= index[d] * strides[d];
        index[d] = 0;
      }
    }
  }
};

/** An operand as seen from stretches. `kOnce`: all are the same. */
struct StretchPort {
  char* data;
  DType dtype;
  Walk walk;
  Binding binding;
  /** Of outputs: where a store says that a value did not fit. */
  bool* misfit;

  char* at(int64_t offset) const { return data + offset * size_of(dtype); }
  bool is_direct(int64_t start, int64_t count) const {
    return binding == Binding::kDirect && walk.is_even(start, count);
  }
};

/** Elements in a row for which a tile of their own costs less than copying them. */
constexpr int64_t kLongRun = 256;

/** Whether the last two axes are better walked the other way around. */
inline bool is_transposed(const Walk& walk) {
  const int last = walk.nest.dims - 1;
  return walk.axes == last && last > 0 && walk.strides[last - 1] == 1 && walk.strides[last] > 1;
}

/** Whole rows of the last axis, which is walked across memory, `rows` at a time where a stretch has them. */
template <typename T>
void load_transposed_stretch(T* to, const StretchPort& port, int64_t start, int64_t count) {
  const Walk& walk = port.walk;
  const int64_t columns = walk.length, plane = walk.nest.sizes[walk.axes - 1];
  with_type(port.dtype, [=, &port, &walk]<typename S>(S*) mutable {
    while (count > 0) {
      const S* source = reinterpret_cast<const S*>(port.at(walk.offset(start)));
      const int64_t row = start / columns, within = start - row * columns;
      const int64_t rows = within > 0 ? 0 : smaller(count / columns, plane - row % plane);
      const int64_t n = rows > 0 ? rows * columns : smaller(count, columns - within);
      if (rows > 0) {
        load_transposed(to, source, walk.stride, rows, columns);
      } else {
        load_run(to, source, walk.stride, n);
      }
      to += n;
      start += n;
      count -= n;
    }
  });
}

template <typename T>
void load_stretch(T* slot, const StretchPort& port, int64_t start, int64_t count) {
  if (is_transposed(port.walk)) return load_transposed_stretch(slot, port, start, count);
  with_type(port.dtype, [=, &port]<typename S>(S*) {
    T* to = slot;
    port.walk.for_each_run(start, count, [&](int64_t offset, int64_t n) {
      load_run(to, reinterpret_cast<const S*>(port.data) + offset, port.walk.stride, n);
      to += n;
    });
  });
}

template <typename T>
void store_stretch(const T* slot, const StretchPort& port, int64_t start, int64_t count) {
  with_type(port.dtype, [=, &port]<typename S>(S*) {
    const T* from = slot;
    if (!all_fit<S>(slot, count)) report(port.misfit);
    port.walk.for_each_run(start, count, [&](int64_t offset, int64_t n) {
      store_run(reinterpret_cast<S*>(port.data) + offset, from, port.walk.stride, n);
      from += n;
    });
  });
}

/**
 * A program's operands of one kind on their way in and out of a frame, stretch by stretch: where a stretch of one lies
 * dense in memory, the slot is there. `whole_axes` of the nest, the innermost ones, are whole in every stretch. Row
 * values are always copied, so that they have room for whole vectors.
 */
template <typename T>
class StretchOperands {
 public:
  StretchOperands(Frame<T>& frame, const Program& program, const Operand* operands, Kind kind, Nest nest,
                  int whole_axes, int64_t longest, bool* misfit)
      : frame_(frame), inputs_(program.inputs), count_(program.inputs + program.outputs) {
    for (int i = 0; i < count_; i++) {
      is_mine_[i] = program.is_row[i] == (kind == Kind::kRow);
      if (!is_mine_[i]) continue;
      StretchPort& port = ports_[i];
      port = {operands[i].data, operands[i].dtype, Walk(nest, operands[i].strides), Binding::kEachTile, misfit};
      const bool is_dense = port.dtype == kDTypeOf<T> && port.walk.stride == 1;
      if (is_dense && kind == Kind::kElement) port.binding = Binding::kDirect;
      if (i >= inputs_ || !is_repeated(nest.dims - whole_axes, operands[i].strides)) continue;
      if (port.binding == Binding::kDirect && port.walk.axes == 0) continue;
      port.binding = Binding::kOnce;
      load_stretch(frame.own(i), port, 0, longest);
    }
  }

  /** How many of `count` elements from `start` on are best taken at a time: no more than lie dense, if that is many. */
  int64_t evenly(int64_t start, int64_t count) const {
    for (int i = 0; i < count_; i++) {
      const StretchPort& port = ports_[i];
      if (!is_mine_[i] || port.binding != Binding::kDirect || port.walk.axes == 0 || port.walk.length < kLongRun)
        continue;
      count = smaller(count, port.walk.length - start % port.walk.length);
    }
    return count;
  }

  /** Brings a stretch's inputs in, and shows the outputs where to go. */
  void load(int64_t start, int64_t count) {
    for (int i = 0; i < count_; i++) {
      if (!is_mine_[i] || ports_[i].binding == Binding::kOnce) continue;
      const bool is_direct = point(i, start, count);
      if (i < inputs_ && !is_direct) load_stretch(frame_.own(i), ports_[i], start, count);
    }
  }

  void store(int64_t start, int64_t count) const {
    for (int i = inputs_; i < count_; i++) {
      if (!is_mine_[i] || ports_[i].is_direct(start, count)) continue;
      store_stretch(frame_.own(i), ports_[i], start, count);
    }
  }

 private:
  static bool is_repeated(int axes, const int64_t* strides) {
    for (int d = 0; d < axes; d++) {
      if (strides[d] != 0) return false;
    }
    return true;
  }

  bool point(int i, int64_t start, int64_t count) {
    const StretchPort& port = ports_[i];
    const bool is_direct = port.is_direct(start, count);
    frame_.point(i, is_direct ? reinterpret_cast<T*>(port.at(port.walk.offset(start))) : frame_.own(i));
    return is_direct;
  }

  Frame<T>& frame_;
  const int inputs_;
  const int count_;
  bool is_mine_[kMaxOperands];
  StretchPort ports_[kMaxOperands];
};

}  // namespace
}  // namespace nabla::NABLA_ISA
