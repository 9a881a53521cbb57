import type { ArgumentsOf, OptionsOf } from '../../arguments/forms.js';
import { takeNoMore } from '../../arguments/no-more.js';
import { signature } from '../../arguments/signature.js';
import { recording } from '../../backend/recording.js';
import { sameShape } from '../../backend/view.js';
import { ShapeError, ValueError } from '../../errors.js';
import { cat } from '../../ops/joining.js';
import { add, ge, logicalAnd, lt, neg, sub, where } from '../../ops/pointwise.js';
import { argmax, mean } from '../../ops/reductions.js';
import { logSoftmax } from '../../ops/softmax.js';
import { narrow, squeeze, unsqueeze } from '../../ops/views.js';
import * as kinds from '../../tensor/kinds.js';
import { type Results, results } from '../../tensor/results.js';
import { show } from '../../tensor/shape.js';
import { shapeOf, type Tensor } from '../../tensor/tensor.js';
import { ModuleList } from '../containers/module-list.js';
import { Sequential } from '../containers/sequential.js';
import { Linear } from '../layers/linear.js';
import { Module } from '../module.js';
import { crossEntropy } from './classification.js';
import { checkClasses } from './targets.js';

const OP = 'AdaptiveLogSoftmaxWithLoss';

const adaptiveSignature = signature('inFeatures, nClasses, cutoffs, divValue, headBias, dtype', {
  inFeatures: kinds.integerFrom(0),
  nClasses: kinds.integerFrom(1),
  cutoffs: kinds.integers,
  /** By how much the features of each cluster are fewer than those of the one before. Default: 4. */
  divValue: kinds.above(0).default(4),
  /** Whether the head has a bias. Default: false. */
  headBias: kinds.boolean.default(false),
  /** Element type of the parameters. Default: float32. */
  dtype: kinds.dtype.default('float32'),
});

export interface AdaptiveLogSoftmaxOptions extends OptionsOf<typeof adaptiveSignature> {}

function checkCutoffs(cutoffs: readonly number[], nClasses: number): void {
  const ascends = cutoffs.every((cutoff, i) => cutoff > (cutoffs[i - 1] ?? 0));
  if (cutoffs.length > 0 && ascends && cutoffs.at(-1)! < nClasses) return;
  throw new ValueError(
    `${OP}: cutoffs must be one or more different integers in ascending order, each between 1 and nClasses - 1 = ${nClasses - 1}, got ${show(cutoffs)}`,
  );
}

function checkShapes(input: Tensor, target: Tensor): void {
  const [given, targets] = [shapeOf(input), shapeOf(target)];
  if (targets.length < 2 && given.length === targets.length + 1 && sameShape(given.slice(0, -1), targets)) return;
  throw new ShapeError(
    `${OP}: expected an input (batch, features) and a target (batch), or both without the batch, got ${show(given)} and ${show(targets)}`,
  );
}

/** What stands for the class of a sample of another cluster. */
const ELSEWHERE = -1;

/** A tail: features of the cluster from those of the input, and from them a logit for each of its classes. */
type Tail = Sequential<[Linear<false>, Linear<false>]>;

/**
 * Softmax over many classes of which a few are frequent. The first `cutoffs[0]` classes are in the head, with one more logit for each cluster of
 * the rest; cluster i has the classes from `cutoffs[i]` up to, not including, `cutoffs[i + 1]` (the last: `nClasses`), and ⌊inFeatures / divValueⁱ⁺¹⌋ features:
 *
 * log p(class) = logSoftmax(head)[class] in the head, logSoftmax(head)[cutoffs[0] + i] + logSoftmax(tail i)[class - cutoffs[i]] in cluster i.
 *
 * Classes must be in the order of their frequency, the most frequent first. All clusters are computed for all samples, whatever their targets.
 *
 * Shapes: input (batch, inFeatures) or (inFeatures), target (batch) or (); `output` (batch) or (), the log-probability of each target; `loss` (), the mean of
 * -`output`.
 *
 * @param cutoffs where clusters begin, in ascending order
 * @throws ValueError for cutoffs that are not ascending from 1 to nClasses - 1, and for a target that is no class; ShapeError if the shapes do not fit; DTypeError
 * for targets that are not int32
 * @example
 * ```ts
 * const softmax = new nn.AdaptiveLogSoftmaxWithLoss(16, 1000, [10, 100]);
 * const { output, loss } = softmax.forward(randn([8, 16]), randint(1000, [8]));
 * output.shape; // [8]
 * loss.shape; // []
 * softmax.logProb(randn([8, 16])).shape; // [8, 1000]
 * ```
 * @see https://arxiv.org/abs/1609.04309
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AdaptiveLogSoftmaxWithLoss.html
 */
export class AdaptiveLogSoftmaxWithLoss extends Module<
  [input: Tensor, target: Tensor],
  Results<readonly ['output', 'loss']>
