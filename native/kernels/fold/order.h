#pragma once

#include "../../program.h"
#include "../../simd/vec.h"
#include "../integers.h"
#include "../program/tiles.h"

/**
 * The order in which the elements of a row become one value. It depends on how many there are, and on nothing else: not
 * on the other rows, on where elements lie, on what else the program computes, on threads or the width of vectors.
 *
 * The elements, in row-major order of the folded axes, make runs of `kRun`. Within a run they go round robin to
 * `kFoldLanes` lanes, which are folded by halving: the upper half onto the lower one, and so on. Runs are combined in
 * order, in doubles, to parts of `kPart` elements, and parts in order to the whole.
 */
namespace nabla::NABLA_ISA {
namespace {

constexpr int kLaneBytes = 256;
template <typename T>
constexpr int kFoldLanes = kLaneBytes / sizeof(T);
/** Vectors that together make up the lanes. */
constexpr int kLaneVectors = kLaneBytes / kVectorBytes;

template <typename T>
constexpr int64_t kRun = kTileElements<T>;
template <typename T>
constexpr int64_t kPart = 32 * kRun<T>;

template <typename T>
int64_t parts_of(int64_t elements) {
  return ceil_div(elements, kPart<T>);
}

/** The fold of a run: its value, and for arg folds the position that has it. */
struct Partial {
  double value;
  double position;
};

struct Sum {
  static constexpr double kIdentity = 0;
  template <typename V>
  static V apply(V a, V b) {
    return a + b;
  }
  static double combine(double a, double b) { return a + b; }
};

struct Product {
  static constexpr double kIdentity = 1;
  template <typename V>
  static V apply(V a, V b) {
    return a * b;
  }
  static double combine(double a, double b) { return a * b; }
};

struct Minimum {
  static constexpr double kIdentity = __builtin_inf();
  template <typename V>
  static V apply(V a, V b) {
    return min(a, b);
  }
  static double combine(double a, double b) { return takes_over(b, a) ? b : a; }
  /** Whether a later element takes the place of an earlier one. */
  static bool takes_over(double later, double earlier) {
    return later < earlier || (later != later && earlier == earlier);
  }
};

struct Maximum {
  static constexpr double kIdentity = -__builtin_inf();
  template <typename V>
  static V apply(V a, V b) {
    return max(a, b);
  }
  static double combine(double a, double b) { return takes_over(b, a) ? b : a; }
  static bool takes_over(double later, double earlier) {
    return later > earlier || (later != later && earlier == earlier);
  }
};

/** Folds the lanes of a vector by halving. */
template <typename Op, int Width, typename V>
Lane<V> fold_vector(V v) {
  if constexpr (Width == 1) {
    return v[0];
  } else {
    return fold_vector<Op, Width / 2>(Op::apply(v, rotate<Width / 2>(v)));
  }
}

/** The last vector of a run, filled up with the identity. */
template <typename Op, typename T>
Vec<T> load_rest(const T* x, int64_t n) {
  const Vec<T> rest = splat<Vec<T>>(static_cast<T>(n));
  return iota<T>() < rest ? load_partial(x, n) : splat<Vec<T>>(static_cast<T>(Op::kIdentity));
}

template <typename Op, typename T>
T fold_run(const T* x, int64_t n) {
  constexpr int kWidth = kLanes<T>;
  const Vec<T> identity = splat<Vec<T>>(static_cast<T>(Op::kIdentity));
  // As below, but for folding in lanes that no element has reached.
  if (n <= kWidth) return fold_vector<Op, kWidth>(Op::apply(identity, load_rest<Op>(x, n)));
  Vec<T> lanes[kLaneVectors];
  for (Vec<T>& v : lanes) v = identity;
  int64_t i = 0;
  for (; i + kLaneVectors * kWidth <= n; i += kLaneVectors * kWidth) {
    for (int v = 0; v < kLaneVectors; v++) lanes[v] = Op::apply(lanes[v], load(x + i + v * kWidth));
  }
  for (int v = 0; v < kLaneVectors && i < n; v++, i += kWidth) {
    lanes[v] = Op::apply(lanes[v], n - i >= kWidth ? load(x + i) : load_rest<Op>(x + i, n - i));
  }
  for (int half = kLaneVectors / 2; half > 0; half /= 2) {
    for (int v = 0; v < half; v++) lanes[v] = Op::apply(lanes[v], lanes[v + half]);
  }
  return fold_vector<Op, kWidth>(lanes[0]);
}

/** to[i] op= from[i] for i < count. */
template <typename Op, typename T>
void fold_onto(T* to, const T* from, int64_t count) {
  int64_t i = 0;
  for (; i + kLanes<T> <= count; i += kLanes<T>) store<T>(to + i, Op::apply(load(to + i), load(from + i)));
  if (i == count) return;
  const int64_t rest = count - i;
  store_partial(to + i, Op::apply(load_partial(to + i, rest), load_partial(from + i, rest)), rest);
}

/** Part of a run: it starts at element `start` of the whole, `before` elements after the run of `run` elements does. */
struct Piece {
  int64_t start, before, count, run;

