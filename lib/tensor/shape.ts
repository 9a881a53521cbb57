import { MAX_DIMS, sameShape, sizeOf } from '../backend/view.js';
import { describe } from '../describe.js';
import { ShapeError } from '../errors.js';

export type Shape = readonly number[];

/** More than this of a list is not shown. */
const SHOWN = 16;

/** A shape as messages show it; also what was given for one. */
export function show(shape: Shape): string {
  const shown = Array.from(shape.slice(0, SHOWN), (size: unknown) =>
    typeof size === 'number' ? size : describe(size),
  );
  return `[${shown.join(', ')}${shape.length > SHOWN ? ', …' : ''}]`;
}

/** Nothing that is meant as a shape, or as a list of dims, is longer: such a list is not even looked at. */
export const LONGEST_LIST = 64;

/** Refuses what is not a list of sizes. */
export function checkSizes(op: string, sizes: unknown): asserts sizes is readonly number[] {
  if (!Array.isArray(sizes))
    throw new ShapeError(`${op}: expected a shape as an array of sizes, got ${describe(sizes)}`);
  for (const size of sizes) {
    if (!Number.isSafeInteger(size) || size < 0) {
      throw new ShapeError(`${op}: sizes must be non-negative integers, got ${show(sizes)}`);
    }
  }
}

/** Whether a value is the shape of a tensor. */
export function isShape(shape: unknown): shape is Shape {
  if (!Array.isArray(shape) || shape.length > MAX_DIMS) return false;
  for (let axis = 0; axis < shape.length; axis++) {
    if (!Number.isSafeInteger(shape[axis]) || (shape[axis] as number) < 0) return false;
  }
  return Number.isSafeInteger(sizeOf(shape));
}

/** Refuses what is not the shape of a tensor. */
export function checkShape(op: string, shape: unknown): asserts shape is Shape {
  if (isShape(shape)) return;
  if (Array.isArray(shape)) checkNdim(op, shape.length);
  checkSizes(op, shape);
  throw new ShapeError(`${op}: ${show(shape)} has more elements than can be counted`);
}

/** Refuses more dimensions than a tensor can have. */
export function checkNdim(op: string, ndim: number): void {
  if (ndim <= MAX_DIMS) return;
  throw new ShapeError(`${op}: a tensor has at most ${MAX_DIMS} dimensions, got ${ndim}; make several of them one`);
}

/** The axis that `dim` names, counted from the end when negative. A 0-d tensor takes 0 and -1, as if it had one axis. */
export function normalizeDim(op: string, dim: number, ndim: number): number {
  const count = Math.max(ndim, 1);
  if (!Number.isInteger(dim) || dim < -count || dim >= count) {
    throw new ShapeError(
      `${op}: dim must be between ${-count} and ${count - 1} for ${ndim} dimensions, got ${describe(dim)}`,
    );
  }
  return dim < 0 ? dim + count : dim;
}

/** Sizes or strides with one more at `axis`. */
export function inserted(values: readonly number[], axis: number, value: number): number[] {
  const result = new Array<number>(values.length + 1);
  for (let i = 0; i < axis; i++) result[i] = values[i]!;
  result[axis] = value;
  for (let i = axis; i < values.length; i++) result[i + 1] = values[i]!;
  return result;
}

/** Sizes or strides without that of `axis`. */
export function removed(values: readonly number[], axis: number): number[] {
  const result = new Array<number>(values.length - 1);
  for (let i = 0; i < axis; i++) result[i] = values[i]!;
  for (let i = axis; i < result.length; i++) result[i] = values[i + 1]!;
  return result;
}

/** Every axis, in order. */
export function allAxes(ndim: number): number[] {
  const axes = new Array<number>(ndim);
  for (let axis = 0; axis < ndim; axis++) axes[axis] = axis;
  return axes;
}

/** The axes that `dim` names, ascending; all of them for undefined, null and an empty list. A 0-d tensor has none. */
export function normalizeDims(op: string, dim: number | readonly number[] | null | undefined, ndim: number): number[] {
  const all = dim === undefined || dim === null || (Array.isArray(dim) && dim.length === 0);
  if (all) return allAxes(ndim);
  if (typeof dim === 'number') {
    const axis = normalizeDim(op, dim, ndim);
    return ndim === 0 ? [] : [axis];
  }
  const given = Array.from(checkList(op, 'a dim or an array of dims', dim), (d) => normalizeDim(op, d, ndim));
  if (new Set(given).size !== given.length) throw new ShapeError(`${op}: a dim appears twice in ${show(dim as Shape)}`);
  return ndim === 0 ? [] : given.sort((a, b) => a - b);
}

/** Refuses what cannot be a list of sizes or dims, whatever is in it: what is not an array, or one without bounds. */
export function checkList(op: string, expected: string, list: unknown): readonly number[] {
  if (Array.isArray(list) && list.length <= LONGEST_LIST) return list;
  throw new ShapeError(`${op}: expected ${expected}, got ${describe(list)}`);
}

/** The shape that all `shapes` broadcast to: right-aligned, sizes equal or 1. */
export function broadcastShapes(op: string, ...shapes: readonly Shape[]): Shape {
  let result = shapes[0] ?? [];
  for (let i = 1; i < shapes.length; i++) {
    const shape = shapes[i]!;
    if (!sameShape(result, shape)) result = broadcastPair(op, result, shape, shapes);
  }
  return result;
}

/** Whether a tensor of shape `from` broadcasts to `to` as it is. */
export function broadcastsTo(from: Shape, to: Shape): boolean {
  const lead = to.length - from.length;
  if (lead < 0) return false;
  for (let axis = 0; axis < from.length; axis++) if (from[axis] !== 1 && from[axis] !== to[axis + lead]) return false;
  return true;
}

function broadcastPair(op: string, a: Shape, b: Shape, all: readonly Shape[]): Shape {
  const ndim = Math.max(a.length, b.length);
  const result = new Array<number>(ndim);
  for (let axis = 0; axis < ndim; axis++) {
    const left = a[axis - ndim + a.length] ?? 1;
    const right = b[axis - ndim + b.length] ?? 1;
    if (left !== right && left !== 1 && right !== 1) {
      throw new ShapeError(`${op}: shapes do not broadcast: ${all.map(show).join(' x ')} (${left} != ${right})`);
    }
    result[axis] = left === 1 ? right : left;
  }
  return result;
}
