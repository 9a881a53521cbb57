import { define } from '../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import { type BackwardRule, record } from '../autograd/node.js';
import { type DType, isBool, isFloat } from '../backend/dtype.js';
import { backend, DONE } from '../backend/index.js';
import type { ScanKind } from '../backend/js/scan.js';
import type { View } from '../backend/view.js';
import { DTypeError } from '../errors.js';
import type { Expr } from '../expr/index.js';
import * as e from '../expr/index.js';
import { misfit } from '../tensor/check.js';
import { writeInPlace } from '../tensor/elementwise.js';
import { emptyOf } from '../tensor/empty.js';
import { copying, Formula } from '../tensor/formula.js';
import * as kinds from '../tensor/kinds.js';
import { normalizeDim, type Shape } from '../tensor/shape.js';
import { shapeOf, type Tensor } from '../tensor/tensor.js';
import { clone, to } from './conversion.js';
import { ones, zeros } from './creation.js';
import { cat } from './joining.js';
import { lineOf } from './lines.js';
import { type Picks, pickedRule, picks } from './picking.js';
import { mul } from './pointwise.js';
import { takeSlice } from './slices.js';

// Folds that keep every partial result: one row of the instruction `scan` each, and how its gradient is made of scans again.

/** Along which axis, and whether from its end. */
interface Course {
  readonly axis: number;
  readonly reverse: boolean;
}

/** A tensor as it is scanned: from the end by a negative stride. */
function courseThrough(x: Tensor, { axis, reverse }: Course): View {
  const view = lineOf(x);
  if (!reverse) return view;
  const [size, stride] = [view.shape[axis]!, view.strides[axis]!];
  return { ...view, offset: view.offset + Math.max(0, size - 1) * stride, strides: view.strides.with(axis, -stride) };
}

/** Scans along an axis into new tensors, of these types. */
function scanned(kind: ScanKind, inputs: readonly Tensor[], course: Course, types: readonly DType[]): Tensor[] {
  const shape = shapeOf(inputs[0]!);
  const outputs = types.map((dtype) => emptyOf(shape, dtype));
  const lines = (tensors: readonly Tensor[]) => tensors.map((x) => courseThrough(x, course));
  if (backend.scan(kind, lines(inputs), lines(outputs), course.axis) !== DONE) throw misfit(kind);
  return outputs;
}

const one = (kind: ScanKind, inputs: readonly Tensor[], course: Course): Tensor =>
  scanned(kind, inputs, course, [inputs[0]!.dtype])[0]!;

/** Every element one step further along the course, and `first` in the place of the first. */
function shifted(x: Tensor, { axis, reverse }: Course, first: Tensor): Tensor {
  if (x.ndim === 0) return first;
  if (x.numel() === 0) return x;
  const others = takeSlice(x, axis, reverse ? 1 : 0, shapeOf(x)[axis]! - 1, 1);
  return cat(reverse ? [others, first] : [first, others], axis);
}

/** Of a line, a tensor of its first place along the course. */
const placeOf = (shape: Shape, axis: number): Shape => (shape.length === 0 ? shape : shape.with(axis, 1));

/** Every element one step further; the first is there twice then. */
function delayed(x: Tensor, course: Course): Tensor {
  if (x.ndim === 0 || x.numel() === 0) return x;
  const { axis, reverse } = course;
  return shifted(x, course, takeSlice(x, axis, reverse ? shapeOf(x)[axis]! - 1 : 0, 1, 1));
}

const back = ({ axis, reverse }: Course): Course => ({ axis, reverse: !reverse });

const linearRule: BackwardRule<Course> = {
  name: 'Linear',
  backward: (g, [factors, out], course, [factorsNeed]) => {
    const flow = linear(delayed(factors!, back(course)), g, back(course));
    if (!factorsNeed) return [null, flow];
    const start = zeros(placeOf(shapeOf(g), course.axis), { dtype: g.dtype });
    return [mul(flow, shifted(out!, course, start)), flow];
  },
};

/** out[i] = factors[i] out[i - 1] + terms[i] along the course. Its gradient is the same from the other end. */
function linear(factors: Tensor, terms: Tensor, course: Course): Tensor {
  const out = one('linear', [factors, terms], course);
  return record(out, linearRule, [factors, terms], [factors, out], course);
}

const sumRule: BackwardRule<Course> = { name: 'Cumsum', backward: (g, _, course) => [summed(g, back(course))] };

const summed = (x: Tensor, course: Course): Tensor => record(one('cumsum', [x], course), sumRule, [x], [], course);

/** What stood before a factor, times all that later results make of it: nothing is divided, so zeros need no care. */
const productRule: BackwardRule<Course> = {
  name: 'Cumprod',
  backward: (g, [x, out], course) => {
    const start = ones(placeOf(shapeOf(g), course.axis), { dtype: g.dtype });
    return [mul(shifted(out!, course, start), linear(delayed(x!, back(course)), g, back(course)))];
  },
};

function multiplied(x: Tensor, course: Course): Tensor {
  const out = one('cumprod', [x], course);
  return record(out, productRule, [x], [x, out], course);
}

/** eᵃ⁻ᵇ where a and b follow each other: 1 where both are infinite. */
const ratio = new Formula('exp', (a, b) => e.exp(e.where(e.eq(a, b), 0, e.sub(a, b))), {
  gradient: (g, out) => [e.mul(g, out), e.neg(e.mul(g, out))],
});

const weighing = new Formula<[x: Expr, out: Expr, flow: Expr]>('logcumsumexpBackward', (x, out, flow) =>
  e.mul(e.exp(e.sub(x, out)), flow),
);

