#define NABLA_ISA avx512
#define NABLA_NARROWER avx2

#include "../kernels/table.h"
