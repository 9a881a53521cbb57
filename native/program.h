#pragma once

#include <cstdint>

#include "names.h"

/** Micro-programs as lib/backend/program.ts describes them. Plain data: see instruction.h. */
namespace nabla {

/** The codes of `foldNames` in lib/backend/micro-ops.ts. */
NABLA_NAMED(FoldKind, kSum, kProd, kMin, kMax, kArgmin, kArgmax)

/** Operands that `op` does not have are slot 0. */
struct MicroInstruction {
  int32_t op, dst, a, b, c;
};

struct FoldInstruction {
  FoldKind fold;
  int32_t src, dst;
};

/** Slots of a whole at most. */
constexpr int kWholeSlots = 32;

/** Which of whole_programs.h the element code of a stage is, if any. */
struct WholeMatch {
  int index = -1;
  /** Of its slots: how many, what each is (a `WholeSlot` of whole.h), and which slot of the stage is in its place. */
  int count = 0;
  uint8_t kinds[kWholeSlots]{};
  int16_t slots[kWholeSlots]{};
};

struct Stage {
  int element_count, fold_count, row_count;
  const MicroInstruction* elements;
  const FoldInstruction* folds;
  const MicroInstruction* rows;
  WholeMatch whole;
};

struct Program {
  bool is_double;
  int inputs, outputs, params, constants, element_registers, row_registers;
  /** The sum of the above. */
  int slots;
  /** Of inputs, then outputs: whether it is a row value. */
  const bool* is_row;
  const double* constant_values;
  int resident_count, streamed_count;
  const Stage* resident;
  const Stage* streamed;
};

}  // namespace nabla
