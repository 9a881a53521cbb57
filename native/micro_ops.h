#pragma once

#include <cstdint>

/**
 * The micro-operations: name, number of operands, and the value for vectors a, b and c. The same names in the same
 * order as lib/backend/micro-ops.ts, which says what they mean; the loader compares the two.
 */
#define NABLA_MICRO_OPS(OP)           \
  OP(position, 0, iota<Lane<V>>())    \
  OP(copy, 1, a)                      \
  OP(expand, 1, a)                    \
                                      \
  OP(neg, 1, -a)                      \
  OP(abs, 1, abs(a))                  \
  OP(sign, 1, sign(a))                \
  OP(floor, 1, floor(a))              \
  OP(ceil, 1, ceil(a))                \
  OP(round, 1, round(a))              \
  OP(trunc, 1, trunc(a))              \
  OP(relu, 1, a <= 0 ? V{} : a)       \
  OP(sqrt, 1, sqrt(a))                \
  OP(rsqrt, 1, splat<V>(1) / sqrt(a)) \
  OP(exp, 1, exp(a))                  \
  OP(exp2, 1, exp2(a))                \
  OP(expm1, 1, expm1(a))              \
  OP(log, 1, log(a))                  \
  OP(log2, 1, log2(a))                \
  OP(log1p, 1, log1p(a))              \
  OP(sin, 1, sin(a))                  \
  OP(cos, 1, cos(a))                  \
  OP(tan, 1, tan(a))                  \
  OP(asin, 1, asin(a))                \
  OP(acos, 1, acos(a))                \
  OP(atan, 1, atan(a))                \
  OP(sinh, 1, sinh(a))                \
  OP(cosh, 1, cosh(a))                \
  OP(tanh, 1, tanh(a))                \
  OP(asinh, 1, asinh(a))              \
  OP(acosh, 1, acosh(a))              \
  OP(atanh, 1, atanh(a))              \
  OP(sigmoid, 1, sigmoid(a))          \
  OP(erf, 1, erf(a))                  \
  OP(erfc, 1, erfc(a))                \
                                      \
  OP(add, 2, a + b)                   \
  OP(sub, 2, a - b)                   \
  OP(mul, 2, a* b)                    \
  OP(div, 2, a / b)                   \
  OP(pow, 2, pow(a, b))               \
  OP(fmod, 2, fmod(a, b))             \
  OP(bitAnd, 2, bit_and(a, b))        \
  OP(min, 2, min(a, b))               \
  OP(max, 2, max(a, b))               \
  OP(eq, 2, flag<V>(a == b))          \
  OP(ne, 2, flag<V>(a != b))          \
  OP(lt, 2, flag<V>(a < b))           \
  OP(le, 2, flag<V>(a <= b))          \
  OP(gt, 2, flag<V>(a > b))           \
  OP(ge, 2, flag<V>(a >= b))          \
                                      \
  OP(where, 3, a != 0 ? b : c)

/** What the core itself makes of a product and the sum that it is part of (join.h): each is rounded as before. */
#define NABLA_JOINED_OPS(OP) \
  OP(mulAdd, 3, (a * b) + c) \
  OP(mulSub, 3, (a * b) - c) \
  OP(subMul, 3, c - (a * b))

#define NABLA_ALL_OPS(OP) \
  NABLA_MICRO_OPS(OP)     \
  NABLA_JOINED_OPS(OP)

namespace nabla {

enum class MicroOp : int32_t {
#define NABLA_ENUMERATE(name, arity, value) name,
  NABLA_ALL_OPS(NABLA_ENUMERATE)
#undef NABLA_ENUMERATE
};

}  // namespace nabla
