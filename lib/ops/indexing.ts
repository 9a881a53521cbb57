import { define } from '../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import { ShapeError } from '../errors.js';
import * as kinds from '../tensor/kinds.js';
import { normalizeDim, show } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { gathered, indexing, overwrite, scattered, selectedSlices } from './along.js';
import { reduceScattered } from './scatter-reductions.js';
import { reshape } from './views.js';

// Elements and slices along one dimension, by indices.

const gathering = signature('input, /, dim, index', indexing);
const adding = signature('input, /, dim, index, src', { ...indexing, src: kinds.tensor });
const scattering = signature('input, /, dim, index, src, *, reduce', {
  ...indexing,
  src: kinds.operand,
  /** Combine with what is there instead of replacing it. Default: null. */
  reduce: kinds.choice('add', 'multiply').optional(),
});

export interface ScatterOptions extends OptionsOf<typeof scattering> {}

type Gather = FunctionOf<Tensor, typeof gathering>;
type Adding = FunctionOf<Tensor, typeof adding>;
type Scatter = FunctionOf<Tensor, typeof scattering, ScatterOptions>;

/**
 * Elements picked along `dim` by an index per element: `out[i][j] = x[i][index[i][j]]` for dim 1 of a matrix.
 *
 * @param index int32, with as many dimensions as `x`
 * @throws ValueError if an index is out of range
 * @example
 * ```ts
 * gather(tensor([[1, 2], [3, 4]]), 1, tensor([[0, 0], [1, 0]], { dtype: 'int32' })); // tensor([[1., 1.], [4., 3.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.gather.html
 */
export const gather: Gather = define('gather', gathering, (x, dim, index) => gathered('gather', x, dim, index));

/**
 * Slices of `x` along `dim`, in the order of a list of positions.
 *
 * @param index int32, 1-d (or 0-d for one)
 * @throws ValueError if an index is out of range
 * @example
 * ```ts
 * indexSelect(tensor([[1, 2], [3, 4]]), 0, tensor([1, 1], { dtype: 'int32' })); // tensor([[3., 4.], [3., 4.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.index_select.html
 */
export const indexSelect: Gather = define('indexSelect', gathering, (x, dim, index) => {
  if (index.ndim > 1) throw new ShapeError(`indexSelect: the index must be 1-d, got ${show(index.shape)}`);
  const axis = normalizeDim('indexSelect', dim, x.ndim);
  if (x.ndim === 0) return reshape(gathered('indexSelect', reshape(x, [1]), 0, reshape(index, [-1])), []);
  return selectedSlices('indexSelect', x, axis, index);
});

function written(
  op: string,
  x: Tensor,
  dim: number,
  index: Tensor,
  src: Tensor | number,
  reduce: 'add' | 'multiply' | null,
): Tensor {
  if (reduce !== 'multiply') return scattered(op, x, dim, index, src, reduce === null ? 'set' : 'add');
  return reduceScattered(op, x, dim, index, src, 'prod', true);
}

/**
 * A copy of `x` with elements of `source` (or one number) written along `dim` where an index per element says:
 * `out[i][index[i][j]] = source[i][j]` for dim 1 of a matrix. Of several writes to one place the last wins.
 *
 * @param index int32, with as many dimensions as `x`
 * @throws ValueError if an index is out of range; DTypeError if types differ
 * @example
 * ```ts
 * const index = tensor([[2], [0]], { dtype: 'int32' });
 * scatter(zeros([2, 3]), 1, index, 1); // tensor([[0., 0., 1.], [1., 0., 0.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.scatter_.html
 */
export const scatter: Scatter = define('scatter', scattering, (...args) => written('scatter', ...args));

/** `scatter` in place. @example zeros([3]).scatter_(0, tensor([2], { dtype: 'int32' }), 5); // tensor([0., 0., 5.]) */
export const scatter_: Scatter = define('scatter_', scattering, (x, ...rest) =>
  overwrite('scatter_', x, (old) => written('scatter_', old, ...rest)),
);

/**
 * `scatter` that adds to what is there; equal indices add up.
 *
 * @param index int32, with as many dimensions as `x`
 * @throws ValueError if an index is out of range; DTypeError if types differ
 * @example
 * ```ts
 * const index = tensor([0, 2, 0], { dtype: 'int32' });
 * scatterAdd(zeros([3]), 0, index, tensor([1, 2, 3])); // tensor([4., 0., 2.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.scatter_add_.html
 */
export const scatterAdd: Adding = define('scatterAdd', adding, (x, dim, index, src) =>
  scattered('scatterAdd', x, dim, index, src, 'add'),
);

/** `scatterAdd` in place. @example zeros([2]).scatterAdd_(0, tensor([1, 1], { dtype: 'int32' }), ones([2])); // tensor([0., 2.]) */
export const scatterAdd_: Adding = define('scatterAdd_', adding, (x, dim, index, src) =>
  overwrite('scatterAdd_', x, (old) => scattered('scatterAdd_', old, dim, index, src, 'add')),
);
