#pragma once

#include "tiled_operands.h"

/**
 * Any stretch of a shape's elements in row-major order, wherever it begins and ends. A fold's rows are cut into
 * stretches of fixed lengths, whatever the axes that operands are walked by.
 */
namespace nabla::NABLA_ISA {
namespace {

/** An operand's way through a shape: runs of `length` elements, `stride` apart, one for each position on the `axes`
 * outer axes. */
struct Walk {
  Shape shape;
  const int64_t* strides;
  int axes;
  int64_t length;
  int64_t stride;

  Walk() = default;
  Walk(Shape shape, const int64_t* strides)
      : shape(shape), strides(strides), axes(shape.dims - 1), length(shape.sizes[axes]), stride(strides[axes]) {
    while (axes > 0 && strides[axes - 1] == strides[axes] * shape.sizes[axes]) length *= shape.sizes[--axes];
  }

  /** Whether a stretch lies within a run. */
  bool is_even(int64_t start, int64_t count) const {
    return axes == 0 || start / length == (start + count - 1) / length;
  }

  /** Where an element is. */
  int64_t offset(int64_t number) const {
    if (axes == 0) return number * stride;
    return offset_at(number / length, {axes, shape.sizes}, strides) + number % length * stride;
  }

  /** Calls run(offset, n) for each run of a stretch, or the part of it that belongs to the stretch, in order. */
  template <typename Run>
  void for_each_run(int64_t start, int64_t count, const Run& run) const {
    if (axes == 0) return run(start * stride, count);
    int64_t number = start / length, within = start - number * length;
    int64_t index[kMaxDims];
    int64_t offset = 0;
    for (int d = axes - 1; d >= 0; d--) {
      index[d] = number % shape.sizes[d];
      offset += index[d] * strides[d];
      number /= shape.sizes[d];
    }
    while (true) {
      const int64_t n = smaller(count, length - within);
      run(offset + within * stride, n);
      count -= n;
      if (count == 0) return;
      within = 0;
      for (int d = axes - 1;; d--) {
        offset += strides[d];
        if (++index[d] < shape.sizes[d]) break;
        offset -= index[d] * strides[d];
        index[d] = 0;
      }
    }
  }
};

/** An operand as seen from stretches. `kOnce`: all are the same. */
struct StretchedOperand {
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
constexpr int64_t kLongRun = 512;

/** Whether the last two axes are better walked the other way around. */
inline bool is_transposed(const Walk& walk) {
  const int last = walk.shape.dims - 1;
  return walk.axes == last && last > 0 && walk.strides[last - 1] == 1 && walk.strides[last] > 1;
}

/** Whole rows of the last axis, which is walked across memory, `rows` at a time where a stretch has them. */
template <typename T>
void load_transposed_stretch(T* to, const StretchedOperand& operand, int64_t start, int64_t count) {
  const Walk& walk = operand.walk;
  const int64_t columns = walk.length, plane = walk.shape.sizes[walk.axes - 1];
  with_type(operand.dtype, [=, &operand, &walk]<typename S>(S*) mutable {
    while (count > 0) {
      const S* source = reinterpret_cast<const S*>(operand.at(walk.offset(start)));
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
void load_stretch(T* slot, const StretchedOperand& operand, int64_t start, int64_t count) {
  if (is_transposed(operand.walk)) return load_transposed_stretch(slot, operand, start, count);
  with_type(operand.dtype, [=, &operand]<typename S>(S*) {
    T* to = slot;
    operand.walk.for_each_run(start, count, [&](int64_t offset, int64_t n) {
      load_run(to, reinterpret_cast<const S*>(operand.data) + offset, operand.walk.stride, n);
      to += n;
    });
  });
}

template <typename T>
void store_stretch(const T* slot, const StretchedOperand& operand, int64_t start, int64_t count) {
  with_type(operand.dtype, [=, &operand]<typename S>(S*) {
    const T* from = slot;
    if (!all_fit<S>(slot, count)) report(operand.misfit);
    operand.walk.for_each_run(start, count, [&](int64_t offset, int64_t n) {
      store_run(reinterpret_cast<S*>(operand.data) + offset, from, operand.walk.stride, n);
      from += n;
    });
  });
}

/**
 * A program's operands of one kind on their way into its slots and out of them, stretch by stretch: where a stretch of
 * one lies dense in memory, the slot is there. `whole_axes` of the shape, the innermost ones, are whole in every
 * stretch. Row values are always copied, so that they have room for whole vectors.
 */
template <typename T>
class StretchedOperands {
 public:
  StretchedOperands(Slots<T>& slots, const Program& program, const Operand* operands, Kind kind, Shape shape,
                    int whole_axes, int64_t longest, bool* misfit)
      : slots_(slots), inputs_(program.inputs), count_(program.inputs + program.outputs) {
    for (int i = 0; i < count_; i++) {
      is_mine_[i] = program.is_row[i] == (kind == Kind::kRow);
      if (!is_mine_[i]) continue;
      StretchedOperand& operand = operands_[i];
      operand = {operands[i].data, operands[i].dtype, Walk(shape, operands[i].strides), Binding::kEachTile, misfit};
      const bool is_dense = operand.dtype == kDTypeOf<T> && operand.walk.stride == 1;
      if (is_dense && kind == Kind::kElement) operand.binding = Binding::kDirect;
      if (i >= inputs_ || !is_repeated(shape.dims - whole_axes, operands[i].strides)) continue;
      if (operand.binding == Binding::kDirect && operand.walk.axes == 0) continue;
      operand.binding = Binding::kOnce;
      load_stretch(slots.own(i), operand, 0, longest);
    }
  }

  /** How many of `count` elements from `start` on are best taken at a time: no more than lie dense, if that is many. */
  int64_t evenly(int64_t start, int64_t count) const {
    for (int i = 0; i < count_; i++) {
      const StretchedOperand& operand = operands_[i];
      if (!is_mine_[i] || operand.binding != Binding::kDirect || operand.walk.axes == 0 ||
          operand.walk.length < kLongRun)
        continue;
      count = smaller(count, operand.walk.length - start % operand.walk.length);
    }
    return count;
  }

  /** Brings a stretch's inputs in, and shows the outputs where to go. */
  void load(int64_t start, int64_t count) {
    for (int i = 0; i < count_; i++) {
      if (!is_mine_[i] || operands_[i].binding == Binding::kOnce) continue;
      const bool is_direct = point(i, start, count);
      if (i < inputs_ && !is_direct) load_stretch(slots_.own(i), operands_[i], start, count);
    }
  }

  void store(int64_t start, int64_t count) const {
    for (int i = inputs_; i < count_; i++) {
      if (!is_mine_[i] || operands_[i].is_direct(start, count)) continue;
      store_stretch(slots_.own(i), operands_[i], start, count);
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
    const StretchedOperand& operand = operands_[i];
    const bool is_direct = operand.is_direct(start, count);
    slots_.point(i, is_direct ? reinterpret_cast<T*>(operand.at(operand.walk.offset(start))) : slots_.own(i));
    return is_direct;
  }

  Slots<T>& slots_;
  const int inputs_;
  const int count_;
  bool is_mine_[kMaxOperands];
  StretchedOperand operands_[kMaxOperands];
};

}  // namespace
}  // namespace nabla::NABLA_ISA
