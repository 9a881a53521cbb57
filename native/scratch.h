#pragma once

#include <cstdint>

namespace nabla {

/** Who asks for scratch memory. Each use has its own, so that an instruction can run a program. */
enum class Scratch { kProgram, kFold, kLanes, kInstruction };

/** At least `bytes` of the calling thread's memory for `use`, 64-byte aligned. It is the caller's until the thread asks
 * for that use again. */
char* scratch(Scratch use, int64_t bytes);

}  // namespace nabla
