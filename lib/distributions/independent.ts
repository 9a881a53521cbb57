import type { ArgumentsOf, OptionsOf } from '../arguments/forms.js';
import { kind } from '../arguments/kind.js';
import { takeNoMore } from '../arguments/no-more.js';
import { signature } from '../arguments/signature.js';
import type { DType } from '../backend/dtype.js';
import { ShapeError } from '../errors.js';
import type { Generator } from '../tensor/generator.js';
import * as kinds from '../tensor/kinds.js';
import { type Shape, show } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Constraint } from './constraints.js';
import { checking, Distribution } from './distribution.js';

const grouping = signature('baseDistribution, reinterpretedBatchNdims, *, validateArgs', {
  baseDistribution: kind('a Distribution', (value): value is Distribution => value instanceof Distribution),
  reinterpretedBatchNdims: kinds.integerFrom(0),
  ...checking,
});

export interface IndependentOptions extends OptionsOf<typeof grouping> {}

/** The sum over the last dims. */
export function sumLast(x: Tensor, dims: number): Tensor {
  return dims === 0 ? x : x.sum(Array.from({ length: dims }, (_, i) => i - dims));
}

/**
 * A distribution whose last batch dims are one event: `logProb` and `entropy` are sums over these.
 *
 * @throws ShapeError for more dims than the batch has
 * @example
 * ```ts
 * const base = new distributions.Normal(zeros([2, 3]), ones([2, 3]));
 * const rows = new distributions.Independent(base, 1);
 * [rows.batchShape, rows.eventShape]; // [[2], [3]]
 * rows.logProb(zeros([3])); // tensor([-2.7568, -2.7568])
 * ```
 * @see https://pytorch.org/docs/stable/distributions.html#independent
 */
export class Independent extends Distribution {
  readonly baseDistribution: Distribution;
  readonly reinterpretedBatchNdims: number;
  readonly hasRsample: boolean;

  constructor(...args: ArgumentsOf<typeof grouping, IndependentOptions>) {
    const [base, dims, validateArgs] = grouping.read('Independent', args);
    const { batchShape, eventShape } = base;
    if (dims > batchShape.length) {
      throw new ShapeError(
        `Independent: reinterpretedBatchNdims must be at most ${batchShape.length}, for a batch of shape ${show(batchShape)}, got ${dims}`,
      );
    }
    const at = batchShape.length - dims;
    super(batchShape.slice(0, at), [...batchShape.slice(at), ...eventShape], validateArgs);
    this.baseDistribution = base;
    this.reinterpretedBatchNdims = dims;
    this.hasRsample = base.hasRsample;
  }

  override get mean(): Tensor {
    return this.baseDistribution.mean;
  }

  override get mode(): Tensor {
    return this.baseDistribution.mode;
  }

  override get variance(): Tensor {
    return this.baseDistribution.variance;
  }

  /** @internal */
  override get support(): Constraint {
    return this.baseDistribution.support;
  }

  /** @internal */
  override get dtype(): DType {
    return this.baseDistribution.dtype;
  }

  /** @internal */
  override draw(shape: Shape, generator: Generator | null): Tensor {
    return this.baseDistribution.draw(shape, generator);
  }

  /** @internal */
  override density(value: Tensor): Tensor {
    return sumLast(this.baseDistribution.density(value), this.reinterpretedBatchNdims);
  }

  override entropy(): Tensor {
    return sumLast(this.baseDistribution.entropy(), this.reinterpretedBatchNdims);
  }
}

takeNoMore(Independent, 'entropy');
