import { define } from '../arguments/define.js';
import type { FunctionOf } from '../arguments/forms.js';
import { type Kind, kind } from '../arguments/kind.js';
import { signature } from '../arguments/signature.js';
import { ShapeError } from '../errors.js';
import { requireOneType } from '../tensor/check.js';
import * as kinds from '../tensor/kinds.js';
import { owned } from '../tensor/layout.js';
import { broadcastShapes, normalizeDim, show } from '../tensor/shape.js';
import { shapeOf, type Tensor } from '../tensor/tensor.js';
import { contracted, type Labelled } from './labels.js';
import { mul, sub } from './pointwise.js';
import { dot } from './products.js';
import { roll } from './rearranging.js';
import { expand, reshape, unsqueeze } from './views.js';

// Products of tensors, summed over dimensions that are named, or over none.

type Dims = number | readonly (readonly number[])[];

const isDims = (value: unknown): value is Dims =>
  (Number.isSafeInteger(value) && (value as number) >= 0) ||
  (Array.isArray(value) && value.length === 2 && value.every((list) => kinds.integers.accepts(list)));

const contractedDims: Kind<Dims> = kind('a number of dims, or two arrays of as many dims', isDims);

const contracting = signature('a, b, /, dims', {
  a: kinds.tensor,
  b: kinds.tensor,
  /** How many dims to sum over, the last of `a` with the first of `b`; or [those of a, those of b]. Default: 2. */
  dims: contractedDims.default(2),
});

function axesToContract(a: Tensor, b: Tensor, dims: Dims): [number[], number[]] {
  if (typeof dims === 'number') {
    if (dims > Math.min(a.ndim, b.ndim))
      throw new ShapeError(
        `tensordot: expected at least ${dims} dimensions of both, got ${show(a.shape)} and ${show(b.shape)}`,
      );
    return [Array.from({ length: dims }, (_, i) => a.ndim - dims + i), Array.from({ length: dims }, (_, i) => i)];
  }
  const axes = [a, b].map((x, i) => dims[i]!.map((dim) => normalizeDim('tensordot', dim, x.ndim)));
  const repeated = axes.find((list) => new Set(list).size < list.length);
  if (axes[0]!.length !== axes[1]!.length || repeated !== undefined) {
    throw new ShapeError(`tensordot: expected as many dims of both, each once, got ${dims.map(show).join(' and ')}`);
  }
  return axes as [number[], number[]];
}

/**
 * The product of two tensors, summed over pairs of dimensions. The others follow in order, those of `a` first.
 *
 * @param dims how many: the last of `a` with the first of `b`; or [dims of a, dims of b]
 * @throws ShapeError if sizes or counts differ; DTypeError if element types differ
 * @example
 * ```ts
 * tensordot(ones([2, 3, 4]), ones([3, 4, 5])).shape; // [2, 5]
 * tensordot(ones([2, 3, 4]), ones([4, 3, 5]), [[1, 2], [1, 0]]).shape; // [2, 5]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.tensordot.html
 */
export const tensordot: FunctionOf<Tensor, typeof contracting> = define('tensordot', contracting, (a, b, dims) => {
  requireOneType('tensordot', a, b);
  const [left, right] = axesToContract(a, b, dims);
  const shared = left.map((axis, i) => [axis, right[i]!] as const);
  const wrong = shared.find(([i, j]) => {
    const [m, n] = [shapeOf(a)[i]!, shapeOf(b)[j]!];
    return m !== n && m !== 1 && n !== 1;
  });
  if (wrong !== undefined) {
    throw new ShapeError(
      `tensordot: dim ${wrong[0]} of ${show(a.shape)} and dim ${wrong[1]} of ${show(b.shape)} differ in size`,
    );
  }
  const first: Labelled = { tensor: a, labels: [...shapeOf(a).keys()] };
  const second: Labelled = {
    tensor: b,
    labels: shapeOf(b).map((_, j) => shared.find(([, other]) => other === j)?.[0] ?? a.ndim + j),
  };
  const output = [
    ...first.labels.filter((label) => !left.includes(label)),
    ...second.labels.filter((label) => label >= a.ndim),
  ];
  return contracted([first, second], output);
});

const withOther = signature('input, other, /', { input: kinds.tensor, other: kinds.tensor });
const withVector = signature('input, /, vec2', { input: kinds.tensor, vec2: kinds.tensor });

/**
 * Sums of products over the last dimension of both: of two vectors their dot product. A 0-d operand multiplies the other.
 *
 * @throws ShapeError if the last sizes differ; DTypeError if element types differ
 * @example
 * ```ts
 * inner(tensor([1, 2]), tensor([3, 4])); // tensor(11.)
 * inner(ones([2, 3]), ones([4, 3])).shape; // [2, 4]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.inner.html
 */
export const inner: FunctionOf<Tensor, typeof withOther> = define('inner', withOther, (a, b) => {
  requireOneType('inner', a, b);
  if (a.ndim === 0 || b.ndim === 0) return mul(a, b);
  if (shapeOf(a).at(-1) !== shapeOf(b).at(-1))
    throw new ShapeError(`inner: the last dims of ${show(a.shape)} and ${show(b.shape)} differ in size`);
  return tensordot(a, b, [[-1], [-1]]);
});

