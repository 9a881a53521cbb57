#include "instructions.h"

#include "checks.h"

namespace nabla {

namespace {

enum class Opcode { kMap, kFold, kMatmul, kGather, kScatter, kRandom, kCheck };

/** Reads an encoded instruction from front to back. */
class Reader {
 public:
  explicit Reader(const double* at) : at_(at) {}

  int64_t integer() { return static_cast<int64_t>(*at_++); }
  int small() { return static_cast<int>(*at_++); }
  double number() { return *at_++; }

  template <typename Enum>
  Enum code() {
    return static_cast<Enum>(small());
  }

  template <typename T>
  T* address() {
    return reinterpret_cast<T*>(static_cast<uintptr_t>(*at_++));
  }

  const double* numbers(int count) {
    const double* first = at_;
    at_ += count;
    return first;
  }

  void integers(int64_t* to, int count) {
    checks::require(count >= 0 && count <= kMaxDims, "dimensions");
    for (int i = 0; i < count; i++) to[i] = integer();
  }

  void operands(Operand* to, int count, int dims) {
    checks::require(count >= 0 && count <= kMaxOperands, "operands");
    for (int i = 0; i < count; i++) {
      to[i].data = address<char>();
      to[i].dtype = code<DType>();
      integers(to[i].strides, dims);
    }
  }

  void untyped(Operand& to, DType dtype, int dims) {
    to.data = address<char>();
    to.dtype = dtype;
    integers(to.strides, dims);
  }

  void matrix(Matrix& to, int batch_dims) {
    to.data = address<const char>();
    integers(to.batch_strides, batch_dims);
    to.row_stride = integer();
    to.col_stride = integer();
  }

 private:
  const double* at_;
};

int64_t run_map(Reader read, const Kernels& kernels) {
  bool misfit = false;
  MapRecord record;
  record.program = read.address<const Program>();
  record.dims = read.small();
  read.integers(record.sizes, record.dims);
  record.params = read.numbers(record.program->params);
  read.operands(record.operands, record.program->inputs + record.program->outputs, record.dims);
  record.misfit = &misfit;
  checks::check(record);
  kernels.map(record);
  return misfit ? kMisfit : kDone;
}

int64_t run_fold(Reader read, const Kernels& kernels) {
  bool misfit = false;
  FoldRecord record;
  record.program = read.address<const Program>();
  record.kept = read.small();
  record.folded = read.small();
  const int dims = record.kept + record.folded;
  read.integers(record.sizes, dims);
  record.params = read.numbers(record.program->params);
  read.operands(record.operands, record.program->inputs + record.program->outputs, dims);
  record.misfit = &misfit;
  checks::check(record);
  kernels.fold(record);
  return misfit ? kMisfit : kDone;
}

int64_t run_matmul(Reader read, const Kernels& kernels) {
  bool misfit = false;
  MatmulRecord record;
  record.epilogue = read.address<const Program>();
  record.dtype = read.code<DType>();
  record.batch_dims = read.small();
  record.m = read.integer();
  record.n = read.integer();
  record.k = read.integer();
  read.integers(record.batch_sizes, record.batch_dims);
  read.matrix(record.a, record.batch_dims);
  read.matrix(record.b, record.batch_dims);
  record.inputs = read.small();
  record.outputs = read.small();
  record.params = read.numbers(record.epilogue == nullptr ? 0 : record.epilogue->params);
  read.operands(record.operands, record.inputs + record.outputs, record.batch_dims + 2);
  record.misfit = &misfit;
  checks::check(record);
  kernels.matmul(record);
  return misfit ? kMisfit : kDone;
}

int64_t run_gather(Reader read, const Kernels& kernels) {
  GatherRecord record;
  record.dtype = read.code<DType>();
  record.dims = read.small();
  record.axis_size = read.integer();
  record.axis_stride = read.integer();
  read.integers(record.sizes, record.dims);
  read.untyped(record.out, record.dtype, record.dims);
  read.untyped(record.input, record.dtype, record.dims);
  read.untyped(record.index, DType::kInt32, record.dims);
  checks::check(record);
  return kernels.gather(record);
}

int64_t run_scatter(Reader read, const Kernels& kernels) {
  ScatterRecord record;
  record.mode = read.code<ScatterMode>();
  record.dtype = read.code<DType>();
  record.dims = read.small();
  record.axis_size = read.integer();
  record.axis_stride = read.integer();
  read.integers(record.sizes, record.dims);
  read.untyped(record.out, record.dtype, record.dims);
  read.untyped(record.index, DType::kInt32, record.dims);
  read.untyped(record.source, record.dtype, record.dims);
  checks::check(record);
  return kernels.scatter(record);
}

void run_random(Reader read, const Kernels& kernels) {
  RandomRecord record;
  record.kind = read.code<RandomKind>();
  record.dtype = read.code<DType>();
  record.state = read.address<int32_t>();
  record.out = read.address<char>();
  record.length = read.integer();
  record.p0 = read.number();
  record.p1 = read.number();
  checks::check(record);
  kernels.random(record);
}

int64_t run_check(Reader read) { return *read.address<const double>() == 0 ? kDone : 0; }

}  // namespace

int64_t execute(const double* instruction, const Kernels& kernels) {
  Reader read(instruction);
  switch (read.code<Opcode>()) {
    case Opcode::kMap:
      return run_map(read, kernels);
    case Opcode::kFold:
      return run_fold(read, kernels);
    case Opcode::kMatmul:
      return run_matmul(read, kernels);
    case Opcode::kGather:
      return run_gather(read, kernels);
    case Opcode::kScatter:
      return run_scatter(read, kernels);
    case Opcode::kRandom:
      run_random(read, kernels);
      break;
    case Opcode::kCheck:
      return run_check(read);
  }
  return kDone;
}

}  // namespace nabla
