#pragma once

#include "../instruction.h"

namespace nabla {

/** An instruction as one ISA implements it. */
struct Kernel {
  /** What lib/backend/instructions.ts says too: its name, its arguments, and the names that one of them has numbers
   * for. */
  const char* name;
  const char* arguments;
  const char* choices;
  /** Returns `kDone`, or what stands in its way. */
  int64_t (*run)(const Instruction&);
};

/** The instruction set, in the order of lib/backend/instructions.ts. */
struct Kernels {
  const char* isa;
  const Kernel* all;
  int count;
};

}  // namespace nabla
