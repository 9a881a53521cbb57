import { vectorNorm } from '../../ops/norms.js';
import { shapeOf, type Tensor } from '../../tensor/tensor.js';
import { ConvTranspose1d, ConvTranspose2d, ConvTranspose3d } from '../layers/transposed-convolution.js';
import type { Module } from '../module.js';

// What normalisations of weights have in common.

/** The norm of each slice along `dim`, or of the whole. */
export function normExceptDim(v: Tensor, dim: number | null): Tensor {
  if (dim === null) return vectorNorm(v);
  const others = shapeOf(v).flatMap((_, i) => (i === dim ? [] : [i]));
  return others.length === 0 ? v.abs() : vectorNorm(v, 2, { dim: others, keepdim: true });
}

/** A weight as a matrix whose rows are the outputs. */
export function matrixOf(weight: Tensor, dim: number): Tensor {
  const axes = shapeOf(weight).map((_, i) => i);
  const first = dim === 0 ? weight : weight.permute([dim, ...axes.filter((axis) => axis !== dim)]);
  return first.flatten(1);
}

/** Whether the outputs of a module are the second dimension of its weight. */
export const isTransposed = (module: Module): boolean =>
  [ConvTranspose1d, ConvTranspose2d, ConvTranspose3d].some((type) => module instanceof type);
