import type { ArgumentsOf, OptionsOf } from '../arguments/forms.js';
import { kind } from '../arguments/kind.js';
import { signature } from '../arguments/signature.js';
import * as e from '../expr/index.js';
import * as kinds from '../tensor/kinds.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Params } from './groups.js';
import { Optimizer } from './optimizer.js';
import { common, directed, rate } from './parameters.js';
import { commonFlags, lerp, rule, slope, zeros } from './rule.js';

// Optimizers whose steps each element of a parameter scales by the gradients that it has seen.

const accumulating = signature('params, /, lr, lrDecay, weightDecay, initialAccumulatorValue, eps, *, maximize', {
  ...common,
  /** Learning rate; a 0-d tensor may hold it. Default: 0.01. */
  lr: rate.default(1e-2),
  /** How much smaller the rate gets: lr / (1 + (t - 1) · lrDecay) in step t. Default: 0. */
  lrDecay: kinds.atLeast(0).default(0),
  /** What the sums of squares start with. Default: 0. */
  initialAccumulatorValue: kinds.atLeast(0).default(0),
  /** Added to the root of the sum of squares. Default: 1e-10. */
  eps: kinds.atLeast(0).default(1e-10),
});

export interface AdagradOptions extends OptionsOf<typeof accumulating> {}

/** What Adagrad keeps per parameter: its steps, and the sum of its squared gradients. */
export interface AdagradState {
  step: number;
  sum: Tensor;
}

const ADAGRAD = rule<AdagradOptions>()({
  name: 'Adagrad',
  takes: accumulating,
  counters: { step: 0 },
  state: { sum: { needs: null, initial: ({ initialAccumulatorValue }) => initialAccumulatorValue } },
  flags: commonFlags,
  numbers: ({ lr, lrDecay, eps, weightDecay }, { step }) => {
    return { rate: lr / (1 + (step - 1) * lrDecay), eps, weightDecay };
  },
  update(values, { rate, eps, weightDecay }, flags) {
    const gradient = slope(values, weightDecay, flags);
    const sum = e.add(values.sum, e.square(gradient));
    const scale = e.add(e.sqrt(sum), eps);
    return { parameter: e.sub(values.parameter, e.div(e.mul(rate, gradient), scale)), sum };
  },
});

/**
 * Adagrad: divides gradients by the root of the sum of all their squares so far.
 *
 * s' = s + g², p' = p - lr / (1 + (t - 1) · lrDecay) · g / (√s' + eps) in step t.
 *
 * @throws ValueError for negative options
 * @example
 * ```ts
 * const w = tensor([1], { requiresGrad: true });
 * const adagrad = new optim.Adagrad([w], { lr: 0.1 });
 * w.mul(w).sum().backward();
 * adagrad.step();
 * w.item().toFixed(6); // '0.900000'
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.optim.Adagrad.html
 */
export class Adagrad extends Optimizer<AdagradOptions, AdagradState> {
  constructor(...args: ArgumentsOf<typeof accumulating, AdagradOptions, { params: Params<AdagradOptions> }>) {
    super(ADAGRAD, args);
  }
}

const unitless = signature('params, /, lr, rho, eps, weightDecay, *, maximize', {
  ...common,
  /** What steps are multiplied by; a 0-d tensor may hold it. Default: 1. */
  lr: rate.default(1),
  /** How much is kept of both averages in each step. Default: 0.9. */
  rho: kinds.within(0, 1).default(0.9),
  /** Added to both averages before their roots are taken. Default: 1e-6. */
  eps: kinds.atLeast(0).default(1e-6),
});

export interface AdadeltaOptions extends OptionsOf<typeof unitless> {}

/** What Adadelta keeps per parameter: its steps, and averages of the squares of gradients and of changes. */
export interface AdadeltaState {
  step: number;
  squareAvg: Tensor;
  accDelta: Tensor;
}

