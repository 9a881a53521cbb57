#pragma once

#include "../../scratch.h"
#include "../convert.h"
#include "../program/tiles.h"
#include "../tasks.h"
#include "decompositions.h"
#include "reflections.h"
#include "singular_values.h"

namespace nabla::NABLA_ISA {
namespace {

NABLA_NAMED(FactorKind, kCholesky, kLu, kQr, kReflect, kSvd, kOrder, kLower, kUpper, kUnitLower, kUnitUpper)

/** Operands have some of the inner axes m, n and k: which ones, a number for each says. */
struct FactorCall {
  const Instruction& instruction;
  FactorKind kind;
  int inputs;
  int64_t m, n, k;

  explicit FactorCall(const Instruction& of)
      : instruction(of),
        kind(static_cast<FactorKind>(static_cast<int>(of.numbers[0]))),
        inputs(static_cast<int>(of.numbers[1])),
        m(of.sizes[of.outer]),
        n(of.sizes[of.outer + 1]),
        k(of.sizes[of.outer + 2]) {}

  /** Rows and columns of an operand, and how far they are apart; of a vector there is one row. */
  void shape(int operand, int64_t (&sizes)[2], int64_t (&steps)[2]) const {
    const int parts = static_cast<int>(instruction.numbers[2 + operand]);
    const int64_t all[3] = {m, n, k};
    int axis = 2 - __builtin_popcount(parts);
    sizes[0] = sizes[1] = 1;
    steps[0] = steps[1] = 0;
    for (int d = 0; d < 3; d++) {
      if ((parts >> d & 1) == 0) continue;
      sizes[axis] = all[d];
      steps[axis++] = instruction.operands[operand].strides[instruction.outer + d];
    }
  }
};

constexpr int kFactorOperands = 4;

inline void solve_triangular(const FactorCall& call, double* const (&data)[kFactorOperands]) {
  const bool is_upper = call.kind == FactorKind::kUpper || call.kind == FactorKind::kUnitUpper;
  const bool is_unit = call.kind >= FactorKind::kUnitLower;
  const int64_t m = call.m, n = call.n;
  const double* const a = data[0];
  double* const x = data[2];
  for (int64_t i = 0; i < m * n; i++) x[i] = data[1][i];
  for (int64_t step = 0; step < m; step++) {
    const int64_t i = is_upper ? m - 1 - step : step;
    const int64_t end = is_upper ? m : i;
    for (int64_t j = is_upper ? i + 1 : 0; j < end; j++) subtract(x + i * n, a[i * m + j], x + j * n, n);
    if (is_unit) continue;
    for (int64_t j = 0; j < n; j++) x[i * n + j] /= a[i * m + i];
  }
}

/** One matrix of the batch: in row-major doubles, from inputs to outputs. */
inline void factor_rows(const FactorCall& call, double* const (&data)[kFactorOperands], double* more) {
  const int64_t m = call.m, n = call.n, k = call.k;
  switch (call.kind) {
    case FactorKind::kCholesky:
      return cholesky(data[0], data[1], data[2], n, more);
    case FactorKind::kLu:
      return lu(data[0], data[1], data[2], data[3], m, n, k);
    case FactorKind::kQr:
      return qr(data[0], data[1], data[2], m, n, k, more);
    case FactorKind::kReflect:
      return reflect(data[0], data[1], data[2], m, n, k, more);
    case FactorKind::kSvd:
      return svd(data[0], data[1], data[2], data[3], m, n, more);
    case FactorKind::kOrder:
      return order(data[0], data[1], m, k);
    case FactorKind::kLower:
    case FactorKind::kUpper:
    case FactorKind::kUnitLower:
    case FactorKind::kUnitUpper:
      return solve_triangular(call, data);
  }
}

/** Calls body(element in memory, its place among row-major ones). */
template <typename T, typename Body>
void each_element(const FactorCall& call, int operand, int64_t batch, const Body& body) {
  const Instruction& instruction = call.instruction;
  const Operand& of = instruction.operands[operand];
  int64_t sizes[2], steps[2];
  call.shape(operand, sizes, steps);
  T* const data = reinterpret_cast<T*>(of.data) + offset_at(batch, {instruction.outer, instruction.sizes}, of.strides);
  for (int64_t i = 0; i < sizes[0]; i++) {
    for (int64_t j = 0; j < sizes[1]; j++) body(data + i * steps[0] + j * steps[1], i * sizes[1] + j);
  }
}

inline void factor_matrix(const FactorCall& call, int64_t batch) {
  const Instruction& instruction = call.instruction;
  int64_t counts[kFactorOperands] = {}, total = 0;
  for (int i = 0; i < instruction.operand_count; i++) {
    int64_t sizes[2], steps[2];
    call.shape(i, sizes, steps);
    total += counts[i] = sizes[0] * sizes[1];
  }
  const int64_t more = factor_scratch(call.m, call.n, call.k);
  double* next =
      reinterpret_cast<double*>(scratch(Scratch::kInstruction, (total + more) * static_cast<int64_t>(sizeof(double))));
  double* data[kFactorOperands] = {};
  for (int i = 0; i < instruction.operand_count; i++) {
    double* const rows = data[i] = next;
    next += counts[i];
    if (i >= call.inputs) {
      for (int64_t at = 0; at < counts[i]; at++) rows[at] = 0;
      continue;
    }
    with_type(instruction.operands[i].dtype, [&]<typename T>(T*) {
      each_element<T>(call, i, batch, [&](const T* from, int64_t at) { rows[at] = static_cast<double>(*from); });
    });
  }
  factor_rows(call, data, next);
  for (int i = call.inputs; i < instruction.operand_count; i++) {
    with_type(instruction.operands[i].dtype, [&]<typename T>(T*) {
      each_element<T>(call, i, batch, [&](T* to, int64_t at) { *to = convert<T>(data[i][at]); });
    });
  }
}

/** A decomposition of each matrix of a batch, or a triangular system: in doubles, without fused multiply-adds, every
 * sum in order. */
[[maybe_unused]] int64_t factor(const Instruction& instruction) {
  const FactorCall call(instruction);
  const int64_t batch = Shape{instruction.outer, instruction.sizes}.size();
  const int64_t work = larger(1, call.m * call.n * larger(larger(call.k, 1), smaller(call.m, call.n)));
  in_tasks(batch, work, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) factor_matrix(call, i);
  });
  return kDone;
}

}  // namespace
}  // namespace nabla::NABLA_ISA
