import type { ArgumentsOf, OptionsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import { dtypes } from '../backend/dtype.js';
import { ShapeError, ValueError } from '../errors.js';
import { logsigmoid } from '../nn/activations/index.js';
import { full } from '../ops/creation.js';
import { where } from '../ops/pointwise.js';
import { bernoulli, multinomial } from '../ops/random.js';
import { logsumexp } from '../ops/reductions.js';
import { lgamma, xlogy } from '../ops/special-functions.js';
import * as kinds from '../tensor/kinds.js';
import type { Operand } from '../tensor/promotion.js';
import { broadcastShapes } from '../tensor/shape.js';
import { isTensor, shapeOf, type Tensor } from '../tensor/tensor.js';
import { aboutToRead } from '../tensor/values.js';
import { bit, count, fraction, notNegative, real, require, weights, wholeUpTo } from './constraints.js';
import type { DistributionOptions } from './continuous.js';
import { broadcast, checking, type Rule, Ruled } from './distribution.js';
import { poissonOf } from '../ops/poisson.js';
import { binomial } from './host.js';

const chances = {
  /** Probabilities. Default: null, those of the logits. */
  probs: kinds.operand.optional(),
  /** Logarithms of odds, or of probabilities that need not sum to 1. Default: null, those of the probabilities. */
  logits: kinds.operand.optional(),
};

const one = signature('probs, logits, *, validateArgs', { ...chances, ...checking });
const several = signature('totalCount, probs, logits, *, validateArgs', {
  /** How many trials. Default: 1. */
  totalCount: kinds.operand.default(1),
  ...chances,
  ...checking,
});
const counting = signature('rate, *, validateArgs', { rate: kinds.operand, ...checking });

export interface ChanceOptions extends OptionsOf<typeof one> {}
export interface BinomialOptions extends OptionsOf<typeof several> {}

/** The one of two that was given. */
function given(name: string, probs: Operand | null, logits: Operand | null): { operand: Operand; isProbs: boolean } {
  if ((probs === null) === (logits === null)) {
    throw new ValueError(`${name}: expected either probs or logits, got ${probs === null ? 'neither' : 'both'}`);
  }
  return probs === null ? { operand: logits!, isProbs: false } : { operand: probs, isProbs: true };
}

/** Probabilities as far from 0 and 1 as their dtype can tell. */
const inside = (probs: Tensor): Tensor => {
  const { epsilon } = dtypes[probs.dtype];
  return probs.clamp(epsilon, 1 - epsilon);
};

const oddsOf = (probs: Tensor): Tensor => inside(probs).log().sub(inside(probs).neg().log1p());

/** What both kinds of parameters say, where one was given. */
interface Chances {
  probs: Tensor;
  logits: Tensor;
}

const coin = (isProbs: boolean, x: Tensor): Chances =>
  isProbs ? { probs: x, logits: oddsOf(x) } : { probs: x.sigmoid(), logits: x };

/** -ln of the probability of `x` in {0, 1}, from logits. */
const crossEntropy = (logits: Tensor, x: Tensor): Tensor => x.neg().add(1).mul(logits).sub(logsigmoid(logits));

const BERNOULLI: Rule<Chances> = {
  name: 'Bernoulli',
  params: { probs: fraction, logits: real },
  support: () => bit,
  mean: ({ probs }) => probs,
  mode: ({ probs }) => where(probs.eq(0.5), Number.NaN, probs.gt(0.5).to(probs.dtype)),
  variance: ({ probs }) => probs.mul(probs.neg().add(1)),
  logProb: ({ logits }, x) => crossEntropy(logits, x).neg(),
  entropy: ({ logits, probs }) => crossEntropy(logits, probs),
  reparametrized: false,
  draw: ({ probs }, shape, generator) => bernoulli(probs.expand(shape), { generator }),
};

/**
 * 1 with probability `probs`, 0 otherwise. `logits` are the logarithms of the odds, ln(p / (1 - p)).
 *
 * @throws ValueError unless one of probs and logits is given, and for probs outside of [0, 1]
 * @example
 * ```ts
 * const coin = new distributions.Bernoulli(0.25);
 * coin.logProb(tensor([0, 1])); // tensor([-0.2877, -1.3863])
 * new distributions.Bernoulli({ logits: 0 }).mean.item(); // 0.5
 * ```
 * @see https://pytorch.org/docs/stable/distributions.html#bernoulli
 */
export class Bernoulli extends Ruled<Chances> {
  declare readonly probs: Tensor;
  declare readonly logits: Tensor;

  constructor(...args: ArgumentsOf<typeof one, ChanceOptions>) {
    const { probs, logits, validateArgs } = one.named('Bernoulli', args);
    const { operand, isProbs } = given('Bernoulli', probs, logits);
    const { x } = broadcast('Bernoulli', { x: operand });
    super(BERNOULLI, coin(isProbs, x), validateArgs);
  }
}

interface Trials extends Chances {
  totalCount: Tensor;
}

const BINOMIAL: Rule<Trials> = {
  name: 'Binomial',
  params: { totalCount: count, probs: fraction, logits: real },
  support: ({ totalCount }) => wholeUpTo(totalCount),
  mean: ({ totalCount, probs }) => totalCount.mul(probs),
  mode: ({ totalCount, probs }) => totalCount.add(1).mul(probs).floor().minimum(totalCount),
  variance: ({ totalCount, probs }) => totalCount.mul(probs).mul(probs.neg().add(1)),
  logProb: binomialLogProb,
  entropy: binomialEntropy,
  reparametrized: false,
  draw: ({ totalCount, probs }, shape, generator) => binomial(totalCount, probs, shape, generator),
};

function binomialLogProb({ totalCount: n, logits }: Trials, x: Tensor): Tensor {
  const ways = lgamma(n.add(1))
    .sub(lgamma(x.add(1)))
    .sub(lgamma(n.sub(x).add(1)));
  const scale = logsigmoid(logits.neg()).neg();
  return ways.add(x.mul(logits)).sub(n.mul(scale));
}

/** A sum over all values, of which there must be as many everywhere. */
function binomialEntropy(p: Trials): Tensor {
  aboutToRead('Binomial: entropy', 'compute it outside');
  const n = p.totalCount.max().item();
  if (p.totalCount.min().item() !== n) {
    throw new ValueError('Binomial: entropy: totalCount must be the same everywhere; compute it for each by itself');
  }
  const values = Array.from({ length: n + 1 }, (_, x) =>
    binomialLogProb(p, full(shapeOf(p.probs), x, { dtype: p.probs.dtype })),
  );
  return values
    .map((logProb) => logProb.exp().mul(logProb))
    .reduce((a, b) => a.add(b))
    .neg();
}

/**
 * The number of successes in `totalCount` trials with probability `probs` each.
 *
 * Samples are PyTorch's; a captured function cannot draw them.
 *
 * @throws ValueError unless one of probs and logits is given, for probs outside of [0, 1] and counts that are none; CaptureError for samples, and
 * for `entropy`, within a captured function
 * @example
 * ```ts
 * const flips = new distributions.Binomial(10, 0.5);
 * flips.mean.item(); // 5
 * flips.logProb(5).exp(); // tensor(0.2461)
 * ```
 * @see https://pytorch.org/docs/stable/distributions.html#binomial
 */
export class Binomial extends Ruled<Trials> {
  declare readonly totalCount: Tensor;
  declare readonly probs: Tensor;
  declare readonly logits: Tensor;

  constructor(...args: ArgumentsOf<typeof several, BinomialOptions>) {
    const { totalCount, probs, logits, validateArgs } = several.named('Binomial', args);
    const { operand, isProbs } = given('Binomial', probs, logits);
    const { x, n } = broadcast('Binomial', { x: operand, n: totalCount });
    super(BINOMIAL, { totalCount: n, ...coin(isProbs, x) }, validateArgs);
  }
}

const CATEGORICAL: Rule<Chances> = {
  name: 'Categorical',
  params: { probs: real, logits: real },
  paramDims: 1,
  support: ({ probs }) => wholeUpTo(probs.shape.at(-1)! - 1),
  mean: ({ probs }) => full(shapeOf(probs).slice(0, -1), Number.NaN, { dtype: probs.dtype }),
  mode: ({ probs }) => probs.argmax(-1),
  variance: ({ probs }) => full(shapeOf(probs).slice(0, -1), Number.NaN, { dtype: probs.dtype }),
  logProb: ({ logits }, x) => {
    const shape = broadcastShapes('Categorical: logProb', shapeOf(x), shapeOf(logits).slice(0, -1));
    const index = x.to('int32').expand(shape).unsqueeze(-1);
    return logits
      .expand([...shape, logits.shape.at(-1)!])
      .gather(-1, index)
      .squeeze(-1);
  },
  // A category of no probability counts nothing, rather than 0 times infinity.
  entropy: ({ logits, probs }) => xlogy(probs, probs).sum(-1).neg().add(logits.sum(-1).mul(0)),
  reparametrized: false,
  draw: ({ probs }, shape, generator) => {
    const batch = shapeOf(probs).slice(0, -1);
    const samples = shape.slice(0, shape.length - batch.length);
    const times = samples.reduce((product, size) => product * size, 1);
    const rows = probs.reshape([-1, probs.shape.at(-1)!]);
    if (times === 0 || rows.shape[0] === 0) return full(shape, 0, { dtype: 'int32' });
    return multinomial(rows, times, true, { generator })
      .t()
      .reshape([...shape]);
  },
};

/**
 * An index, 0 to K - 1, with probabilities that are the last dim of `probs`, whose sum they are divided by; or with `logits`, logarithms of such.
 *
 * Samples are int32. They have no mean and no variance: these are NaN, as in PyTorch.
 *
 * @throws ValueError unless one of probs and logits is given, and for probs below 0 or all 0; ShapeError for what has no dims
 * @example
 * ```ts
 * const die = new distributions.Categorical(ones([6]));
 * die.logProb(tensor([0, 5], { dtype: 'int32' })); // tensor([-1.7918, -1.7918])
 * die.sample([4]).dtype; // 'int32'
 * ```
 * @see https://pytorch.org/docs/stable/distributions.html#categorical
 */
export class Categorical extends Ruled<Chances> {
  declare readonly probs: Tensor;
  declare readonly logits: Tensor;

  constructor(...args: ArgumentsOf<typeof one, ChanceOptions>) {
    const { probs, logits, validateArgs } = one.named('Categorical', args);
    const { operand, isProbs } = given('Categorical', probs, logits);
    if (!isTensor(operand) || operand.ndim === 0 || operand.shape.at(-1) === 0) {
      throw new ShapeError('Categorical: expected a tensor whose last dim are the categories');
    }
    const { x } = broadcast('Categorical', { x: operand });
    if (validateArgs && isProbs) require('Categorical', 'probs', x, weights);
    super(CATEGORICAL, isProbs ? ofWeights(x) : ofLogits(x), validateArgs);
  }
}

function ofWeights(x: Tensor): Chances {
  const probs = x.div(x.sum(-1, true));
  return { probs, logits: inside(probs).log() };
}

const ofLogits = (x: Tensor): Chances => ({ probs: x.softmax(-1), logits: x.sub(logsumexp(x, -1, true)) });

const POISSON: Rule<{ rate: Tensor }> = {
  name: 'Poisson',
  params: { rate: notNegative },
  support: () => count,
  mean: ({ rate }) => rate,
  mode: ({ rate }) => rate.floor(),
  variance: ({ rate }) => rate,
  logProb: ({ rate }, x) =>
    xlogy(x, rate)
      .sub(rate)
      .sub(lgamma(x.add(1))),
  entropy: null,
  reparametrized: false,
  draw: ({ rate }, shape, generator) => poissonOf('Poisson: sample', rate, shape, generator),
};

/**
 * How many events there are where `rate` are to be expected: rate^k exp(-rate) / k!.
 *
 * Samples are PyTorch's; a captured function cannot draw them. There is no formula of the entropy.
 *
 * @throws ValueError for a rate below 0; CaptureError for samples within a captured function
 * @example
 * ```ts
 * new distributions.Poisson(4).logProb(tensor([0, 4])); // tensor([-4.0000, -1.6329])
 * ```
 * @see https://pytorch.org/docs/stable/distributions.html#poisson
 */
export class Poisson extends Ruled<{ rate: Tensor }> {
  declare readonly rate: Tensor;

  constructor(...args: ArgumentsOf<typeof counting, DistributionOptions>) {
    const { validateArgs, ...params } = counting.named('Poisson', args);
    super(POISSON, broadcast('Poisson', params), validateArgs);
  }
}
