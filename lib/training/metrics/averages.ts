import type { ArgumentsOf, OptionsOf } from '../../arguments/forms.js';
import { takeNoMore } from '../../arguments/no-more.js';
import { signature } from '../../arguments/signature.js';
import { isFloat } from '../../backend/dtype.js';
import { DTypeError, ShapeError } from '../../errors.js';
import { crossEntropy } from '../../nn/losses/classification.js';
import { tensor } from '../../ops/creation.js';
import * as kinds from '../../tensor/kinds.js';
import { broadcastsTo, show } from '../../tensor/shape.js';
import { shapeOf, type Tensor } from '../../tensor/tensor.js';
import { Metric, type Pair, pair, requireSameShape } from './metric.js';

// Metrics that are sums over all elements, divided at the end. Sums are kept in float64, which holds what float32 would round away.

const weighing = signature('value, /, weight', {
  value: kinds.operand,
  /** How much the value counts for. Default: 1. */
  weight: kinds.operand.default(1),
});

/**
 * Σ weight · value / Σ weight: a loss over batches of different sizes, for instance.
 *
 * @example
 * ```ts
 * const loss = new MeanMetric();
 * loss.update(2, 3);
 * loss.update(tensor([4, 6]));
 * loss.compute(); // 3.2
 * ```
 */
export class MeanMetric extends Metric<ArgumentsOf<typeof weighing>, number, ReturnType<typeof weighing.read>> {
  protected readonly takes = weighing;
  readonly #total = this.state();
  readonly #weight = this.state();

  protected accumulate(value: Tensor | number, weight: Tensor | number): void {
    const [values, given] = [asDouble(value), asDouble(weight)];
    if (!broadcastsTo(shapeOf(given), shapeOf(values))) {
      throw new ShapeError(
        `MeanMetric.update: the weight must broadcast to the value's shape ${show(values.shape)}, got ${show(given.shape)}`,
      );
    }
    const weights = given.expandAs(values);
    this.#total.add_(values.mul(weights).sum());
    this.#weight.add_(weights.sum());
  }

  /** The weighted mean; NaN of nothing. */
  override compute(): number {
    return this.#total.item() / this.#weight.item();
  }
}

const asDouble = (x: Tensor | number): Tensor => (typeof x === 'number' ? tensor(x, { dtype: 'float64' }) : x.double());

/** The mean of a function of the differences of predictions and targets. */
abstract class ErrorMetric extends Metric<Pair, number> {
  protected readonly takes = pair;
  readonly #total = this.state();
  readonly #count = this.state();

  protected abstract errorOf(difference: Tensor): Tensor;

  protected accumulate(pred: Tensor, target: Tensor): void {
    requireSameShape(this.constructor.name, pred, target);
    this.#total.add_(this.errorOf(pred.double().sub(target.double())).sum());
    this.#count.add_(pred.numel());
  }

  /** The mean error; NaN of nothing. */
  override compute(): number {
    return this.#total.item() / this.#count.item();
  }
}

/**
 * Σ |prediction - target| / n.
 *
 * @example
 * ```ts
 * const error = new MeanAbsoluteError();
 * error.update(tensor([1, 2]), tensor([2, 4]));
 * error.compute(); // 1.5
 * ```
 * @see https://scikit-learn.org/stable/modules/generated/sklearn.metrics.mean_absolute_error.html
 */
export class MeanAbsoluteError extends ErrorMetric {
  protected errorOf(difference: Tensor): Tensor {
    return difference.abs();
  }
}

/**
 * Σ (prediction - target)² / n.
 *
 * @example
 * ```ts
 * const error = new MeanSquaredError();
 * error.update(tensor([1, 2]), tensor([2, 4]));
 * error.compute(); // 2.5
 * ```
 * @see https://scikit-learn.org/stable/modules/generated/sklearn.metrics.mean_squared_error.html
 */
export class MeanSquaredError extends ErrorMetric {
  protected errorOf(difference: Tensor): Tensor {
    return difference.square();
  }
}

