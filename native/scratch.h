#pragma once

#include <cstdint>

namespace nabla {

/** Who asks for scratch memory. Each use has its own, so that a matmul can run an epilogue. */
enum class Scratch { kProgram, kFold, kLanes, kMatmul };

/** At least `bytes` of the calling thread's memory for `use`, 64-byte aligned. It is the caller's until the thread asks
 * for that use again. */
char* scratch(Scratch use, int64_t bytes);

}  // namespace nabla
