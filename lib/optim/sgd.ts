import type { ArgumentsOf, OptionsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import * as e from '../expr/index.js';
import * as kinds from '../tensor/kinds.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Params } from './groups.js';
import { Optimizer } from './optimizer.js';
import { common, rate } from './parameters.js';
import { commonFlags, rule, slope } from './rule.js';

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
  flags: (options) => ({ moves: options.momentum !== 0, nesterov: options.nesterov, ...commonFlags(options) }),
  numbers: ({ lr, momentum, dampening, weightDecay }, _, isFirst) => {
    return { lr, momentum, kept: isFirst ? 1 : 1 - dampening, weightDecay };
  },
  update(values, { lr, momentum, kept, weightDecay }, flags) {
    const { parameter, momentumBuffer } = values;
    const gradient = slope(values, weightDecay, flags);
    if (!flags.moves) return { parameter: e.sub(parameter, e.mul(lr, gradient)) };
    const direction = e.add(e.mul(momentum, momentumBuffer), e.mul(kept, gradient));
    const ahead = flags.nesterov ? e.add(gradient, e.mul(momentum, direction)) : direction;
    return { parameter: e.sub(parameter, e.mul(lr, ahead)), momentumBuffer: direction };
  },
});

/**
 * Stochastic gradient descent, with momentum, Nesterov's variant and weight decay.
 *
 * @throws ValueError for negative options, and for Nesterov without momentum or with dampening
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
