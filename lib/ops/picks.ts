import { define } from '../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import { isBool, type TypedArray } from '../backend/dtype.js';
import { sizeOf } from '../backend/view.js';
import { DTypeError, ShapeError, ValueError } from '../errors.js';
import { recording } from '../backend/recording.js';
import * as kinds from '../tensor/kinds.js';
import { expandTo, owned } from '../tensor/layout.js';
import { type Single, single } from '../tensor/parameters.js';
import { broadcastShapes, broadcastsTo, checkNdim, normalizeDim, type Shape, show } from '../tensor/shape.js';
import { shapeOf, type Tensor } from '../tensor/tensor.js';
import { valuesOf } from '../tensor/values.js';
import { gathered, index, outOfRange, overwrite, scattered } from './along.js';
import { zeros } from './creation.js';
import { cat, stack } from './joining.js';
import { located, nonzeroPlaces, positions } from './places.js';
import { where } from './pointwise.js';
import { cumsum } from './scans.js';
import { flatten, reshape, unsqueeze } from './views.js';

// Elements of a tensor as a whole: by their positions in row-major order, or by a condition.

const taking = signature('input, /, index', { input: kinds.tensor, index });
const putting = signature('input, /, index, source, accumulate', {
  input: kinds.tensor,
  index,
  source: kinds.tensor,
  /** Add to what is there. Default: false. */
  accumulate: kinds.boolean.default(false),
});
const takingAlong = signature('input, /, indices, dim', {
  input: kinds.tensor,
  indices: index,
  /** The dimension. Default: null, both are taken as flat. */
  dim: kinds.dim.optional(),
});
const finding = signature('input, /, *, asTuple', {
  input: kinds.tensor,
  /** An index per dimension instead of one tensor. Default: false. */
  asTuple: kinds.boolean.default(false),
});
const choosing = signature('input, mask, /', { input: kinds.tensor, mask: kinds.tensor });
const spreading = signature('input, mask, source, /', {
  input: kinds.tensor,
  mask: kinds.tensor,
  source: kinds.tensor,
});
const encoding = signature('input, /, numClasses', {
  input: index,
  /** How many classes there are. Default: -1, one more than the largest. */
  numClasses: kinds.integerFrom(-1).default(-1),
});

export interface PutOptions extends OptionsOf<typeof putting> {}
export interface TakeAlongDimOptions extends OptionsOf<typeof takingAlong> {}
export interface NonzeroOptions extends OptionsOf<typeof finding> {}
export interface OneHotOptions extends OptionsOf<typeof encoding> {}

type Putting = FunctionOf<Tensor, typeof putting, PutOptions>;
type Spreading = FunctionOf<Tensor, typeof spreading>;

const like = (x: Tensor, shape: Shape): Tensor => owned(reshape(x, shape));

/**
 * Elements by their positions in the tensor as a flat one; the result has the shape of the index. Negative positions count from the end.
 *
 * @param index int32, of any shape
 * @throws ValueError if an index is out of range
 * @example
 * ```ts
 * take(tensor([[1, 2], [3, 4]]), tensor([0, -1], { dtype: 'int32' })); // tensor([1., 4.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.take.html
 */
export const take: FunctionOf<Tensor, typeof taking> = define('take', taking, (x, index) => {
  const list = reshape(located([index], [x.numel()]), [-1]);
  const refused = (at: number, size: number) => outOfRange('take', index, at, size);
  return like(gathered('take', flatten(x), 0, list, refused), shapeOf(index));
});

function put(op: string, x: Tensor, index: Tensor, source: Tensor, accumulate: boolean): Tensor {
  if (source.dtype !== x.dtype) throw new DTypeError(`${op}: the source is ${source.dtype}, but the tensor ${x.dtype}`);
  if (source.numel() !== index.numel()) {
    throw new ShapeError(
      `${op}: expected a source of ${index.numel()} elements, as the index has, got ${source.numel()}`,
    );
  }
  const list = reshape(located([index], [x.numel()]), [index.numel()]);
  const refused = (at: number, size: number) => outOfRange(op, index, at, size);
  const mode = accumulate ? 'add' : 'set';
  return like(scattered(op, flatten(x), 0, list, flatten(source), mode, refused), shapeOf(x));
}

/**
 * A copy of `x` with elements of `source` at positions in the tensor as a flat one. Negative positions count from the end.
 *
 * @param index int32, of any shape
 * @param source as many elements as the index has
 * @throws ValueError if an index is out of range; DTypeError if types differ
 * @example
 * ```ts
 * put(zeros([2, 2]), tensor([1, -1], { dtype: 'int32' }), tensor([5, 6])); // tensor([[0., 5.], [0., 6.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.put_.html
 */
