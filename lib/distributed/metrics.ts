import { defineAsync } from '../arguments/define.js';
import { listed } from '../arguments/elements.js';
import type { FunctionOf } from '../arguments/forms.js';
import { kind } from '../arguments/kind.js';
import { oneOrList } from '../arguments/kinds.js';
import { signature } from '../arguments/signature.js';
import { ValueError } from '../errors.js';
import { copy_ } from '../ops/conversion.js';
import { Metric, statesOf } from '../training/metrics/metric.js';
import { allReduce } from './collectives.js';
import { worldFor } from './world.js';

// biome-ignore lint/suspicious/noExplicitAny: what it takes does not matter here
type AnyMetric = Metric<any, unknown, any>;

const metric = kind('a Metric', (value): value is AnyMetric => value instanceof Metric);

const adding = signature('metrics, /', { metrics: oneOrList('a Metric, or an array of them', metric) });

/**
 * Gives metrics what all ranks together have seen, so that `compute` is of all examples: once, before it, after the last batch.
 *
 * @throws ValueError for metrics whose states cannot be added up: AUROC, AveragePrecision, R2Score
 * @example
 * ```ts
 * import { tensor } from 'nabla';
 * import { init, reduceMetrics } from 'nabla/distributed';
 * import { MeanMetric } from 'nabla/training';
 *
 * await init();
 * const loss = new MeanMetric();
 * loss.update(tensor([4, 6]));
 * await reduceMetrics(loss);
 * loss.compute(); // 5
 * ```
 */
export const reduceMetrics: FunctionOf<Promise<void>, typeof adding> = defineAsync(
  'reduceMetrics',
  adding,
  async (metrics) => {
    worldFor('reduceMetrics');
    const all = listed(metrics);
    const unfit = all.find(({ isSum }) => !isSum);
    if (unfit !== undefined) {
      throw new ValueError(
        `reduceMetrics: ${unfit.constructor.name} keeps what cannot be added up; gather predictions and targets with allGather, and update it with them`,
      );
    }
    for (const state of all.flatMap(statesOf)) copy_(state, await allReduce(state));
  },
);
