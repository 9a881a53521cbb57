#define NABLA_ISA neon

#include "../kernels/table.h"
