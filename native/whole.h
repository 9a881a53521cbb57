#pragma once

#include <cstdint>
#include <vector>

#include "micro_ops.h"
#include "program.h"

/**
 * Element code of stages that is compiled as a whole: intermediate values stay in registers, where a program that is
 * run instruction by instruction writes each to a tile. The same operations in the same order, so the same bits.
 */
namespace nabla {

/** Operations of a whole at most. */
constexpr int kWholeOperations = 32;

/** What a slot of a whole is, besides something that is computed. */
enum WholeSlot : uint8_t {
  /** Has an element for each of the others. */
  kLoaded = 1,
  /** One value throughout, which fills a vector: an input that is, a parameter, a constant. */
  kOneValue = 2,
  /** A row's value. */
  kOfRow = 4,
  /** Is had by others than this code: an output, what is folded, what a later stage reads. */
  kStored = 8,
};

/** A `MicroOp`, and slots. */
struct WholeInstruction {
  uint8_t op;
  int8_t dst, a, b, c;

  constexpr WholeInstruction(MicroOp op, int8_t dst, int8_t a, int8_t b, int8_t c)
      : op(static_cast<uint8_t>(op)), dst(dst), a(a), b(b), c(c) {}
  constexpr WholeInstruction() : op(0), dst(-1), a(-1), b(-1), c(-1) {}
};

/** Slots are numbered in the order in which the code has them. Operands that `op` does not have are -1. */
struct WholeProgram {
  uint8_t slots, count;
  uint8_t kinds[kWholeSlots];
  WholeInstruction code[kWholeOperations];
};

/** Finds which wholes stages are: they are as they were encoded, and the program's numbers are known. */
void find_wholes(const Program& program, std::vector<Stage>& stages);

}  // namespace nabla