const putOf: Putting = define('put', putting, (...args) => put('put', ...args));
export { putOf as put };

/** `put` in place. @example zeros([2]).put_(tensor([1], { dtype: 'int32' }), tensor([5])); // tensor([0., 5.]) */
export const put_: Putting = define('put_', putting, (x, ...rest) =>
  overwrite('put_', x, (old) => put('put_', old, ...rest)),
);

/**
 * `gather` with an index that is broadcast against the tensor but along `dim`, such as `argsort` and `argmax` give. Negative indices count from the end.
 *
 * @throws ValueError if an index is out of range; ShapeError if they do not broadcast
 * @example
 * ```ts
 * const x = tensor([[3, 1], [2, 4]]);
 * takeAlongDim(x, x.argmax(1, true), 1); // tensor([[3.], [4.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.take_along_dim.html
 */
export const takeAlongDim: FunctionOf<Tensor, typeof takingAlong, TakeAlongDimOptions> = define(
  'takeAlongDim',
  takingAlong,
  (x, indices, dim) => {
    const wrapped = (at: Tensor, size: number) => (at.numel() === 0 ? at : located([at], [size]));
    const refused = (at: number, size: number) => outOfRange('takeAlongDim', indices, at, size);
    if (dim === null) return gathered('takeAlongDim', flatten(x), 0, wrapped(flatten(indices), x.numel()), refused);
    if (x.ndim !== indices.ndim) {
      throw new ShapeError(
        `takeAlongDim: the indices must have as many dimensions as the tensor: ${show(indices.shape)} for ${show(x.shape)}`,
      );
    }
    const axis = normalizeDim('takeAlongDim', dim, x.ndim);
    const size = shapeOf(x)[axis] ?? 1;
    const places = wrapped(indices, size);
    if (x.ndim === 0) return gathered('takeAlongDim', x, 0, places, refused);
    const common = broadcastShapes('takeAlongDim', shapeOf(x).with(axis, 1), shapeOf(places).with(axis, 1));
    const spread = expandTo(places, common.with(axis, shapeOf(places)[axis]!));
    const refusedThere = (at: number) => outOfRange('takeAlongDim', expandTo(indices, shapeOf(spread)), at, size);
    return gathered('takeAlongDim', expandTo(x, common.with(axis, size)), axis, spread, refusedThere);
  },
);

/** [n, ndim]: the indices of each element in a row. */
function rowsOf(op: string, x: Tensor): Tensor {
  const places = nonzeroPlaces(x.ndim === 0 ? reshape(x, [1]) : x, op);
  const count = places[0]!.length;
  return x.ndim === 0 ? zeros([count, 0], { dtype: 'int32' }) : stack(places.map(positions), 1);
}

/**
 * The indices (int32) of all elements that are not 0, in row-major order: a row for each, or with `asTuple` an array of a tensor per
 * dimension. Captured functions refuse it: the size of the result depends on values.
 *
 * @returns [n, ndim], or an array of [n]
 * @example
 * ```ts
 * nonzero(tensor([[1, 0], [0, 2]])); // tensor([[0, 0], [1, 1]])
 * nonzero(tensor([0, 3, 5]), { asTuple: true }); // [tensor([1, 2])]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nonzero.html
 */
export const nonzero = define('nonzero', finding, (x, asTuple) =>
  asTuple ? nonzeroPlaces(x.ndim === 0 ? reshape(x, [1]) : x, 'nonzero').map(positions) : rowsOf('nonzero', x),
) as Nonzero;

interface Nonzero {
  (x: Tensor, options: { readonly asTuple: true }): Tensor[];
  (x: Tensor, options?: NonzeroOptions & { readonly asTuple?: false }): Tensor;
}

/** `nonzero` as one tensor. @example argwhere(tensor([0, 3, 5])); // tensor([[1], [2]]) */
export const argwhere: Single = define('argwhere', single, (x) => rowsOf('argwhere', x));

function requireMask(op: string, mask: Tensor): void {
  if (!isBool(mask.dtype))
    throw new DTypeError(`${op}: the mask must be bool, got ${mask.dtype}; convert with .bool()`);
}

/**
 * The elements where a mask is true, in row-major order; both are broadcast. Captured functions refuse it: the size of the result depends on
 * values.
 *
 * @param mask bool
 * @example
 * ```ts
 * maskedSelect(tensor([1, 2, 3]), tensor([true, false, true])); // tensor([1., 3.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.masked_select.html
 */
