import { type BackwardRule, record } from '../autograd/node.js';
import { type DType, dtypes, isBool, isFloat, isInteger } from '../backend/dtype.js';
import type { ScatterMode } from '../backend/js/indexing.js';
import { DTypeError } from '../errors.js';
import type { Operand } from '../tensor/promotion.js';
import { normalizeDim } from '../tensor/shape.js';
import { shapeOf, type Tensor } from '../tensor/tensor.js';
import { combined, cropped, gathered, scattered, sourceFor, untouched } from './along.js';
import { to } from './conversion.js';
import { full, onesLike, zerosLike } from './creation.js';
import { div, eq, logicalAnd, mul, where } from './pointwise.js';

// What is scattered to one place is reduced there, with what was there before or without.

/** How elements that go to one place become one. */
export const scatterReductions = ['sum', 'prod', 'mean', 'amax', 'amin'] as const;
export type ScatterReduction = (typeof scatterReductions)[number];

const MODES: Readonly<Record<ScatterReduction, ScatterMode>> = {
  sum: 'add',
  prod: 'mul',
  mean: 'add',
  amax: 'amax',
  amin: 'amin',
};

/** What has no part in a reduction. */
function identity(reduce: ScatterReduction, dtype: DType): number {
  if (reduce === 'prod') return 1;
  if (reduce === 'sum' || reduce === 'mean') return 0;
  const largest = isFloat(dtype) ? Number.POSITIVE_INFINITY : dtypes[dtype].largest;
  if (reduce === 'amin') return largest;
  return isBool(dtype) ? 0 : isInteger(dtype) ? -largest - 1 : -largest;
}

interface ReduceAttrs {
  readonly axis: number;
  readonly reduce: ScatterReduction;
  readonly includeSelf: boolean;
}

/** How many elements each place is the mean of; 1 where there are none. */
function counted(x: Tensor, axis: number, index: Tensor, source: Tensor, includeSelf: boolean): Tensor {
  const start = includeSelf ? onesLike(x) : zerosLike(x);
  const counts = scattered('scatterReduce', start, axis, index, onesLike(source), 'add');
  return includeSelf ? counts : where(eq(counts, 0), 1, counts);
}

type Gradients = (g: Tensor, x: Tensor, source: Tensor, out: Tensor, index: Tensor, attrs: ReduceAttrs) => Tensor[];

/** The elements that are what a place became share its gradient. As in PyTorch, what was there counts among them even where it has no part. */
const sharedGradients: Gradients = (g, x, source, out, index, { axis }) => {
  const chosen = (is: Tensor) => to(is, g.dtype);
  const sourceChosen = chosen(eq(source, gathered('scatterReduce', out, axis, index)));
  const selfChosen = chosen(eq(x, out));
  const share = div(g, scattered('scatterReduce', selfChosen, axis, index, sourceChosen, 'add'));
  return [mul(selfChosen, share), mul(sourceChosen, gathered('scatterReduce', share, axis, index))];
};

/** Each factor gets the product of the others: of those that are 0, only the only one. */
const productGradients: Gradients = (g, x, source, out, index, { axis, includeSelf }) => {
  const of = (self: Tensor, values: Tensor) =>
    reduceScattered('scatterReduce', self, axis, index, values, 'prod', includeSelf);
  const there = (values: Tensor) => gathered('scatterReduce', values, axis, index);
  const nonzero = (values: Tensor) => where(eq(values, 0), 1, values);
  const bareSelf = nonzero(x);
  const toSelf = div(mul(g, of(bareSelf, source)), bareSelf);
  const isZero = eq(source, 0);
  const zeros = scattered('scatterReduce', zerosLike(x), axis, index, to(isZero, g.dtype), 'add');
  const isOnly = logicalAnd(isZero, eq(there(zeros), 1));
  const withoutZero = there(mul(g, of(x, where(isOnly, 1, source))));
  const divided = div(there(mul(g, out)), nonzero(source));
  return [toSelf, where(isOnly, withoutZero, divided)];
};

const sumGradients: Gradients = (g, _, __, ___, index, { axis }) => [g, gathered('scatterReduce', g, axis, index)];

const meanGradients: Gradients = (g, x, source, _, index, { axis, includeSelf }) => {
  const share = div(g, counted(x, axis, index, source, includeSelf));
  return [share, gathered('scatterReduce', share, axis, index)];
};

const GRADIENTS: Readonly<Record<ScatterReduction, Gradients>> = {
  sum: sumGradients,
  mean: meanGradients,
  prod: productGradients,
  amax: sharedGradients,
  amin: sharedGradients,
};

const reduceRule: BackwardRule<ReduceAttrs> = {
  name: 'ScatterReduce',
  backward: (g, [x, source, out, index], attrs, [selfNeeds, , sourceNeeds]) => {
    const [toSelf, toSource] = GRADIENTS[attrs.reduce](g, x!, source!, out!, index!, attrs) as [Tensor, Tensor];
    const kept = (): Tensor =>
      attrs.includeSelf ? toSelf : scattered('scatterReduce', toSelf, attrs.axis, index!, 0, 'set');
    return [selfNeeds ? kept() : null, null, sourceNeeds ? toSource : null];
  },
};

/** `scatterReduce` in the name of `op`. */
export function reduceScattered(
  op: string,
  x: Tensor,
  dim: number,
  index: Tensor,
  source: Operand,
  reduce: ScatterReduction,
  includeSelf: boolean,
  refused?: (at: number, size: number) => Error,
): Tensor {
  const axis = normalizeDim(op, dim, x.ndim);
  if (reduce === 'mean' && isBool(x.dtype))
    throw new DTypeError(`${op}: the mean of bools is not defined; use .float()`);
  const values = sourceFor(op, x, axis, index, source);
  if (index.numel() === 0) return untouched(x, values);
  const part = cropped(values, index);
  const attrs = { axis, reduce, includeSelf };
  const out = reduced(op, x.detach(), index, part.detach(), attrs, refused);
  return record(out, reduceRule, [x, index, part], [x, part, out, index], attrs);
}

function reduced(
  op: string,
  x: Tensor,
  index: Tensor,
  values: Tensor,
  { axis, reduce, includeSelf }: ReduceAttrs,
  refused?: (at: number, size: number) => Error,
): Tensor {
  const mode = MODES[reduce];
  // Integers are added up and multiplied in float64, and checked when they become integers again.
  const wide = isInteger(x.dtype) && (mode === 'add' || mode === 'mul');
  const type = wide ? 'float64' : x.dtype;
  const [own, source] = [to(x, type), to(values, type)];
  const nothing = () => full(shapeOf(index), identity(reduce, type), { dtype: type });
  const start = includeSelf ? own : combined(op, own, axis, index, nothing(), 'set', refused);
  const out = combined(op, start, axis, index, source, mode, refused);
  if (reduce !== 'mean') return to(out, x.dtype);
  const counts = counted(own, axis, index, source, includeSelf);
  return wide ? to(div(out, counts, { roundingMode: 'floor' }), 'int32') : div(out, counts);
}
