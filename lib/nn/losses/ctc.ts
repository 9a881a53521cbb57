import { define } from '../../arguments/define.js';
import type { ArgumentsOf, FunctionOf, NamedOf, OptionsOf } from '../../arguments/forms.js';
import { type Kind, kind } from '../../arguments/kind.js';
import { takeNoMore } from '../../arguments/no-more.js';
import { signature } from '../../arguments/signature.js';
import { isInteger } from '../../backend/dtype.js';
import { recording } from '../../backend/recording.js';
import { DTypeError, ShapeError, ValueError } from '../../errors.js';
import type { Expr } from '../../expr/index.js';
import * as e from '../../expr/index.js';
import { to } from '../../ops/conversion.js';
import { arange, fullLike, tensor } from '../../ops/creation.js';
import { gather, indexSelect } from '../../ops/indexing.js';
import { stack } from '../../ops/joining.js';
import { pad } from '../../ops/padding.js';
import { add, clampMin, div, eq, gt, isinf, logicalOr, lt, mul, ne, sub, where } from '../../ops/pointwise.js';
import { sum } from '../../ops/reductions.js';
import { expand, narrow, reshape, select, unsqueeze } from '../../ops/views.js';
import { refuseIf } from '../../tensor/check.js';
import { Pointwise } from '../../tensor/elementwise.js';
import * as kinds from '../../tensor/kinds.js';
import { show } from '../../tensor/shape.js';
import { isTensor, shapeOf, type Tensor } from '../../tensor/tensor.js';
import { valuesOf } from '../../tensor/values.js';
import { Module } from '../module.js';
import { requireFloat } from './pointwise-loss.js';
import { reduceRows, reducing } from './reduction.js';

// Connectionist temporal classification (Graves et al., 2006): all ways to read a text off a sequence, by the forward recursion.

const ctcSignature = signature('blank, reduction, zeroInfinity', {
  /** The class that stands for no label. Default: 0. */
  blank: kinds.integerFrom(0).default(0),
  ...reducing,
  /** Whether infinite losses, of texts that do not fit their inputs, are 0, and their gradients. Default: false. */
  zeroInfinity: kinds.boolean.default(false),
});

/** Lengths, as a tensor or an array. */
const lengths: Kind<Tensor | readonly number[]> = kind(
  'an int32 Tensor or an array of integers',
  (value): value is Tensor | readonly number[] => isTensor(value) || kinds.integers.accepts(value),
);

const ofSequences = ctcSignature.after('logProbs, targets, inputLengths, targetLengths', {
  logProbs: kinds.tensor,
  targets: kinds.tensor,
  inputLengths: lengths,
  targetLengths: lengths,
});

export interface CTCOptions extends OptionsOf<typeof ctcSignature> {}

const OP = 'ctcLoss';
const NEVER = Number.NEGATIVE_INFINITY;

/** log Σ eˣ; -∞ of nothing but those. */
function logSum(terms: readonly Expr[]): Expr {
  const peak = terms.reduce((a, b) => e.max(a, b));
  const shift = e.where(e.eq(peak, NEVER), 0, peak);
  const total = terms.map((x) => e.exp(e.sub(x, shift))).reduce((a, b) => e.add(a, b));
  return e.add(e.log(total), shift);
}

/** The share of one term in `logSum`; 0 of what never happens. */
const shareOf = (x: Expr, total: Expr): Expr => e.where(e.eq(x, NEVER), 0, e.exp(e.sub(x, total)));

/**
 * One step of the recursion, for a label: it was there, or the one before it was, or (where that may be skipped) the one before that.
 * Beyond the end of the input nothing changes.
 */
const advancing = new Pointwise(
  'ctcLoss',
  (own, previous: Expr, skipped: Expr, mayskip: Expr, emission: Expr, length: Expr, time: Expr) => {
    const moved = e.add(logSum([own, previous, e.where(mayskip, skipped, NEVER)]), emission);
    return e.where(e.gt(length, time), moved, own);
  },
  {
    factors: 1,
    gradient: (g, _, own, previous, skipped, mayskip, emission, length, time) => {
      const reachable = e.where(mayskip, skipped, NEVER);
      const total = logSum([own, previous, reachable]);
      const isOver = e.le(length, time);
      const flowing = e.where(isOver, 0, g);
      const share = (x: Expr) => e.mul(flowing, shareOf(x, total));
      return [
        e.where(isOver, g, share(own)),
        share(previous),
        share(reachable),
        null,
        e.where(e.or(isOver, e.eq(total, NEVER)), 0, e.where(e.eq(emission, NEVER), 0, g)),
        null,
        null,
      ];
    },
  },
);

