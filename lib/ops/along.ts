import { type Kind, kind } from '../arguments/kind.js';
import { recordsGradients } from '../autograd/mode.js';
import { type BackwardRule, record } from '../autograd/node.js';
import { isInteger } from '../backend/dtype.js';
import { backend } from '../backend/index.js';
import type { ScatterMode } from '../backend/js/indexing.js';
import { recording } from '../backend/recording.js';
import { sameShape } from '../backend/view.js';
import { DTypeError, ShapeError, ValueError } from '../errors.js';
import { requireInt32 } from '../tensor/check.js';
import { writeInPlace } from '../tensor/elementwise.js';
import { emptyOf } from '../tensor/empty.js';
import { copying } from '../tensor/formula.js';
import * as kinds from '../tensor/kinds.js';
import { expandTo, owned } from '../tensor/layout.js';
import type { Operand } from '../tensor/promotion.js';
import { normalizeDim, type Shape, show } from '../tensor/shape.js';
import { isTensor, operandOf, shapeOf, type Tensor } from '../tensor/tensor.js';
import { clone, contiguous, to } from './conversion.js';
import { full, zeros } from './creation.js';
import { narrow, reshape } from './views.js';

// Reading and writing along one axis by an index per element, in the name of whatever operation asks for it.

/** Positions along a dimension. Whether it has them, the core says. */
export const index: Kind<Tensor> = kind(
  'an int32 Tensor',
  (value): value is Tensor => isTensor(value) && isInteger(value.dtype),
  {
    explain: (op, name, value) => {
      if (!isTensor(value)) kinds.tensor.refuse(op, name, value);
      throw new DTypeError(`${op}: ${name} must be int32, got ${value.dtype}; convert with .int()`);
    },
  },
);

/** What the operations along a dimension have before others. */
export const indexing = { input: kinds.tensor, dim: kinds.dim, index };

const atLeast1 = (x: Tensor): Tensor => (x.ndim === 0 ? reshape(x, [1]) : x);

function checkDims(op: string, index: Tensor, x: Tensor): void {
  if (index.ndim === x.ndim || index.numel() === 0 || (index.ndim <= 1 && x.ndim <= 1)) return;
  throw new ShapeError(
    `${op}: the index must have as many dimensions as the tensor: ${show(index.shape)} for ${show(x.shape)}`,
  );
}

/** Except along `axis`, the index may not be larger than what it indexes. */
function checkExtent(op: string, index: Shape, x: Shape, axis: number): void {
  const fits = index.every((size, i) => i === axis || size <= x[i]!);
  if (!fits)
    throw new ShapeError(
      `${op}: the index ${show(index)} is larger than the tensor ${show(x)} in a dimension other than ${axis}`,
    );
}

/** The error of an index out of range: of the first one, by its position in the tensor of all. */
type OutOfRange = (at: number, size: number) => Error;

/** In the call that a captured function is recorded in no value can be read, nor could a replay name it. */
export function outOfRange(op: string, index: Tensor, at: number, size: number): ValueError {
  if (recording !== null) {
    return new ValueError(`${op}: the index at position ${at} is out of range for a dimension of size ${size}`);
  }
  const value = contiguous(index.detach()).toTypedArray()[at];
  return new ValueError(`${op}: index ${value} (element ${at}) is out of range for a dimension of size ${size}`);
}

interface GatherAttrs {
  readonly shape: Shape;
  readonly axis: number;
}

const gatherRule: BackwardRule<GatherAttrs> = {
  name: 'Gather',
  backward: (g, [index], { shape, axis }) => [
    scattered('gather', expandTo(zeros([], { dtype: g.dtype }), shape), axis, index!, g, 'add'),
    null,
  ],
};

/** Elements picked along a dimension by an index per element. */
export function gathered(
  op: string,
  x: Tensor,
  dim: number,
  index: Tensor,
  refused: OutOfRange = (at, size) => outOfRange(op, index, at, size),
): Tensor {
  const axis = normalizeDim(op, dim, x.ndim);
  checkDims(op, index, x);
  if (index.numel() === 0)
    return record(emptyOf(shapeOf(index), x.dtype), gatherRule, [x], [index], { shape: shapeOf(x), axis });
  const [source, at] = [atLeast1(x), atLeast1(index)];
  checkExtent(op, shapeOf(at), shapeOf(source), axis);
  const out = emptyOf(shapeOf(at), x.dtype);
  const bad = backend.gather(operandOf(out), operandOf(source), operandOf(at), axis);
  if (bad >= 0) throw refused(bad, shapeOf(source)[axis]!);
  record(out, gatherRule, [source, at], [at], { shape: shapeOf(source), axis });
  return sameShape(shapeOf(out), shapeOf(index)) ? out : owned(reshape(out, shapeOf(index)));
}

/** A list of positions along an axis as an index per element of slices there. */
export function acrossSlices(index: Tensor, axis: number, shape: Shape): Tensor {
  const along = reshape(
    index,
    shape.map((_, i) => (i === axis ? -1 : 1)),
  );
  return expandTo(along, shape.with(axis, index.numel()));
}

