import { define } from '../arguments/define.js';
import { allAre } from '../arguments/elements.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { type Kind, kind } from '../arguments/kind.js';
import { signature } from '../arguments/signature.js';
import { isBool, isInteger } from '../backend/dtype.js';
import { recording } from '../backend/recording.js';
import { sameShape, sizeOf } from '../backend/view.js';
import { describe } from '../describe.js';
import { DTypeError, ShapeError, ValueError } from '../errors.js';
import { requireInt32 } from '../tensor/check.js';
import * as kinds from '../tensor/kinds.js';
import { expandTo, owned } from '../tensor/layout.js';
import type { Operand } from '../tensor/promotion.js';
import { broadcastShapes, broadcastsTo, checkNdim, LONGEST_LIST, type Shape, show } from '../tensor/shape.js';
import { isTensor, shapeOf, type Tensor } from '../tensor/tensor.js';
import { acrossSlices, listPosition, outOfRange, overwrite, scattered, selectedSlices } from './along.js';
import { clone, contiguous } from './conversion.js';
import { full } from './creation.js';
import { located, nonzeroPlaces, positions } from './places.js';
import { add } from './pointwise.js';
import { selectedOf, slicedOf } from './slices.js';
import { permute, reshape, unsqueeze } from './views.js';

// Subscripts: views by integers, slices and new axes first, then elements by tensors.

/**
 * What stands for a dimension in `x.index([...])`: an integer; null for a new axis; `'...'` for all that are not named; a slice as text, as in
 * Python; an int32 tensor, or an array of integers; or a bool tensor, which stands for as many dimensions as it has.
 */
export type Subscript = number | null | string | Tensor | readonly number[];

const isSubscript = (value: unknown): value is Subscript =>
  value === null ||
  typeof value === 'number' ||
  typeof value === 'string' ||
  isTensor(value) ||
  (Array.isArray(value) && allAre(value, kinds.integer.accepts));

const subscripts: Kind<readonly Subscript[]> = kind(
  'an array with an entry for each dimension',
  (value): value is readonly Subscript[] =>
    Array.isArray(value) && value.length <= LONGEST_LIST && allAre(value, isSubscript),
  {
    explain: (op, name, value) => {
      if (!Array.isArray(value)) return;
      const at = value.findIndex((entry) => !isSubscript(entry));
      if (at < 0) return;
      throw new ValueError(
        `${op}: ${name}[${at}] must be an integer, null, '...', a slice such as '1:-1', an int32 or bool Tensor or an array of integers, got ${describe(value[at])}`,
      );
    },
  },
);

/** One index of several that are looked up together: the dimension that it is for, and the entry that it comes from. */
interface Lookup {
  readonly axis: number;
  readonly index: Tensor;
  readonly name: string;
}

/** What entries say of a tensor: a view of it, and what is looked up in that. */
interface Place {
  readonly view: Tensor;
  readonly lookups: readonly Lookup[];
}

interface Slice {
  readonly start: number;
  readonly end: number | null;
  readonly step: number;
}

function sliceOf(op: string, name: string, text: string): Slice {
  const parts = /^\s*(-?\d+)?\s*:\s*(-?\d+)?\s*(?::\s*(-?\d+)?\s*)?$/.exec(text);
  if (parts === null) {
    throw new ValueError(`${op}: ${name} must be '...' or a slice such as ':', '1:-1' or '::2', got ${describe(text)}`);
  }
  const step = Number(parts[3] ?? 1);
  if (step < 1) throw new ValueError(`${op}: ${name}: the step of a slice must be at least 1, got ${step}`);
  return { start: Number(parts[1] ?? 0), end: parts[2] === undefined ? null : Number(parts[2]), step };
}

/** How many dimensions an entry stands for. */
function spanOf(entry: Subscript): number {
  if (entry === null || entry === '...') return 0;
  return isTensor(entry) && isBool(entry.dtype) ? entry.ndim : 1;
}

