#include "execute.h"

#include "checks.h"

namespace nabla {

namespace {

template <typename T>
T* address(double encoded) {
  return reinterpret_cast<T*>(static_cast<uintptr_t>(encoded));
}

void decode(const double* code, Instruction& to) {
  to.program = address<const Program>(code[1]);
  const int numbers = static_cast<int>(code[2]);
  to.outer = static_cast<int>(code[3]);
  to.inner = static_cast<int>(code[4]);
  to.operand_count = static_cast<int>(code[5]);
  const int dims = to.outer + to.inner;
  checks::require(to.outer >= 0 && to.inner >= 0 && dims <= kMaxDims, "axes");
  checks::require(to.operand_count >= 0 && to.operand_count <= kMaxOperands, "operands");
  code += 6;
  to.numbers = code;
  code += numbers;
  for (int d = 0; d < dims; d++) to.sizes[d] = static_cast<int64_t>(*code++);
  to.params = code;
  if (to.program != nullptr) code += to.program->params;
  for (int i = 0; i < to.operand_count; i++) {
    Operand& operand = to.operands[i];
    operand.data = address<char>(*code++);
    operand.dtype = static_cast<DType>(static_cast<int>(*code++));
    for (int d = 0; d < dims; d++) operand.strides[d] = static_cast<int64_t>(*code++);
  }
}

}  // namespace

int64_t execute(const double* code, const Kernels& kernels) {
  Instruction instruction;
  bool misfit = false;
  decode(code, instruction);
  instruction.misfit = &misfit;
  const int number = static_cast<int>(code[0]);
  checks::require(number >= 0 && number < kernels.count, "number");
  checks::check(instruction, kernels.all[number].name);
  const int64_t result = kernels.all[number].run(instruction);
  return misfit ? kMisfit : result;
}

}  // namespace nabla
