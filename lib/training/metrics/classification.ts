import type { ArgumentsOf, OptionsOf } from '../../arguments/forms.js';
import { takeNoMore } from '../../arguments/no-more.js';
import { signature } from '../../arguments/signature.js';
import { isFloat } from '../../backend/dtype.js';
import { ShapeError, ValueError } from '../../errors.js';
import { arange } from '../../ops/creation.js';
import { scatterAdd } from '../../ops/indexing.js';
import { where } from '../../ops/pointwise.js';
import { refuseIf } from '../../tensor/check.js';
import { filledOf } from '../../tensor/empty.js';
import * as kinds from '../../tensor/kinds.js';
import { show } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Metric, type Pair, pair, requireSameShape } from './metric.js';

// Predictions are classes (int32 or bool, shaped as the targets), scores of classes (floats, with the classes in dimension 1), or, of two
// classes, probabilities of the second (floats, shaped as the targets). Where a score is NaN, nothing is predicted: that is never right.

/** From this probability on the second of two classes is predicted. */
const THRESHOLD = 0.5;

const isScores = (pred: Tensor, target: Tensor): boolean => isFloat(pred.dtype) && pred.ndim === target.ndim + 1;

/** Refuses targets that `int` would cut off; replays look again. */
function requireWhole(op: string, target: Tensor): void {
  if (!isFloat(target.dtype)) return;
  // The difference is NaN for what is not finite.
  const isPart = target.sub(target.trunc()).ne(0);
  const rule = `${op}.update: targets must be classes, which are integers`;
  refuseIf(
    isPart.any().double(),
    () => new ValueError(`${rule}, got ${target.toTypedArray().find((x) => !Number.isInteger(x))}`),
    () => new ValueError(rule),
  );
}

function checkPair(op: string, pred: Tensor, target: Tensor): void {
  requireWhole(op, target);
  if (!isScores(pred, target)) {
    requireSameShape(op, pred, target);
    return;
  }
  const wanted = pred.shape.toSpliced(1, 1);
  if (wanted.join() === target.shape.join()) return;
  throw new ShapeError(
    `${op}.update: the scores of shape ${show(pred.shape)} need targets of shape ${show(wanted)}, got ${show(target.shape)}`,
  );
}

/** The predicted classes, one per target, and where nothing is predicted (null: nowhere). */
function predictionOf(pred: Tensor, target: Tensor): { classes: Tensor; isNone: Tensor | null } {
  if (!isFloat(pred.dtype)) return { classes: pred.int(), isNone: null };
  if (isScores(pred, target)) return { classes: pred.argmax(1), isNone: pred.isnan().any(1) };
  return { classes: pred.ge(THRESHOLD).int(), isNone: pred.isnan() };
}

const ranking = signature('*, topK', {
  /** A prediction is right if the target is among so many of the highest scores. Default: 1. */
  topK: kinds.integerFrom(1).default(1),
});

export interface AccuracyOptions extends OptionsOf<typeof ranking> {}

/**
 * The share of predictions that are right. With `topK`, the share of targets among the k highest scores; of equal scores those of lower
 * classes come first. Where a score is NaN, no prediction is right.
 *
 * @throws ValueError for topK above 1 where there are no scores to rank, and for targets that are no integers
 * @example
 * ```ts
 * const accuracy = new Accuracy({ topK: 2 });
 * accuracy.update(tensor([[0.1, 0.5, 0.4], [0.7, 0.2, 0.1]]), tensor([2, 2], { dtype: 'int32' }));
 * accuracy.compute(); // 0.5
 * ```
 * @see https://scikit-learn.org/stable/modules/generated/sklearn.metrics.top_k_accuracy_score.html
 */
export class Accuracy extends Metric<Pair, number> {
  protected readonly takes = pair;
  readonly #topK: number;
  readonly #right = this.state();
  readonly #count = this.state();

  constructor(...options: ArgumentsOf<typeof ranking, AccuracyOptions>) {
    super();
    this.#topK = ranking.named('Accuracy', options).topK;
  }

  protected accumulate(pred: Tensor, target: Tensor): void {
    checkPair('Accuracy', pred, target);
    const { classes, isNone } = predictionOf(pred, target);
    const right = this.#topK === 1 ? classes.eq(target.int()) : this.#isAmongFirst(pred, target);
    this.#right.add_((isNone === null ? right : right.logicalAnd(isNone.logicalNot())).double().sum());
    this.#count.add_(target.numel());
  }

  #isAmongFirst(pred: Tensor, target: Tensor): Tensor {
    if (!isScores(pred, target)) {
      throw new ValueError(`Accuracy.update: topK ${this.#topK} needs scores of classes in dimension 1, got classes`);
    }
    const place = target.int().unsqueeze(1);
    const own = pred.gather(1, place);
    const numbers = arange(pred.shape[1]!).reshape([-1, ...Array<number>(pred.ndim - 2).fill(1)]);
    const isBefore = pred.gt(own).logicalOr(pred.eq(own).logicalAnd(numbers.lt(place)));
    return isBefore.int().sum(1).lt(this.#topK);
  }

