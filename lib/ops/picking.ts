import type { BackwardRule } from '../autograd/node.js';
import { owned } from '../tensor/layout.js';
import { type Results, results } from '../tensor/results.js';
import type { Shape } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { zeros } from './creation.js';
import { gather, scatterAdd } from './indexing.js';
import { squeeze } from './views.js';

/** Elements along a dimension, and where they are. */
export type Picks = Results<['values', 'indices']>;

export const picks = (op: string, values: Tensor, indices: Tensor): Picks =>
  results(op, ['values', 'indices'], [values, indices]);

/** One element of each line along an axis, by its position: `indices` has size 1 there. */
export function pickAlong(op: string, x: Tensor, axis: number, indices: Tensor, keepdim: boolean): Picks {
  const values = gather(x, axis, indices);
  if (keepdim || x.ndim === 0) return picks(op, values, indices);
  return picks(op, owned(squeeze(values, axis)), owned(squeeze(indices, axis)));
}

export interface Picked {
  /** Of what elements were picked from, and along which axis. */
  readonly shape: Shape;
  readonly axis: number;
}

/** The gradient of elements that were picked along an axis by a position each, which are saved: it goes back to where they came from. */
export const pickedRule = (name: string): BackwardRule<Picked> => ({
  name,
  backward: (g, [positions], { shape, axis }) => [scatterAdd(zeros(shape, { dtype: g.dtype }), axis, positions!, g)],
});
