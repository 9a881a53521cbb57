// Included once by each file of isa/, after it has named its namespace.

#include "fold/fold.h"
#include "index/gather.h"
#include "index/scatter.h"
#include "kernels.h"
#include "map/map.h"
#include "matmul/matmul.h"
#include "random/random.h"

namespace nabla::NABLA_ISA {

#define NABLA_STRING_(name) #name
#define NABLA_STRING(name) NABLA_STRING_(name)

extern constinit const Kernels kernels = {NABLA_STRING(NABLA_ISA), map, fold, matmul, gather, scatter, random};

}  // namespace nabla::NABLA_ISA
