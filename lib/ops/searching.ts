import { define } from '../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import { isInteger } from '../backend/dtype.js';
import { sameShape } from '../backend/view.js';
import { DTypeError, ShapeError, ValueError } from '../errors.js';
import type { Expr } from '../expr/index.js';
import * as e from '../expr/index.js';
import { once } from '../once.js';
import { Kernel } from '../tensor/kernel.js';
import * as kinds from '../tensor/kinds.js';
import { commonType, type Operand } from '../tensor/promotion.js';
import { show } from '../tensor/shape.js';
import { isTensor, shapeOf, type Tensor } from '../tensor/tensor.js';
import { to } from './conversion.js';
import { full } from './creation.js';
import { gather } from './indexing.js';
import { lengthAlong, sortAlong } from './order.js';
import { eq, logicalNot } from './pointwise.js';
import { reshape } from './views.js';

/** Whether what is looked for is beyond a place, by what is found there. */
type Condition = (found: Expr, value: Expr) => Expr;

/**
 * A step of a search, given what is found halfway between start and end: where these are then, and the next place to look at, which is
 * within a line of `size`. Where start and end have met, neither moves.
 */
function search(isBeyond: Condition): Kernel {
  const halfway = (start: Expr, end: Expr) => e.floor(e.div(e.add(start, end), 2));
  const [start, end, found, value] = [0, 1, 2, 3].map((i) => e.input(i, 'element')) as [Expr, Expr, Expr, Expr];
  const [place, beyond] = [halfway(start, end), isBeyond(found, value)];
  const searches = e.lt(start, end);
  const nextStart = e.where(e.and(searches, beyond), e.add(place, 1), start);
  const nextEnd = e.where(e.and(searches, e.not(beyond)), place, end);
  const nextPlace = e.min(halfway(nextStart, nextEnd), e.sub(e.param(0), 1));
  const roots = e.shareCommon([nextStart, nextEnd, nextPlace]);
  return new Kernel('searchsorted', roots, ['element', 'element', 'element', 'element'], 1);
}

// NaN is beyond everything, wherever it is, as PyTorch has it.
const leftmost = once(() => search((found, value) => e.not(e.ge(found, value))));
const rightmost = once(() => search((found, value) => e.not(e.gt(found, value))));
/** The first place of a value that is there, whatever NaN come after it. */
const firstEqual = once(() => search((found, value) => e.lt(found, value)));

/** How many elements of its sorted line come before each value (all of one type, and of as many dimensions), by halving. */
function placesIn(lines: Tensor, values: Tensor, step: Kernel): Tensor {
  const size = lengthAlong(lines, lines.ndim - 1);
  const filled = (place: number) => full(shapeOf(values), place, { dtype: 'int32' });
  if (size === 0) return filled(0);
  let [start, end, place] = [filled(0), filled(size), filled(Math.floor(size / 2))];
  for (let left = size; left > 0; left = Math.floor(left / 2)) {
    const found = gather(lines, lines.ndim - 1, place);
    [start, end, place] = step.run([start, end, found, values], [size], 'int32', 'float64', null) as [
      Tensor,
      Tensor,
      Tensor,
    ];
  }
  return start;
}

const asTensor = (x: Operand, other: Operand): Tensor =>
  isTensor(x) ? x.detach() : full([], x, { dtype: commonType([x, other]) });

/** Both as the type that holds them. */
function alike(a: Operand, b: Operand): [Tensor, Tensor] {
  const type = commonType([a, b]);
  return [to(asTensor(a, b), type), to(asTensor(b, a), type)];
}

/** A search in one line, for values of any shape. */
function placesInLine(line: Tensor, values: Tensor, how: Kernel): Tensor {
  return reshape(placesIn(line, reshape(values, [-1]), how), shapeOf(values));
}

const looking = signature('sortedSequence, input, /, *, outInt32, right, side, sorter', {
  sortedSequence: kinds.tensor,
  input: kinds.operand,
  /** Whether the result has to be int32; it is in any case. Default: false. */
  outInt32: kinds.boolean.default(false),
  /** After equal elements, rather than before them. Default: false. */
  right: kinds.boolean.default(false),
  /** The same as a word. Default: null, what `right` says. */
  side: kinds.choice('left', 'right').optional(),
  /** Where the elements of a sequence that is not sorted are in order, as `argsort` says. Default: null. */
  sorter: kinds.tensor.optional(),
});

export interface SearchsortedOptions extends OptionsOf<typeof looking> {}

function checkLines(sequence: Tensor, input: Operand): void {
  const [lines, values] = [shapeOf(sequence), isTensor(input) ? shapeOf(input) : []];
  if (lines.length === 0) throw new ShapeError('searchsorted: the sequence must have a dimension, got a 0-d tensor');
  if (lines.length === 1) return;
  if (values.length === lines.length && sameShape(values.slice(0, -1), lines.slice(0, -1))) return;
  throw new ShapeError(
    `searchsorted: the sequence must be 1-d, or of the same shape as the input but for the last dimension: ${show(lines)} for ${show(values)}`,
  );
}

