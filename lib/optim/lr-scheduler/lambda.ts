import type { ArgumentsOf } from '../../arguments/forms.js';
import { kind } from '../../arguments/kind.js';
import { signature } from '../../arguments/signature.js';
import { describe } from '../../describe.js';
import { ValueError } from '../../errors.js';
import { LRScheduler } from './lr-scheduler.js';
import { type AnyOptimizer, scheduling } from './scheduler.js';

/** A factor for every epoch. It must depend on the epoch alone: a run in the background asks ahead, and more than once. */
export type LrLambda = (epoch: number) => number;

const isFunction = (value: unknown): value is LrLambda => typeof value === 'function';

const factors = signature('optimizer, /, lrLambda, lastEpoch', {
  ...scheduling,
  /** A function of the epoch alone, or one for each parameter group. */
  lrLambda: kind(
    'a function, or an array of functions',
    (value): value is LrLambda | readonly LrLambda[] =>
      isFunction(value) || (Array.isArray(value) && value.every(isFunction)),
  ),
});

/** One function for each group: the same for all, or those of an array. */
function lambdasOf(name: string, lambda: LrLambda | readonly LrLambda[], optimizer: AnyOptimizer): LrLambda[] {
  const groups = optimizer.paramGroups.length;
  const lambdas = isFunction(lambda) ? new Array<LrLambda>(groups).fill(lambda) : [...lambda];
  if (lambdas.length === groups) return lambdas;
  throw new ValueError(`${name}: expected ${groups} functions, one for each parameter group, got ${lambdas.length}`);
}

/** A factor that a user's function gives. */
function factorAt(name: string, lambda: LrLambda, epoch: number): number {
  const factor: unknown = lambda(epoch);
  if (typeof factor === 'number' && Number.isFinite(factor)) return factor;
  throw new ValueError(`${name}: lrLambda must give a finite number, got ${describe(factor)} for epoch ${epoch}`);
}

/**
 * The rates at first times what a function of the epoch gives: baseLr · lrLambda(t).
 *
 * @throws ValueError for what is no optimizer, no function or not one for each group, and where a function gives no finite number
 * @example
 * ```ts
 * const sgd = new optim.SGD([zeros([1], { requiresGrad: true })], { lr: 1 });
 * const warmUp = new optim.lrScheduler.LambdaLR(sgd, (epoch) => Math.min(1, (epoch + 1) / 4));
 * warmUp.getLastLr(); // [0.25]
 * sgd.step();
 * warmUp.step();
 * warmUp.getLastLr(); // [0.5]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.LambdaLR.html
 */
export class LambdaLR extends LRScheduler {
  declare lrLambdas: LrLambda[];

  constructor(...args: ArgumentsOf<typeof factors>) {
    const { lrLambda, ...rest } = factors.named('LambdaLR', args);
    super({ ...rest, lrLambdas: lambdasOf('LambdaLR', lrLambda, rest.optimizer) });
  }

  protected override next(_lr: number, baseLr: number, group: number): number {
    return baseLr * factorAt('LambdaLR', this.lrLambdas[group]!, this.lastEpoch);
  }
}

/**
 * Multiplies rates at every step by what a function of the epoch gives: lr · lrLambda(t). The rates to begin with stay.
 *
 * @throws ValueError for what is no optimizer, no function or not one for each group, and where a function gives no finite number
 * @example
 * ```ts
 * const sgd = new optim.SGD([zeros([1], { requiresGrad: true })], { lr: 1 });
 * const scheduler = new optim.lrScheduler.MultiplicativeLR(sgd, () => 0.5);
 * sgd.step();
 * scheduler.step();
 * scheduler.getLastLr(); // [0.5]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.MultiplicativeLR.html
 */
export class MultiplicativeLR extends LRScheduler {
  declare lrLambdas: LrLambda[];

  constructor(...args: ArgumentsOf<typeof factors>) {
    const { lrLambda, ...rest } = factors.named('MultiplicativeLR', args);
    super({ ...rest, lrLambdas: lambdasOf('MultiplicativeLR', lrLambda, rest.optimizer) });
  }

  protected override next(lr: number, _baseLr: number, group: number, isInitial: boolean): number {
    return isInitial ? lr : lr * factorAt('MultiplicativeLR', this.lrLambdas[group]!, this.lastEpoch);
  }
}
