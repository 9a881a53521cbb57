import { recordsGradients } from '../autograd/mode.js';
import { type BackwardRule, record } from '../autograd/node.js';
import { sizeOf } from '../backend/view.js';
import { ShapeError, UnsupportedError } from '../errors.js';
import { convert } from '../tensor/basics.js';
import { emptyOf } from '../tensor/empty.js';
import { type Frame, foldedShape } from '../tensor/kernel.js';
import { repeatOver } from '../tensor/layout.js';
import { show } from '../tensor/shape.js';
import { storageOf, type Tensor } from '../tensor/tensor.js';
import { contiguous } from './conversion.js';
import { singularValues } from './linalg-svd.js';
import { mul } from './pointwise.js';
import { permute } from './views.js';

/** d Σσ = U Vᵀ: `polar` is that, with the shape of the input. */
const rule: BackwardRule<{ readonly polar: Tensor; readonly frame: Frame }> = {
  name: 'NuclearNorm',
  backward: (g, _, { polar, frame }) => {
    if (recordsGradients()) throw new UnsupportedError("norm: the second derivative of p = 'nuc' is not available");
    return [mul(repeatOver(g, frame), polar)];
  },
};

/** The sum of the singular values of the matrices that the two folded axes of the frame span. */
export function nuclearNorm(x: Tensor, frame: Frame): Tensor {
  const { shape, axes } = frame;
  if (axes.length !== 2)
    throw new ShapeError(`norm: p = 'nuc' is a matrix norm and takes two dims, got ${axes.length} of ${show(shape)}`);
  const order = [...shape.keys()].filter((axis) => !axes.includes(axis)).concat(axes);
  const matrices = contiguous(permute(convert(x.detach(), 'float64'), order));
  const [rows, cols] = [shape[axes[0]!]!, shape[axes[1]!]!];
  const values = matrices.toTypedArray() as Float64Array;
  const polar = emptyOf(matrices.shape, 'float64');
  const polarValues = storageOf(polar).array('float64');
  const sums = emptyOf(foldedShape(frame), 'float64');
  for (let i = 0; i < sizeOf(sums.shape); i++) {
    const from = i * rows * cols;
    const decomposed = singularValues({ rows, cols, values: values.subarray(from, from + rows * cols) });
    storageOf(sums).array('float64')[i] = decomposed.sum;
    polarValues.set(decomposed.polar, from);
  }
  const back = [...order.keys()].map((axis) => order.indexOf(axis));
  return record(convert(sums, x.dtype), rule, [x], [], { polar: convert(permute(polar, back), x.dtype), frame });
}
