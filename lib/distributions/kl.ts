import { define } from '../arguments/define.js';
import type { FunctionOf } from '../arguments/forms.js';
import { kind } from '../arguments/kind.js';
import { signature } from '../arguments/signature.js';
import { UnsupportedError, ValueError } from '../errors.js';
import { logsigmoid } from '../nn/activations/index.js';
import { full } from '../ops/creation.js';
import { where } from '../ops/pointwise.js';
import { erf } from '../ops/special.js';
import { digamma, lgamma, xlogy } from '../ops/special-functions.js';
import { refuseIf } from '../tensor/check.js';
import { broadcastShapes } from '../tensor/shape.js';
import { shapeOf, type Tensor } from '../tensor/tensor.js';
import { Exponential, Laplace, Normal, Uniform } from './continuous.js';
import { Bernoulli, Binomial, Categorical, Poisson } from './discrete.js';
import { Distribution } from './distribution.js';
import { Beta, Dirichlet, Gamma } from './gammas.js';
import { Independent, sumLast } from './independent.js';
import { MultivariateNormal } from './multivariate-normal.js';

type Type<D> = abstract new (...args: never) => D;
type Formula = (p: never, q: never) => Tensor;

const formulas: (readonly [p: Type<object>, q: Type<object>, formula: Formula])[] = [];

/** The row of a pair of distributions. */
function pair<P extends object, Q extends object>(p: Type<P>, q: Type<Q>, formula: (p: P, q: Q) => Tensor): void {
  formulas.push([p, q, formula]);
}

pair(Normal, Normal, (p, q) => {
  const ratio = p.scale.div(q.scale).square();
  return ratio.add(p.loc.sub(q.loc).div(q.scale).square()).sub(1).sub(ratio.log()).mul(0.5);
});

pair(Laplace, Laplace, (p, q) => {
  const ratio = p.scale.div(q.scale);
  const distance = p.loc.sub(q.loc).abs();
  return ratio
    .log()
    .neg()
    .add(distance.div(q.scale))
    .add(ratio.mul(distance.neg().div(p.scale).exp()))
    .sub(1);
});

pair(Uniform, Uniform, (p, q) => {
  const isWithin = q.low.le(p.low).logicalAnd(q.high.ge(p.high));
  return where(isWithin, q.high.sub(q.low).div(p.high.sub(p.low)).log(), Number.POSITIVE_INFINITY);
});

pair(Exponential, Exponential, (p, q) => {
  const ratio = q.rate.div(p.rate);
  return ratio.log().neg().add(ratio).sub(1);
});

pair(Gamma, Gamma, (p, q) =>
  q.concentration
    .mul(p.rate.div(q.rate).log())
    .add(lgamma(q.concentration).sub(lgamma(p.concentration)))
    .add(p.concentration.sub(q.concentration).mul(digamma(p.concentration)))
    .add(q.rate.sub(p.rate).mul(p.concentration.div(p.rate))),
);

pair(Exponential, Gamma, (p, q) => {
  const ratio = q.rate.div(p.rate);
  return q.concentration
    .neg()
    .mul(ratio.log())
    .add(ratio)
    .add(lgamma(q.concentration))
    .add(q.concentration.mul(EULER))
    .sub(1 + EULER);
});

pair(Gamma, Exponential, (p, q) => p.entropy().neg().sub(q.rate.log()).add(q.rate.mul(p.concentration).div(p.rate)));

pair(Uniform, Normal, (p, q) => {
  const width = p.high.sub(p.low);
  const center = p.high.add(p.low).div(2).sub(q.loc).div(q.scale).square();
  return q.scale
    .mul(Math.sqrt(2 * Math.PI))
    .div(width)
    .log()
    .add(width.div(q.scale).square().div(24))
    .add(center.div(2));
});

pair(Dirichlet, Dirichlet, (p, q) => dirichlet(p.concentration, q.concentration));

pair(Beta, Beta, (p, q) => {
  const [a, b, c, d] = [p.concentration1, p.concentration0, q.concentration1, q.concentration0];
  const total = a.add(b);
  return lgamma(c)
    .add(lgamma(d))
    .add(lgamma(total))
    .sub(lgamma(c.add(d)).add(lgamma(a)).add(lgamma(b)))
    .add(a.sub(c).mul(digamma(a)))
    .add(b.sub(d).mul(digamma(b)))
    .add(c.add(d).sub(total).mul(digamma(total)));
});

