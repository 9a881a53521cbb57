#pragma once

#include <cstdint>

#include "program.h"

/**
 * Instructions as the kernels take them: decoded, but not interpreted. Plain data, because the per-ISA
 * translation units include this header and must not share inline code with each other.
 */
namespace nabla {

/** A tensor has at most 12 (`MAX_DIMS` of lib/backend/view.ts); a nest may add a unit axis to them. */
constexpr int kMaxDims = 13;
constexpr int kMaxOperands = 48;

/** The codes of lib/backend/dtype.ts. */
enum class DType : int32_t { kFloat32, kFloat64, kInt32, kBool };

/** Where an instruction reads or writes. Strides are in elements, 0 where the operand is repeated. */
struct Operand {
  char* data;
  DType dtype;
  int64_t strides[kMaxDims];
};

/**
 * Where programs run, `misfit` is set if a value does not fit the int32 that it is stored as; 0 is stored there.
 *
 * Runs `program` over `sizes[dims]`, outermost axis first. Operands: the program's inputs, then its outputs.
 */
struct MapRecord {
  const Program* program;
  bool* misfit;
  int dims;
  int64_t sizes[kMaxDims];
  const double* params;
  Operand operands[kMaxOperands];
};

/** Runs `program` over `sizes[kept + folded]`; row operands have stride 0 in the folded axes. */
struct FoldRecord {
  const Program* program;
  bool* misfit;
  int kept;
  int folded;
  int64_t sizes[kMaxDims];
  const double* params;
  Operand operands[kMaxOperands];
};

struct Matrix {
  const char* data;
  int64_t batch_strides[kMaxDims];
  int64_t row_stride;
  int64_t col_stride;
};

/**
 * For every batch: out (M,N) = a (M,K) x b (K,N), in `dtype` (float32 or float64). Without an epilogue,
 * `operands[0]` is out. With one, input 0 of its program is the product, and the operands are its further
 * inputs (`inputs` of them), then its outputs. Operand strides are [batch axes..., row, column].
 */
struct MatmulRecord {
  const Program* epilogue;
  bool* misfit;
  DType dtype;
  int batch_dims;
  int64_t batch_sizes[kMaxDims];
  int64_t m, n, k;
  Matrix a, b;
  int inputs;
  int outputs;
  const double* params;
  Operand operands[kMaxOperands];
};

/** out[i] = input[i with its axis coordinate replaced by index[i]]; `input` has stride 0 along that axis. */
struct GatherRecord {
  DType dtype;
  int dims;
  int64_t sizes[kMaxDims];
  int64_t axis_size;
  int64_t axis_stride;
  Operand out, input, index;
};

enum class ScatterMode : int32_t { kSet, kAdd };

/** out[i with its axis coordinate replaced by index[i]] (set or add)= source[i]; `out` has stride 0 along
 * that axis. */
struct ScatterRecord {
  ScatterMode mode;
  DType dtype;
  int dims;
  int64_t sizes[kMaxDims];
  int64_t axis_size;
  int64_t axis_stride;
  Operand out, index, source;
};

/** The codes of `randomKinds` in lib/backend/backend.ts. */
enum class RandomKind : int32_t { kUniform, kNormal, kBernoulli, kInteger, kPermutation, kExponential };

/** `state` is laid out as lib/backend/random-state.ts says; `out` is contiguous. */
struct RandomRecord {
  RandomKind kind;
  DType dtype;
  int32_t* state;
  char* out;
  int64_t length;
  double p0, p1;
};

}  // namespace nabla
