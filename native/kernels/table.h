// Included once by each file of isa/, after it has named its namespace.

#include "../mpi/collective.h"
#include "check.h"
#include "convolve/convolve.h"
#include "convolve/convolve_weight.h"
#include "factor/factor.h"
#include "fold/fold.h"
#include "index/gather.h"
#include "index/scatter.h"
#include "kernels.h"
#include "map/map.h"
#include "matmul/matmul.h"
#include "pool/pool.h"
#include "random/random.h"
#include "scan/scan.h"
#include "sort/sort.h"

// What goes element by element gains nothing from wider vectors, and decompositions little: they are those of the
// narrower instruction set, if there is one, and code once.
#define NABLA_SHARED(each) each(scatter) each(scan) each(sort) each(factor)
#ifdef NABLA_NARROWER
#define NABLA_TAKEN(name)                                \
  namespace NABLA_NARROWER {                             \
  int64_t shared_##name(const Instruction& instruction); \
  }                                                      \
  namespace NABLA_ISA {                                  \
  using NABLA_NARROWER::shared_##name;                   \
  }
#else
#define NABLA_TAKEN(name)                                                             \
  namespace NABLA_ISA {                                                               \
  int64_t shared_##name(const Instruction& instruction) { return name(instruction); } \
  }
#endif
namespace nabla {
NABLA_SHARED(NABLA_TAKEN)
}  // namespace nabla

namespace nabla::NABLA_ISA {
namespace {

constexpr Kernel kKernels[] = {
    {"map", "program, params, inputs, outputs", "", map},
    {"fold", "program, params, inputs, outputs, shape, axes", "", fold},
    {"matmul", "a, b, outputs, epilogue", "", matmul},
    {"convolve", "input, weight, outputs, moves, epilogue", "", convolve},
    {"convolveWeight", "input, weight, gradient, moves", "", convolve_weight},
    {"maxPool", "input, values, indices, kernel, moves", "", max_pool},
    {"gather", "out, input, index, axis", "", gather},
    {"scatter", "out, index, source, axis, mode", kScatterModeNames, shared_scatter},
    {"scan", "kind, inputs, outputs, axis", kScanKindNames, shared_scan},
    {"sort", "values, indices, input, axis, order", kSortOrderNames, shared_sort},
    {"factor", "kind, inputs, outputs", kFactorKindNames, shared_factor},
    {"random", "kind, state, out, p0, p1", rng::kRandomKindNames, random},
    {"check", "flag", "", check},
    {"collective", "kind, channel, root, apart, buffers", mpi::kCollectiveKindNames, mpi::collective},
    {"settle", "channel, buffers", "", mpi::settle},
};

#define NABLA_STRING_(name) #name
#define NABLA_STRING(name) NABLA_STRING_(name)

}  // namespace

extern constinit const Kernels kernels = {NABLA_STRING(NABLA_ISA), kKernels, sizeof(kKernels) / sizeof(kKernels[0])};

}  // namespace nabla::NABLA_ISA