function checkEntries(op: string, x: Tensor, entries: readonly Subscript[]): void {
  const named = entries.reduce<number>((count, entry) => count + spanOf(entry), 0);
  if (named > x.ndim) {
    throw new ShapeError(`${op}: the entries are for ${named} dimensions, but the tensor has shape ${show(x.shape)}`);
  }
  if (entries.filter((entry) => entry === '...').length > 1) {
    throw new ValueError(`${op}: '...' can stand for all dimensions that are not named only once`);
  }
  checkNdim(op, x.ndim + entries.filter((entry) => entry === null).length);
}

function placeOf(op: string, x: Tensor, entries: readonly Subscript[]): Place {
  checkEntries(op, x, entries);
  const named = entries.reduce<number>((count, entry) => count + spanOf(entry), 0);
  const lookups: Lookup[] = [];
  let view = x;
  let axis = 0;
  for (const [i, entry] of entries.entries()) {
    const name = `indices[${i}]`;
    if (entry === null) view = unsqueeze(view, axis++);
    else if (entry === '...') axis += x.ndim - named;
    else if (typeof entry === 'string') view = slicedAt(op, name, view, axis++, entry);
    else if (typeof entry === 'number') view = selectedOf(`${op}: ${name}`, view, axis, entry);
    else {
      const found = lookedUp(op, name, view, axis, entry);
      view = found.view;
      lookups.push(...found.lookups);
      axis += found.span;
    }
  }
  return { view, lookups };
}

function slicedAt(op: string, name: string, x: Tensor, axis: number, text: string): Tensor {
  const { start, end, step } = sliceOf(op, name, text);
  return start === 0 && end === null && step === 1 ? x : slicedOf(op, x, axis, start, end, step);
}

/** What a tensor, or an array, looks up, and how many dimensions of the view that is for. */
function lookedUp(
  op: string,
  name: string,
  view: Tensor,
  axis: number,
  entry: Tensor | readonly number[],
): Place & { readonly span: number } {
  const index = isTensor(entry) ? entry : positions(checkedPositions(op, name, entry));
  if (isInteger(index.dtype)) return { view, lookups: [{ axis, index, name }], span: 1 };
  if (!isBool(index.dtype)) {
    throw new DTypeError(`${op}: ${name} must be an int32 or bool Tensor, got ${index.dtype}; convert with .int()`);
  }
  // A condition without dimensions is one for a new axis of size 1.
  const shown = index.ndim === 0 ? unsqueeze(view, axis) : view;
  const mask = index.ndim === 0 ? reshape(index, [1]) : index;
  const span = shapeOf(shown).slice(axis, axis + mask.ndim);
  if (!sameShape(span, shapeOf(mask))) {
    throw new ShapeError(`${op}: ${name} is a mask of shape ${show(index.shape)} for dimensions of ${show(span)}`);
  }
  const lookups = nonzeroPlaces(mask, op).map((places, i) => ({ axis: axis + i, index: positions(places), name }));
  return { view: shown, lookups, span: mask.ndim };
}

function checkedPositions(op: string, name: string, entry: readonly number[]): readonly number[] {
  for (const position of entry) requireInt32(`${op}: ${name}`, position);
  return entry;
}

/** Lookups along several dimensions as one along the first of a tensor whose looked-up dimensions come first. */
interface Rows {
  /** The view with the dimensions that are looked up in front, in order. */
  readonly order: readonly number[];
  /** Those dimensions. */
  readonly sizes: Shape;
  /** The others. */
  readonly rest: Shape;
  /** The common shape of the indices. */
  readonly found: Shape;
  /** A position among all rows for each of them: a list. */
  readonly list: Tensor;
  /** Where the found dimensions are in the result: in the place of what was looked up, if that is in one place, or in front. */
  readonly at: number;
  /** The error of the first row that is not there, by its place in the list. */
  readonly refused: (at: number) => ValueError;
}

