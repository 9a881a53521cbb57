import { describe } from '../../describe.js';
import { ValueError } from '../../errors.js';
import { type AnyOptimizer, LRScheduler } from './scheduler.js';

/** A factor for every epoch. It must depend on the epoch alone: a run in the background asks ahead, and more than once. */
export type LrLambda = (epoch: number) => number;

/** One function for each group: the same for all, or those of an array. */
export function lambdasOf(name: string, lambda: LrLambda | readonly LrLambda[], groups: number): LrLambda[] {
  const lambdas = Array.isArray(lambda) ? [...lambda] : new Array<LrLambda>(groups).fill(lambda as LrLambda);
  if (lambdas.length !== groups) {
    throw new ValueError(`${name}: expected ${groups} functions, one for each parameter group, got ${lambdas.length}`);
  }
  const other = lambdas.find((one) => typeof one !== 'function');
  if (other !== undefined) throw new ValueError(`${name}: lrLambda must be a function, got ${describe(other)}`);
  return lambdas;
}

/** A factor that a user's function gives. */
export function factorAt(name: string, lambda: LrLambda, epoch: number): number {
  const factor: unknown = lambda(epoch);
  if (typeof factor === 'number' && Number.isFinite(factor)) return factor;
  throw new ValueError(`${name}: lrLambda must give a finite number, got ${describe(factor)} for epoch ${epoch}`);
}

/**
 * The rates at first times what a function of the epoch gives: baseLr · lambda(t).
 *
 * @param lrLambda a function of the epoch alone, or one for each parameter group
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

  constructor(optimizer: AnyOptimizer, lrLambda: LrLambda | readonly LrLambda[], lastEpoch = -1) {
    const groups = optimizer?.paramGroups?.length ?? 1;
    super(optimizer, { lrLambdas: lambdasOf('LambdaLR', lrLambda, groups) }, lastEpoch);
  }

  protected override next(_lr: number, baseLr: number, group: number): number {
    return baseLr * factorAt('LambdaLR', this.lrLambdas[group]!, this.lastEpoch);
  }
}