function dirichlet(p: Tensor, q: Tensor): Tensor {
  const [sumP, sumQ] = [p.sum(-1), q.sum(-1)];
  const weighted = p
    .sub(q)
    .mul(digamma(p).sub(digamma(sumP).unsqueeze(-1)))
    .sum(-1);
  return lgamma(sumP)
    .sub(lgamma(sumQ))
    .sub(lgamma(p).sub(lgamma(q)).sum(-1))
    .add(weighted);
}

pair(Bernoulli, Bernoulli, (p, q) => coins(p.probs, p.logits, q.probs, q.logits));

/** Of one trial, infinite where q says that something never happens that p says can. */
function coins(probs: Tensor, logits: Tensor, otherProbs: Tensor, otherLogits: Tensor): Tensor {
  const softplus = (x: Tensor) => logsigmoid(x.neg()).neg();
  const rest = probs.neg().add(1);
  const happens = probs.mul(softplus(otherLogits.neg()).sub(softplus(logits.neg())));
  const not = rest.mul(softplus(otherLogits).sub(softplus(logits)));
  const infinite = Number.POSITIVE_INFINITY;
  const first = where(probs.eq(0), 0, where(otherProbs.eq(0), infinite, happens));
  const second = where(probs.eq(1), 0, where(otherProbs.eq(1), infinite, not));
  return first.add(second);
}

pair(Binomial, Binomial, (p, q) => {
  refuseIf(
    p.totalCount.lt(q.totalCount).double().sum(),
    () => new UnsupportedError('klDivergence: no formula is known for a Binomial and one of more trials'),
  );
  const of = p.totalCount.mul(coins(p.probs, p.logits, q.probs, q.logits));
  return where(p.totalCount.gt(q.totalCount), Number.POSITIVE_INFINITY, of);
});

pair(Categorical, Categorical, (p, q) => {
  const terms = p.probs.mul(p.logits.sub(q.logits));
  const never = where(q.probs.eq(0), Number.POSITIVE_INFINITY, terms);
  return where(p.probs.eq(0), 0, never).sum(-1);
});

pair(Poisson, Poisson, (p, q) => p.rate.mul(p.rate.log().sub(q.rate.log())).sub(p.rate.sub(q.rate)));

pair(MultivariateNormal, MultivariateNormal, (p, q) => p.divergenceFrom(q));

/** A number from its mean and mean square, under a normal distribution: -E[ln q(x)]. */
function surprise(q: Normal, mean: Tensor, square: Tensor): Tensor {
  const variance = q.scale.square();
  const apart = square.div(2).sub(mean.mul(q.loc)).add(q.loc.square().div(2));
  return variance
    .mul(2 * Math.PI)
    .log()
    .mul(0.5)
    .add(apart.div(variance));
}

const meanSquare = (p: { mean: Tensor; variance: Tensor }): Tensor => p.variance.add(p.mean.square());

for (const type of [Exponential, Gamma, Beta, Laplace]) {
  pair<Distribution, Normal>(type, Normal, (p, q) => surprise(q, p.mean, meanSquare(p)).sub(p.entropy()));
}

pair(Normal, Laplace, (p, q) => {
  const apart = p.loc.sub(q.loc);
  const ratio = apart.div(p.scale);
  const near = p.scale.mul(ratio.square().mul(-0.5).exp()).mul(Math.sqrt(2 / Math.PI));
  const far = apart.mul(erf(ratio.mul(Math.SQRT1_2)));
  return near
    .add(far)
    .div(q.scale)
    .sub(p.scale.div(q.scale).log())
    .sub((1 + Math.log(Math.PI / 2)) / 2);
});

pair(Bernoulli, Poisson, (p, q) => p.entropy().neg().sub(p.probs.mul(q.rate.log()).sub(q.rate)));

pair(Beta, Exponential, (p, q) => p.entropy().neg().sub(q.rate.log()).add(q.rate.mul(p.mean)));

pair(Beta, Gamma, (p, q) => {
  const meanLog = digamma(p.concentration1).sub(digamma(p.concentration1.add(p.concentration0)));
  return p
    .entropy()
    .neg()
    .add(lgamma(q.concentration).sub(q.concentration.mul(q.rate.log())))
    .sub(q.concentration.sub(1).mul(meanLog))
    .add(q.rate.mul(p.mean));
});

