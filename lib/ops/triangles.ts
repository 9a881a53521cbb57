import { define } from '../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import { type ComputeType, computeType, type DType } from '../backend/dtype.js';
import { ShapeError } from '../errors.js';
import type { Expr } from '../expr/index.js';
import * as e from '../expr/index.js';
import { writeInPlace } from '../tensor/elementwise.js';
import { emptyOf } from '../tensor/empty.js';
import { Formula } from '../tensor/formula.js';
import * as kinds from '../tensor/kinds.js';
import { show } from '../tensor/shape.js';
import { shapeOf, storageOf, type Tensor } from '../tensor/tensor.js';
import { arange } from './creation.js';
import { unsqueeze } from './views.js';

// What lies on one side of a diagonal.

/** Arguments: x, the number of each row and of each column, and which diagonal is the last (or the first). */
type Triangle = Formula<[x: Expr, row: Expr, column: Expr, diagonal: Expr]>;

const lower: Triangle = new Formula('tril', (x, row, column, k) => e.where(e.le(column, e.add(row, k)), x, 0));
const upper: Triangle = new Formula('triu', (x, row, column, k) => e.where(e.ge(column, e.add(row, k)), x, 0));

/** float32 counts that far. */
const MOST_COUNTED = 2 ** 24;

interface Masking {
  readonly args: readonly [x: Tensor, row: Tensor, column: Tensor, diagonal: number];
  readonly compute: ComputeType;
}

function masking(op: string, x: Tensor, diagonal: number): Masking {
  if (x.ndim < 2) throw new ShapeError(`${op}: expected at least 2 dimensions, got shape ${show(x.shape)}`);
  const [rows, columns] = shapeOf(x).slice(-2) as [number, number];
  // Beyond the corners nothing changes.
  const k = Math.max(-rows, Math.min(columns, diagonal));
  const compute = Math.max(rows, columns) > MOST_COUNTED ? 'float64' : computeType(x.dtype);
  return { args: [x, unsqueeze(arange(rows), 1), arange(columns), k], compute };
}

const cutting = signature('input, /, diagonal', {
  input: kinds.tensor,
  /** Where to cut: 0 at the main diagonal, above it if positive, below if negative. Default: 0. */
  diagonal: kinds.integer.default(0),
});
type Cutting = FunctionOf<Tensor, typeof cutting>;

const masked = (op: string, triangle: Triangle): Cutting =>
  define(op, cutting, (x, diagonal) => {
    const { args, compute } = masking(op, x, diagonal);
    return triangle.call(args, x.dtype, compute);
  });

const maskedInPlace = (op: string, triangle: Triangle): Cutting =>
  define(op, cutting, (x, diagonal) => {
    const { args, compute } = masking(op, x, diagonal);
    return writeInPlace(op, triangle, x, args, compute);
  });

/**
 * The lower triangle of matrices, zeros elsewhere.
 *
 * @param diagonal the last diagonal that is kept
 * @throws ShapeError for fewer than two dimensions
 * @example
 * ```ts
 * tril(ones([2, 3])); // tensor([[1., 0., 0.], [1., 1., 0.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.tril.html
 */
export const tril: Cutting = masked('tril', lower);

/**
 * The upper triangle of matrices, zeros elsewhere.
 *
 * @param diagonal the first diagonal that is kept
 * @throws ShapeError for fewer than two dimensions
 * @example
 * ```ts
 * triu(ones([2, 3]), 1); // tensor([[0., 1., 1.], [0., 0., 1.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.triu.html
 */
export const triu: Cutting = masked('triu', upper);

/** `tril` in place. @example ones([2, 2]).tril_(); // tensor([[1., 0.], [1., 1.]]) */
export const tril_: Cutting = maskedInPlace('tril_', lower);
/** `triu` in place. @example ones([2, 2]).triu_(); // tensor([[1., 1.], [0., 1.]]) */
export const triu_: Cutting = maskedInPlace('triu_', upper);

const indexing = signature('row, col, offset, *, dtype', {
  /** Rows of the matrix. */
  row: kinds.size,
  /** Columns of the matrix. */
  col: kinds.size,
  /** Which diagonal is the border, and belongs to the triangle. Default: 0. */
  offset: kinds.integer.default(0),
  /** Element type. Default: int32. */
  dtype: kinds.dtype.default('int32'),
});

export interface TriangleIndicesOptions extends OptionsOf<typeof indexing> {}

type Indexing = FunctionOf<Tensor, typeof indexing, TriangleIndicesOptions>;

/** How many elements of a matrix lie below column `i + offset` of each row `i`. */
function countBelow(rows: number, columns: number, offset: number): number {
  const clip = (i: number) => Math.min(rows, Math.max(0, i));
  const [first, full] = [clip(-offset), clip(columns - offset)];
  return ((full - first) * (first + full - 1 + 2 * offset)) / 2 + (rows - full) * columns;
}

/** Rows and columns of `count` elements, those from a first to an end column of each row that has any. */
function indices(
  dtype: DType,
  count: number,
  [start, stop]: readonly [start: number, stop: number],
  within: (i: number) => readonly [first: number, end: number],
): Tensor {
  const result = emptyOf([2, count], dtype);
  // Of no columns there may be more rows than can be counted through.
  if (count === 0) return result;
  const values = storageOf(result).array(dtype);
  let at = 0;
  for (let i = start; i < stop; i++) {
    const [first, end] = within(i);
    for (let j = first; j < end; j++, at++) {
      values[at] = i;
      values[at + count] = j;
    }
  }
  return result;
}

/**
 * Rows and columns of the elements of the lower triangle of a matrix, as [2, n], row by row.
 *
 * @example
 * ```ts
 * trilIndices(2, 3); // tensor([[0, 1, 1], [0, 0, 1]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.tril_indices.html
 */
export const trilIndices: Indexing = define('trilIndices', indexing, (row, col, offset, dtype) =>
  indices(dtype, countBelow(row, col, offset + 1), [Math.max(0, -offset), row], (i) => [
    0,
    Math.min(col, i + offset + 1),
  ]),
);

/**
 * Rows and columns of the elements of the upper triangle of a matrix, as [2, n], row by row.
 *
 * @example
 * ```ts
 * triuIndices(2, 3); // tensor([[0, 0, 0, 1, 1], [0, 1, 2, 1, 2]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.triu_indices.html
 */
export const triuIndices: Indexing = define('triuIndices', indexing, (row, col, offset, dtype) =>
  indices(dtype, row * col - countBelow(row, col, offset), [0, Math.min(row, col - offset)], (i) => [
    Math.max(0, i + offset),
    col,
  ]),
);
