import { signature } from '../../arguments/signature.js';
import { vectorNorm } from '../../ops/norms.js';
import * as kinds from '../../tensor/kinds.js';
import { shapeOf, type Tensor } from '../../tensor/tensor.js';
import { ConvTranspose1d, ConvTranspose2d, ConvTranspose3d } from '../layers/transposed-convolution.js';
import type { Module } from '../module.js';
import { target } from './parametrized.js';

// What normalisations of weights have in common, parametrizations and the older forms.

export const weightNorming = signature('module, /, name, dim', {
  ...target,
  /** The dimension along which each slice has a norm of its own; null for one norm of the whole. Default: 0. */
  dim: kinds.integerFrom(0).orNull().default(0),
});

export const spectralNorming = signature('module, /, name, nPowerIterations, eps, dim', {
  ...target,
  /** Steps of the power method each time that the weight is computed in training. Default: 1. */
  nPowerIterations: kinds.integerFrom(1).default(1),
  /** What norms are at least. Default: 1e-12. */
  eps: kinds.number.default(1e-12),
  /** The dimension of outputs. Default: null, 0, but 1 for transposed convolutions. */
  dim: kinds.dim.optional(),
});

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