/** -log(eᵃ + eᵇ). */
const ending = new Pointwise('ctcLoss', (a, b: Expr) => e.neg(logSum([a, b])), {
  gradient: (g, _, a, b) => {
    const total = logSum([a, b]);
    return [e.neg(e.mul(g, shareOf(a, total))), e.neg(e.mul(g, shareOf(b, total)))];
  },
});

/**
 * 0, with the gradient Σ eˣ: PyTorch's takes the probabilities for outputs of a softmax, and so has that in it. Through `logSoftmax` it is
 * the same. Of an infinite loss it is NaN.
 */
const normalising = new Pointwise('ctcLoss', (_x, isCounted: Expr, _loss: Expr) => e.mul(0, isCounted), {
  gradient: (g, _, x, isCounted, loss) => {
    const slope = e.where(e.isInfinite(loss), Number.NaN, e.mul(g, e.exp(x)));
    return [e.where(isCounted, slope, 0), null, null];
  },
});

type Lengths = Tensor | readonly number[];

/** Lengths as an int32 tensor, one for each of `count` sequences and none above `most`. */
function lengthsOf(name: string, given: Lengths, count: number, most: number): Tensor {
  const x = isTensor(given) ? given : tensor([...given], { dtype: 'int32' });
  if (!isInteger(x.dtype)) throw new DTypeError(`${OP}: ${name} must be int32, got ${x.dtype}; convert with .int()`);
  const flat = x.ndim === 0 ? reshape(x, [1]) : x;
  if (flat.ndim !== 1 || flat.numel() !== count) {
    throw new ShapeError(`${OP}: ${name} must have shape [${count}], one per sequence, got ${show(x.shape)}`);
  }
  refuseIf(
    to(sum(logicalOr(lt(flat, 0), gt(flat, most))), 'float64'),
    () => new ValueError(`${OP}: each of ${name} must be between 0 and ${most}`),
  );
  return flat;
}

const ADVICE = 'give targetLengths as an array of numbers, or the targets as (batch, length)';

/** Targets one after the other, as a matrix with a row for each sequence; what is beyond its length does not count. */
function rowsOf(targets: Tensor, given: Lengths): Tensor {
  const sizes = isTensor(given) ? [...valuesOf(given, OP, ADVICE)] : given;
  const total = sizes.reduce((a, b) => a + b, 0);
  if (total !== targets.numel()) {
    throw new ShapeError(`${OP}: targetLengths add up to ${total}, but there are ${targets.numel()} targets`);
  }
  const longest = Math.max(0, ...sizes);
  let end = 0;
  const places = sizes.flatMap((size) => {
    const start = end;
    end += size;
    return Array.from({ length: longest }, (_, i) => Math.min(start + i, total - 1));
  });
  return reshape(indexSelect(targets, 0, tensor(places, { dtype: 'int32' })), [sizes.length, longest]);
}

/** A row of targets for each of `batch` sequences. */
function targetRows(targets: Tensor, targetLengths: Lengths, batch: number, isBatch: boolean): Tensor {
  if (!isInteger(targets.dtype)) {
    throw new DTypeError(`${OP}: targets must be int32, got ${targets.dtype}; convert with .int()`);
  }
  if (targets.ndim === 1 && isBatch) return rowsOf(targets, targetLengths);
  const rows = targets.ndim === 1 ? reshape(targets, [1, -1]) : targets;
  if (rows.ndim === 2 && shapeOf(rows)[0] === batch) return rows;
  throw new ShapeError(`${OP}: targets must be (batch, length), or all in one dimension, got ${show(targets.shape)}`);
}

/** The labels of each sequence with a blank before, between and behind them, and which of them can be reached past such a blank. */
function withBlanks(rows: Tensor, targetLengths: Tensor, blank: number): { labels: Tensor; mayskip: Tensor } {
  const isThere = lt(arange(shapeOf(rows)[1]!), unsqueeze(targetLengths, 1));
  const known = where(isThere, rows, blank);
  const pairs = reshape(stack([fullLike(known, blank), known], 2), [shapeOf(rows)[0]!, 2 * shapeOf(rows)[1]!]);
  const labels = pad(pairs, [0, 1], 'constant', blank);
  const before = narrow(pad(labels, [2, 0], 'constant', blank), 1, 0, shapeOf(labels)[1]!);
  return { labels, mayskip: ne(labels, before) };
}

/** The negative log-probability of each text. */
function surprises(logProbs: Tensor, labels: Tensor, mayskip: Tensor, inputLengths: Tensor, ends: Tensor): Tensor {
  const [time, batch] = shapeOf(logProbs) as [number, number];
  const size = shapeOf(labels)[1]!;
  const emissions = gather(logProbs, 2, expand(unsqueeze(labels, 0), [time, batch, size]));
  const left = unsqueeze(inputLengths, 1);
  let state = expand(to(where(eq(arange(size), 0), 0, NEVER), logProbs.dtype), [batch, size]);
  for (let t = 0; t < time; t++) {
    const shifted = pad(state, [2, 0], 'constant', NEVER);
    const [previous, skipped] = [narrow(shifted, 1, 1, size), narrow(shifted, 1, 0, size)];
    state = advancing.apply([state, previous, skipped, mayskip, select(emissions, 0, t), left, t]);
  }
  const end = unsqueeze(ends, 1);
  const atBlank = gather(state, 1, end);
  const atLabel = gather(state, 1, clampMin(sub(end, 1), 0));
  return reshape(ending.apply([atBlank, where(eq(end, 0), NEVER, atLabel)]), [batch]);
}

