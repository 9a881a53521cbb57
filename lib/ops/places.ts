import type { Expr } from '../expr/index.js';
import * as e from '../expr/index.js';
import { Formula } from '../tensor/formula.js';
import type { Tensor } from '../tensor/tensor.js';
import { valuesOf } from '../tensor/values.js';
import { tensor } from './creation.js';

// Where elements are, as numbers.

const formulas = new Map<number, Formula<Expr[]>>();

/** Of `count` indices, with the size of the dimension that each is for and how far apart its elements are. */
function locating(count: number): Formula<Expr[]> {
  let formula = formulas.get(count);
  if (formula === undefined) {
    formula = new Formula<Expr[]>('index', (...args) => {
      const indices = args
        .slice(0, count)
        .map((index, i) => ({ index, size: args[count + i]!, step: args[2 * count + i]! }));
      const inRange = indices
        .map(({ index, size }) => e.and(e.ge(index, e.neg(size)), e.lt(index, size)))
        .reduce(e.and);
      const places = indices.map(({ index, size, step }) =>
        e.mul(step, e.where(e.lt(index, 0), e.add(index, size), index)),
      );
      return e.where(inRange, places.reduce(e.add), -1);
    });
    formulas.set(count, formula);
  }
  return formula;
}

/**
 * Positions among the elements of dimensions of some sizes, in row-major order, from an index (int32) for each, of which negative ones count from
 * the end; -1 where one is out of range, so that whatever uses the positions refuses it.
 */
export function located(indices: readonly Tensor[], sizes: readonly number[]): Tensor {
  const steps = sizes.map((_, i) => sizes.slice(i + 1).reduce((a, b) => a * b, 1));
  const operands = [...indices.map((index) => index.detach()), ...sizes, ...steps];
  return locating(indices.length).call(operands, 'int32');
}

/** The index along each dimension of all elements that are not 0, in row-major order. Their number depends on the values. */
export function nonzeroPlaces(x: Tensor, reader: string): Int32Array[] {
  const values = valuesOf(x, reader);
  const flat = Int32Array.from(values.keys()).filter((at) => values[at] !== 0);
  let step = values.length;
  return x.shape.map((size) => {
    step /= size;
    return flat.map((at) => Math.floor(at / step) % size);
  });
}

/** Positions as a tensor. */
export const positions = (values: Int32Array | readonly number[]): Tensor => tensor(values, { dtype: 'int32' });
