import { define } from '../arguments/define.js';
import type { FunctionOf } from '../arguments/forms.js';
import { kind } from '../arguments/kind.js';
import { signature } from '../arguments/signature.js';
import { ValueError } from '../errors.js';
import { logsigmoid } from '../nn/activations/index.js';
import { where } from '../ops/pointwise.js';
import { digamma, lgamma } from '../ops/special-functions.js';
import type { Tensor } from '../tensor/tensor.js';
import { Exponential, Laplace, Normal, Uniform } from './continuous.js';
import { Bernoulli, Binomial, Categorical, Poisson } from './discrete.js';
import { Distribution } from './distribution.js';
import { Beta, Dirichlet, Gamma } from './gammas.js';
import { Independent, sumLast } from './independent.js';

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
  const of = p.totalCount.mul(coins(p.probs, p.logits, q.probs, q.logits));
  return where(
    p.totalCount.gt(q.totalCount),
    Number.POSITIVE_INFINITY,
    where(p.totalCount.eq(q.totalCount), of, Number.NaN),
  );
});

pair(Categorical, Categorical, (p, q) => {
  const terms = p.probs.mul(p.logits.sub(q.logits));
  const never = where(q.probs.eq(0), Number.POSITIVE_INFINITY, terms);
  return where(p.probs.eq(0), 0, never).sum(-1);
});

pair(Poisson, Poisson, (p, q) => p.rate.mul(p.rate.log().sub(q.rate.log())).sub(p.rate.sub(q.rate)));

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
 * There are formulas for two of one kind, and for Exponential and Gamma, Gamma and Exponential, Uniform and Normal.
 *
 * @throws ValueError for a pair without a formula
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
