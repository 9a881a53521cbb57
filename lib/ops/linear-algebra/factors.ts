import type { DType } from '../../backend/dtype.js';
import { isFloat } from '../../backend/dtype.js';
import { backend } from '../../backend/index.js';
import { DTypeError, ShapeError, ValueError } from '../../errors.js';
import { refuseIf } from '../../tensor/check.js';
import { emptyOf } from '../../tensor/empty.js';
import * as kinds from '../../tensor/kinds.js';
import { expandTo } from '../../tensor/layout.js';
import { broadcastShapes, type Shape, show } from '../../tensor/shape.js';
import { operandOf, shapeOf, type Tensor } from '../../tensor/tensor.js';
import { to } from '../conversion.js';
import { takeAlongDim } from '../picks.js';
import { argmax, sum } from '../reductions.js';
import { flatten, transpose, unsqueeze } from '../views.js';

// Decompositions outside the graph, and what functions of matrices refuse. All are computed in doubles, whatever the element type.

export const turned = (x: Tensor): Tensor => transpose(x, -2, -1);

export const batchOf = (x: Tensor): Shape => shapeOf(x).slice(0, -2);
export const rowsOf = (x: Tensor): number => shapeOf(x).at(-2)!;
export const columnsOf = (x: Tensor): number => shapeOf(x).at(-1)!;

export function requireMatrices(op: string, ...matrices: readonly Tensor[]): void {
  for (const x of matrices) {
    if (x.ndim < 2) throw new ShapeError(`${op}: expected matrices, (…, m, n), got shape ${show(x.shape)}`);
    if (!isFloat(x.dtype))
      throw new DTypeError(`${op}: expected a float tensor, got ${x.dtype}; convert with .float()`);
    if (x.dtype !== matrices[0]!.dtype)
      throw new DTypeError(
        `${op}: operands must have one dtype, got ${matrices[0]!.dtype} and ${x.dtype}; convert with .to()`,
      );
  }
}

export function requireSquare(op: string, x: Tensor): void {
  requireMatrices(op, x);
  if (rowsOf(x) !== columnsOf(x)) throw new ShapeError(`${op}: expected square matrices, got shape ${show(x.shape)}`);
}

/** The operands with one batch. */
export function alike(op: string, a: Tensor, b: Tensor): [Tensor, Tensor] {
  const batch = broadcastShapes(op, batchOf(a), batchOf(b));
  return [expandTo(a, [...batch, ...shapeOf(a).slice(-2)]), expandTo(b, [...batch, ...shapeOf(b).slice(-2)])];
}

const made = (x: Tensor, sizes: Shape, dtype: DType = x.dtype): Tensor => emptyOf([...batchOf(x), ...sizes], dtype);

/** The lower factor, and 0 or the number of the first pivot that is not above 0. */
export function choleskyOf(a: Tensor): [l: Tensor, info: Tensor] {
  const n = columnsOf(a);
  const [l, info] = [made(a, [n, n]), made(a, [], 'int32')];
  backend.factor('cholesky', [operandOf(a)], [operandOf(l), operandOf(info)]);
  return [l, info];
}

/** L below U, the rows that were exchanged (from 1 on), and 0 or the number of the first pivot that is 0. */
export function luOf(a: Tensor): [packed: Tensor, pivots: Tensor, info: Tensor] {
  const [m, n] = [rowsOf(a), columnsOf(a)];
  const [packed, pivots, info] = [made(a, [m, n]), made(a, [Math.min(m, n)], 'int32'), made(a, [], 'int32')];
  backend.factor('lu', [operandOf(a)], [operandOf(packed), operandOf(pivots), operandOf(info)]);
  return [packed, pivots, info];
}

/** Which row came to stand in each place, from the rows that were exchanged one after the other. */
export function orderOf(pivots: Tensor, rows: number): Tensor {
  const order = emptyOf([...shapeOf(pivots).slice(0, -1), rows], 'int32');
  backend.factor('order', [operandOf(pivots)], [operandOf(order)]);
  return order;
}

/** The rows of a matrix in the places that pivots say. */
export const placed = (pivots: Tensor, x: Tensor): Tensor =>
  takeAlongDim(x, unsqueeze(orderOf(pivots, rowsOf(x)), -1), -2);

/** The vectors of reflections below R, and their factors. */
export function reflectionsOf(a: Tensor): [packed: Tensor, taus: Tensor] {
  const [m, n] = [rowsOf(a), columnsOf(a)];
  const [packed, taus] = [made(a, [m, n]), made(a, [Math.min(m, n)])];
  backend.factor('qr', [operandOf(a)], [operandOf(packed), operandOf(taus)]);
  return [packed, taus];
}

/** The first columns of the product of reflections, whose vectors are columns of `packed`. */
export function productOf(packed: Tensor, taus: Tensor, columns: number): Tensor {
  const q = made(packed, [rowsOf(packed), columns]);
  backend.factor('reflect', [operandOf(packed), operandOf(taus)], [operandOf(q)]);
  return q;
}

/** Of matrices with at least as many rows as columns: U with columns of zeros for singular values that are 0, these, and V. */
export function singularOf(a: Tensor): [u: Tensor, s: Tensor, v: Tensor] {
  const [m, n] = [rowsOf(a), columnsOf(a)];
  const [u, s, v] = [made(a, [m, n]), made(a, [n]), made(a, [n, n])];
  backend.factor('svd', [operandOf(a)], [operandOf(u), operandOf(s), operandOf(v)]);
  return [u, s, v];
}

export interface Triangle {
  readonly upper: boolean;
  readonly unitriangular?: boolean;
}

/** X of A X = B, for a triangular A of the batch of B. */
export function substituted(a: Tensor, b: Tensor, { upper, unitriangular = false }: Triangle): Tensor {
  const x = made(b, [rowsOf(b), columnsOf(b)]);
  const kind = upper ? (unitriangular ? 'unitUpper' : 'upper') : unitriangular ? 'unitLower' : 'lower';
  backend.factor(kind, [operandOf(a), operandOf(b)], [operandOf(x)]);
  return x;
}

/** Refuses matrices of which a decomposition says that it failed. */
export function requireDone(op: string, info: Tensor, what: string): void {
  if (info.numel() === 0) return;
  const again = () => new ValueError(`${op}: a matrix ${what}`);
  refuseIf(
    sum(to(info, 'float64')),
    () => {
      if (info.ndim === 0) return new ValueError(`${op}: the matrix ${what} (at pivot ${info.item() - 1})`);
      const place = argmax(flatten(info).ne(0).to('int32')).item();
      return new ValueError(
        `${op}: matrix ${place} of the batch ${what} (at pivot ${flatten(info).select(0, place).item() - 1})`,
      );
    },
    again,
  );
}

/** What functions have beside others that say by `info` whether they failed. */
export const checking = {
  /** Throw where the decomposition failed, instead of saying so by `info` alone. Default: false. */
  checkErrors: kinds.boolean.default(false),
};

export const SINGULAR = 'is singular, and has no inverse; pinv and lstsq take such ones';
export const INDEFINITE = 'is not positive definite';
