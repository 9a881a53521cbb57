#pragma once

#include "order.h"

/**
 * Folds of neighbouring columns, a few vectors of them at a time, in the order of order.h: an element's row in the
 * run says which lane it goes to.
 */
namespace nabla::NABLA_ISA {
namespace {

/** Rows of neighbouring columns, [depth, width], `stride` apart. The first is row `first` of the whole. */
template <typename T>
struct Slab {
  const T* elements;
  int64_t depth, width;
  int64_t stride;
  int64_t first;
};

/** What a run of neighbouring columns comes to, in doubles. There is room for whole vectors. */
struct ColumnPartials {
  double* values;
  double* positions;

  static int64_t padded(int64_t width) { return round_up(width, kLanes<float>); }
  static int64_t doubles(int64_t width) { return 2 * padded(width); }
  static ColumnPartials at(double* memory, int64_t width) { return {memory, memory + padded(width)}; }

  Partial operator[](int64_t column) const { return {values[column], positions[column]}; }
  void set(int64_t column, Partial partial) const {
    values[column] = partial.value;
    positions[column] = partial.position;
  }
};

inline void store_wide(double* to, Vec<double> v) { store<double>(to, v); }

inline void store_wide(double* to, Vec<float> v) {
  store<double>(to, widen_low(v));
  store<double>(to + kLanes<double>, widen_high(v));
}

/** Neighbouring columns of a row in registers: a vector of them. */
template <typename T>
struct WholeVector {
  static constexpr int64_t kWidth = kLanes<T>;
  Vec<T> v;

  static WholeVector load(const T* from, int64_t) { return {NABLA_ISA::load(from)}; }
  void store(T* to, int64_t) const { NABLA_ISA::store<T>(to, v); }
  void store_wide(double* to) const { NABLA_ISA::store_wide(to, v); }

  template <typename Op>
  void fold(const WholeVector& other) {
    v = Op::apply(v, other.v);
  }
};

/** The first `width` lanes of a vector. */
template <typename T>
struct PartOfVector {
  Vec<T> v;

  static PartOfVector load(const T* from, int64_t width) { return {load_partial(from, width)}; }
  void store(T* to, int64_t width) const { store_partial(to, v, width); }
  void store_wide(double* to) const { NABLA_ISA::store_wide(to, v); }

  template <typename Op>
  void fold(const PartOfVector& other) {
    v = Op::apply(v, other.v);
  }
};

/** Two next to each other. (An array of vectors would not stay in registers.) */
template <typename T, typename Half>
struct Pair {
  static constexpr int64_t kWidth = 2 * Half::kWidth;
  Half low, high;

  static Pair load(const T* from, int64_t) { return {Half::load(from, 0), Half::load(from + Half::kWidth, 0)}; }
  void store(T* to, int64_t) const {
    low.store(to, 0);
    high.store(to + Half::kWidth, 0);
  }
  void store_wide(double* to) const {
    low.store_wide(to);
    high.store_wide(to + Half::kWidth);
  }

  template <typename Op>
  void fold(const Pair& other) {
    low.template fold<Op>(other.low);
    high.template fold<Op>(other.high);
  }
};

template <typename T>
using TwoVectors = Pair<T, WholeVector<T>>;
template <typename T>
using FourVectors = Pair<T, TwoVectors<T>>;

template <typename Columns>
struct Type {
  using type = Columns;
};

/** Calls visit(type of columns, column, width) so that all of `width` columns are visited: `Most` at a time, the rest
 * vector by vector, and part of one at the end. */
template <typename T, typename Most, typename Visit>
void for_each_columns(int64_t width, const Visit& visit) {
  int64_t column = 0;
  for (; column + Most::kWidth <= width; column += Most::kWidth) visit(Type<Most>{}, column, 0);
  for (; column + kLanes<T> <= width; column += kLanes<T>) visit(Type<WholeVector<T>>{}, column, 0);
  if (column < width) visit(Type<PartOfVector<T>>{}, column, width - column);
}

/** As many lanes as are folded in one go. Those that are so many rows apart, a group, are folded on the way there. */
constexpr int kLeaves = 16;
template <typename T>
constexpr int kGroupLanes = kFoldLanes<T> / kLeaves;

/**
 * A group: rows 0, 16, ... of `depth` rows, as many of them as there are lanes in a group; and what is added to these
 * lanes, which is as many rows further on as there are lanes.
 */
template <typename T>
class LaneGroup {
 public:
  LaneGroup(const T* from, int64_t stride, int64_t depth)
      : from_(from), apart_(kLeaves * stride), step_(kFoldLanes<T> * stride) {
    const int64_t rows = ceil_div(depth, int64_t{kLeaves});
    lanes_ = smaller(rows, kGroupLanes<T>);
    terms_ = ceil_div(rows, int64_t{kGroupLanes<T>});
    longer_ = rows - (terms_ - 1) * kGroupLanes<T>;
  }

