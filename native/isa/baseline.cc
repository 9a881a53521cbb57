#define NABLA_ISA baseline

#include "../kernels/table.h"