/** Of a position in such an index, that in the list. */
export const listPosition = (at: number, axis: number, shape: Shape, count: number): number =>
  Math.floor(at / shape.slice(axis + 1).reduce((a, b) => a * b, 1)) % count;

/** Whole slices of `x` along an axis, in the order of a list of positions. */
export function selectedSlices(op: string, x: Tensor, axis: number, list: Tensor, refused?: OutOfRange): Tensor {
  const named: OutOfRange = refused ?? ((at, size) => outOfRange(op, list, at, size));
  const inList: OutOfRange = (at, size) => named(listPosition(at, axis, shapeOf(x), list.numel()), size);
  return gathered(op, x, axis, acrossSlices(list, axis, shapeOf(x)), inList);
}

interface ScatterAttrs {
  readonly axis: number;
  readonly mode: 'set' | 'add';
}

/** What was overwritten gets no gradient; what was added to keeps it. */
const scatterRule: BackwardRule<ScatterAttrs> = {
  name: 'Scatter',
  backward: (g, [index], { axis, mode }, [selfNeeds, , sourceNeeds]) => [
    selfNeeds ? (mode === 'add' ? g : scattered('scatter', g, axis, index!, 0, 'set')) : null,
    null,
    sourceNeeds ? gathered('scatter', g, axis, index!) : null,
  ],
};

/** The values to be scattered, of the type of `x` and as many dimensions as the index, which is not larger than they are. */
export function sourceFor(op: string, x: Tensor, axis: number, index: Tensor, source: Operand): Tensor {
  checkDims(op, index, x);
  if (isInteger(x.dtype) && typeof source === 'number') requireInt32(op, source);
  const values = typeof source === 'number' ? full(shapeOf(index), source, { dtype: x.dtype }) : source;
  if (values.dtype !== x.dtype) throw new DTypeError(`${op}: the source is ${values.dtype}, but the tensor ${x.dtype}`);
  if (index.numel() === 0) return values;
  checkDims(op, index, values);
  checkExtent(op, shapeOf(index), shapeOf(values), -1);
  if (x.ndim > 0) checkExtent(op, shapeOf(index), shapeOf(x), axis);
  return values;
}

/** A copy of `x` with values scattered into it along an axis, outside the graph. All fits. */
export function combined(
  op: string,
  x: Tensor,
  axis: number,
  index: Tensor,
  values: Tensor,
  mode: ScatterMode,
  refused: OutOfRange = (at, size) => outOfRange(op, index, at, size),
): Tensor {
  const out = clone(x.detach());
  const at = atLeast1(index);
  const part = shapeOf(at).reduce((view, size, i) => narrow(view, i, 0, size), atLeast1(values));
  const bad = backend.scatter(operandOf(atLeast1(out)), operandOf(at), operandOf(part.detach()), axis, mode);
  if (bad >= 0) throw refused(bad, shapeOf(x)[axis] ?? 1);
  return out;
}

/** The source is used nowhere, but belongs to the graph: its gradient is zeros, not missing. */
const untouchedRule: BackwardRule<{ readonly shape: Shape }> = {
  name: 'Scatter',
  backward: (g, _, { shape }, [selfNeeds, sourceNeeds]) => [
    selfNeeds ? g : null,
    sourceNeeds ? zeros([...shape], { dtype: g.dtype }) : null,
  ],
};

/** What an index without elements makes of `x`: a copy. */
export const untouched = (x: Tensor, source: Tensor): Tensor =>
  record(clone(x.detach()), untouchedRule, [x, source], [], { shape: shapeOf(source) });

/** A copy of `x` with values written, or added, along a dimension where an index per element says. */
export function scattered(
  op: string,
  x: Tensor,
  dim: number,
  index: Tensor,
  source: Operand,
  mode: 'set' | 'add',
  refused?: OutOfRange,
): Tensor {
  const axis = normalizeDim(op, dim, x.ndim);
  const values = sourceFor(op, x, axis, index, source);
  if (index.numel() === 0) return untouched(x, values);
  // Integers are added up in float64, which holds such sums, and checked when they become integers again.
  if (mode === 'add' && isInteger(x.dtype)) {
    return to(scattered(op, to(x, 'float64'), dim, index, to(values, 'float64'), mode, refused), 'int32');
  }
  const out = combined(op, x, axis, index, values, mode, refused);
  return record(out, scatterRule, [x, index, cropped(values, index)], [index], { axis, mode });
}

/** The part of `values` that an index of smaller shape uses, as a view. */
export const cropped = (values: Tensor, index: Tensor): Tensor =>
  shapeOf(index).reduce((view, size, i) => (view.shape[i] === size ? view : narrow(view, i, 0, size)), values);

/** Writes over `x` what is made of it. A gradient may need what is about to be overwritten: then it is made of a copy. */
export function overwrite(op: string, x: Tensor, make: (x: Tensor) => Tensor): Tensor {
  return writeInPlace(op, copying, x, [make(recordsGradients() ? clone(x) : x)]);
}
