#define NABLA_ISA avx512

#include "../kernels/table.h"
