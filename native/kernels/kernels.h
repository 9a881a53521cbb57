#pragma once

#include <cstdint>

#include "../records.h"

namespace nabla {

/** The instruction set as one ISA implements it. `gather` and `scatter` return the position of the first bad
 * index, or -1. */
struct Kernels {
  const char* isa;
  void (*map)(const MapRecord&);
  void (*fold)(const FoldRecord&);
  void (*matmul)(const MatmulRecord&);
  int64_t (*gather)(const GatherRecord&);
  int64_t (*scatter)(const ScatterRecord&);
  void (*random)(const RandomRecord&);
};

}  // namespace nabla