const ADADELTA = rule<AdadeltaOptions>()({
  name: 'Adadelta',
  takes: unitless,
  counters: { step: 0 },
  state: { squareAvg: zeros(), accDelta: zeros() },
  flags: commonFlags,
  numbers: ({ lr, rho, eps, weightDecay }) => ({ lr, rho, rest: 1 - rho, eps, weightDecay }),
  update(values, { lr, rho, rest, eps, weightDecay }, flags) {
    const gradient = slope(values, weightDecay, flags);
    const average = (known: e.Expr, next: e.Expr) => e.add(e.mul(known, rho), e.mul(e.mul(rest, next), next));
    const root = (of: e.Expr) => e.sqrt(e.add(of, eps));
    const squareAvg = average(values.squareAvg, gradient);
    const change = e.mul(e.div(root(values.accDelta), root(squareAvg)), gradient);
    return {
      parameter: e.sub(values.parameter, e.mul(lr, change)),
      squareAvg,
      accDelta: average(values.accDelta, change),
    };
  },
});

/**
 * Adadelta: gradients times the root of the average squared change, divided by that of the average squared gradient.
 *
 * v' = ρ v + (1 - ρ) g², Δ = √(u + eps) / √(v' + eps) · g, u' = ρ u + (1 - ρ) Δ², p' = p - lr · Δ.
 *
 * @throws ValueError for negative options, and a rho above 1
 * @example
 * ```ts
 * const w = tensor([1], { requiresGrad: true });
 * const adadelta = new optim.Adadelta([w]);
 * w.mul(w).sum().backward();
 * adadelta.step();
 * w.item().toFixed(6); // '0.996838'
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.optim.Adadelta.html
 */
export class Adadelta extends Optimizer<AdadeltaOptions, AdadeltaState> {
  constructor(...args: ArgumentsOf<typeof unitless, AdadeltaOptions, { params: Params<AdadeltaOptions> }>) {
    super(ADADELTA, args);
  }
}

const scaling = signature('params, /, lr, alpha, eps, weightDecay, momentum, centered, *, maximize', {
  ...common,
  /** Learning rate; a 0-d tensor may hold it. Default: 0.01. */
  lr: rate.default(1e-2),
  /** How much is kept of the averages in each step. Default: 0.99. */
  alpha: kinds.atLeast(0).default(0.99),
  /** Added to the root of the average square. Default: 1e-8. */
  eps: kinds.atLeast(0).default(1e-8),
  /** How much of the last step's direction is kept. Default: 0. */
  momentum: kinds.atLeast(0).default(0),
  /** Divide by an estimate of the standard deviation: the average square less the square of the average. Default: false. */
  centered: kinds.boolean.default(false),
});

export interface RMSpropOptions extends OptionsOf<typeof scaling> {}

/** What RMSprop keeps per parameter: its steps, and the average of its squared gradients. */
export interface RMSpropState {
  step: number;
  squareAvg: Tensor;
  /** With `momentum`, the direction of the last step. */
  momentumBuffer?: Tensor | null;
  /** With `centered`, the average of its gradients. */
  gradAvg?: Tensor | null;
}

const RMSPROP = rule<RMSpropOptions>()({
  name: 'RMSprop',
  takes: scaling,
  counters: { step: 0 },
  state: { squareAvg: zeros(), momentumBuffer: zeros('moves'), gradAvg: zeros('centered') },
  flags: (options) => ({
    moves: options.momentum > 0,
    centered: options.centered,
    forgets: options.alpha <= 0.5,
    ...commonFlags(options),
  }),
  numbers: ({ lr, alpha, eps, weightDecay, momentum }) => {
    return { lr, alpha, rest: 1 - alpha, eps, weightDecay, momentum };
  },
  update(values, { lr, alpha, rest, eps, weightDecay, momentum }, flags) {
    const { parameter } = values;
    const gradient = slope(values, weightDecay, flags);
    const squareAvg = e.add(e.mul(values.squareAvg, alpha), e.mul(e.mul(rest, gradient), gradient));
    const centre = flags.centered ? { gradAvg: lerp(values.gradAvg, gradient, rest, alpha, flags.forgets) } : {};
    const spread = centre.gradAvg === undefined ? squareAvg : e.sub(squareAvg, e.square(centre.gradAvg));
    const scale = e.add(e.sqrt(spread), eps);
    const kept = { squareAvg, ...centre };
    if (!flags.moves) return { parameter: e.sub(parameter, e.div(e.mul(lr, gradient), scale)), ...kept };
    const momentumBuffer = e.add(e.mul(values.momentumBuffer, momentum), e.div(gradient, scale));
    return { parameter: e.sub(parameter, e.mul(lr, momentumBuffer)), ...kept, momentumBuffer };
  },
});

