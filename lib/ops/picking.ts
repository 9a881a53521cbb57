import type { BackwardRule } from '../autograd/node.js';
import type { Shape } from '../tensor/shape.js';
import { zeros } from './creation.js';
import { scatterAdd } from './indexing.js';

interface Picked {
  /** Of what elements were picked from, and along which axis. */
  readonly shape: Shape;
  readonly axis: number;
}

/** The gradient of elements that were picked along an axis by a position each, which are saved: it goes back to where they came from. */
export const pickedRule = (name: string): BackwardRule<Picked> => ({
  name,
  backward: (g, [positions], { shape, axis }) => [scatterAdd(zeros(shape, { dtype: g.dtype }), axis, positions!, g)],
});
