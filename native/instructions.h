#pragma once

#include "kernels/kernels.h"

/**
 * Encoded instructions: runs of doubles, as lib/backend/native/encoder.ts writes them. Addresses are those of an
 * operand's first element; strides are in elements; `operand` is address, dtype, strides; `program` is the address that
 * `ProgramStore::define` returned.
 *
 *     map      0, program, dims, sizes[dims], params, operands: inputs then outputs
 *     fold     1, program, kept, folded, sizes[kept + folded], params, operands: inputs then outputs
 *     matmul   2, program or 0, dtype, batch dims, m, n, k, batch sizes, a and b: address, batch strides, row stride,
 *              column stride, inputs, outputs, params, operands with strides[batch dims + 2]: further inputs, then
 *              outputs
 *     gather   3, dtype, dims, axis size, axis stride, sizes[dims], out: address, strides, input: likewise, index:
 *              likewise
 *     scatter  4, mode, dtype, dims, axis size, axis stride, sizes[dims], out: address, strides, index: likewise,
 *              source: likewise
 *     random   5, kind, dtype, address of the state, address of out, length, p0, p1
 *     check    6, address of a float64
 */
namespace nabla {

/** Grows with every change of the layout above, so that a core and a library of different versions are told apart. */
constexpr int kLayout = 3;

/** What `execute` returns of an instruction that was done, and of one that has a value which the int32 it is stored as
 * does not hold. */
constexpr int64_t kDone = -1;
constexpr int64_t kMisfit = -2;

/**
 * Runs one instruction. Returns `kDone`, `kMisfit` or, where it cannot be done, what stands in its way: for gather and
 * scatter the position of the first bad index, for a check of a number other than 0 always 0.
 */
int64_t execute(const double* instruction, const Kernels& kernels);

}  // namespace nabla
