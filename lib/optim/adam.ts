import * as e from '../expr/index.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Params } from './groups.js';
import { Optimizer } from './optimizer.js';
import { always, flag, fraction, notNegative, numbers, type Option, rate } from './options.js';
import { decayed, decayFlags, lerp, rule, zeros } from './rule.js';

export interface AdamOptions {
  /** Learning rate; a 0-d tensor may hold it. Default: 0.001. */
  lr: number | Tensor;
  /** How much is kept of the averages of gradients and of their squares in each step. Default: [0.9, 0.999]. */
  betas: readonly [number, number];
  /** Added to the root of the average square. Default: 1e-8. */
  eps: number;
  /** L2 penalty: this times the parameter is added to its gradient. Default: 0. */
  weightDecay: number;
  /** Divide by the root of the largest average square so far (AMSGrad). Default: false. */
  amsgrad: boolean;
  /** Go up the gradient instead of down. Default: false. */
  maximize: boolean;
  /** Shrink parameters by lr · weightDecay instead, as AdamW does. Default: false. */
  decoupledWeightDecay: boolean;
}

export interface AdamWOptions extends Omit<AdamOptions, 'decoupledWeightDecay'> {
  /** Each step takes this part, times the rate, of a parameter away. Default: 0.01. */
  weightDecay: number;
}

/** What Adam keeps per parameter: its steps, and averages of its gradients and of their squares. */
export interface AdamState {
  step: number;
  expAvg: Tensor;
  expAvgSq: Tensor;
  /** With `amsgrad`, the largest average square so far. */
  maxExpAvgSq?: Tensor | null;
}

const adamRule = (name: string, weightDecay: number, decoupledWeightDecay: Option<boolean>) =>
  rule<AdamOptions>()({
    name,
    options: {
      lr: rate(1e-3),
      betas: numbers(fraction(0.9), fraction(0.999)),
      eps: notNegative(1e-8),
      weightDecay: notNegative(weightDecay),
      amsgrad: flag(false),
      maximize: flag(false),
      decoupledWeightDecay,
    },
    counters: { step: 0 },
    state: { expAvg: zeros(), expAvgSq: zeros(), maxExpAvgSq: zeros('amsgrad') },
    flags: ({ betas, amsgrad, ...options }) => ({ amsgrad, forgets: betas[0] <= 0.5, ...decayFlags(options) }),
    numbers: ({ lr, betas: [beta1, beta2], eps, weightDecay }, { step }) => ({
      beta1,
      beta2,
      rest1: 1 - beta1,
      rest2: 1 - beta2,
      eps,
      weightDecay,
      kept: 1 - lr * weightDecay,
      stepSize: lr / (1 - beta1 ** step),
      correction: Math.sqrt(1 - beta2 ** step),
    }),
    update(values, { beta1, beta2, rest1, rest2, eps, stepSize, correction, ...decay }, flags) {
      const { parameter, gradient } = decayed(values, decay, flags);
      const expAvg = lerp(values.expAvg, gradient, rest1, beta1, flags.forgets);
      const expAvgSq = e.add(e.mul(values.expAvgSq, beta2), e.mul(e.mul(rest2, gradient), gradient));
      const largest = flags.amsgrad ? { maxExpAvgSq: e.max(values.maxExpAvgSq, expAvgSq) } : {};
      const scale = e.add(e.div(e.sqrt(largest.maxExpAvgSq ?? expAvgSq), correction), eps);
      return { parameter: e.sub(parameter, e.div(e.mul(stepSize, expAvg), scale)), expAvg, expAvgSq, ...largest };
    },
  });

const ADAM = adamRule('Adam', 0, flag(false));

/**
 * Adam: steps along an average of gradients, divided by the root of an average of their squares.
 *
 * m' = β₁ m + (1 - β₁) g, v' = β₂ v + (1 - β₂) g², p' = p - lr · m'/(1 - β₁ᵗ) / (√(v'/(1 - β₂ᵗ)) + eps) in step t.
 *
 * @throws ValueError for a negative rate, eps or decay, and for betas outside [0, 1)
 * @example
 * ```ts
 * const w = tensor([1], { requiresGrad: true });
 * const adam = new optim.Adam([w], { lr: 0.1 });
 * w.mul(w).sum().backward();
 * adam.step();
 * w.item().toFixed(6); // '0.900000'
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.optim.Adam.html
 */
export class Adam extends Optimizer<AdamOptions, AdamState> {
  constructor(params: Params<AdamOptions>, options: Partial<AdamOptions> = {}) {
    super(ADAM, params, options);
  }
}

const ADAMW = adamRule('AdamW', 0.01, always('the decay of AdamW is decoupled; use Adam with an L2 penalty'));

/**
 * Adam with decoupled weight decay: a step shrinks a parameter by lr · weightDecay, and its gradient stays what it is.
 *
 * @throws ValueError for a negative rate, eps or decay, and for betas outside [0, 1)
 * @example
 * ```ts
 * const w = tensor([1], { requiresGrad: true });
 * const adamw = new optim.AdamW([w], { lr: 0.1, weightDecay: 0.5 });
 * w.mul(w).sum().backward();
 * adamw.step();
 * w.item().toFixed(6); // '0.850000'
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.optim.AdamW.html
 */
export class AdamW extends Optimizer<AdamOptions, AdamState> {
  constructor(params: Params<AdamWOptions>, options: Partial<AdamWOptions> = {}) {
    super(ADAMW, params, options);
  }
}