  bool is_whole() const { return count == run; }
  bool is_last() const { return before + count == run; }
};

/** Folds part of a run into the run's lanes, in memory. */
template <typename Op, typename T>
void fold_onto_lanes(T* lanes, const T* x, const Piece& piece) {
  if (piece.before == 0) {
    for (int lane = 0; lane < kFoldLanes<T>; lane++) lanes[lane] = static_cast<T>(Op::kIdentity);
  }
  int64_t lane = piece.before % kFoldLanes<T>;
  for (int64_t i = 0; i < piece.count;) {
    const int64_t count = smaller(piece.count - i, kFoldLanes<T> - lane);
    fold_onto<Op>(lanes + lane, x + i, count);
    i += count;
    lane = 0;
  }
}

/** A fold whose result is the value. */
template <typename Op>
struct ValueFold {
  static Partial identity() { return {Op::kIdentity, 0}; }
  template <typename T>
  static Partial of_run(const T* x, int64_t n) {
    return {static_cast<double>(fold_run<Op>(x, n)), 0};
  }
  /** `total` with a run, when the last of its pieces has come. */
  template <typename T>
  static Partial with_piece(Partial total, T* lanes, const T* x, const Piece& piece) {
    if (piece.is_whole()) return combine(total, of_run(x, piece.count), 0);
    fold_onto_lanes<Op>(lanes, x, piece);
    return piece.is_last() ? combine(total, of_run(lanes, kFoldLanes<T>), 0) : total;
  }
  /** `b` is of a later run, which starts at `start`. */
  static Partial combine(Partial a, Partial b, int64_t) { return {Op::combine(a.value, b.value), 0}; }
  static double result(Partial partial) { return partial.value; }
};

/** Where `value` or NaN first is in x[n]; one of them is there. */
template <typename T>
int64_t find(const T* x, int64_t n, T value) {
  int64_t i = 0;
  for (; i + kLanes<T> < n; i += kLanes<T>) {
    const Vec<T> v = load(x + i);
    const Bits<Vec<T>> found = (v == splat<Vec<T>>(value)) | (v != v);
    if (any(found)) break;
  }
  while (i + 1 < n && x[i] != value && x[i] == x[i]) i++;
  return i;
}

/** A fold whose result is where the value is first found. */
template <typename Op>
struct ArgFold {
  static Partial identity() { return {Op::kIdentity, 0}; }
  template <typename T>
  static Partial of_run(const T* x, int64_t n) {
    const T value = fold_run<Op>(x, n);
    return {static_cast<double>(value), static_cast<double>(find(x, n, value))};
  }
  template <typename T>
  static Partial with_piece(Partial total, T*, const T* x, const Piece& piece) {
    return combine(total, of_run(x, piece.count), piece.start);
  }
  static Partial combine(Partial a, Partial b, int64_t start) {
    return Op::takes_over(b.value, a.value) ? Partial{b.value, b.position + static_cast<double>(start)} : a;
  }
  static double result(Partial partial) { return partial.position; }
};

/** Calls `visit` with the implementation of `kind`. */
template <typename Visit>
auto with_fold(FoldKind kind, Visit visit) {
  switch (kind) {
    case FoldKind::kSum:
      return visit(ValueFold<Sum>{});
    case FoldKind::kProd:
      return visit(ValueFold<Product>{});
    case FoldKind::kMin:
      return visit(ValueFold<Minimum>{});
    case FoldKind::kMax:
      return visit(ValueFold<Maximum>{});
    case FoldKind::kArgmin:
      return visit(ArgFold<Minimum>{});
    case FoldKind::kArgmax:
      return visit(ArgFold<Maximum>{});
  }
  __builtin_unreachable();
}

}  // namespace
}  // namespace nabla::NABLA_ISA
