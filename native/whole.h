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

struct WholeInstruction {
  MicroOp op;
  int8_t dst, a, b, c;
};

/** Slots are numbered in the order in which the code has them. Operands that `op` does not have are -1. */
struct WholeProgram {
  const char* name;
  int slots, count;
  uint8_t kinds[kWholeSlots];
  WholeInstruction code[24];
};

/** Finds which wholes stages are: they are as they were encoded, and the program's numbers are known. */
void find_wholes(const Program& program, std::vector<Stage>& stages);

}  // namespace nabla