export const maskedSelect: FunctionOf<Tensor, typeof choosing> = define('maskedSelect', choosing, (x, mask) => {
  requireMask('maskedSelect', mask);
  const shape = broadcastShapes('maskedSelect', shapeOf(x), shapeOf(mask));
  checkNdim('maskedSelect', shape.length);
  const [places] = nonzeroPlaces(reshape(expandTo(mask, shape), [sizeOf(shape)]), 'maskedSelect');
  return gathered('maskedSelect', reshape(expandTo(x, shape), [sizeOf(shape)]), 0, positions(places!));
});

function spread(op: string, x: Tensor, mask: Tensor, source: Tensor, shape: Shape): Tensor {
  requireMask(op, mask);
  if (source.dtype !== x.dtype) throw new DTypeError(`${op}: the source is ${source.dtype}, but the tensor ${x.dtype}`);
  const places = reshape(expandTo(mask, shape), [sizeOf(shape)]);
  // What is not masked reads an element in front of the source.
  const order = where(places, cumsum(places, 0), 0);
  const values = cat([zeros([1], { dtype: x.dtype }), flatten(source)]);
  const tooFew = () =>
    new ValueError(`${op}: the source has ${source.numel()} elements, which are fewer than the mask has true ones`);
  const spreadOut = gathered(op, values, 0, order, tooFew);
  return where(expandTo(mask, shape), reshape(spreadOut, shape), expandTo(x, shape));
}

/**
 * `x` with the elements of `source`, in order, where a mask is true. Tensor and mask are broadcast.
 *
 * @param mask bool
 * @param source at least as many elements as the mask has true ones
 * @throws ValueError if the source has too few elements; DTypeError if types differ
 * @example
 * ```ts
 * maskedScatter(zeros([3]), tensor([true, false, true]), tensor([5, 6])); // tensor([5., 0., 6.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.masked_scatter_.html
 */
export const maskedScatter: Spreading = define('maskedScatter', spreading, (x, mask, source) =>
  spread('maskedScatter', x, mask, source, broadcastShapes('maskedScatter', shapeOf(x), shapeOf(mask))),
);

/**
 * `maskedScatter` in place; the mask is broadcast to the tensor.
 *
 * @example
 * ```ts
 * zeros([3]).maskedScatter_(tensor([true, false, true]), tensor([5, 6])); // tensor([5., 0., 6.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.masked_scatter_.html
 */
export const maskedScatter_: Spreading = define('maskedScatter_', spreading, (x, mask, source) => {
  if (!broadcastsTo(shapeOf(mask), shapeOf(x)))
    throw new ShapeError(`maskedScatter_: a mask of shape ${show(mask.shape)} does not broadcast to ${show(x.shape)}`);
  return overwrite('maskedScatter_', x, (old) => spread('maskedScatter_', old, mask, source, shapeOf(x)));
});

const largest = (values: TypedArray): number => Array.from(values).reduce((a, b) => Math.max(a, b), 0);

/** The error of a class out of range. In the call that a captured function is recorded in no value can be read. */
function noClass(x: Tensor, at: number, size: number): ValueError {
  const value = recording === null ? valuesOf(x, 'oneHot')[at]! : size;
  if (value >= 0) return outOfRange('oneHot', x, at, size);
  return new ValueError(`oneHot: classes must be at least 0, got ${value} (element ${at})`);
}

/**
 * A row of zeros with a 1 at each class (int32), as a new last dimension.
 *
 * @param input int32: classes
 * @param numClasses default -1: one more than the largest class, which captured functions refuse, because the size of the result depends on values
 * @throws ValueError for a class out of range
 * @example
 * ```ts
 * nn.functional.oneHot(tensor([0, 2], { dtype: 'int32' })); // tensor([[1, 0, 0], [0, 0, 1]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.one_hot.html
 */
export const oneHot: FunctionOf<Tensor, typeof encoding, OneHotOptions> = define(
  'oneHot',
  encoding,
  (x, numClasses) => {
    if (numClasses < 1 && (numClasses === 0 || x.numel() === 0)) {
      throw new ValueError(
        `oneHot: the number of classes must be at least 1${numClasses === 0 ? ', got 0' : ' for no elements'}`,
      );
    }
    const count = numClasses === -1 ? largest(valuesOf(x, 'oneHot', 'give numClasses')) + 1 : numClasses;
    const classes = unsqueeze(x, -1);
    const refused = (at: number, size: number) => noClass(x, at, size);
    return scattered('oneHot', zeros([...shapeOf(x), count], { dtype: 'int32' }), -1, classes, 1, 'set', refused);
  },
);