  /** The share that is right; NaN of nothing. */
  override compute(): number {
    return this.#right.item() / this.#count.item();
  }
}

const counting = signature('*, numClasses', {
  /** How many classes there are. */
  numClasses: kinds.integerFrom(2),
});

export interface ConfusionMatrixOptions extends OptionsOf<typeof counting> {}

/** How often each class was predicted for each: rows are targets, columns predictions, and a last one for those of nothing. */
abstract class ClassCounts<Result> extends Metric<Pair, Result> {
  protected readonly takes = pair;
  readonly #name: string;
  readonly numClasses: number;
  /** Row by row. */
  readonly #counts: Tensor;

  constructor(name: string, numClasses: number) {
    super();
    this.#name = name;
    this.numClasses = numClasses;
    this.#counts = this.state([numClasses * (numClasses + 1)]);
  }

  protected accumulate(pred: Tensor, target: Tensor): void {
    checkPair(this.#name, pred, target);
    const { classes, isNone } = predictionOf(pred, target);
    this.#requireClasses('prediction', classes);
    this.#requireClasses('target', target.int());
    const column = isNone === null ? classes : where(isNone, this.numClasses, classes);
    const places = target
      .int()
      .mul(this.numClasses + 1)
      .add(column)
      .reshape([-1]);
    const ones = filledOf([places.numel()], 1, 'float64');
    this.#counts.copy_(scatterAdd(this.#counts, 0, places, ones));
  }

  #requireClasses(what: string, classes: Tensor): void {
    const isNone = classes.lt(0).logicalOr(classes.ge(this.numClasses)).any().double();
    const error = () => new ValueError(`${this.#name}.update: a ${what} is no class from 0 to ${this.numClasses - 1}`);
    refuseIf(isNone, error);
  }

  /** The counts of each class's row, that of no prediction last. */
  protected rows(): number[][] {
    return this.#counts.reshape([this.numClasses, this.numClasses + 1]).toArray() as number[][];
  }
}

/**
 * How often each class was predicted for each: row i, column j counts targets i that were predicted as j. `String(matrix)` is a table. Where a score
 * is NaN, nothing is predicted: that is in no column, but for one more of the table.
 *
 * @throws ValueError for predictions or targets that are no classes
 * @example
 * ```ts
 * const matrix = new ConfusionMatrix({ numClasses: 2 });
 * matrix.update(tensor([0, 1, 1], { dtype: 'int32' }), tensor([0, 1, 0], { dtype: 'int32' }));
 * matrix.compute(); // [[1, 1], [0, 1]]
 * ```
 * @see https://scikit-learn.org/stable/modules/generated/sklearn.metrics.confusion_matrix.html
 */
export class ConfusionMatrix extends ClassCounts<number[][]> {
  constructor(...options: ArgumentsOf<typeof counting, ConfusionMatrixOptions>) {
    super('ConfusionMatrix', counting.named('ConfusionMatrix', options).numClasses);
  }

  /** The counts, a row per target. */
  override compute(): number[][] {
    return this.rows().map((row) => row.slice(0, -1));
  }

  /** A table: a line per target, a column per prediction, and one for predictions of nothing, if there were any. */
  override toString(): string {
    const all = this.rows();
    const head = ['target', ...all.map((_, i) => `as ${i}`)];
    const hasNothing = all.some((row) => row.at(-1)! > 0);
    if (hasNothing) head.push('as NaN');
    const rows = hasNothing ? all : this.compute();
    const lines = [head, ...rows.map((row, i) => [String(i), ...row.map(String)])];
    const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
    return lines.map((line) => line.map((text, column) => text.padStart(widths[column]!)).join('  ')).join('\n');
  }
}

const averaging = signature('*, numClasses, average, zeroDivision', {
  /** How many classes there are. */
  numClasses: kinds.integerFrom(2),
  /**
   * `'macro'`: the mean over classes; `'weighted'`: the same, each class weighed by its targets; `'micro'`: over all predictions together;
   * `'binary'`: class 1 alone; `'none'`: a number per class. Default: `'macro'`.
   */
  average: kinds.choice('macro', 'weighted', 'micro', 'binary', 'none').default('macro'),
  /** What the score of a class is where nothing was predicted, or nothing was there, to divide by; NaN leaves it out of the average. Default: 0. */
  zeroDivision: kinds.number.default(0),
});

export interface ClassScoreOptions extends OptionsOf<typeof averaging> {}

type ClassScoreArguments = ArgumentsOf<typeof averaging, ClassScoreOptions>;

/** How often a class was predicted rightly, predicted, and there. */
interface Tally {
  readonly right: number;
  readonly predicted: number;
  readonly actual: number;
}

