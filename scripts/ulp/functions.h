#pragma once

#include <span>

#include "micro_ops.h"

/** A function of two operands is measured as a function of the one that is not held constant. */
struct Constant {
  enum class Operand { kNone, kLeft, kRight };
  Operand operand = Operand::kNone;
  float value = 0;
};

/** A function whose floats are compared with the C library's doubles. */
struct Function {
  const char* name;
  nabla::MicroOp op;
  Constant constant;
  /** Of many numbers, on vectors where the C library has them. */
  void (*truths)(const float* x, double* y, int count);
  /** Of one number. */
  double (*truth)(double x);
};

std::span<const Function> functions();
