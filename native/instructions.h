#pragma once

#include "kernels/kernels.h"
#include "program_store.h"

/**
 * Encoded instructions: runs of doubles, as lib/backend/native/encoder.ts writes them. Addresses are those of an
 * operand's first element; strides are in elements; `operand` is address, dtype, strides.
 *
 *     map      0, program, dims, sizes[dims], params, operands: inputs then outputs
 *     fold     1, program, kept, folded, sizes[kept + folded], params, operands: inputs then outputs
 *     matmul   2, program or -1, dtype, batch dims, m, n, k, batch sizes, a and b: address, batch strides, row stride,
 * column stride, inputs, outputs, params, operands with strides[batch dims + 2]: further inputs, then outputs gather 3,
 * dtype, dims, axis size, axis stride, sizes[dims], out: address, strides, input: likewise, index: likewise scatter  4,
 * mode, dtype, dims, axis size, axis stride, sizes[dims], out: address, strides, index: likewise, source: likewise
 *     random   5, kind, dtype, address of the state, address of out, length, p0, p1
 */
namespace nabla {

/** Runs one instruction. Gather and scatter return the position of the first bad index or -1, the others -1. */
double execute(const double* instruction, const ProgramStore& programs, const Kernels& kernels);

}  // namespace nabla
