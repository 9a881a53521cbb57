#pragma once

#include <cstdint>

#include "names.h"
#include "program.h"

/**
 * Instructions as the kernels take them: decoded, but not interpreted. Plain data, because the per-ISA
 * translation units include this header and must not share inline code with each other.
 *
 * Encoded, as lib/backend/native/encoder.ts writes it, an instruction is a run of doubles:
 *
 *     which instruction, program or 0, how many numbers, outer axes, inner axes, operands,
 *     the numbers, sizes of the axes, the program's parameters,
 *     and of each operand address, dtype, strides along the axes
 *
 * Which numbers and operands there are, and which axes are inner ones, lib/backend/instructions.ts says. An address is
 * that of the first element; a program's is what `ProgramStore::define` returned.
 */
namespace nabla {

/** Grows with every change of the above, so that a core and a library of different versions are told apart. */
constexpr int kLayout = 4;

/** A tensor has at most 12 (`MAX_DIMS` of lib/backend/view.ts); an instruction may add a unit axis to them. */
constexpr int kMaxDims = 13;
/** `MAX_OPERANDS` of lib/backend/view.ts. */
constexpr int kMaxOperands = 48;

/** bool in memory: one byte, 0 or 1. */
enum Bool : uint8_t {};

NABLA_NAMED(DType, kFloat32, kFloat64, kInt32, kBool)
/** What an element of each is in memory. */
#define NABLA_DTYPES(ROW) ROW(kFloat32, float) ROW(kFloat64, double) ROW(kInt32, int32_t) ROW(kBool, Bool)

#define NABLA_SIZE(name, Type) sizeof(Type),
constexpr int64_t kSizes[] = {NABLA_DTYPES(NABLA_SIZE)};
#undef NABLA_SIZE

/** Where an instruction reads or writes. Strides are in elements, 0 where the operand is repeated. */
struct Operand {
  char* data;
  DType dtype;
  int64_t strides[kMaxDims];
};

/** There is at least one outer axis, except in products. The sizes of inner axes follow those of outer ones; so do
 * strides. */
struct Instruction {
  const Program* program;
  const double* numbers;
  const double* params;
  /** Set if a value does not fit the int32 that it is stored as; 0 is stored there. */
  bool* misfit;
  int outer, inner;
  int64_t sizes[kMaxDims];
  int operand_count;
  Operand operands[kMaxOperands];
};

/** What an instruction returns that was done, and one that has such a value; else what stands in its way. */
constexpr int64_t kDone = -1;
constexpr int64_t kMisfit = -2;

}  // namespace nabla