  /** Lanes kStep apart, from `lane` on, folded by halving. */
  template <typename Op, typename Columns, int kStep = 1>
  Columns fold(int lane, int64_t column, int64_t width) const {
    if constexpr (kStep == kGroupLanes<T>) {
      return fold_terms<Op, Columns>(lane, column, width);
    } else {
      Columns folded = fold<Op, Columns, 2 * kStep>(lane, column, width);
      if (lane + kStep < lanes_) folded.template fold<Op>(fold<Op, Columns, 2 * kStep>(lane + kStep, column, width));
      return folded;
    }
  }

 private:
  template <typename Op, typename Columns>
  Columns fold_terms(int lane, int64_t column, int64_t width) const {
    const T* at = from_ + lane * apart_ + column;
    Columns sum = Columns::load(at, width);
    for (int64_t left = terms_ - (lane >= longer_); left > 1; left--) {
      at += step_;
      sum.template fold<Op>(Columns::load(at, width));
    }
    return sum;
  }

  const T* from_;
  /** From lane to lane, and from a lane's term to its next. */
  int64_t apart_, step_;
  /** How many lanes there are, the terms of the first, and how many lanes have as many; the others have one less. */
  int64_t lanes_, terms_, longer_;
};

/** Folds groups that lie side by side, `width` columns of them. */
template <typename Op, typename T>
void fold_group(T* to, const LaneGroup<T>& group, int64_t width) {
  for_each_columns<T, FourVectors<T>>(width, [&]<typename Columns>(Type<Columns>, int64_t column, int64_t rest) {
    group.template fold<Op, Columns>(0, column, rest).store(to + column, rest);
  });
}

/** A run's groups, [16, width], at `leaves`, which may be where the run is. */
template <typename Op, typename T>
Slab<T> fold_groups(T* leaves, const Slab<T>& run) {
  const auto& [elements, depth, width, stride, first] = run;
  if (stride == width) {
    // Rows that follow each other are one, but for the groups that have a term less.
    const int64_t longer = depth % kLeaves * width;
    fold_group<Op>(leaves, LaneGroup<T>(elements, stride, depth), longer);
    const LaneGroup<T> shorter(elements + longer, stride, depth - depth % kLeaves);
    fold_group<Op>(leaves + longer, shorter, kLeaves * width - longer);
  } else {
    for (int64_t row = 0; row < kLeaves; row++) {
      fold_group<Op>(leaves + row * width, LaneGroup<T>(elements + row * stride, stride, depth - row), width);
    }
  }
  return {leaves, kLeaves, width, width, first};
}

/** Terms of a lane that are folded at a time: rows so far apart may share a set of each cache, which holds few more. */
constexpr int64_t kTermsAtOnce = 4;

/** lane[column] = or op= from[column], from[column + step], ... of `terms` terms. */
template <typename Op, typename T>
void fold_terms(T* lane, const T* from, int64_t step, int64_t terms, int64_t width, bool is_first) {
  for_each_columns<T, FourVectors<T>>(width, [&]<typename Columns>(Type<Columns>, int64_t column, int64_t rest) {
    const T* at = from + column;
    Columns sum = Columns::load(is_first ? at : lane + column, rest);
    for (int64_t term = is_first ? 1 : 0; term < terms; term++) {
      sum.template fold<Op>(Columns::load(at + term * step, rest));
    }
    sum.store(lane + column, rest);
  });
}

/** Whether a run's lanes are folded one by one, some of their terms at a time. */
template <typename T>
bool takes_all_lanes(const Slab<T>& run) {
  return run.depth > kTermsAtOnce * kFoldLanes<T> && run.stride != run.width;
}

template <typename Op, typename T>
Slab<T> fold_to_lanes(T* lanes, const Slab<T>& run) {
  constexpr int64_t kCount = kFoldLanes<T>;
  const auto& [elements, depth, width, stride, first] = run;
  for (int64_t start = 0; start < depth; start += kTermsAtOnce * kCount) {
    for (int64_t lane = 0; lane < kCount && start + lane < depth; lane++) {
      const int64_t terms = smaller(kTermsAtOnce, ceil_div(depth - start - lane, kCount));
      const T* from = elements + (start + lane) * stride;
      fold_terms<Op>(lanes + lane * width, from, kCount * stride, terms, width, start == 0);
    }
  }
  return {lanes, kCount, width, width, first};
}

/** Folds a run to at most 16 rows. `lanes` has room for `lanes_of_run` rows. */
template <typename Op, typename T>
Slab<T> fold_to_leaves(T* lanes, const Slab<T>& run) {
  if (run.depth <= kLeaves) return run;
  return fold_groups<Op>(lanes, takes_all_lanes(run) ? fold_to_lanes<Op>(lanes, run) : run);
}

/** Folds rows kStep apart, from `row` on, by halving; the slab has at most 16. */
template <typename Op, typename Columns, int kStep, typename T>
Columns fold_leaves(const Slab<T>& slab, int row, int64_t column, int64_t width) {
  if constexpr (kStep == kLeaves) {
    return Columns::load(slab.elements + row * slab.stride + column, width);
  } else {
    Columns folded = fold_leaves<Op, Columns, 2 * kStep>(slab, row, column, width);
    if (row + kStep < slab.depth) {
      folded.template fold<Op>(fold_leaves<Op, Columns, 2 * kStep>(slab, row + kStep, column, width));
    }
    return folded;
  }
}

template <typename Op, typename T>
void fold_columns_run(ValueFold<Op>, const ColumnPartials& to, T* lanes, const Slab<T>& run) {
  const Slab<T> slab = fold_to_leaves<Op>(lanes, run);
  for_each_columns<T, TwoVectors<T>>(slab.width, [&]<typename Columns>(Type<Columns>, int64_t column, int64_t rest) {
    fold_leaves<Op, Columns, 1>(slab, 0, column, rest).store_wide(to.values + column);
  });
}

/** Lanes that a run of `depth` rows in several tiles is folded into. Those of a short run can be halved at once. */
template <typename T>
constexpr int64_t lanes_of_run(int64_t depth) {
  return depth <= kFoldLanes<T> ? kFoldLanes<T> / 2 : kFoldLanes<T>;
}

/** Folds a dense tile of a run of `depth` rows, that starts `before` rows after it, into the run's lanes; with the last
 * tile, these too. */
template <typename Op, typename T>
void fold_tile(ValueFold<Op> fold, const ColumnPartials& to, T* lanes, const Slab<T>& tile, int64_t before,
               int64_t depth) {
  const int64_t rows = lanes_of_run<T>(depth), width = tile.width;
  const int64_t all = rows * width, end = (before + tile.depth) * width;
  const T* from = tile.elements;
  for (int64_t at = before * width; at < end;) {
    const int64_t count = smaller(all - at % all, end - at);
    T* lane = lanes + at % all;
    if (at < all) {
      for (int64_t i = 0; i < count; i++) lane[i] = from[i];
    } else {
      fold_onto<Op>(lane, from, count);
    }
    at += count;
    from += count;
  }
  if (before + tile.depth < depth) return;
  fold_columns_run(fold, to, lanes, Slab<T>{lanes, smaller(depth, rows), width, width, 0});
}

template <typename Op, typename T>
void fold_tile(ArgFold<Op> fold, const ColumnPartials& to, T*, const Slab<T>& tile, int64_t before, int64_t) {
  for (int64_t column = 0; column < tile.width && before == 0; column++) to.set(column, fold.identity());
  for (int64_t row = 0; row < tile.depth; row++) {
    const T* x = tile.elements + row * tile.stride;
    for (int64_t column = 0; column < tile.width; column++) {
      const double value = static_cast<double>(x[column]);
      if (!Op::takes_over(value, to.values[column])) continue;
      to.set(column, {value, static_cast<double>(tile.first + row)});
    }
  }
}

template <typename Op, typename T>
void fold_columns_run(ArgFold<Op> fold, const ColumnPartials& to, T* lanes, const Slab<T>& run) {
  fold_tile(fold, to, lanes, run, 0, run.depth);
}

}  // namespace
}  // namespace nabla::NABLA_ISA