/** `value`, or infinity where p can give what q cannot. */
const unless = (isOutside: Tensor, value: Tensor): Tensor => where(isOutside, Number.POSITIVE_INFINITY, value);

pair(Beta, Uniform, (p, q) =>
  unless(q.low.gt(0).logicalOr(q.high.lt(1)), p.entropy().neg().add(q.high.sub(q.low).log())),
);

/** E[ln x] under a uniform distribution from `low` to `high`. */
const meanLogWithin = (low: Tensor, high: Tensor): Tensor =>
  xlogy(high, high).sub(xlogy(low, low)).div(high.sub(low)).sub(1);

const mirrored = (x: Tensor): Tensor => x.neg().add(1);

pair(Uniform, Beta, ({ low, high }, { concentration1: a, concentration0: b }) => {
  const logBeta = lgamma(a)
    .add(lgamma(b))
    .sub(lgamma(a.add(b)));
  const value = logBeta
    .sub(high.sub(low).log())
    .sub(a.sub(1).mul(meanLogWithin(low, high)))
    .sub(b.sub(1).mul(meanLogWithin(mirrored(high), mirrored(low))));
  return unless(high.gt(1).logicalOr(low.lt(0)), value);
});

pair(Uniform, Exponential, (p, q) => unless(p.low.lt(0), q.rate.mul(p.mean).sub(p.high.sub(p.low).mul(q.rate).log())));

pair(Uniform, Gamma, (p, q) => {
  const value = p
    .entropy()
    .neg()
    .add(lgamma(q.concentration).sub(q.concentration.mul(q.rate.log())))
    .sub(q.concentration.sub(1).mul(meanLogWithin(p.low, p.high)))
    .add(q.rate.mul(p.mean));
  return unless(p.low.lt(0), value);
});

/** What the first gives anywhere the others have bounds. */
const beyond: readonly (readonly [p: Type<Distribution>, q: readonly Type<Distribution>[]])[] = [
  [Exponential, [Beta, Uniform]],
  [Gamma, [Beta, Uniform]],
  [Laplace, [Beta, Exponential, Gamma, Uniform]],
  [Normal, [Beta, Exponential, Gamma, Uniform]],
  [Poisson, [Bernoulli, Binomial]],
];
for (const [p, others] of beyond) {
  for (const q of others) {
    pair(p, q, ({ mean }, other) =>
      full(broadcastShapes('klDivergence', shapeOf(mean), other.batchShape), Number.POSITIVE_INFINITY, {
        dtype: mean.dtype,
      }),
    );
  }
}

pair(Independent, Independent, (p, q) => {
  const dims = p.reinterpretedBatchNdims;
  if (dims !== q.reinterpretedBatchNdims) {
    throw new ValueError(
      `klDivergence: both must have as many reinterpretedBatchNdims, got ${dims} and ${q.reinterpretedBatchNdims}`,
    );
  }
  return sumLast(klDivergence(p.baseDistribution, q.baseDistribution), dims);
});

/** Euler's constant. */
const EULER = 0.5772156649015329;

const distribution = kind('a Distribution', (value): value is Distribution => value instanceof Distribution);
const comparing = signature('p, q, /', { p: distribution, q: distribution });

/**
 * How far `q` is from `p`: the Kullback-Leibler divergence E[ln p(x) - ln q(x)] over x from p, in nats.
 *
 * There are formulas for two of one kind, and for all other pairs that have one in PyTorch. It is infinite where p can give what q cannot.
 *
 * @throws ValueError for a pair without a formula; ShapeError where batches, or sizes of vectors, do not fit
 * @example
 * ```ts
 * const { Normal, klDivergence } = distributions;
 * klDivergence(new Normal(0, 1), new Normal(1, 2)); // tensor(0.4431)
 * ```
 * @see https://pytorch.org/docs/stable/distributions.html#module-torch.distributions.kl
 */
export const klDivergence: FunctionOf<Tensor, typeof comparing> = define('klDivergence', comparing, (p, q) => {
  const found = formulas.find(([a, b]) => p instanceof a && q instanceof b);
  if (found === undefined) {
    throw new ValueError(
      `klDivergence: there is no formula for ${p.constructor.name} and ${q.constructor.name}; average p.logProb(x) - q.logProb(x) of samples x of p`,
    );
  }
  return found[2](p as never, q as never);
});