const outerOf = (op: string, a: Tensor, b: Tensor): Tensor => {
  const wrong = [a, b].find((x) => x.ndim !== 1);
  if (wrong !== undefined) throw new ShapeError(`${op}: expected two vectors, got shape ${show(wrong.shape)}`);
  return mul(unsqueeze(a, 1), b);
};

/**
 * aᵢ bⱼ of two vectors.
 *
 * @throws ShapeError for what is no vector
 * @example
 * ```ts
 * outer(tensor([1, 2]), tensor([3, 4])); // tensor([[3., 4.], [6., 8.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.outer.html
 */
export const outer: FunctionOf<Tensor, typeof withVector> = define('outer', withVector, (a, b) =>
  outerOf('outer', a, b),
);
/** The same as `outer`. @example ger(tensor([1, 2]), tensor([3])); // tensor([[3.], [6.]]) */
export const ger: FunctionOf<Tensor, typeof withVector> = define('ger', withVector, (a, b) => outerOf('ger', a, b));

/** The same as `dot`, as elements are real. @example vdot(tensor([1, 2]), tensor([3, 4])); // tensor(11.) */
export const vdot: FunctionOf<Tensor, typeof withOther> = define('vdot', withOther, (a, b) => {
  requireOneType('vdot', a, b);
  const wrong = [a, b].find((x) => x.ndim !== 1);
  if (wrong !== undefined) throw new ShapeError(`vdot: expected two vectors, got shape ${show(wrong.shape)}`);
  if (a.numel() !== b.numel()) throw new ShapeError(`vdot: sizes differ: ${show(a.shape)} x ${show(b.shape)}`);
  return dot(a, b);
});

/**
 * The Kronecker product: every element of the first times all of the second. Of shapes (a, …) and (b, …) it makes (a b, …).
 *
 * @example
 * ```ts
 * kron(tensor([[1, 2]]), tensor([[1, 1], [0, 1]])); // tensor([[1., 1., 2., 2.], [0., 1., 0., 2.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.kron.html
 */
export const kron: FunctionOf<Tensor, typeof withOther> = define('kron', withOther, (a, b) => {
  const ndim = Math.max(a.ndim, b.ndim);
  const padded = (x: Tensor): number[] => [...Array<number>(ndim - x.ndim).fill(1), ...shapeOf(x)];
  const [left, right] = [padded(a), padded(b)];
  const between = (shape: readonly number[], first: boolean) =>
    shape.flatMap((size) => (first ? [size, 1] : [1, size]));
  if (2 * ndim > MOST_DIMS) throw new ShapeError(`kron: expected at most ${MOST_DIMS / 2} dimensions, got ${ndim}`);
  const all = mul(reshape(a, between(left, true)), reshape(b, between(right, false)));
  return owned(
    reshape(
      all,
      left.map((size, i) => size * right[i]!),
    ),
  );
});

/** Of a tensor; on the way to the result of `kron` there are two for each. */
const MOST_DIMS = 12;

/** a x b along an axis of three elements, in the name of `op`. */
export function crossed(op: string, a: Tensor, b: Tensor, dim: number | null): Tensor {
  requireOneType(op, a, b);
  if (dim !== null && a.ndim !== b.ndim)
    throw new ShapeError(`${op}: expected as many dimensions of both, got ${show(a.shape)} and ${show(b.shape)}`);
  const shape = broadcastShapes(op, shapeOf(a), shapeOf(b));
  const axis = dim === null ? shape.indexOf(3) : normalizeDim(op, dim, shape.length);
  if (axis < 0 || shape[axis] !== 3 || [a, b].some((x) => shapeOf(x).at(axis - shape.length) !== 3)) {
    const where = dim === null ? 'a dim' : `dim ${dim}`;
    throw new ShapeError(`${op}: expected ${where} of 3 elements, got ${show(a.shape)} and ${show(b.shape)}`);
  }
  const [x, y] = [a, b].map((side) => expand(side, shape)) as [Tensor, Tensor];
  return sub(mul(roll(x, -1, axis), roll(y, -2, axis)), mul(roll(x, -2, axis), roll(y, -1, axis)));
}

const crossing = signature('input, other, /, dim', {
  input: kinds.tensor,
  other: kinds.tensor,
  /** The dimension of three elements. Default: null, the first that has three. */
  dim: kinds.dim.optional(),
});

/**
 * The cross product of vectors of three elements.
 *
 * @throws ShapeError if there is no such dimension, or shapes do not broadcast; DTypeError if element types differ
 * @example
 * ```ts
 * cross(tensor([1, 0, 0]), tensor([0, 1, 0])); // tensor([0., 0., 1.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.cross.html
 */
export const cross: FunctionOf<Tensor, typeof crossing> = define('cross', crossing, (a, b, dim) =>
  crossed('cross', a, b, dim),
);
