#pragma once

#include <span>

#include "kernels/kernels.h"

namespace nabla {

/** One implementation of the instruction set. */
struct Isa {
  const char* name;
  const Kernels* kernels;
  bool (*runs_here)();
};

/** Those in this binary, the fastest first. The last one runs everywhere. */
std::span<const Isa> isas();

/** The ISA called `name` if it is in this binary and this machine can run it, else null. For a null or empty
 * name, the fastest. */
const Isa* select_isa(const char* name);

}  // namespace nabla