/** Results only grow, so that no factor is above 1. */
const logSumRule: BackwardRule<Course> = {
  name: 'Logcumsumexp',
  backward: (g, [x, out], course) => {
    const factors = ratio.call([out!, delayed(out!, back(course))], g.dtype);
    return [weighing.call([x!, out!, linear(factors, g, back(course))], g.dtype)];
  },
};

const along = signature('input, /, dim', { input: kinds.tensor, dim: kinds.dim });

const accumulating = signature('input, /, dim, *, dtype', {
  input: kinds.tensor,
  dim: kinds.dim,
  /** Convert to this element type first. Default: the tensor's own; int32 for bools. */
  dtype: kinds.dtype.optional(),
});

export interface ScanOptions extends OptionsOf<typeof accumulating> {}

type Accumulating = FunctionOf<Tensor, typeof accumulating, ScanOptions>;
type Scan = (x: Tensor, course: Course) => Tensor;

const courseOf = (op: string, x: Tensor, dim: number): Course => ({
  axis: normalizeDim(op, dim, x.ndim),
  reverse: false,
});

const accumulated =
  (op: string, scan: Scan) =>
  (x: Tensor, dim: number, dtype: DType | null): Tensor => {
    const type = dtype ?? (isBool(x.dtype) ? 'int32' : x.dtype);
    if (isBool(type)) throw new DTypeError(`${op}: not defined for bool; ask for int32`);
    return scan(to(x, type), courseOf(op, x, dim));
  };

const accumulatedInPlace =
  (op: string, scan: Scan) =>
  (x: Tensor, dim: number, dtype: DType | null): Tensor => {
    if (isBool(x.dtype)) throw new DTypeError(`${op}: sums and products of bools are int32; use the form without _`);
    if (dtype !== null && dtype !== x.dtype) throw new DTypeError(`${op}: a ${x.dtype} tensor cannot hold ${dtype}`);
    // A gradient may need what is about to be overwritten.
    return writeInPlace(op, copying, x, [scan(x.requiresGrad ? clone(x) : x, courseOf(op, x, dim))]);
  };

/**
 * Sums of all elements so far: `out[i] = x[0] + … + x[i]` along `dim`. Integers and bools add up in int32; floats add up in float64, in
 * order, and are rounded one by one.
 *
 * @throws ValueError for a sum of integers that int32 does not hold
 * @example
 * ```ts
 * cumsum(tensor([[1, 2, 3], [4, 5, 6]]), 1); // tensor([[ 1.,  3.,  6.], [ 4.,  9., 15.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.cumsum.html
 */
export const cumsum: Accumulating = define('cumsum', accumulating, accumulated('cumsum', summed));

/** `cumsum` in place. @example tensor([1, 2, 3]).cumsum_(0); // tensor([1., 3., 6.]) */
export const cumsum_: Accumulating = define('cumsum_', accumulating, accumulatedInPlace('cumsum_', summed));

/**
 * Products of all elements so far: `out[i] = x[0] · … · x[i]` along `dim`. The gradient is right where some x are 0.
 *
 * @throws ValueError for a product of integers that int32 does not hold
 * @example
 * ```ts
 * cumprod(tensor([1, 2, 3, 4]), 0); // tensor([ 1.,  2.,  6., 24.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.cumprod.html
 */
export const cumprod: Accumulating = define('cumprod', accumulating, accumulated('cumprod', multiplied));

/** `cumprod` in place. @example tensor([1, 2, 3]).cumprod_(0); // tensor([1., 2., 6.]) */
export const cumprod_: Accumulating = define('cumprod_', accumulating, accumulatedInPlace('cumprod_', multiplied));

/**
 * log Σ eˣ of all elements so far, along `dim`, without overflow.
 *
 * @throws DTypeError for integers and bools
 * @example
 * ```ts
 * logcumsumexp(tensor([1000, 1000, 0]), 0); // tensor([1000.0000, 1000.6932, 1000.6932])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.logcumsumexp.html
 */
export const logcumsumexp: FunctionOf<Tensor, typeof along> = define('logcumsumexp', along, (x, dim) => {
  if (!isFloat(x.dtype)) throw new DTypeError(`logcumsumexp: expected a float tensor, got ${x.dtype}; use .float()`);
  const course = courseOf('logcumsumexp', x, dim);
  const out = one('logcumsumexp', [x], course);
  return record(out, logSumRule, [x], [x, out], course);
});

function extremes(op: 'cummax' | 'cummin', title: string): (x: Tensor, dim: number) => Picks {
  const rule = pickedRule(title);
  return (x, dim) => {
    const course = courseOf(op, x, dim);
    const [values, indices] = scanned(op, [x], course, [x.dtype, 'int32']) as [Tensor, Tensor];
    record(values, rule, [x], [indices], { shape: shapeOf(x), axis: course.axis });
    return picks(op, values, indices);
  };
}

/**
 * The largest element so far, along `dim`, and its position (int32), that of the last of equal ones. NaN wins.
 *
 * @example
 * ```ts
 * const { values, indices } = cummax(tensor([1, 3, 2, 4]), 0);
 * values; // tensor([1., 3., 3., 4.])
 * indices; // tensor([0, 1, 1, 3])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.cummax.html
 */
export const cummax: FunctionOf<Picks, typeof along> = define('cummax', along, extremes('cummax', 'Cummax'));

/**
 * The smallest element so far, along `dim`, and its position (int32), that of the last of equal ones. NaN wins.
 *
 * @example
 * ```ts
 * cummin(tensor([3, 1, 2, 0]), 0).values; // tensor([3., 1., 1., 0.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.cummin.html
 */
export const cummin: FunctionOf<Picks, typeof along> = define('cummin', along, extremes('cummin', 'Cummin'));
