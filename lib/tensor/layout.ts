import { type BackwardRule, record } from '../autograd/node.js';
import { recording } from '../backend/recording.js';
import { broadcastStrides, contiguousStrides, copyOf, isContiguous, sameShape, sizeOf } from '../backend/view.js';
import { ShapeError } from '../errors.js';
import { convert, sumOver } from './basics.js';
import type { Frame } from './kernel.js';
import { checkNdim, checkShape, type Shape, show } from './shape.js';
import { baseOf, isBlind, nodeOf, setBase, shapeOf, Tensor, viewOf } from './tensor.js';

// Views share the storage of what they are made from: nothing here copies.

/** A recorded view of `x`: the same storage seen through another shape, strides and offset. The arrays are the view's from now on. */
export function view<A>(
  x: Tensor,
  shape: Shape,
  strides: readonly number[],
  offset: number,
  rule: BackwardRule<A>,
  attrs: A,
): Tensor {
  return viewed(x, record(over(x, shape, strides, offset), rule, [x], [], attrs));
}

/** The same where nothing is recorded. */
export const plainView = (x: Tensor, shape: Shape, strides: readonly number[], offset: number): Tensor =>
  viewed(x, over(x, shape, strides, offset));

function over(x: Tensor, shape: Shape, strides: readonly number[], offset: number): Tensor {
  const { storage, dtype } = viewOf(x);
  return new Tensor({ storage, offset, shape, strides, dtype });
}

/** Makes `result`, which shares the storage of `x` and has its history, a view of it. */
export function viewed(x: Tensor, result: Tensor): Tensor {
  recording?.viewed(x, result);
  setBase(result, baseOf(x) ?? x, isBlind(x) || (x.requiresGrad && nodeOf(result) === null));
  return result;
}

/** A view of what its maker alone has seen: a tensor of its own, which can be written in place. */
export function owned(view: Tensor): Tensor {
  setBase(view, null);
  return view;
}

export const reshapeRule: BackwardRule<Shape> = {
  name: 'View',
  backward: (g, _, shape) => [viewAs(restride(g, shape) === null ? convert(g, g.dtype) : g, shape)],
};

/** The same elements in another shape of the same size; a size of -1 is worked out. */
export function resolveShape(op: string, x: Tensor, shape: Shape): Shape {
  const unknown = shape.indexOf(-1);
  if (unknown < 0) {
    checkShape(op, shape);
    if (sizeOf(shape) !== x.numel()) throw misfit(op, x, shape);
    return copyOf(shape);
  }
  checkNdim(op, shape.length);
  const known = shape.filter((_, axis) => axis !== unknown);
  checkShape(op, known);
  const rest = x.numel() / sizeOf(known);
  if (sizeOf(known) === 0 || !Number.isInteger(rest)) throw misfit(op, x, shape);
  return shape.with(unknown, rest);
}

function misfit(op: string, x: Tensor, shape: Shape): ShapeError {
  return new ShapeError(`${op}: shape ${show(shape)} is invalid for ${x.numel()} elements (shape ${show(x.shape)})`);
}

/** Strides that show `x` in another shape without a copy, or null. */
export function restride(x: Tensor, shape: Shape): number[] | null {
  const before = viewOf(x);
  if (isContiguous(before) || sizeOf(before.shape) === 0) return contiguousStrides(shape);
  const strides = new Array<number>(shape.length);
  const old = before.shape
    .map((size, axis) => ({ size, stride: before.strides[axis]! }))
    .filter(({ size }) => size !== 1);
  let axis = shape.length - 1;
  for (let last = old.length - 1; last >= 0; ) {
    // A run of old axes that step evenly, innermost first, must make a whole run of new ones.
    let step = old[last]!.stride;
    let run = old[last--]!.size;
    while (last >= 0 && old[last]!.stride === step * run) run *= old[last--]!.size;
    for (; axis >= 0 && run % shape[axis]! === 0 && (run > 1 || shape[axis] === 1); axis--) {
      strides[axis] = step;
      step *= shape[axis]!;
      run /= shape[axis]!;
    }
    if (run !== 1) return null;
  }
  for (; axis >= 0; axis--) strides[axis] = 1;
  return strides;
}

/** The same elements in another shape, of which one size may be -1, without a copy; refused where strides do not allow that. */
export function viewAs(x: Tensor, shape: Shape): Tensor {
  const sizes = resolveShape('view', x, shape);
  const strides = restride(x, sizes);
  if (strides === null) {
    throw new ShapeError(
      `view: ${show(x.shape)} with strides ${show(x.strides)} cannot be seen as ${show(sizes)}; use reshape`,
    );
  }
  const { shape: before, offset } = viewOf(x);
  return view(x, sizes, strides, offset, reshapeRule, before);
}

const expandRule: BackwardRule<Shape> = { name: 'Expand', backward: (g, _, shape) => [sumTo(g, shape)] };

/** `x` repeated, without a copy, to a shape it broadcasts to. */
export function expandTo(x: Tensor, shape: Shape): Tensor {
  const before = viewOf(x);
  return view(x, copyOf(shape), broadcastStrides(before, shape), before.offset, expandRule, before.shape);
}

const repeatRule: BackwardRule<Frame> = {
  name: 'Expand',
  backward: (g, _, frame) => [sumOver(g, g.dtype, frame)],
};

/** A row result repeated, without a copy, over the axes that a fold took away. */
export function repeatOver(x: Tensor, frame: Frame): Tensor {
  const before = viewOf(x);
  const strides = new Array<number>(frame.shape.length).fill(0);
  for (let axis = 0, own = 0; axis < strides.length; axis++) {
    const folded = frame.axes.includes(axis);
    if (!folded) strides[axis] = before.strides[own]!;
    if (!folded || frame.keepdim) own++;
  }
  return view(x, frame.shape, strides, before.offset, repeatRule, frame);
}

/** The adjoint of broadcasting: `x` summed over what was repeated, to the shape it was repeated from. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(shapeOf(x), shape)) return x;
  const frame = repetition(shape, shapeOf(x));
  return fitted(frame.axes.length === 0 ? x : sumOver(x, x.dtype, frame), shape);
}

/** What is summed where `own` was broadcast to `whole`. Only sizes of 1 within `own` need the summed axes kept. */
export function repetition(own: Shape, whole: Shape): Frame {
  const lead = whole.length - own.length;
  const axes: number[] = [];
  for (let axis = 0; axis < whole.length; axis++) {
    if (axis < lead || (own[axis - lead] === 1 && whole[axis] !== 1)) axes.push(axis);
  }
  return { shape: whole, axes, keepdim: axes.length > lead };
}

/** The same elements with the axes of size 1 that `shape` has not left out. */
export const fitted = (x: Tensor, shape: Shape): Tensor => (sameShape(shapeOf(x), shape) ? x : viewAs(x, shape));