/** 0 for each sequence, with the gradient of `normalising`. */
function normalisers(logProbs: Tensor, inputLengths: Tensor, losses: Tensor): Tensor {
  const isCounted = unsqueeze(lt(unsqueeze(arange(shapeOf(logProbs)[0]!), 1), inputLengths), 2);
  return sum(normalising.apply([logProbs, isCounted, unsqueeze(losses, 1)]), [0, 2]);
}

/**
 * -log of the probability that a sequence reads as its target: over all ways to put labels and blanks to its times, of which repeated labels
 * count once, and blanks for nothing.
 *
 * `'mean'` divides each loss by the length of its target, and takes the mean over the batch. The gradient is PyTorch's, which holds for outputs of
 * `logSoftmax`.
 *
 * @param logProbs (time, batch, classes), or (time, classes) of one sequence: outputs of `logSoftmax`
 * @param targets int32: (batch, length), or all targets one after the other; no blanks
 * @param inputLengths how much of each input counts
 * @param targetLengths how long each target is
 * @throws ShapeError if shapes or lengths do not fit; ValueError for a blank or a length out of range; DTypeError for targets that are not int32
 * @example
 * ```ts
 * const logProbs = zeros([4, 1, 3]).logSoftmax(2);
 * nn.functional.ctcLoss(logProbs, tensor([[1, 2]], { dtype: 'int32' }), [4], [2]); // tensor(0.8432)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.ctc_loss.html
 */
export const ctcLoss: FunctionOf<Tensor, typeof ofSequences, CTCOptions> = define(
  OP,
  ofSequences,
  (logProbs, targets, inputLengths, targetLengths, blank, reduction, zeroInfinity) => {
    requireFloat(OP, logProbs);
    const isBatch = logProbs.ndim === 3;
    if (!isBatch && logProbs.ndim !== 2) {
      throw new ShapeError(
        `${OP}: logProbs must be (time, batch, classes) or (time, classes), got ${show(logProbs.shape)}`,
      );
    }
    const whole = isBatch ? logProbs : unsqueeze(logProbs, 1);
    const [time, batch, classes] = shapeOf(whole) as [number, number, number];
    if (blank >= classes)
      throw new ValueError(`${OP}: blank must be below ${classes}, the number of classes, got ${blank}`);
    const rows = targetRows(targets, targetLengths, batch, isBatch);
    const inputs = lengthsOf('inputLengths', inputLengths, batch, time);
    const sizes = lengthsOf('targetLengths', targetLengths, batch, shapeOf(rows)[1]!);
    const { labels, mayskip } = withBlanks(rows, sizes, blank);
    const bare = surprises(whole, labels, mayskip, inputs, mul(sizes, 2));
    const spared = zeroInfinity ? where(isinf(bare), 0, bare) : bare;
    const losses = add(spared, normalisers(whole, inputs, spared.detach()));
    const finite = zeroInfinity ? where(isinf(bare), 0, losses) : losses;
    const reduced = reduceRows(reduction === 'mean' ? div(finite, clampMin(sizes, 1)) : finite, reduction);
    return reduction === 'none' && !isBatch ? reshape(reduced, []) : reduced;
  },
);

/**
 * Connectionist temporal classification: see `nn.functional.ctcLoss`.
 *
 * @example
 * ```ts
 * const logProbs = zeros([4, 1, 3]).logSoftmax(2);
 * new nn.CTCLoss().forward(logProbs, tensor([[1, 2]], { dtype: 'int32' }), [4], [2]); // tensor(0.8432)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.CTCLoss.html
 */
export class CTCLoss extends Module<
  [logProbs: Tensor, targets: Tensor, inputLengths: Lengths, targetLengths: Lengths],
  Tensor
> {
  readonly options: NamedOf<typeof ctcSignature>;

  constructor(...args: ArgumentsOf<typeof ctcSignature, CTCOptions>) {
    const options = ctcSignature.named('CTCLoss', args);
    super();
    this.options = options;
  }

  override forward(logProbs: Tensor, targets: Tensor, inputLengths: Lengths, targetLengths: Lengths): Tensor {
    recording?.used(this);
    return ctcLoss(logProbs, targets, inputLengths, targetLengths, this.options);
  }
}

takeNoMore(CTCLoss, 'forward');
