import type { ArgumentsOf, OptionsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import * as e from '../expr/index.js';
import * as kinds from '../tensor/kinds.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Params } from './groups.js';
import { Optimizer } from './optimizer.js';
import { common, rate } from './parameters.js';
import { commonFlags, rule, slope, zeros } from './rule.js';

const descending = signature('params, /, lr, momentum, dampening, weightDecay, nesterov, *, maximize', {
  ...common,
  /** Learning rate; a 0-d tensor may hold it. Default: 0.001. */
  lr: rate.default(1e-3),
  /** How much of the last step's direction is kept. Default: 0. */
  momentum: kinds.atLeast(0).default(0),
  /** How much of each gradient is left out of the momentum buffer after the first. Default: 0. */
  dampening: kinds.number.default(0),
  /** Look ahead along the momentum; needs momentum and no dampening. Default: false. */
  nesterov: kinds.boolean.default(false),
});

export interface SGDOptions extends OptionsOf<typeof descending> {}

/** What SGD keeps per parameter: with momentum the direction of the last step, v. */
export interface SGDState {
  momentumBuffer: Tensor | null;
}

const SGD_RULE = rule<SGDOptions>()({
  name: 'SGD',
  takes: descending,
  refuse: ({ nesterov, momentum, dampening }) =>
    nesterov && !(momentum > 0 && dampening === 0) ? 'nesterov needs a momentum above 0 and a dampening of 0' : null,
  counters: {},
  // Of -0, so that the first direction is the gradient to the bit.
  state: { momentumBuffer: { needs: 'moves', initial: () => -0 } },
  flags: (options) => ({
    moves: options.momentum !== 0,
    damps: options.dampening !== 0,
    nesterov: options.nesterov,
    ...commonFlags(options),
  }),
  numbers: ({ lr, momentum, dampening, weightDecay }, _, isFirst) => {
    return { lr, momentum, kept: isFirst ? 1 : 1 - dampening, weightDecay };
  },
  update(values, { lr, momentum, kept, weightDecay }, flags) {
    const { parameter, momentumBuffer } = values;
    const gradient = slope(values, weightDecay, flags);
    if (!flags.moves) return { parameter: e.sub(parameter, e.mul(lr, gradient)) };
    const direction = e.add(e.mul(momentum, momentumBuffer), flags.damps ? e.mul(kept, gradient) : gradient);
    const ahead = flags.nesterov ? e.add(gradient, e.mul(momentum, direction)) : direction;
    return { parameter: e.sub(parameter, e.mul(lr, ahead)), momentumBuffer: direction };
  },
});

/**
 * Stochastic gradient descent, with momentum, Nesterov's variant and weight decay.
 *
 * @throws ValueError for a negative rate, momentum or decay, and for Nesterov without momentum or with dampening
 * @example
 * ```ts
 * const w = tensor([1], { requiresGrad: true });
 * const sgd = new optim.SGD([w], { lr: 0.1, momentum: 0.9 });
 * w.mul(w).sum().backward();
 * sgd.step();
 * w.item(); // 0.8
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.optim.SGD.html
 */
export class SGD extends Optimizer<SGDOptions, SGDState> {
  constructor(...args: ArgumentsOf<typeof descending, SGDOptions, { params: Params<SGDOptions> }>) {
    super(SGD_RULE, args);
  }
}

const averaged = signature('params, /, lr, lambd, alpha, t0, weightDecay, maximize', {
  ...common,
  /** Learning rate; a 0-d tensor may hold it. Default: 0.01. */
  lr: rate.default(1e-2),
  /** How much of a parameter each step takes away, times the rate, and how fast the rate falls. Default: 1e-4. */
  lambd: kinds.real.default(1e-4),
  /** The power by which the rate falls: lr / (1 + lambd · lr · t)^alpha after step t. Default: 0.75. */
  alpha: kinds.real.default(0.75),
  /** The step after which parameters are averaged. Default: 1e6. */
  t0: kinds.real.default(1e6),
});

export interface ASGDOptions extends OptionsOf<typeof averaged> {}

/** What ASGD keeps per parameter: its steps, the next rate, the weight of the next values in the average, and the average. */
export interface ASGDState {
  step: number;
  eta: number;
  mu: number;
  ax: Tensor;
}

const ASGD_RULE = rule<ASGDOptions>()({
  name: 'ASGD',
  takes: averaged,
  counters: { step: 0, eta: 0, mu: 1 },
  // PyTorch keeps the two numbers in single precision.
  begin: ({ lr }) => ({ eta: Math.fround(lr) }),
  state: { ax: zeros() },
  flags: commonFlags,
  numbers({ lr, lambd, alpha, t0, weightDecay }, counters) {
    const { step, eta, mu } = counters;
    counters.eta = Math.fround(lr / (1 + lambd * lr * step) ** alpha);
    counters.mu = Math.fround(1 / Math.max(1, step - t0));
    return { eta, mu, kept: 1 - lambd * eta, weightDecay };
  },
  update(values, { eta, mu, kept, weightDecay }, flags) {
    const parameter = e.sub(e.mul(values.parameter, kept), e.mul(eta, slope(values, weightDecay, flags)));
    const nearer = e.add(values.ax, e.mul(e.sub(parameter, values.ax), mu));
    return { parameter, ax: e.where(e.eq(mu, 1), parameter, nearer) };
  },
});

/**
 * Averaged stochastic gradient descent: a falling rate, and beside each parameter (in the state, as `ax`) the average of what it was
 * after step `t0`.
 *
 * p' = (1 - lambd · η) p - η g, ax' = ax + μ (p' - ax); then η = lr / (1 + lambd · lr · t)^alpha, μ = 1 / max(1, t - t0) after step t.
 *
 * @throws ValueError for a negative rate or decay
 * @example
 * ```ts
 * const w = tensor([1], { requiresGrad: true });
 * const asgd = new optim.ASGD([w], { lr: 0.1, lambd: 0.5 });
 * w.mul(w).sum().backward();
 * asgd.step();
 * w.item().toFixed(6); // '0.750000'
 * asgd.state.get(w)!.ax.item().toFixed(6); // '0.750000'
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.optim.ASGD.html
 */
export class ASGD extends Optimizer<ASGDOptions, ASGDState> {
  constructor(...args: ArgumentsOf<typeof averaged, ASGDOptions, { params: Params<ASGDOptions> }>) {
    super(ASGD_RULE, args);
  }
}