function rowsOf(op: string, { view, lookups }: Place): Rows {
  const axes = lookups.map(({ axis }) => axis);
  const others = [...shapeOf(view).keys()].filter((axis) => !axes.includes(axis));
  const pick = (of: readonly number[]) => of.map((axis) => shapeOf(view)[axis]!);
  const found = commonShape(op, lookups);
  const isTogether = axes.every((axis, i) => i === 0 || axis === axes[i - 1]! + 1);
  const sizes = pick(axes);
  checkNdim(op, found.length + others.length);
  const indices = lookups.map(({ index }) => expandTo(index, found));
  return {
    order: [...axes, ...others],
    sizes,
    rest: pick(others),
    found,
    list: reshape(located(indices, sizes), [sizeOf(found)]),
    at: isTogether ? axes[0]! : 0,
    refused: (at) => refusal(op, lookups, indices, sizes, at),
  };
}

function commonShape(op: string, lookups: readonly Lookup[]): Shape {
  try {
    return broadcastShapes(op, ...lookups.map(({ index }) => shapeOf(index)));
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    const shapes = lookups.map(({ name, index }) => `${name} ${show(index.shape)}`).join(', ');
    throw new ShapeError(`${op}: the indices do not broadcast: ${shapes}`);
  }
}

/** Names the entry that has the first index out of range, where values can be read. */
function refusal(
  op: string,
  lookups: readonly Lookup[],
  indices: readonly Tensor[],
  sizes: Shape,
  at: number,
): ValueError {
  const isOut = (index: Tensor, i: number): boolean => {
    const value = contiguous(index.detach()).toTypedArray()[at]!;
    return value < -sizes[i]! || value >= sizes[i]!;
  };
  const which = recording === null ? indices.findIndex(isOut) : 0;
  const name = recording === null || lookups.length === 1 ? lookups[which]!.name : 'indices';
  return outOfRange(`${op}: ${name}`, indices[which]!, at, sizes[which]!);
}

/** The looked-up dimensions of a view as one, in front of the others. */
const asRows = (view: Tensor, { order, sizes, rest }: Rows): Tensor =>
  reshape(permute(view, order), [sizeOf(sizes), ...rest]);

/** Where the dimensions of a result come from, if those found are in front of the others. */
function placement({ found, rest, at }: Rows): number[] {
  const others = rest.map((_, i) => found.length + i);
  return [...others.slice(0, at), ...found.keys(), ...others.slice(at)];
}

function looked(op: string, x: Tensor, entries: readonly Subscript[]): Tensor {
  const place = placeOf(op, x, entries);
  if (place.lookups.length === 0) return place.view;
  const rows = rowsOf(op, place);
  const picked = selectedSlices(op, asRows(place.view, rows), 0, rows.list, rows.refused);
  return owned(permute(reshape(picked, [...rows.found, ...rows.rest]), placement(rows)));
}

/** A value as it is written: of the type of the tensor, and of the shape of what it is written over. */
function valueFor(op: string, x: Tensor, value: Operand, shape: Shape): Tensor {
  if (typeof value === 'number') {
    if (isInteger(x.dtype)) requireInt32(op, value);
    return expandTo(full([], value, { dtype: x.dtype }), shape);
  }
  if (value.dtype !== x.dtype)
    throw new DTypeError(`${op}: the value is ${value.dtype}, but the tensor ${x.dtype}; convert with .to()`);
  if (!broadcastsTo(shapeOf(value), shape))
    throw new ShapeError(`${op}: a value of shape ${show(value.shape)} does not broadcast to ${show(shape)}`);
  return expandTo(value, shape);
}

/** What a view becomes when values are written, or added, where entries say. */
function overwritten(op: string, place: Place, value: Operand, accumulate: boolean): Tensor {
  const { view, lookups } = place;
  if (lookups.length === 0) {
    const values = valueFor(op, view, value, shapeOf(view));
    return accumulate ? add(view, values) : values;
  }
  const rows = rowsOf(op, place);
  const { found, rest, order, sizes, list } = rows;
  const places = placement(rows);
  const shape = places.map((axis) => [...found, ...rest][axis]!);
  const inFront = permute(valueFor(op, view, value, shape), inverse(places));
  const table = asRows(view, rows);
  const index = acrossSlices(list, 0, shapeOf(table));
  const refused = (at: number) => rows.refused(listPosition(at, 0, shapeOf(table), list.numel()));
  const source = reshape(inFront, shapeOf(index));
  const written = scattered(op, table, 0, index, source, accumulate ? 'add' : 'set', refused);
  return permute(reshape(written, [...sizes, ...rest]), inverse(order));
}

