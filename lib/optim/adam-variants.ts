import type { ArgumentsOf, OptionsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import * as e from '../expr/index.js';
import * as kinds from '../tensor/kinds.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Params } from './groups.js';
import { Optimizer } from './optimizer.js';
import { averaging, decoupling, rate } from './parameters.js';
import { commonFlags, decayed, decayFlags, lerp, rule, slope, zeros } from './rule.js';

// Optimizers that are Adam with one thing changed.

const bounded = signature('params, /, lr, betas, eps, weightDecay, *, maximize', {
  ...averaging,
  /** Learning rate; a 0-d tensor may hold it. Default: 0.002. */
  lr: rate.default(2e-3),
  /** How much is kept of the average of gradients and of the norm in each step. Default: [0.9, 0.999]. */
  betas: averaging.betas,
  /** Added to the sizes of gradients. Default: 1e-8. */
  eps: averaging.eps,
});

export interface AdamaxOptions extends OptionsOf<typeof bounded> {}

/** What Adamax keeps per parameter: its steps, the average of its gradients, and the largest of their fading sizes. */
export interface AdamaxState {
  step: number;
  expAvg: Tensor;
  expInf: Tensor;
}

/** Whether an average keeps at most half in each step. */
const forgets = ({ betas: [beta1] }: { betas: readonly [number, number] }): boolean => beta1 <= 0.5;

const ADAMAX = rule<AdamaxOptions>()({
  name: 'Adamax',
  takes: bounded,
  counters: { step: 0 },
  state: { expAvg: zeros(), expInf: zeros() },
  flags: (options) => ({ forgets: forgets(options), ...commonFlags(options) }),
  numbers: ({ lr, betas: [beta1, beta2], eps, weightDecay }, { step }) => {
    return { beta1, beta2, rest1: 1 - beta1, eps, weightDecay, stepSize: lr / (1 - beta1 ** step) };
  },
  update(values, { beta1, beta2, rest1, eps, weightDecay, stepSize }, flags) {
    const gradient = slope(values, weightDecay, flags);
    const expAvg = lerp(values.expAvg, gradient, rest1, beta1, flags.forgets);
    const expInf = e.max(e.mul(values.expInf, beta2), e.add(e.abs(gradient), eps));
    return { parameter: e.sub(values.parameter, e.div(e.mul(stepSize, expAvg), expInf)), expAvg, expInf };
  },
});

/**
 * Adam with the infinity norm: divides by the largest of the gradients' sizes, which fade from step to step.
 *
 * m' = β₁ m + (1 - β₁) g, u' = max(β₂ u, |g| + eps), p' = p - lr / (1 - β₁ᵗ) · m' / u' in step t.
 *
 * @throws ValueError for a negative rate, eps or decay, and for betas outside [0, 1)
 * @example
 * ```ts
 * const w = tensor([1], { requiresGrad: true });
 * const adamax = new optim.Adamax([w], { lr: 0.1 });
 * w.mul(w).sum().backward();
 * adamax.step();
 * w.item().toFixed(6); // '0.900000'
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.optim.Adamax.html
 */
export class Adamax extends Optimizer<AdamaxOptions, AdamaxState> {
  constructor(...args: ArgumentsOf<typeof bounded, AdamaxOptions, { params: Params<AdamaxOptions> }>) {
    super(ADAMAX, args);
  }
}

const looking = signature('params, /, lr, betas, eps, weightDecay, momentumDecay, decoupledWeightDecay, *, maximize', {
  ...averaging,
  ...decoupling,
  /** Learning rate; a 0-d tensor may hold it. Default: 0.002. */
  lr: rate.default(2e-3),
  /** How fast the momentum grows to the first beta. Default: 0.004. */
  momentumDecay: kinds.atLeast(0).default(4e-3),
});

export interface NAdamOptions extends OptionsOf<typeof looking> {}

/** What NAdam keeps per parameter: its steps, the product of its momenta, and averages of its gradients and of their squares. */
export interface NAdamState {
  step: number;
  muProduct: number;
  expAvg: Tensor;
  expAvgSq: Tensor;
}

const NADAM = rule<NAdamOptions>()({
  name: 'NAdam',
  takes: looking,
  counters: { step: 0, muProduct: 1 },
  state: { expAvg: zeros(), expAvgSq: zeros() },
  flags: (options) => ({ forgets: forgets(options), ...decayFlags(options, options.decoupledWeightDecay) }),
  numbers({ lr, betas: [beta1, beta2], eps, weightDecay, momentumDecay }, counters) {
    const { step } = counters;
    const momentumAt = (step: number) => beta1 * (1 - 0.5 * 0.96 ** (step * momentumDecay));
    const [momentum, next] = [momentumAt(step), momentumAt(step + 1)];
    // PyTorch keeps the product in single precision.
    counters.muProduct = Math.fround(counters.muProduct * Math.fround(momentum));
    const correction = Math.sqrt(1 - beta2 ** step);
    return {
      beta1,
      beta2,
      rest1: 1 - beta1,
      rest2: 1 - beta2,
      // All of the quotient times the correction, as in Adam.
      ofGradient: ((lr * (1 - momentum)) / (1 - counters.muProduct)) * correction,
      ofAverage: ((lr * next) / (1 - counters.muProduct * next)) * correction,
      eps: eps * correction,
      weightDecay,
      kept: 1 - lr * weightDecay,
    };
  },
  update(values, { beta1, beta2, rest1, rest2, ofGradient, ofAverage, eps, ...decay }, flags) {
    const { parameter, gradient } = decayed(values, decay, flags);
    const expAvg = lerp(values.expAvg, gradient, rest1, beta1, flags.forgets);
    const expAvgSq = e.add(e.mul(values.expAvgSq, beta2), e.mul(e.mul(rest2, gradient), gradient));
    const along = e.add(e.mul(ofGradient, gradient), e.mul(ofAverage, expAvg));
    return { parameter: e.sub(parameter, e.div(along, e.add(e.sqrt(expAvgSq), eps))), expAvg, expAvgSq };
  },
});

/**
 * Adam with Nesterov's momentum: looks ahead along the average of gradients, by a momentum that grows to the first beta.
 *
 * μₜ = β₁ (1 - 0.96^(t · momentumDecay) / 2), p' = p - lr · ((1 - μₜ) g / (1 - ∏ μ) + μₜ₊₁ m' / (1 - μₜ₊₁ ∏ μ)) / (√(v'/(1 - β₂ᵗ)) + eps)
 * in step t, with m' and v' as in Adam and the product over μ₁ to μₜ.
 *
 * @throws ValueError for a negative rate, eps or decay, and for betas outside [0, 1)
 * @example
 * ```ts
 * const w = tensor([1], { requiresGrad: true });
 * const nadam = new optim.NAdam([w], { lr: 0.1 });
 * w.mul(w).sum().backward();
 * nadam.step();
 * w.item().toFixed(6); // '0.894355'
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.optim.NAdam.html
 */
export class NAdam extends Optimizer<NAdamOptions, NAdamState> {
  constructor(...args: ArgumentsOf<typeof looking, NAdamOptions, { params: Params<NAdamOptions> }>) {
    super(NADAM, args);
  }
}

const rectified = signature('params, /, lr, betas, eps, weightDecay, decoupledWeightDecay, *, maximize', {
  ...averaging,
  ...decoupling,
  /** Learning rate; a 0-d tensor may hold it. Default: 0.001. */
  lr: rate.default(1e-3),
});

export interface RAdamOptions extends OptionsOf<typeof rectified> {}

/** What RAdam keeps per parameter: its steps, and averages of its gradients and of their squares. */
export interface RAdamState {
  step: number;
  expAvg: Tensor;
  expAvgSq: Tensor;
}

/** How far the average of squares can be trusted after so many steps, at most 1; 0 where it cannot. */
function rectification(beta2: number, step: number): number {
  const longest = 2 / (1 - beta2) - 1;
  const length = longest - (2 * step * beta2 ** step) / (1 - beta2 ** step);
  if (!(length > 5)) return 0;
  return Math.sqrt(((length - 4) * (length - 2) * longest) / ((longest - 4) * (longest - 2) * length));
}

const RADAM = rule<RAdamOptions>()({
  name: 'RAdam',
  takes: rectified,
  counters: { step: 0 },
  state: { expAvg: zeros(), expAvgSq: zeros() },
  flags: (options) => ({ forgets: forgets(options), ...decayFlags(options, options.decoupledWeightDecay) }),
  numbers({ lr, betas: [beta1, beta2], eps, weightDecay }, { step }) {
    const trust = rectification(beta2, step);
    const stepSize = lr / (1 - beta1 ** step);
    return {
      beta1,
      beta2,
      rest1: 1 - beta1,
      rest2: 1 - beta2,
      trust,
      stepSize: trust === 0 ? stepSize : stepSize * Math.sqrt(1 - beta2 ** step) * trust,
      eps,
      weightDecay,
      kept: 1 - lr * weightDecay,
    };
  },
  update(values, { beta1, beta2, rest1, rest2, trust, stepSize, eps, ...decay }, flags) {
    const { parameter, gradient } = decayed(values, decay, flags);
    const expAvg = lerp(values.expAvg, gradient, rest1, beta1, flags.forgets);
    const expAvgSq = e.add(e.mul(values.expAvgSq, beta2), e.mul(e.mul(rest2, gradient), gradient));
    const scale = e.where(trust, e.add(e.sqrt(expAvgSq), eps), 1);
    return { parameter: e.sub(parameter, e.div(e.mul(stepSize, expAvg), scale)), expAvg, expAvgSq };
  },
});

/**
 * Adam with a rectified rate: scales steps by how far the average of squares can be trusted, and does not divide by it in the first
 * steps, where it cannot.
 *
 * @throws ValueError for a negative rate, eps or decay, and for betas outside [0, 1)
 * @example
 * ```ts
 * const w = tensor([1], { requiresGrad: true });
 * const radam = new optim.RAdam([w], { lr: 0.1 });
 * w.mul(w).sum().backward();
 * radam.step();
 * w.item().toFixed(6); // '0.800000'
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.optim.RAdam.html
 */
export class RAdam extends Optimizer<RAdamOptions, RAdamState> {
  constructor(...args: ArgumentsOf<typeof rectified, RAdamOptions, { params: Params<RAdamOptions> }>) {
    super(RADAM, args);
  }
}