> {
  readonly inFeatures: number;
  readonly nClasses: number;
  /** Those given, and `nClasses`. */
  readonly cutoffs: readonly number[];
  readonly divValue: number;
  readonly headBias: boolean;
  readonly shortlistSize: number;
  readonly nClusters: number;
  readonly headSize: number;
  head: Linear<boolean>;
  tail: ModuleList<Tail>;

  constructor(...args: ArgumentsOf<typeof adaptiveSignature, AdaptiveLogSoftmaxOptions>) {
    const { inFeatures, nClasses, cutoffs, divValue, headBias, dtype } = adaptiveSignature.named(OP, args);
    checkCutoffs(cutoffs, nClasses);
    super();
    this.inFeatures = inFeatures;
    this.nClasses = nClasses;
    this.cutoffs = [...cutoffs, nClasses];
    this.divValue = divValue;
    this.headBias = headBias;
    this.shortlistSize = cutoffs[0]!;
    this.nClusters = cutoffs.length;
    this.headSize = this.shortlistSize + this.nClusters;
    this.head = new Linear<boolean>(inFeatures, this.headSize, headBias, dtype);
    this.tail = new ModuleList(
      cutoffs.map((low, i): Tail => {
        const features = Math.floor(inFeatures / divValue ** (i + 1));
        const classes = this.cutoffs[i + 1]! - low;
        return new Sequential(
          new Linear(inFeatures, features, { bias: false, dtype }),
          new Linear(features, classes, { bias: false, dtype }),
        );
      }),
    );
  }

  /** Draws the parameters again. */
  resetParameters(): void {
    this.head.resetParameters();
    for (const [inner, outer] of this.tail) {
      inner.resetParameters();
      outer.resetParameters();
    }
  }

  override forward(input: Tensor, target: Tensor): Results<readonly ['output', 'loss']> {
    recording?.used(this);
    kinds.tensor.take(OP, 'input', input);
    kinds.tensor.take(OP, 'target', target);
    checkShapes(input, target);
    checkClasses(OP, target, this.nClasses);
    const isSingle = target.ndim === 0;
    const surprise = isSingle
      ? squeeze(surpriseOf(this, unsqueeze(input, 0), unsqueeze(target, 0)), 0)
      : surpriseOf(this, input, target);
    return results(OP, ['output', 'loss'], [neg(surprise), mean(surprise)]);
  }

  /**
   * The log-probabilities of all classes.
   *
   * Shapes: input (batch, inFeatures), result (batch, nClasses).
   *
   * @throws ShapeError for an input that is not a batch
   */
  logProb(input: Tensor): Tensor {
    recording?.used(this);
    return logProbOf(this, input, headOf(this, 'logProb', input));
  }

  /**
   * The most probable class of each sample: `logProb(input).argmax(1)`.
   *
   * Shapes: input (batch, inFeatures), result (batch), int32.
   *
   * @throws ShapeError for an input that is not a batch
   */
  predict(input: Tensor): Tensor {
    recording?.used(this);
    const head = headOf(this, 'predict', input);
    const inHead = argmax(head, 1);
    // As in PyTorch, the head's logits decide where they can: rounding may make their log-probabilities equal.
    return where(lt(inHead, this.shortlistSize), inHead, argmax(logProbOf(this, input, head), 1));
  }
}

/** -log p(target). Every tail is asked of all samples, and says 0 of those of other clusters, so that no shape depends on targets. */
function surpriseOf(layer: AdaptiveLogSoftmaxWithLoss, input: Tensor, target: Tensor): Tensor {
  let inHead = target;
  const inTails = [...layer.tail].map((tail, i) => {
    const [low, high] = [layer.cutoffs[i]!, layer.cutoffs[i + 1]!];
    const isHere = logicalAnd(ge(target, low), lt(target, high));
    inHead = where(isHere, layer.shortlistSize + i, inHead);
    const inTail = where(isHere, sub(target, low), ELSEWHERE);
    return crossEntropy(tail.forward(input), inTail, { ignoreIndex: ELSEWHERE, reduction: 'none' });
  });
  return inTails.reduce(
    (sum, next) => add(sum, next),
    crossEntropy(layer.head.forward(input), inHead, { reduction: 'none' }),
  );
}

/** The logits of the head. */
function headOf(layer: AdaptiveLogSoftmaxWithLoss, method: string, input: Tensor): Tensor {
  kinds.tensor.take(`${OP}: ${method}`, 'input', input);
  if (input.ndim === 2) return layer.head.forward(input);
  throw new ShapeError(`${OP}: ${method}: the input must be (batch, features), got ${show(input.shape)}`);
}

function logProbOf(layer: AdaptiveLogSoftmaxWithLoss, input: Tensor, logits: Tensor): Tensor {
  const head = logSoftmax(logits, 1);
  const tails = [...layer.tail].map((tail, i) =>
    add(logSoftmax(tail.forward(input), 1), narrow(head, 1, layer.shortlistSize + i, 1)),
  );
  return cat([narrow(head, 1, 0, layer.shortlistSize), ...tails], 1);
}

takeNoMore(AdaptiveLogSoftmaxWithLoss, 'forward', 'logProb', 'predict');
