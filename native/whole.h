#pragma once

#include <cstdint>

#include "micro_ops.h"
#include "program.h"

/**
 * Micro-programs that are compiled as wholes: intermediate values stay in registers, where a program that is run
 * instruction by instruction writes each to a tile. The same operations in the same order, so the same bits.
 */
namespace nabla {

struct WholeInstruction {
  MicroOp op;
  int32_t dst, a, b, c;
};

/** A program of one stage, without parameters, as lib/backend/program.ts encodes it. */
struct WholeProgram {
  const char* name;
  int inputs, outputs, constants, registers;
  /** A bit for each input that has an element for each of the outputs'; the others are one value. */
  uint32_t walked;
  int count;
  WholeInstruction code[20];

  constexpr int slots() const { return inputs + outputs + constants + registers; }
};

/** The first two inputs are in each other's place where a gradient is a product that has just been made. `stage` is as
 * it was encoded. */
WholeMatch find_whole(const Program& program, const Stage& stage);

}  // namespace nabla
