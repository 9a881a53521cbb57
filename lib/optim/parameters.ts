import { type Kind, kind } from '../arguments/kind.js';
import { isBool } from '../backend/dtype.js';
import { describe } from '../describe.js';
import { ValueError } from '../errors.js';
import * as kinds from '../tensor/kinds.js';
import { show } from '../tensor/shape.js';
import { isTensor, type Tensor } from '../tensor/tensor.js';
import { isObject } from './groups.js';

// Parameters that optimizers have, with what users read of them.

/** Parameters, or groups of them; what is in them, groups look at. */
const params: Kind<Iterable<unknown>> = kind(
  'an iterable',
  (value): value is Iterable<unknown> => isObject(value) && Symbol.iterator in value && !isTensor(value),
  {
    explain: (op, _, value) => {
      throw new ValueError(
        `${op}: expected an iterable of tensors or of parameter groups, got ${describe(value)}; pass model.parameters()`,
      );
    },
  },
);

const RATE = 'a number of at least 0, or a tensor of one';

/** A learning rate: a number, or a tensor of one, whose value is looked at when it is used. */
export const rate: Kind<number | Tensor> = kind(
  RATE,
  (value): value is number | Tensor =>
    isTensor(value) ? value.numel() === 1 && !isBool(value.dtype) : typeof value === 'number' && value >= 0,
  {
    explain: (op, name, value) => {
      if (!isTensor(value)) return;
      throw new ValueError(`${op}: ${name} must be ${RATE}, got a ${value.dtype} tensor of shape ${show(value.shape)}`);
    },
  },
);

/** The value of a rate. */
export const rateOf = (lr: number | Tensor): number => (typeof lr === 'number' ? lr : lr.item());

/** A number from 0 up to but not including 1. */
const isFraction = (value: unknown): boolean => typeof value === 'number' && value >= 0 && value < 1;

/** Two numbers from 0 up to but not including 1. */
export const fractions: Kind<readonly [number, number]> = kind(
  'two numbers of at least 0 and below 1',
  (value): value is readonly [number, number] => Array.isArray(value) && value.length === 2 && value.every(isFraction),
  {
    explain: (op, name, value) => {
      if (!Array.isArray(value) || !value.slice(0, 2).some(isTensor)) return;
      throw new ValueError(`${op}: ${name} must be two numbers; of tensors, pass the values, with .item()`);
    },
  },
);

/** What every optimizer that has a direction has. */
export const directed = {
  params,
  /** Go up the gradient instead of down. Default: false. */
  maximize: kinds.boolean.default(false),
};

/** What nearly every optimizer has. */
export const common = {
  ...directed,
  /** L2 penalty: this times the parameter is added to its gradient. Default: 0. */
  weightDecay: kinds.atLeast(0).default(0),
};

/** What optimizers have that keep averages of gradients and of their squares. */
export const averaging = {
  ...common,
  /** How much is kept of the averages of gradients and of their squares in each step; numbers, never tensors. Default: [0.9, 0.999]. */
  betas: fractions.default([0.9, 0.999]),
  /** Added to the root of the average square. Default: 1e-8. */
  eps: kinds.atLeast(0).default(1e-8),
};

/** A weight decay that may be decoupled. */
export const decoupling = {
  /** Take lr · weightDecay of a parameter away in each step instead, and leave its gradient alone. Default: false. */
  decoupledWeightDecay: kinds.boolean.default(false),
};

const NO_RATES: readonly Tensor[] = [];

/** The rates of groups that are tensors. */
export function ratesIn(groups: readonly object[]): readonly Tensor[] {
  let found = NO_RATES;
  for (const group of groups) {
    const { lr } = group as { lr?: unknown };
    if (isTensor(lr)) found = [...found, lr];
  }
  return found;
}
