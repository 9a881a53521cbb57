import { takeNoMore } from '../../arguments/no-more.js';
import { isFloat } from '../../backend/dtype.js';
import { recording } from '../../backend/recording.js';
import { CaptureError, DTypeError, ValueError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Metric, type Pair, pair, requireSameShape } from './metric.js';

// Metrics of the order that scores give: they need all scores at once.

/** What there is at a score, from the highest score down. */
interface Level {
  /** Positive and negative examples with a score of at least this. */
  readonly positives: number;
  readonly negatives: number;
}

/** Scores of binary classification, kept until they are ranked. */
abstract class RankingMetric extends Metric<Pair, number> {
  protected readonly takes = pair;

  override get isCapturable(): boolean {
    return false;
  }

  #scores: number[] = [];
  #targets: boolean[] = [];

  protected accumulate(scores: Tensor, target: Tensor): void {
    const op = this.constructor.name;
    recording?.refuse(
      new CaptureError(`${op}.update: a captured function cannot keep all scores; return them, and update outside`),
    );
    requireSameShape(op, scores, target);
    if (!isFloat(scores.dtype)) throw new DTypeError(`${op}.update: the scores must be floats, got ${scores.dtype}`);
    const values = scores.toTypedArray();
    const targets = target.toTypedArray();
    const bad = values.findIndex(Number.isNaN);
    if (bad >= 0) throw new ValueError(`${op}.update: score ${bad} is NaN, which has no place in an order`);
    const wrong = targets.find((x) => x !== 0 && x !== 1);
    if (wrong !== undefined) throw new ValueError(`${op}.update: targets must be 0 or 1, got ${wrong}`);
    for (const value of values) this.#scores.push(value);
    for (const value of targets) this.#targets.push(value === 1);
  }

  override reset(): void {
    this.#scores = [];
    this.#targets = [];
  }

  /** One level per different score, after one of nothing. */
  protected levels(): Level[] {
    const order = Array.from(this.#scores.keys()).sort((a, b) => this.#scores[b]! - this.#scores[a]!);
    const levels: Level[] = [{ positives: 0, negatives: 0 }];
    let [positives, negatives] = [0, 0];
    order.forEach((i, place) => {
      if (this.#targets[i]) positives++;
      else negatives++;
      const next = order[place + 1];
      if (next === undefined || this.#scores[next] !== this.#scores[i]) levels.push({ positives, negatives });
    });
    return levels;
  }
}

/**
 * The area under the curve of true positives over false ones: the chance that a positive example has a higher score than a negative one. NaN
 * where one of the classes is missing.
 *
 * @throws CaptureError within a captured function
 * @example
 * ```ts
 * const auc = new AUROC();
 * auc.update(tensor([0.1, 0.4, 0.35, 0.8]), tensor([0, 0, 1, 1]));
 * auc.compute(); // 0.75
 * ```
 * @see https://scikit-learn.org/stable/modules/generated/sklearn.metrics.roc_auc_score.html
 */
export class AUROC extends RankingMetric {
  /** The area, from 0 to 1. */
  override compute(): number {
    const levels = this.levels();
    const { positives, negatives } = levels.at(-1)!;
    let area = 0;
    for (let i = 1; i < levels.length; i++) {
      const [from, to] = [levels[i - 1]!, levels[i]!];
      area += ((to.negatives - from.negatives) * (from.positives + to.positives)) / 2;
    }
    return area / (positives * negatives);
  }
}

/**
 * Σ (recallᵢ - recallᵢ₋₁) · precisionᵢ over the different scores, from the highest down. As in scikit-learn, 0 without a positive example; NaN without any.
 *
 * @throws CaptureError within a captured function
 * @example
 * ```ts
 * const precision = new AveragePrecision();
 * precision.update(tensor([0.1, 0.4, 0.35, 0.8]), tensor([0, 0, 1, 1]));
 * precision.compute().toFixed(4); // '0.8333'
 * ```
 * @see https://scikit-learn.org/stable/modules/generated/sklearn.metrics.average_precision_score.html
 */
export class AveragePrecision extends RankingMetric {
  /** The average, from 0 to 1. */
  override compute(): number {
    const levels = this.levels();
    const total = levels.at(-1)!.positives;
    let sum = 0;
    for (let i = 1; i < levels.length; i++) {
      const { positives, negatives } = levels[i]!;
      sum += (positives - levels[i - 1]!.positives) * (positives / (positives + negatives));
    }
    return total === 0 && levels.length > 1 ? 0 : sum / total;
  }
}

takeNoMore(RankingMetric, 'reset');
for (const metric of [AUROC, AveragePrecision]) takeNoMore(metric, 'compute');
