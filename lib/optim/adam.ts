import type { ArgumentsOf, OptionsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import * as e from '../expr/index.js';
import * as kinds from '../tensor/kinds.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Params } from './groups.js';
import { Optimizer } from './optimizer.js';
import { averaging, decoupling, rate } from './parameters.js';
import { decayed, decayFlags, lerp, type Rule, rule, type Takes, zeros } from './rule.js';

const both = {
  ...averaging,
  /** Learning rate; a 0-d tensor may hold it. Default: 0.001. */
  lr: rate.default(1e-3),
  /** Divide by the root of the largest average square so far (AMSGrad). Default: false. */
  amsgrad: kinds.boolean.default(false),
};

const adapting = signature('params, /, lr, betas, eps, weightDecay, amsgrad, *, maximize, decoupledWeightDecay', {
  ...both,
  ...decoupling,
});

const decoupled = signature('params, /, lr, betas, eps, weightDecay, amsgrad, *, maximize', {
  ...both,
  /** Each step takes this part, times the rate, of a parameter away. Default: 0.01. */
  weightDecay: kinds.atLeast(0).default(0.01),
});

export interface AdamOptions extends OptionsOf<typeof adapting> {}
export interface AdamWOptions extends OptionsOf<typeof decoupled> {}

/** What Adam keeps per parameter: its steps, and averages of its gradients and of their squares. */
export interface AdamState {
  step: number;
  expAvg: Tensor;
  expAvgSq: Tensor;
  /** With `amsgrad`, the largest average square so far. */
  maxExpAvgSq?: Tensor | null;
}

const adamRule = (name: string, takes: Takes, isDecoupled: (options: object) => boolean): Rule<AdamWOptions> =>
  rule<AdamWOptions>()({
    name,
    takes,
    counters: { step: 0 },
    state: { expAvg: zeros(), expAvgSq: zeros(), maxExpAvgSq: zeros('amsgrad') },
    flags: (options) => ({
      amsgrad: options.amsgrad,
      forgets: options.betas[0] <= 0.5,
      ...decayFlags(options, isDecoupled(options)),
    }),
    numbers({ lr, betas: [beta1, beta2], eps, weightDecay }, { step }) {
      const correction = Math.sqrt(1 - beta2 ** step);
      return {
        beta1,
        beta2,
        rest1: 1 - beta1,
        rest2: 1 - beta2,
        // Both sides of the quotient times the correction, which saves a division for every element.
        stepSize: (lr / (1 - beta1 ** step)) * correction,
        eps: eps * correction,
        weightDecay,
        kept: 1 - lr * weightDecay,
      };
    },
    update(values, { beta1, beta2, rest1, rest2, eps, stepSize, ...decay }, flags) {
      const { parameter, gradient } = decayed(values, decay, flags);
      const expAvg = lerp(values.expAvg, gradient, rest1, beta1, flags.forgets);
      const expAvgSq = e.add(e.mul(values.expAvgSq, beta2), e.mul(e.mul(rest2, gradient), gradient));
      const largest = flags.amsgrad ? { maxExpAvgSq: e.max(values.maxExpAvgSq, expAvgSq) } : {};
      const scale = e.add(e.sqrt(largest.maxExpAvgSq ?? expAvgSq), eps);
      return { parameter: e.sub(parameter, e.div(e.mul(stepSize, expAvg), scale)), expAvg, expAvgSq, ...largest };
    },
  });

const ADAM = adamRule('Adam', adapting, (options) => Reflect.get(options, 'decoupledWeightDecay') === true);

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
  constructor(...args: ArgumentsOf<typeof adapting, AdamOptions, { params: Params<AdamOptions> }>) {
    super(ADAM, args);
  }
}

const ADAMW = adamRule('AdamW', decoupled, () => true);

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
export class AdamW extends Optimizer<AdamWOptions, AdamState> {
  constructor(...args: ArgumentsOf<typeof decoupled, AdamWOptions, { params: Params<AdamWOptions> }>) {
    super(ADAMW, args);
  }
}
