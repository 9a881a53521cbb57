import type { ArgumentsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import { ShapeError } from '../errors.js';
import { tensor, zerosLike } from '../ops/creation.js';
import { stack } from '../ops/joining.js';
import { where } from '../ops/pointwise.js';
import { digamma, lgamma, xlogy } from '../ops/special-functions.js';
import type { Generator } from '../tensor/generator.js';
import * as kinds from '../tensor/kinds.js';
import { type Shape, show } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { fraction, notNegative, positive, simplex } from './constraints.js';
import type { DistributionOptions } from './continuous.js';
import { broadcast, checking, type Rule, Ruled } from './distribution.js';
import { standardGamma } from './host.js';

const shaped = signature('concentration, rate, *, validateArgs', {
  concentration: kinds.operand,
  rate: kinds.operand,
  ...checking,
});
const twofold = signature('concentration1, concentration0, *, validateArgs', {
  concentration1: kinds.operand,
  concentration0: kinds.operand,
  ...checking,
});
const concentrated = signature('concentration, *, validateArgs', { concentration: kinds.tensor, ...checking });

interface GammaParams {
  concentration: Tensor;
  rate: Tensor;
}

const GAMMA: Rule<GammaParams> = {
  name: 'Gamma',
  params: { concentration: positive, rate: positive },
  support: () => notNegative,
  mean: ({ concentration, rate }) => concentration.div(rate),
  mode: ({ concentration, rate }) => concentration.sub(1).div(rate).clampMin(0),
  variance: ({ concentration, rate }) => concentration.div(rate.square()),
  logProb: ({ concentration, rate }, x) =>
    xlogy(concentration, rate)
      .add(xlogy(concentration.sub(1), x))
      .sub(rate.mul(x))
      .sub(lgamma(concentration)),
  entropy: ({ concentration, rate }) =>
    concentration
      .sub(rate.log())
      .add(lgamma(concentration))
      .add(concentration.neg().add(1).mul(digamma(concentration))),
  reparametrized: true,
  draw: ({ concentration, rate }, shape, generator) =>
    standardGamma('Gamma: sample', concentration, shape, generator).div(rate),
};

/**
 * The gamma distribution, with density rate^c x^(c - 1) exp(-rate x) / Γ(c) for a concentration c.
 *
 * Samples are PyTorch's, and have its approximate first derivatives. A captured function cannot draw them.
 *
 * @throws ValueError for a concentration or rate that is not above 0; CaptureError for samples within a captured function
 * @example
 * ```ts
 * const gamma = new distributions.Gamma(2, 0.5);
 * gamma.mean.item(); // 4
 * gamma.logProb(tensor([1, 4])); // tensor([-1.8863, -2.0000])
 * ```
 * @see https://pytorch.org/docs/stable/distributions.html#gamma
 */
export class Gamma extends Ruled<GammaParams> {
  declare readonly concentration: Tensor;
  declare readonly rate: Tensor;

  constructor(...args: ArgumentsOf<typeof shaped, DistributionOptions>) {
    const { validateArgs, ...given } = shaped.named('Gamma', args);
    super(GAMMA, broadcast('Gamma', given), validateArgs);
  }
}

/** Fractions of gamma variables, computed in doubles as PyTorch does. */
function dirichletSample(op: string, concentration: Tensor, shape: Shape, generator: Generator | null): Tensor {
  const parts = standardGamma(op, concentration.to('float64'), shape, generator);
  return parts.div(parts.sum(-1, true)).to(concentration.dtype);
}

const dirichletLogProb = (concentration: Tensor, x: Tensor): Tensor =>
  xlogy(concentration.sub(1), x)
    .sum(-1)
    .add(lgamma(concentration.sum(-1)))
    .sub(lgamma(concentration).sum(-1));

function dirichletEntropy(concentration: Tensor): Tensor {
  const k = concentration.shape.at(-1)!;
  const total = concentration.sum(-1);
  return lgamma(concentration)
    .sum(-1)
    .sub(lgamma(total))
    .sub(total.neg().add(k).mul(digamma(total)))
    .sub(concentration.sub(1).mul(digamma(concentration)).sum(-1));
}

/** Where all concentrations are below 1, the density is highest in the corners, of which this is the first. */
function dirichletMode(concentration: Tensor): Tensor {
  const above = concentration.sub(1).clampMin(0);
  const corner = zerosLike(above).indexFill(-1, tensor([0], { dtype: 'int32' }), 1);
  return where(concentration.lt(1).all(-1, true), corner, above.div(above.sum(-1, true)));
}

const DIRICHLET: Rule<{ concentration: Tensor }> = {
  name: 'Dirichlet',
  params: { concentration: positive },
  eventDims: 1,
  support: () => simplex,
  mean: ({ concentration }) => concentration.div(concentration.sum(-1, true)),
  mode: ({ concentration }) => dirichletMode(concentration),
  variance: ({ concentration }) => {
    const total = concentration.sum(-1, true);
    return concentration.mul(total.sub(concentration)).div(total.square().mul(total.add(1)));
  },
  logProb: ({ concentration }, x) => dirichletLogProb(concentration, x),
  entropy: ({ concentration }) => dirichletEntropy(concentration),
  reparametrized: true,
  draw: ({ concentration }, shape, generator) => dirichletSample('Dirichlet: sample', concentration, shape, generator),
};

/**
 * The Dirichlet distribution of probabilities of as many things as the last dim of `concentration` is long.
 *
 * Samples are PyTorch's. Their gradients are those of fractions of gamma variables; PyTorch's are others of the same mean. A captured function
 * cannot draw them.
 *
 * @throws ShapeError for a concentration without dims; ValueError for one that is not above 0; CaptureError for samples within a captured function
 * @example
 * ```ts
 * const dirichlet = new distributions.Dirichlet(tensor([1, 2, 3]));
 * dirichlet.eventShape; // [3]
 * dirichlet.mean; // tensor([0.1667, 0.3333, 0.5000])
 * ```
 * @see https://pytorch.org/docs/stable/distributions.html#dirichlet
 */
export class Dirichlet extends Ruled<{ concentration: Tensor }> {
  declare readonly concentration: Tensor;

  constructor(...args: ArgumentsOf<typeof concentrated, DistributionOptions>) {
    const { validateArgs, concentration } = concentrated.named('Dirichlet', args);
    if (concentration.ndim === 0) {
      throw new ShapeError(
        `Dirichlet: concentration must have at least one dim, got shape ${show(concentration.shape)}`,
      );
    }
    super(DIRICHLET, broadcast('Dirichlet', { concentration }), validateArgs);
  }
}

interface BetaParams {
  concentration1: Tensor;
  concentration0: Tensor;
}

const both = ({ concentration1, concentration0 }: BetaParams): Tensor => stack([concentration1, concentration0], -1);

const BETA: Rule<BetaParams> = {
  name: 'Beta',
  params: { concentration1: positive, concentration0: positive },
  support: () => fraction,
  mean: ({ concentration1: a, concentration0: b }) => a.div(a.add(b)),
  mode: (p) => dirichletMode(both(p)).select(-1, 0),
  variance: ({ concentration1: a, concentration0: b }) => {
    const total = a.add(b);
    return a.mul(b).div(total.square().mul(total.add(1)));
  },
  logProb: (p, x) => dirichletLogProb(both(p), stack([x, x.neg().add(1)], -1)),
  entropy: (p) => dirichletEntropy(both(p)),
  reparametrized: true,
  draw: (p, shape, generator) => dirichletSample('Beta: sample', both(p), [...shape, 2], generator).select(-1, 0),
};

/**
 * The beta distribution, with density proportional to x^(concentration1 - 1) (1 - x)^(concentration0 - 1).
 *
 * Samples are PyTorch's; of their gradients and of captured functions the same is true as of `Dirichlet`.
 *
 * @throws ValueError for a concentration that is not above 0; CaptureError for samples within a captured function
 * @example
 * ```ts
 * const beta = new distributions.Beta(2, 3);
 * beta.mean.item(); // 0.4000000059604645
 * beta.logProb(0.5).item(); // 0.40546512603759766
 * ```
 * @see https://pytorch.org/docs/stable/distributions.html#beta
 */
export class Beta extends Ruled<BetaParams> {
  declare readonly concentration1: Tensor;
  declare readonly concentration0: Tensor;

  constructor(...args: ArgumentsOf<typeof twofold, DistributionOptions>) {
    const { validateArgs, ...given } = twofold.named('Beta', args);
    super(BETA, broadcast('Beta', given), validateArgs);
  }
}
