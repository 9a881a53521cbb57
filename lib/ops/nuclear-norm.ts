import { ShapeError } from '../errors.js';
import type { Frame } from '../tensor/kernel.js';
import { show } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { singularValueDecomposition } from './linear-algebra/svd.js';
import { sum } from './reductions.js';
import { permute, reshape } from './views.js';

/** The sum of the singular values of the matrices that the two folded axes of the frame span. */
export function nuclearNorm(x: Tensor, { shape, axes, keepdim }: Frame): Tensor {
  if (axes.length !== 2)
    throw new ShapeError(`norm: p = 'nuc' is a matrix norm and takes two dims, got ${axes.length} of ${show(shape)}`);
  const others = [...shape.keys()].filter((axis) => !axes.includes(axis));
  const out = sum(singularValueDecomposition('norm', permute(x, [...others, ...axes])).s, [-1]);
  return keepdim
    ? reshape(
        out,
        shape.map((n, axis) => (axes.includes(axis) ? 1 : n)),
      )
    : out;
}