const inverse = (order: readonly number[]): number[] => [...order.keys()].map((axis) => order.indexOf(axis));

const looking = signature('input, /, indices', { input: kinds.tensor, indices: subscripts });
const writing = signature('input, /, indices, values, accumulate', {
  input: kinds.tensor,
  indices: subscripts,
  values: kinds.operand,
  /** Add to what is there; equal indices add up. Default: false. */
  accumulate: kinds.boolean.default(false),
});

export interface IndexPutOptions extends OptionsOf<typeof writing> {}

type Writing = FunctionOf<Tensor, typeof writing, IndexPutOptions>;

/**
 * What Python writes as `x[...]`: an entry for each dimension, from the first on; the others are whole.
 *
 * An integer takes one slice, and its dimension away; `null` is a new dimension of size 1; `'...'` stands for all dimensions that are not
 * named; a text like `'1:-1'` or `'::2'` is a slice. These give a view. An int32 tensor (or an array of integers) takes slices in its order and puts its own
 * dimensions in the place of the one it indexes; a bool tensor takes those where it is true, in the place of as many dimensions as it has. Several
 * of them are broadcast and looked up together; their dimensions come first in the result if the entries are not next to each other. Negative
 * indices count from the end.
 *
 * @throws ValueError if an index is out of range, or an entry is none of these; ShapeError for more entries than dimensions, for indices that do
 * not broadcast, or a mask of another shape; the errors name the entry. In captured functions a bool tensor is refused: the size of the result would depend on
 * values.
 * @example
 * ```ts
 * const x = arange(12).view([3, 4]);
 * x.index([1, '1:-1']); // tensor([5, 6])
 * x.index(['...', null, -1]).shape; // [3, 1]
 * x.index([[2, 0], [1, 3]]); // tensor([9, 3])
 * x.index([x.gt(9)]); // tensor([10, 11])
 * ```
 * @see https://pytorch.org/docs/stable/tensor_view.html
 * @see https://numpy.org/doc/stable/user/basics.indexing.html
 */
export const index: FunctionOf<Tensor, typeof looking> = define('index', looking, (x, indices) =>
  looked('index', x, indices),
);

/**
 * A copy of `x` with values written where entries say, which are those of `index`. Of several to one place the last wins.
 *
 * @param values a tensor that broadcasts to what `index` gives, or a number
 * @throws as `index` does; ShapeError if the values do not broadcast; DTypeError if types differ
 * @example
 * ```ts
 * indexPut(zeros([2, 3]), [1, '::2'], tensor([5, 6])); // tensor([[0., 0., 0.], [5., 0., 6.]])
 * indexPut(zeros([3]), [[0, 0, 2]], 1, true); // tensor([2., 0., 1.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.index_put_.html
 */
export const indexPut: Writing = define('indexPut', writing, (x, indices, values, accumulate) =>
  put('indexPut', clone(x), indices, values, accumulate),
);

/**
 * `indexPut` in place.
 *
 * @example
 * ```ts
 * const x = zeros([2, 3]);
 * x.indexPut_([1, '1:'], 7);
 * x; // tensor([[0., 0., 0.], [0., 7., 7.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.index_put_.html
 */
export const indexPut_: Writing = define('indexPut_', writing, (x, indices, values, accumulate) =>
  put('indexPut_', x, indices, values, accumulate),
);

/** Writes into `x`, or into a view of it. */
function put(op: string, x: Tensor, indices: readonly Subscript[], values: Operand, accumulate: boolean): Tensor {
  const place = placeOf(op, x, indices);
  const { view } = place;
  if (view === x) return overwrite(op, x, (old) => overwritten(op, { ...place, view: old }, values, accumulate));
  overwrite(op, view, (old) => overwritten(op, { ...place, view: old }, values, accumulate));
  return x;
}