const sumOf = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0);

/** A score of classes, and their average. */
abstract class ClassScore extends ClassCounts<number | number[]> {
  readonly #average: string;
  readonly #zeroDivision: number;

  constructor(name: string, options: ClassScoreArguments) {
    const { numClasses, average, zeroDivision } = averaging.named(name, options);
    super(name, numClasses);
    if (average === 'binary' && numClasses !== 2) {
      throw new ValueError(`${name}: average 'binary' is for 2 classes, got numClasses ${numClasses}`);
    }
    this.#average = average;
    this.#zeroDivision = zeroDivision;
  }

  /** Numerator and denominator. */
  protected abstract ratio(tally: Tally): readonly [number, number];

  #score(tally: Tally): number {
    const [above, below] = this.ratio(tally);
    return below === 0 ? this.#zeroDivision : above / below;
  }

  /** The score, or one per class. */
  override compute(): number | number[] {
    const rows = this.rows();
    const tallies = rows.map((row, i): Tally => {
      return { right: row[i]!, predicted: sumOf(rows.map((other) => other[i]!)), actual: sumOf(row) };
    });
    const total = sumOf(tallies.map(({ actual }) => actual));
    if (total === 0) return this.#average === 'none' ? tallies.map(() => Number.NaN) : Number.NaN;
    if (this.#average === 'micro') {
      const [right, predicted] = [tallies.map((one) => one.right), tallies.map((one) => one.predicted)].map(sumOf);
      return this.#score({ right: right!, predicted: predicted!, actual: total });
    }
    const scores = tallies.map((tally) => this.#score(tally));
    if (this.#average === 'none') return scores;
    if (this.#average === 'binary') return scores[1]!;
    // As scikit-learn, over the classes that were there or predicted, and without scores that are NaN.
    const seen = tallies
      .map(({ actual, predicted }, i) => ({
        score: scores[i]!,
        weight: this.#average === 'weighted' ? actual : 1,
        isSeen: actual + predicted > 0,
      }))
      .filter(({ score, isSeen }) => isSeen && !Number.isNaN(score));
    return sumOf(seen.map(({ score, weight }) => score * weight)) / sumOf(seen.map(({ weight }) => weight));
  }
}

/**
 * Of what was predicted as a class, the share that is of it. Where a score is NaN, nothing is predicted.
 *
 * @throws ValueError for predictions or targets that are no classes
 * @example
 * ```ts
 * const precision = new Precision({ numClasses: 2, average: 'binary' });
 * precision.update(tensor([0, 1, 1], { dtype: 'int32' }), tensor([0, 1, 0], { dtype: 'int32' }));
 * precision.compute(); // 0.5
 * ```
 * @see https://scikit-learn.org/stable/modules/generated/sklearn.metrics.precision_score.html
 */
export class Precision extends ClassScore {
  constructor(...options: ClassScoreArguments) {
    super('Precision', options);
  }

  protected ratio({ right, predicted }: Tally): readonly [number, number] {
    return [right, predicted];
  }
}

/**
 * Of what is of a class, the share that was predicted as it. Where a score is NaN, nothing is predicted, which is not right.
 *
 * @throws ValueError for predictions or targets that are no classes
 * @example
 * ```ts
 * const recall = new Recall({ numClasses: 2, average: 'none' });
 * recall.update(tensor([0, 1, 1], { dtype: 'int32' }), tensor([0, 1, 0], { dtype: 'int32' }));
 * recall.compute(); // [0.5, 1]
 * ```
 * @see https://scikit-learn.org/stable/modules/generated/sklearn.metrics.recall_score.html
 */
export class Recall extends ClassScore {
  constructor(...options: ClassScoreArguments) {
    super('Recall', options);
  }

  protected ratio({ right, actual }: Tally): readonly [number, number] {
    return [right, actual];
  }
}

/**
 * The harmonic mean of precision and recall: 2 · right / (predicted + there). Where a score is NaN, nothing is predicted, which is not right.
 *
 * @throws ValueError for predictions or targets that are no classes
 * @example
 * ```ts
 * const f1 = new F1Score({ numClasses: 2, average: 'binary' });
 * f1.update(tensor([0, 1, 1], { dtype: 'int32' }), tensor([0, 1, 0], { dtype: 'int32' }));
 * (f1.compute() as number).toFixed(4); // '0.6667'
 * ```
 * @see https://scikit-learn.org/stable/modules/generated/sklearn.metrics.f1_score.html
 */
export class F1Score extends ClassScore {
  constructor(...options: ClassScoreArguments) {
    super('F1Score', options);
  }

  protected ratio({ right, predicted, actual }: Tally): readonly [number, number] {
    return [2 * right, predicted + actual];
  }
}

takeNoMore(Accuracy, 'compute');
takeNoMore(ConfusionMatrix, 'compute');
takeNoMore(ClassScore, 'compute');