/**
 * RMSprop: divides gradients by the root of an average of their squares; with momentum, and centred if asked for.
 *
 * v' = α v + (1 - α) g², p' = p - lr · g / (√v' + eps).
 *
 * @throws ValueError for negative options
 * @example
 * ```ts
 * const w = tensor([1], { requiresGrad: true });
 * const rmsprop = new optim.RMSprop([w], { lr: 0.1 });
 * w.mul(w).sum().backward();
 * rmsprop.step();
 * w.item().toFixed(6); // '0.000000'
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.optim.RMSprop.html
 */
export class RMSprop extends Optimizer<RMSpropOptions, RMSpropState> {
  constructor(...args: ArgumentsOf<typeof scaling, RMSpropOptions, { params: Params<RMSpropOptions> }>) {
    super(RMSPROP, args);
  }
}

const isPair = (value: unknown): value is readonly [number, number] =>
  Array.isArray(value) && value.length === 2 && value.every((one) => typeof one === 'number' && !Number.isNaN(one));

const signed = signature('params, /, lr, etas, stepSizes, *, maximize', {
  ...directed,
  /** How far every element goes in the first step; a 0-d tensor may hold it. Default: 0.01. */
  lr: rate.default(1e-2),
  /** What an element's step is multiplied by where its gradient changes sign, and where it keeps it. Default: [0.5, 1.2]. */
  etas: kind(
    'a number above 0 and below 1, and one above 1',
    (value): value is readonly [number, number] => isPair(value) && 0 < value[0] && value[0] < 1 && 1 < value[1],
  ).default([0.5, 1.2]),
  /** The least and the greatest step. Default: [1e-6, 50]. */
  stepSizes: kind('two numbers', isPair).default([1e-6, 50]),
});

export interface RpropOptions extends OptionsOf<typeof signed> {}

/** What Rprop keeps per parameter: its steps, its last gradient (0 where the sign changed), and how far each element goes. */
export interface RpropState {
  step: number;
  prev: Tensor;
  stepSize: Tensor;
}

const RPROP = rule<RpropOptions>()({
  name: 'Rprop',
  takes: signed,
  counters: { step: 0 },
  state: { prev: zeros(), stepSize: { needs: null, initial: ({ lr }) => lr } },
  flags: ({ maximize }) => ({ maximize }),
  numbers: ({ etas: [less, more], stepSizes: [least, most] }) => ({ less, more, least, most }),
  update(values, { less, more, least, most }, flags) {
    const gradient = flags.maximize ? e.neg(values.gradient) : values.gradient;
    const agreement = e.mul(gradient, values.prev);
    const turns = e.lt(agreement, 0);
    const factor = e.where(e.gt(agreement, 0), more, e.where(turns, less, 1));
    const stepSize = e.min(e.max(e.mul(values.stepSize, factor), least), most);
    const along = e.where(turns, 0, gradient);
    return { parameter: e.sub(values.parameter, e.mul(e.sign(along), stepSize)), prev: along, stepSize };
  },
});

/**
 * Resilient backpropagation: goes by the signs of gradients alone. An element's step grows while its gradient keeps its sign, and
 * shrinks where the sign changes.
 *
 * @throws ValueError for a negative rate, and for etas that do not shrink and grow
 * @example
 * ```ts
 * const w = tensor([1], { requiresGrad: true });
 * const rprop = new optim.Rprop([w], { lr: 0.1 });
 * w.mul(w).sum().backward();
 * rprop.step();
 * w.item().toFixed(6); // '0.900000'
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.optim.Rprop.html
 */
export class Rprop extends Optimizer<RpropOptions, RpropState> {
  constructor(...args: ArgumentsOf<typeof signed, RpropOptions, { params: Params<RpropOptions> }>) {
    super(RPROP, args);
  }
}
