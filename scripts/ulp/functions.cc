#include "functions.h"

#include <vector>

#include "angles.h"

#ifdef ULP_LIBMVEC
/** Without <cmath>, whose declarations would come first. Lets the compiler call the variants for vectors in loops,
 * which it does by itself only under -ffast-math. */
#define ULP_VECTORS __attribute__((simd("notinbranch")))
#else
#define ULP_VECTORS
#endif

extern "C" {
#define ULP_DECLARE(name) ULP_VECTORS double name(double) noexcept;
ULP_DECLARE(exp)
ULP_DECLARE(exp2)
ULP_DECLARE(expm1)
ULP_DECLARE(log)
ULP_DECLARE(log2)
ULP_DECLARE(log1p)
ULP_DECLARE(sin)
ULP_DECLARE(cos)
ULP_DECLARE(tan)
ULP_DECLARE(asin)
ULP_DECLARE(acos)
ULP_DECLARE(atan)
ULP_DECLARE(sinh)
ULP_DECLARE(cosh)
ULP_DECLARE(tanh)
ULP_DECLARE(asinh)
ULP_DECLARE(acosh)
ULP_DECLARE(atanh)
ULP_DECLARE(erf)
ULP_DECLARE(erfc)
#undef ULP_DECLARE
ULP_VECTORS double pow(double, double) noexcept;
}

namespace {

template <typename F>
void each(const float* x, double* y, int count, F f) {
  for (int i = 0; i < count; i++) y[i] = f(x[i]);
}

bool is_large(float x) { return !(__builtin_fabsf(x) < kLargeAngle); }

bool all_large(const float* x, int count) {
  for (int i = 0; i < count; i++) {
    if (!is_large(x[i])) return false;
  }
  return true;
}

/** Sines of large angles and `more`. */
void large_sines(const float* x, double* y, int count, Turn more) {
  for (int i = 0; i < count; i++) y[i] = angle_of_same_sine(x[i], more);
  for (int i = 0; i < count; i++) y[i] = sin(y[i]);
}

double sine(double x) { return is_large(x) ? sin(angle_of_same_sine(x, 0)) : sin(x); }
double cosine(double x) { return is_large(x) ? sin(angle_of_same_sine(x, kQuarterTurn)) : cos(x); }
double tangent(double x) { return is_large(x) ? sine(x) / cosine(x) : tan(x); }

void sines(const float* x, double* y, int count) {
  if (all_large(x, count)) return large_sines(x, y, count, 0);
  each(x, y, count, [](double a) { return sin(a); });
}

void cosines(const float* x, double* y, int count) {
  if (all_large(x, count)) return large_sines(x, y, count, kQuarterTurn);
  each(x, y, count, [](double a) { return cos(a); });
}

void tangents(const float* x, double* y, int count) {
  if (!all_large(x, count)) return each(x, y, count, [](double a) { return tan(a); });
  std::vector<double> cosines(count);
  large_sines(x, y, count, 0);
  large_sines(x, cosines.data(), count, kQuarterTurn);
  for (int i = 0; i < count; i++) y[i] /= cosines[i];
}

using nabla::MicroOp;

constexpr Constant kNone;
constexpr Constant left(float value) { return {Constant::Operand::kLeft, value}; }
constexpr Constant right(float value) { return {Constant::Operand::kRight, value}; }

#define ULP_FUNCTION(name, op, constant, value)                                                                  \
  Function {                                                                                                     \
    name, MicroOp::op, constant,                                                                                 \
        [](const float* from, double* to, int count) { each(from, to, count, [](double x) { return value; }); }, \
        [](double x) { return value; }                                                                           \
  }
#define ULP_LIBRARY(op) ULP_FUNCTION(#op, op, kNone, op(x))

constexpr Function kFunctions[] = {
    ULP_LIBRARY(exp),
    ULP_LIBRARY(exp2),
    ULP_LIBRARY(expm1),
    ULP_LIBRARY(log),
    ULP_LIBRARY(log2),
    ULP_LIBRARY(log1p),
    ULP_FUNCTION("sqrt", sqrt, kNone, __builtin_sqrt(x)),
    ULP_FUNCTION("rsqrt", rsqrt, kNone, 1 / __builtin_sqrt(x)),
    {"sin", MicroOp::sin, kNone, sines, sine},
    {"cos", MicroOp::cos, kNone, cosines, cosine},
    {"tan", MicroOp::tan, kNone, tangents, tangent},
    ULP_LIBRARY(asin),
    ULP_LIBRARY(acos),
    ULP_LIBRARY(atan),
    ULP_LIBRARY(sinh),
    ULP_LIBRARY(cosh),
    ULP_LIBRARY(tanh),
    ULP_LIBRARY(asinh),
    ULP_LIBRARY(acosh),
    ULP_LIBRARY(atanh),
    ULP_FUNCTION("sigmoid", sigmoid, kNone, 1 / (1 + exp(-x))),
    ULP_LIBRARY(erf),
    ULP_LIBRARY(erfc),
    ULP_FUNCTION("pow(x,1.7)", pow, right(1.7f), pow(x, static_cast<double>(1.7f))),
    ULP_FUNCTION("pow(x,-3)", pow, right(-3), pow(x, -3.0)),
    ULP_FUNCTION("pow(0.9,x)", pow, left(0.9f), pow(static_cast<double>(0.9f), x)),
};

}  // namespace

std::span<const Function> functions() { return kFunctions; }