/**
 * R² = 1 - Σ (target - prediction)² / Σ (target - mean)², over all elements: 1 for predictions that are right, 0 for those no better than the mean of the
 * targets. Where all targets are equal, 1 if the predictions are right, else 0. As in scikit-learn, NaN for fewer than two.
 *
 * @example
 * ```ts
 * const r2 = new R2Score();
 * r2.update(tensor([2.5, 0, 2, 8]), tensor([3, -0.5, 2, 7]));
 * r2.compute().toFixed(4); // '0.9486'
 * ```
 * @see https://scikit-learn.org/stable/modules/generated/sklearn.metrics.r2_score.html
 */
export class R2Score extends Metric<Pair, number> {
  /** @internal Deviations from a mean that moves. */
  override get isSum(): boolean {
    return false;
  }

  protected readonly takes = pair;
  readonly #residual = this.state();
  readonly #count = this.state();
  readonly #mean = this.state();
  /** Σ (target - mean)². */
  readonly #spread = this.state();

  protected accumulate(pred: Tensor, target: Tensor): void {
    requireSameShape('R2Score', pred, target);
    const y = target.double();
    this.#residual.add_(y.sub(pred.double()).square().sum());
    if (y.numel() === 0) return;
    // Chan's way of joining the means and spreads of two parts, which cancels nothing.
    const [own, others] = [y.numel(), this.#count.clone()];
    const difference = y.mean().sub(this.#mean);
    this.#spread
      .add_(y.sub(y.mean()).square().sum())
      .add_(difference.square().mul(others).mul(own).div(others.add(own)));
    this.#mean.add_(difference.mul(own).div(others.add(own)));
    this.#count.add_(own);
  }

  /** R² of all that came; NaN of fewer than two. */
  override compute(): number {
    const [residual, spread] = [this.#residual.item(), this.#spread.item()];
    if (this.#count.item() < 2) return Number.NaN;
    if (spread === 0) return residual === 0 ? 1 : 0;
    return 1 - residual / spread;
  }
}

const ignoring = signature('*, ignoreIndex', {
  /** A target that counts for nothing. Default: -100. */
  ignoreIndex: kinds.integer.default(-100),
});

export interface PerplexityOptions extends OptionsOf<typeof ignoring> {}

/**
 * e to the mean cross-entropy of the targets: how many words a language model hesitates between.
 *
 * Shapes: logits (…, classes), targets (…).
 *
 * @example
 * ```ts
 * const perplexity = new Perplexity();
 * perplexity.update(zeros([2, 3, 10]), zeros([2, 3], { dtype: 'int32' }));
 * perplexity.compute().toFixed(4); // '10.0000'
 * ```
 * @see https://huggingface.co/docs/transformers/perplexity
 */
export class Perplexity extends Metric<Pair, number> {
  protected readonly takes = pair;
  readonly #ignoreIndex: number;
  readonly #total = this.state();
  readonly #count = this.state();

  constructor(...options: ArgumentsOf<typeof ignoring, PerplexityOptions>) {
    super();
    this.#ignoreIndex = ignoring.named('Perplexity', options).ignoreIndex;
  }

  protected accumulate(logits: Tensor, target: Tensor): void {
    if (!isFloat(logits.dtype))
      throw new DTypeError(`Perplexity.update: the logits must be floats, got ${logits.dtype}`);
    const lead = logits.shape.slice(0, -1);
    if (logits.ndim === 0 || lead.join() !== target.shape.join()) {
      throw new ShapeError(
        `Perplexity.update: the logits of shape ${show(logits.shape)} need targets of shape ${show(lead)}, got ${show(target.shape)}`,
      );
    }
    const rows = logits.double().reshape([-1, logits.shape.at(-1)!]);
    const classes = target.reshape([-1]);
    this.#total.add_(crossEntropy(rows, classes, { reduction: 'sum', ignoreIndex: this.#ignoreIndex }));
    this.#count.add_(classes.ne(this.#ignoreIndex).double().sum());
  }

  /** The perplexity of all that came; NaN of nothing. */
  override compute(): number {
    return Math.exp(this.#total.item() / this.#count.item());
  }
}

takeNoMore(MeanMetric, 'compute');
takeNoMore(ErrorMetric, 'compute');
takeNoMore(R2Score, 'compute');
takeNoMore(Perplexity, 'compute');
