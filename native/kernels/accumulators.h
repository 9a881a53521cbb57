#pragma once

#include "folding.h"

namespace nabla::NABLA_ISA {
namespace {

/** Elements of neighbouring columns, [depth, width], of which the first row is row `first` of the whole. */
template <typename T>
struct Slab {
  const T* elements;
  int64_t depth, width;
  /** From row to row. */
  int64_t stride;
  int64_t first;
};

/** Rows that are folded as they are before the result goes into the accumulators. */
constexpr int64_t kGroup = 16;

/** The running folds of neighbouring columns, in doubles. There is room for whole vectors. */
struct Accumulators {
  double* values;
  double* positions;

  static int64_t padded(int64_t width) { return round_up(width, kLanes<float>); }
  static int64_t doubles(int64_t width) { return 2 * padded(width); }
  static Accumulators at(double* memory, int64_t width) { return {memory, memory + padded(width)}; }

  Partial operator[](int64_t column) const { return {values[column], positions[column]}; }
  void set(int64_t column, Partial partial) const {
    values[column] = partial.value;
    positions[column] = partial.position;
  }
};

template <typename Op>
void accumulate_vector(double* to, Vec<double> v) {
  store<double>(to, Op::apply(load(to), v));
}

template <typename Op>
void accumulate_vector(double* to, Vec<float> v) {
  accumulate_vector<Op>(to, widen_low(v));
  accumulate_vector<Op>(to + kLanes<double>, widen_high(v));
}

template <typename Op, typename T>
void accumulate(ValueFold<Op>, Accumulators to, const Slab<T>& slab) {
  for (int64_t start = 0; start < slab.depth; start += kGroup) {
    const int64_t rows = smaller(kGroup, slab.depth - start);
    for (int64_t column = 0; column < slab.width; column += kLanes<T>) {
      const int64_t lanes = smaller(kLanes<T>, slab.width - column);
      const auto at = [&](int64_t row) {
        const T* from = slab.elements + (start + row) * slab.stride + column;
        return lanes == kLanes<T> ? load(from) : load_partial(from, lanes);
      };
      Vec<T> group = at(0);
      for (int64_t row = 1; row < rows; row++) group = Op::apply(group, at(row));
      accumulate_vector<Op>(to.values + column, group);
    }
  }
}

template <typename Op, typename T>
void accumulate(ArgFold<Op>, Accumulators to, const Slab<T>& slab) {
  for (int64_t row = 0; row < slab.depth; row++) {
    const T* x = slab.elements + row * slab.stride;
    for (int64_t column = 0; column < slab.width; column++) {
      const double value = static_cast<double>(x[column]);
      if (!Op::takes_over(value, to.values[column])) continue;
      to.set(column, {value, static_cast<double>(slab.first + row)});
    }
  }
}

}  // namespace
}  // namespace nabla::NABLA_ISA
