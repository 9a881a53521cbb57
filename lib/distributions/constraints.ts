import { recording } from '../backend/recording.js';
import { ValueError } from '../errors.js';
import { to } from '../ops/conversion.js';
import { choleskyOf, turned } from '../ops/linear-algebra/factors.js';
import { refuseIf } from '../tensor/check.js';
import type { Tensor } from '../tensor/tensor.js';

/** What all elements must be. */
export interface Constraint {
  readonly text: string;
  /** True per element, or per event. */
  readonly holds: (x: Tensor) => Tensor;
}

const isWhole = (x: Tensor): Tensor => x.eq(x.floor());

export const real: Constraint = { text: 'a number', holds: (x) => x.eq(x) };
export const positive: Constraint = { text: 'above 0', holds: (x) => x.gt(0) };
export const notNegative: Constraint = { text: 'at least 0', holds: (x) => x.ge(0) };
export const fraction: Constraint = { text: 'in [0, 1]', holds: (x) => x.ge(0).logicalAnd(x.le(1)) };
export const bit: Constraint = { text: '0 or 1', holds: (x) => x.eq(0).logicalOr(x.eq(1)) };
export const count: Constraint = { text: 'a whole number, at least 0', holds: (x) => isWhole(x).logicalAnd(x.ge(0)) };

export const realVector: Constraint = { text: 'numbers', holds: (x) => x.eq(x).all(-1) };

/** Which matrices have only elements that are true. */
const everywhere = (x: Tensor): Tensor => x.all(-1).all(-1);

export const lowerCholesky: Constraint = {
  text: 'lower triangular, with a diagonal above 0',
  holds: (x) => everywhere(x.tril().eq(x)).logicalAnd(x.diagonal(0, -2, -1).gt(0).all(-1)),
};
export const positiveDefinite: Constraint = {
  text: 'symmetric and positive definite',
  holds: (x) => everywhere(x.isclose(turned(x), 1e-5, 1e-6)).logicalAnd(choleskyOf(x)[1].eq(0)),
};

/** How far a sum of probabilities may be from 1. */
const SLACK = 1e-6;
export const simplex: Constraint = {
  text: 'at least 0, with a sum of 1 along the last dim',
  holds: (x) => x.ge(0).all(-1).logicalAnd(x.sum(-1).sub(1).abs().lt(SLACK)),
};
export const weights: Constraint = {
  text: 'at least 0, with a sum above 0 along the last dim',
  holds: (x) => x.ge(0).all(-1).logicalAnd(x.sum(-1).gt(0)),
};

export const between = (low: Tensor, high: Tensor): Constraint => ({
  text: 'within the bounds of the distribution',
  holds: (x) => x.ge(low).logicalAnd(x.le(high)),
});
export const wholeUpTo = (most: Tensor | number): Constraint => ({
  text: typeof most === 'number' ? `a whole number, between 0 and ${most}` : 'a whole number, between 0 and totalCount',
  holds: (x) => isWhole(x).logicalAnd(x.ge(0)).logicalAnd(x.le(most)),
});

/** Refuses elements that are not what they must be; in a captured function every replay looks again. */
export function require(op: string, name: string, x: Tensor, { text, holds }: Constraint): void {
  const values = x.detach();
  const isBad = holds(values).logicalNot();
  const complaint = `${op}: ${name} must be ${text}`;
  refuseIf(
    to(isBad.any(), 'float64'),
    () => new ValueError(`${complaint}${recording === null ? `, got ${example(values, isBad)}` : ''}`),
    () => new ValueError(complaint),
  );
}

/** The first value that is refused, or the first event. */
function example(values: Tensor, isBad: Tensor): string {
  if (isBad.ndim < values.ndim) {
    const at = isBad.reshape([-1]).toArray() as boolean[];
    const events = values.reshape([at.length, -1]).toArray() as number[][];
    return `[${events[at.indexOf(true)]!.join(', ')}]`;
  }
  return String((values.expand(isBad.shape).maskedSelect(isBad).toArray() as number[])[0]);
}