function inOrder(sequence: Tensor, sorter: Tensor | null): Tensor {
  if (sorter === null) return sequence;
  if (!isInteger(sorter.dtype))
    throw new DTypeError(`searchsorted: sorter must be int32, got ${sorter.dtype}; convert with .int()`);
  if (!sameShape(shapeOf(sorter), shapeOf(sequence))) {
    throw new ShapeError(
      `searchsorted: sorter must have the shape of the sequence: ${show(sorter.shape)} for ${show(sequence.shape)}`,
    );
  }
  return gather(sequence, -1, sorter);
}

/**
 * Where values would have to be put into a sorted sequence so that it stays sorted (int32): before equal elements, or after them. A
 * sequence of several dimensions has a line for each line of the input.
 *
 * @param input a tensor, or a number if the sequence is 1-d
 * @throws ShapeError if the lines do not fit; ValueError for a side and a `right` that contradict each other
 * @example
 * ```ts
 * const sequence = tensor([1, 3, 5, 7]);
 * searchsorted(sequence, tensor([3, 6, 9])); // tensor([1, 3, 4])
 * searchsorted(sequence, tensor([3, 6, 9]), { right: true }); // tensor([2, 3, 4])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.searchsorted.html
 */
export const searchsorted: FunctionOf<Tensor, typeof looking, SearchsortedOptions> = define(
  'searchsorted',
  looking,
  (sequence, input, _, right, side, sorter) => {
    if (side === 'left' && right)
      throw new ValueError("searchsorted: side is 'left', but right is true; give one of them");
    checkLines(sequence, input);
    const how = right || side === 'right' ? rightmost() : leftmost();
    const [lines, values] = alike(inOrder(sequence, sorter), input);
    return lines.ndim === 1 ? placesInLine(lines, values, how) : placesIn(lines, values, how);
  },
);

const sorting = signature('input, boundaries, /, *, outInt32, right', {
  input: kinds.operand,
  boundaries: kinds.tensor,
  /** Whether the result has to be int32; it is in any case. Default: false. */
  outInt32: kinds.boolean.default(false),
  /** Whether a value that is a boundary belongs to the bucket above it. Default: false. */
  right: kinds.boolean.default(false),
});

export interface BucketizeOptions extends OptionsOf<typeof sorting> {}

/**
 * Between which of sorted boundaries each value is (int32): 0 up to the first, then one more for each that is below it.
 *
 * @throws ShapeError if the boundaries are not 1-d
 * @example
 * ```ts
 * const boundaries = tensor([1, 3, 5]);
 * bucketize(tensor([0, 3, 9]), boundaries); // tensor([0, 1, 3])
 * bucketize(tensor([0, 3, 9]), boundaries, { right: true }); // tensor([0, 2, 3])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.bucketize.html
 */
export const bucketize: FunctionOf<Tensor, typeof sorting, BucketizeOptions> = define(
  'bucketize',
  sorting,
  (input, boundaries, _, right) => {
    if (boundaries.ndim !== 1)
      throw new ShapeError(`bucketize: boundaries must be 1-d, got shape ${show(boundaries.shape)}`);
    const [line, values] = alike(boundaries, input);
    return placesInLine(line, values, right ? rightmost() : leftmost());
  },
);

const belonging = signature('elements, testElements, /, *, assumeUnique, invert', {
  elements: kinds.operand,
  testElements: kinds.operand,
  /** Whether no element is there twice, which may be faster elsewhere and changes nothing here. Default: false. */
  assumeUnique: kinds.boolean.default(false),
  /** Whether each is not among them, instead. Default: false. */
  invert: kinds.boolean.default(false),
});

export interface IsinOptions extends OptionsOf<typeof belonging> {}

/**
 * Whether each element is among others. NaN is among none.
 *
 * @param elements a tensor or a number
 * @param testElements a tensor or a number, not both of them numbers
 * @example
 * ```ts
 * isin(tensor([1, 2, 3]), tensor([2, 3, 4])); // tensor([False,  True,  True])
 * isin(tensor([1, 2, 3]), 2, { invert: true }); // tensor([ True, False,  True])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.isin.html
 */
export const isin: FunctionOf<Tensor, typeof belonging, IsinOptions> = define(
  'isin',
  belonging,
  (elements, testElements, _, invert) => {
    if (!isTensor(elements) && !isTensor(testElements))
      throw new ValueError('isin: one of elements and testElements must be a Tensor, got two numbers');
    const [values, others] = alike(elements, testElements);
    if (others.numel() === 0) return full(shapeOf(values), Number(invert), { dtype: 'bool' });
    const [line] = sortAlong(reshape(others, [-1]), 0);
    const place = placesInLine(line, values, firstEqual());
    const last = full([], others.numel() - 1, { dtype: 'int32' });
    const nearest = gather(line, 0, reshape(place.minimum(last), [-1]));
    const found = eq(reshape(nearest, shapeOf(values)), values);
    return invert ? logicalNot(found) : found;
  },
);
