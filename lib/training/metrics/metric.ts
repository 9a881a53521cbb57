import type { ArgumentsOf } from '../../arguments/forms.js';
import { takeNoMore } from '../../arguments/no-more.js';
import { mark } from '../../describe.js';
import { signature } from '../../arguments/signature.js';
import { noGrad } from '../../autograd/mode.js';
import type { DType } from '../../backend/dtype.js';
import { sameShape } from '../../backend/view.js';
import { ShapeError } from '../../errors.js';
import { filledOf } from '../../tensor/empty.js';
import * as kinds from '../../tensor/kinds.js';
import { type Shape, show } from '../../tensor/shape.js';
import { shapeOf, type Tensor } from '../../tensor/tensor.js';

/** @internal The states of a metric that a captured function can update: sums over what it has seen. */
export let statesOf: (metric: { readonly isSum: boolean }) => readonly Tensor[];

/** Predictions, or scores, and what they should be. */
export const pair = signature('pred, target, /', { pred: kinds.tensor, target: kinds.tensor });

export type Pair = ArgumentsOf<typeof pair>;

/**
 * A number that says how good a model is, gathered batch by batch. What it has seen is in tensors, so that a captured function can update it.
 *
 * @example
 * ```ts
 * const accuracy = new Accuracy();
 * accuracy.update(tensor([0, 1, 1], { dtype: 'int32' }), tensor([0, 1, 0], { dtype: 'int32' }));
 * accuracy.compute().toFixed(4); // '0.6667'
 * accuracy.reset();
 * ```
 * @typeParam Arguments what `update` takes, and `Values` what comes of that
 */
export abstract class Metric<
  Arguments extends readonly unknown[],
  Result,
  Values extends readonly unknown[] = Arguments,
> {
  readonly #states: Tensor[] = [];

  static {
    takeNoMore(Metric, 'reset');
    mark(Metric.prototype);
    statesOf = (metric) => (metric as Metric<[], unknown>).#states;
  }

  /** @internal Whether a captured function can update it. */
  get isCapturable(): boolean {
    return true;
  }

  /** @internal Whether its states are sums, so that those of several ranks can be added. */
  get isSum(): boolean {
    return this.isCapturable;
  }

  /** Looks at the arguments of `update`. */
  protected abstract readonly takes: { read(op: string, args: readonly unknown[]): Values };

  /** A state, which starts at zero and goes back to it. */
  protected state(shape: Shape = [], dtype: DType = 'float64'): Tensor {
    const state = filledOf(shape, 0, dtype);
    this.#states.push(state);
    return state;
  }

  /** Takes a batch in. */
  update(...batch: Arguments): void {
    const values = this.takes.read(`${this.constructor.name}.update`, batch);
    noGrad(() => this.accumulate(...values));
  }

  /** Adds a batch to the states. */
  protected abstract accumulate(...batch: Values): void;

  /** What it comes to for all batches since the start, or the last `reset`. NaN of none. */
  abstract compute(): Result;

  /** Forgets all batches. */
  reset(): void {
    for (const state of this.#states) state.zero_();
  }
}

/** Refuses a pair of tensors of different shapes. */
export function requireSameShape(op: string, pred: Tensor, target: Tensor): void {
  if (sameShape(shapeOf(pred), shapeOf(target))) return;
  throw new ShapeError(
    `${op}.update: the predictions have shape ${show(shapeOf(pred))}, but the targets ${show(shapeOf(target))}`,
  );
}
