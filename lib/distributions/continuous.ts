import type { ArgumentsOf, OptionsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import { dtypes } from '../backend/dtype.js';
import { empty } from '../ops/creation.js';
import { rand, randn } from '../ops/random.js';
import * as kinds from '../tensor/kinds.js';
import type { Tensor } from '../tensor/tensor.js';
import { between, notNegative, positive, real } from './constraints.js';
import { broadcast, checking, type Rule, Ruled } from './distribution.js';

const placed = signature('loc, scale, *, validateArgs', { loc: kinds.operand, scale: kinds.operand, ...checking });
const bounded = signature('low, high, *, validateArgs', { low: kinds.operand, high: kinds.operand, ...checking });
const decaying = signature('rate, *, validateArgs', { rate: kinds.operand, ...checking });

export interface DistributionOptions extends OptionsOf<typeof placed> {}

interface Placed {
  loc: Tensor;
  scale: Tensor;
}

const NORMAL: Rule<Placed> = {
  name: 'Normal',
  params: { loc: real, scale: positive },
  support: () => real,
  mean: ({ loc }) => loc,
  mode: ({ loc }) => loc,
  variance: ({ scale }) => scale.square(),
  logProb: ({ loc, scale }, x) =>
    x
      .sub(loc)
      .square()
      .neg()
      .div(scale.square().mul(2))
      .sub(scale.log())
      .sub(Math.log(2 * Math.PI) / 2),
  entropy: ({ scale }) => scale.log().add(0.5 + Math.log(2 * Math.PI) / 2),
  reparametrized: true,
  draw: ({ loc, scale }, shape, generator) => randn(shape, { generator, dtype: loc.dtype }).mul(scale).add(loc),
};

/**
 * The normal distribution, with density exp(-(x - loc)² / 2 scale²) / (scale √2π).
 *
 * @throws ValueError for a scale that is not above 0, or a NaN
 * @example
 * ```ts
 * const normal = new distributions.Normal(0, tensor([1, 2]));
 * normal.sample([3]).shape; // [3, 2]
 * normal.logProb(1); // tensor([-1.4189, -1.7371])
 * normal.entropy(); // tensor([1.4189, 2.1121])
 * ```
 * @see https://pytorch.org/docs/stable/distributions.html#normal
 */
export class Normal extends Ruled<Placed> {
  declare readonly loc: Tensor;
  declare readonly scale: Tensor;

  constructor(...args: ArgumentsOf<typeof placed, DistributionOptions>) {
    const { validateArgs, ...given } = placed.named('Normal', args);
    super(NORMAL, broadcast('Normal', given), validateArgs);
  }
}

const LAPLACE: Rule<Placed> = {
  name: 'Laplace',
  params: { loc: real, scale: positive },
  support: () => real,
  mean: ({ loc }) => loc,
  mode: ({ loc }) => loc,
  variance: ({ scale }) => scale.square().mul(2),
  logProb: ({ loc, scale }, x) => scale.mul(2).log().neg().sub(x.sub(loc).abs().div(scale)),
  entropy: ({ scale }) => scale.mul(2).log().add(1),
  reparametrized: true,
  draw: ({ loc, scale }, shape, generator) => {
    const { dtype } = loc;
    const u = empty(shape, { dtype }).uniform_(dtypes[dtype].epsilon - 1, 1, { generator });
    return loc.sub(scale.mul(u.sign()).mul(u.abs().neg().log1p()));
  },
};

/**
 * The Laplace distribution, with density exp(-|x - loc| / scale) / 2 scale.
 *
 * @throws ValueError for a scale that is not above 0, or a NaN
 * @example
 * ```ts
 * new distributions.Laplace(0, 1).logProb(tensor([0, 2])); // tensor([-0.6931, -2.6931])
 * ```
 * @see https://pytorch.org/docs/stable/distributions.html#laplace
 */
export class Laplace extends Ruled<Placed> {
  declare readonly loc: Tensor;
  declare readonly scale: Tensor;

  constructor(...args: ArgumentsOf<typeof placed, DistributionOptions>) {
    const { validateArgs, ...given } = placed.named('Laplace', args);
    super(LAPLACE, broadcast('Laplace', given), validateArgs);
  }
}

interface Bounds {
  low: Tensor;
  high: Tensor;
}

const UNIFORM: Rule<Bounds> = {
  name: 'Uniform',
  params: { low: real, high: real },
  support: ({ low, high }) => between(low, high),
  mean: ({ low, high }) => low.add(high).div(2),
  mode: ({ high }) => high.mul(Number.NaN),
  variance: ({ low, high }) => high.sub(low).square().div(12),
  logProb: ({ low, high }, x) => {
    const isWithin = low.le(x).logicalAnd(high.gt(x));
    return isWithin.to(low.dtype).log().sub(high.sub(low).log());
  },
  entropy: ({ low, high }) => high.sub(low).log(),
  reparametrized: true,
  draw: ({ low, high }, shape, generator) => rand(shape, { generator, dtype: low.dtype }).mul(high.sub(low)).add(low),
};

/**
 * The uniform distribution on [low, high).
 *
 * @throws ValueError where low is not below high
 * @example
 * ```ts
 * const uniform = new distributions.Uniform(1, 5);
 * uniform.mean.item(); // 3
 * uniform.logProb(2).item(); // -1.3862943649291992
 * ```
 * @see https://pytorch.org/docs/stable/distributions.html#uniform
 */
export class Uniform extends Ruled<Bounds> {
  declare readonly low: Tensor;
  declare readonly high: Tensor;

  constructor(...args: ArgumentsOf<typeof bounded, DistributionOptions>) {
    const { validateArgs, ...given } = bounded.named('Uniform', args);
    const { low, high } = broadcast('Uniform', given);
    super(
      { ...UNIFORM, params: { low: real, high: { text: 'above low', holds: (x) => x.gt(low) } } },
      { low, high },
      validateArgs,
    );
  }
}

const EXPONENTIAL: Rule<{ rate: Tensor }> = {
  name: 'Exponential',
  params: { rate: positive },
  support: () => notNegative,
  mean: ({ rate }) => rate.reciprocal(),
  mode: ({ rate }) => rate.mul(0),
  variance: ({ rate }) => rate.pow(-2),
  logProb: ({ rate }, x) => rate.log().sub(rate.mul(x)),
  entropy: ({ rate }) => rate.log().neg().add(1),
  reparametrized: true,
  draw: ({ rate }, shape, generator) => empty(shape, { dtype: rate.dtype }).exponential_(1, { generator }).div(rate),
};

/**
 * The exponential distribution, with density rate · exp(-rate x).
 *
 * @throws ValueError for a rate that is not above 0
 * @example
 * ```ts
 * new distributions.Exponential(2).logProb(tensor([0, 1])); // tensor([ 0.6931, -1.3069])
 * ```
 * @see https://pytorch.org/docs/stable/distributions.html#exponential
 */
export class Exponential extends Ruled<{ rate: Tensor }> {
  declare readonly rate: Tensor;

  constructor(...args: ArgumentsOf<typeof decaying, DistributionOptions>) {
    const { validateArgs, ...given } = decaying.named('Exponential', args);
    super(EXPONENTIAL, broadcast('Exponential', given), validateArgs);
  }
}
