#pragma once

#include <cstddef>
#include <cstdint>

#include "instruction.h"

/**
 * Assertions for builds with a sanitizer (NABLA_CHECKED): that what an instruction's sizes and strides reach lies in
 * memory that JavaScript has asked the address of, and that a program's slots exist. A failure ends the process with a
 * message. In other builds all of it is empty.
 */
namespace nabla::checks {

#ifdef NABLA_CHECKED
constexpr bool kChecked = true;

void require(bool holds, const char* what);
/** A buffer that tensors are made of. What was there before is no longer. */
void note_memory(const void* start, size_t bytes);
void check(const Program& program);
/** `name` is that of its kernel. */
void check(const Instruction& instruction, const char* name);
#else
constexpr bool kChecked = false;

inline void require(bool, const char*) {}
inline void note_memory(const void*, size_t) {}
inline void check(const Program&) {}
inline void check(const Instruction&, const char*) {}
#endif

}  // namespace nabla::checks
