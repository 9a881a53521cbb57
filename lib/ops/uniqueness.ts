import { define } from '../arguments/define.js';
import type { ArgumentsOf, OptionsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import { ShapeError } from '../errors.js';
import * as kinds from '../tensor/kinds.js';
import { normalizeDim, show } from '../tensor/shape.js';
import { shapeOf, type Tensor } from '../tensor/tensor.js';
import { valuesOf } from '../tensor/values.js';
import { movedim } from './axes.js';
import { clone, contiguous } from './conversion.js';
import { arange, ones, tensor } from './creation.js';
import { indexSelect, scatter } from './indexing.js';
import { cat } from './joining.js';
import { sortAlong } from './order.js';
import { ne, sub } from './pointwise.js';
import { any } from './reductions.js';
import { cumsum } from './scans.js';
import { takeSlice } from './slices.js';
import { reshape } from './views.js';

// How many there are depends on values: a captured function cannot have these.

const results = {
  /** Give where each element is in the result, too. Default: false. */
  returnInverse: kinds.boolean.default(false),
  /** Give how often each is there, too. Default: false. */
  returnCounts: kinds.boolean.default(false),
  /** Look at whole slices along this dimension, or (null) at single elements. Default: null. */
  dim: kinds.dim.optional(),
};

const finding = signature('input, /, sorted, returnInverse, returnCounts, dim', {
  input: kinds.tensor,
  /** Whether they have to be in order; they are in any case. Default: true. */
  sorted: kinds.boolean.default(true),
  ...results,
});

const skipping = signature('input, /, returnInverse, returnCounts, dim', { input: kinds.tensor, ...results });

export interface UniqueOptions extends OptionsOf<typeof finding> {}
export interface UniqueConsecutiveOptions extends OptionsOf<typeof skipping> {}

/** What asks for nothing else, for everything, or for one thing more. */
type Alone<O> = O & { readonly returnInverse?: false; readonly returnCounts?: false };
type Everything<O> = O & { readonly returnInverse: true; readonly returnCounts: true };
type OneMore<O> = O & ({ readonly returnInverse: true } | { readonly returnCounts: true });

/** The tensor alone, or followed by what else is asked for, in that order. */
export interface Unique<S, O> {
  (input: Tensor, options?: Alone<O>): Tensor;
  (input: Tensor, options: Everything<O>): [values: Tensor, inverse: Tensor, counts: Tensor];
  (input: Tensor, options: OneMore<O>): [values: Tensor, inverseOrCounts: Tensor];
  (...args: ArgumentsOf<S, O> extends infer A extends readonly unknown[] ? A : never): Tensor | Tensor[];
}

/** The same as a method. */
export interface UniqueMethod<O> {
  (options?: Alone<O>): Tensor;
  (options: Everything<O>): [values: Tensor, inverse: Tensor, counts: Tensor];
  (options: OneMore<O>): [values: Tensor, inverseOrCounts: Tensor];
  (...args: readonly (boolean | number | O | undefined)[]): Tensor | Tensor[];
}

/** Slices along the first axis, each of which is a row. */
const rowsOf = (x: Tensor): Tensor => reshape(x, [shapeOf(x)[0]!, -1]);

/** The order of rows, by their first elements, then by their second ones: sorted by the last, and again by each before it. */
function orderOf(rows: Tensor): Tensor {
  const [count, width] = shapeOf(rows) as [number, number];
  let order = arange(count);
  for (let column = width - 1; column >= 0; column--) {
    const keys = reshape(indexSelect(takeSlice(rows, 1, column, 1, 1), 0, order), [-1]);
    order = indexSelect(order, 0, sortAlong(keys, 0)[1]);
  }
  return order;
}

/** Whether each row differs from the one before; the first does. */
function beginnings(rows: Tensor): Tensor {
  const count = shapeOf(rows)[0]!;
  const differs = any(ne(takeSlice(rows, 0, 1, count - 1, 1), takeSlice(rows, 0, 0, count - 1, 1)), 1);
  return cat([ones([1], { dtype: 'bool' }), differs]);
}

const int32 = (values: readonly number[]): Tensor => tensor(values, { dtype: 'int32' });

interface Asked {
  readonly returnInverse: boolean;
  readonly returnCounts: boolean;
}

/** The slices of `x` along its first axis that begin a run of equal ones, in this order (null: as they are). */
function runsOf(op: string, x: Tensor, order: Tensor | null, asked: Asked): { values: Tensor; more: Tensor[] } {
  const sorted = order === null ? x : indexSelect(x, 0, order);
  const begins = beginnings(rowsOf(sorted));
  const starts: number[] = [];
  for (const [i, isFirst] of valuesOf(begins, op).entries()) if (isFirst !== 0) starts.push(i);
  const more: Tensor[] = [];
  if (asked.returnInverse) {
    const runs = sub(cumsum(begins, 0), 1);
    more.push(order === null ? runs : scatter(runs, 0, order, runs));
  }
  const ends = [...starts.slice(1), shapeOf(x)[0]!];
  if (asked.returnCounts) more.push(int32(ends.map((end, i) => end - starts[i]!)));
  return { values: indexSelect(sorted, 0, int32(starts)), more };
}

function requireWidth(op: string, x: Tensor, axis: number): void {
  if (shapeOf(x).every((size, i) => i === axis || size > 0)) return;
  throw new ShapeError(`${op}: slices along dim ${axis} of ${show(x.shape)} are empty`);
}

const nothing = (x: Tensor, inverse: Tensor, { returnInverse, returnCounts }: Asked) => ({
  values: clone(x),
  more: [...(returnInverse ? [inverse] : []), ...(returnCounts ? [int32([])] : [])],
});

function distinct(op: string, input: Tensor, dim: number | null, isSorted: boolean, asked: Asked): Tensor | Tensor[] {
  const x = input.detach();
  const { values, more } =
    dim === null ? distinctElements(op, x, isSorted, asked) : distinctSlices(op, x, dim, isSorted, asked);
  return more.length === 0 ? values : [values, ...more];
}

function distinctElements(op: string, x: Tensor, isSorted: boolean, asked: Asked): { values: Tensor; more: Tensor[] } {
  const line = reshape(x, [-1]);
  if (line.numel() === 0) return nothing(line, reshape(int32([]), shapeOf(x)), asked);
  const { values, more } = runsOf(op, line, isSorted ? sortAlong(line, 0)[1] : null, asked);
  if (asked.returnInverse) more[0] = reshape(more[0]!, shapeOf(x));
  return { values, more };
}

function distinctSlices(
  op: string,
  x: Tensor,
  dim: number,
  isSorted: boolean,
  asked: Asked,
): { values: Tensor; more: Tensor[] } {
  if (x.ndim === 0) throw new ShapeError(`${op}: a 0-d tensor has no dim ${dim}`);
  const axis = normalizeDim(op, dim, x.ndim);
  requireWidth(op, x, axis);
  if (shapeOf(x)[axis] === 0) return nothing(x, int32([]), asked);
  const slices = movedim(x, axis, 0);
  const { values, more } = runsOf(op, slices, isSorted ? orderOf(rowsOf(slices)) : null, asked);
  return { values: contiguous(movedim(values, 0, axis)), more };
}

/**
 * The different elements, in order; or, with a dim, the different slices along it, ordered by their first elements, then by their
 * second. Asked for, there follow where each element (or slice) is among them, and how often each is there. No NaN equals another. No
 * gradient flows through it.
 *
 * @throws CaptureError in a captured function, where no shape can depend on values
 * @example
 * ```ts
 * unique(tensor([3, 1, 3])); // tensor([1., 3.])
 * const [values, inverse, counts] = unique(tensor([3, 1, 3]), { returnInverse: true, returnCounts: true });
 * inverse; // tensor([1, 0, 1])
 * counts; // tensor([1, 2])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.unique.html
 */
export const unique = define('unique', finding, (x, _, returnInverse, returnCounts, dim) =>
  distinct('unique', x, dim, true, { returnInverse, returnCounts }),
) as Unique<typeof finding, UniqueOptions>;

/**
 * The elements (or, with a dim, slices) without those that equal the one before. Asked for, there follow where each is among them, and
 * how many each stands for. No NaN equals another. No gradient flows through it.
 *
 * @throws CaptureError in a captured function, where no shape can depend on values
 * @example
 * ```ts
 * uniqueConsecutive(tensor([1, 1, 2, 1])); // tensor([1., 2., 1.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.unique_consecutive.html
 */
export const uniqueConsecutive = define('uniqueConsecutive', skipping, (x, returnInverse, returnCounts, dim) =>
  distinct('uniqueConsecutive', x, dim, false, { returnInverse, returnCounts }),
) as Unique<typeof skipping, UniqueConsecutiveOptions>;
