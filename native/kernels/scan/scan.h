#pragma once

#include "../convert.h"
#include "../math/math.h"
#include "../tasks.h"

namespace nabla::NABLA_ISA {
namespace {

NABLA_NAMED(ScanKind, kCumsum, kCumprod, kCummax, kCummin, kLogcumsumexp, kLinear)

/** Rows that are scanned side by side, because each of their steps waits for the one before. */
constexpr int kScanLanes = 16;

/** Element `i` along the axis of each of some rows. */
template <typename T, int Lanes>
struct ScanLines {
  T* starts[Lanes];
  int64_t step;

  T& at(int lane, int64_t i) const { return starts[lane][i * step]; }
};

template <typename T, int Lanes>
ScanLines<T, Lanes> scan_lines(const Instruction& instruction, int operand, int64_t row) {
  const Operand& from = instruction.operands[operand];
  ScanLines<T, Lanes> lines;
  for (int lane = 0; lane < Lanes; lane++) {
    const int64_t offset = offset_at(row + lane, {instruction.outer, instruction.sizes}, from.strides);
    lines.starts[lane] = reinterpret_cast<T*>(from.data) + offset;
  }
  lines.step = from.strides[instruction.outer];
  return lines;
}

/** The value as it is stored; 0 for an int32 that does not fit, which is reported. */
template <typename T>
T scan_result(const Instruction& instruction, double value) {
  if constexpr (__is_same(T, int32_t)) {
    if (!fits_int32(value)) report(instruction.misfit);
  }
  return convert<T>(value);
}

/** Sums and products of all so far. */
template <typename T, bool IsSum>
struct Accumulating {
  template <int Lanes>
  static void scan(const Instruction& instruction, int64_t row, int64_t length) {
    const auto in = scan_lines<T, Lanes>(instruction, 0, row), out = scan_lines<T, Lanes>(instruction, 1, row);
    double totals[Lanes];
    for (double& total : totals) total = IsSum ? 0 : 1;
    for (int64_t i = 0; i < length; i++) {
      for (int lane = 0; lane < Lanes; lane++) {
        const double x = static_cast<double>(in.at(lane, i));
        totals[lane] = IsSum ? totals[lane] + x : totals[lane] * x;
        out.at(lane, i) = scan_result<T>(instruction, totals[lane]);
      }
    }
  }
};

/** The best so far, and where it is: the last of equal ones, and of NaN. */
template <typename T, bool IsMax>
struct Choosing {
  template <int Lanes>
  static void scan(const Instruction& instruction, int64_t row, int64_t length) {
    const auto in = scan_lines<T, Lanes>(instruction, 0, row), values = scan_lines<T, Lanes>(instruction, 1, row);
    const auto positions = scan_lines<int32_t, Lanes>(instruction, 2, row);
    T best[Lanes] = {};
    int32_t at[Lanes] = {};
    for (int64_t i = 0; i < length; i++) {
      for (int lane = 0; lane < Lanes; lane++) {
        const T x = in.at(lane, i);
        const bool is_as_good = IsMax ? x >= best[lane] : x <= best[lane];
        if (i == 0 || x != x || (best[lane] == best[lane] && is_as_good)) {
          best[lane] = x;
          at[lane] = static_cast<int32_t>(i);
        }
        values.at(lane, i) = best[lane];
        positions.at(lane, i) = at[lane];
      }
    }
  }
};

/** log(e^a + e^b): of u = 1 + e^(smaller - larger) the logarithm and what rounding u lost. Where the larger is
 * infinite, that. */
inline Vec<double> log_add_exp(Vec<double> a, Vec<double> b) {
  using V = Vec<double>;
  const V larger = max(a, b);
  const V e = exp(min(a, b) - larger);
  const V u = splat<V>(1) + e;
  const V sum = larger + (log(u) + (e - (u - splat<V>(1))) / u);
  return abs(larger) < splat<V>(__builtin_inf()) ? sum : larger;
}

template <typename T>
struct LogAdding {
  template <int Lanes>
  static void scan(const Instruction& instruction, int64_t row, int64_t length) {
    constexpr int kWidth = kLanes<double>;
    constexpr int kVectors = Lanes < kWidth ? 1 : Lanes / kWidth;
    const auto in = scan_lines<T, Lanes>(instruction, 0, row), out = scan_lines<T, Lanes>(instruction, 1, row);
    Vec<double> totals[kVectors];
    for (Vec<double>& total : totals) total = splat<Vec<double>>(-__builtin_inf());
    alignas(kVectorBytes) double block[kVectors * kWidth] = {};
    for (int64_t i = 0; i < length; i++) {
      for (int lane = 0; lane < Lanes; lane++) block[lane] = static_cast<double>(in.at(lane, i));
      for (int v = 0; v < kVectors; v++) {
        totals[v] = log_add_exp(totals[v], load(block + v * kWidth));
        store(block + v * kWidth, totals[v]);
      }
      for (int lane = 0; lane < Lanes; lane++) out.at(lane, i) = static_cast<T>(block[lane]);
    }
  }
};

/** out[i] = a[i] * out[i - 1] + b[i], from b[0] on. */
template <typename T>
struct Recurrent {
  template <int Lanes>
  static void scan(const Instruction& instruction, int64_t row, int64_t length) {
    const auto a = scan_lines<T, Lanes>(instruction, 0, row), b = scan_lines<T, Lanes>(instruction, 1, row);
    const auto out = scan_lines<T, Lanes>(instruction, 2, row);
    double values[Lanes] = {};
    for (int64_t i = 0; i < length; i++) {
      for (int lane = 0; lane < Lanes; lane++) {
        const double term = static_cast<double>(b.at(lane, i));
        values[lane] = i == 0 ? term : static_cast<double>(a.at(lane, i)) * values[lane] + term;
        out.at(lane, i) = static_cast<T>(values[lane]);
      }
    }
  }
};

/** All rows, on several threads; `work` is that of an element. */
template <typename Kind>
void scan_rows(const Instruction& instruction, int64_t work) {
  const int64_t length = instruction.sizes[instruction.outer];
  const int64_t rows = Shape{instruction.outer, instruction.sizes}.size();
  const int64_t together = rows < kScanLanes ? 1 : kScanLanes;
  in_tasks(ceil_div(rows, together), together * length * work, [&](int64_t begin, int64_t end) {
    const int64_t last = smaller(rows, end * together);
    int64_t row = begin * together;
    for (; row + kScanLanes <= last; row += kScanLanes) Kind::template scan<kScanLanes>(instruction, row, length);
    for (; row < last; row++) Kind::template scan<1>(instruction, row, length);
  });
}

template <typename T>
void scan_numbers(const Instruction& instruction, ScanKind kind) {
  switch (kind) {
    case ScanKind::kCumsum:
      return scan_rows<Accumulating<T, true>>(instruction, 4);
    case ScanKind::kCumprod:
      return scan_rows<Accumulating<T, false>>(instruction, 4);
    case ScanKind::kCummax:
      return scan_rows<Choosing<T, true>>(instruction, 6);
    case ScanKind::kCummin:
      return scan_rows<Choosing<T, false>>(instruction, 6);
    case ScanKind::kLogcumsumexp:
      return scan_rows<LogAdding<T>>(instruction, 40);
    case ScanKind::kLinear:
      return scan_rows<Recurrent<T>>(instruction, 6);
  }
}

/** A fold along the inner axis that keeps every partial result, in order. The element type is the first output's. */
[[maybe_unused]] int64_t scan(const Instruction& instruction) {
  const auto kind = static_cast<ScanKind>(static_cast<int>(instruction.numbers[0]));
  with_type(instruction.operands[0].dtype, [&]<typename T>(T*) { scan_numbers<T>(instruction, kind); });
  return kDone;
}

}  // namespace
}  // namespace nabla::NABLA_ISA
