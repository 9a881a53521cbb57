import { ValueError } from '../errors.js';
import type { Expr } from '../expr/index.js';
import * as e from '../expr/index.js';
import { emptyOf } from '../tensor/empty.js';
import { computeType, Kernel } from '../tensor/kernel.js';
import { describe } from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';
import { type Group, Optimizer, type Params } from './optimizer.js';

export interface SGDOptions {
  /** Learning rate; a 0-d tensor may hold it. Default: 0.001. */
  lr: number | Tensor;
  /** How much of the last step's direction is kept. Default: 0. */
  momentum: number;
  /** How much of each gradient is left out of the momentum buffer after the first. Default: 0. */
  dampening: number;
  /** L2 penalty: this times the parameter is added to its gradient. Default: 0. */
  weightDecay: number;
  /** Look ahead along the momentum; needs momentum and no dampening. Default: false. */
  nesterov: boolean;
  /** Go up the gradient instead of down. Default: false. */
  maximize: boolean;
}

/** What SGD keeps per parameter: with momentum the direction of the last step, v. */
export interface SGDState {
  momentumBuffer: Tensor | null;
}

const DEFAULTS: SGDOptions = { lr: 1e-3, momentum: 0, dampening: 0, weightDecay: 0, nesterov: false, maximize: false };

const BUFFERS = ['none', 'first', 'kept'] as const;

/** What changes the expression of an update; the rest are numbers. */
interface Variant {
  /** What is there of a momentum buffer: none is wanted, this step makes it, or an earlier one made it. */
  readonly buffer: (typeof BUFFERS)[number];
  readonly nesterov: boolean;
  readonly decays: boolean;
  readonly maximize: boolean;
}

/**
 * g' = ±g + weightDecay · p; v' = g' at first, then momentum · v + (1 - dampening) · g'; p' = p - lr · (v', or g' + momentum · v' for Nesterov).
 * One pass over memory. Outputs: p', and v' if there is momentum.
 */
function updateKernel({ buffer, nesterov, decays, maximize }: Variant): Kernel {
  const [p, g, v] = [0, 1, 2].map((i) => e.input(i, 'element')) as [Expr, Expr, Expr];
  const [lr, momentum, kept, weightDecay] = [0, 1, 2, 3].map(e.param) as [Expr, Expr, Expr, Expr];
  const uphill = maximize ? e.neg(g) : g;
  const gradient = decays ? e.add(uphill, e.mul(weightDecay, p)) : uphill;
  const direction = buffer === 'kept' ? e.add(e.mul(momentum, v), e.mul(kept, gradient)) : gradient;
  const ahead = nesterov ? e.add(gradient, e.mul(momentum, direction)) : direction;
  const stepped = e.sub(p, e.mul(lr, ahead));
  const inputs = buffer === 'kept' ? 3 : 2;
  const roots = buffer === 'none' ? [stepped] : [stepped, direction];
  return new Kernel(
    'sgd',
    roots,
    Array.from({ length: inputs }, () => 'element' as const),
    4,
  );
}

const kernels = new Map<number, Kernel>();

function kernelFor(buffer: Variant['buffer'], { nesterov, weightDecay, maximize }: SGDOptions): Kernel {
  const variant = { buffer, nesterov, decays: weightDecay !== 0, maximize };
  const flags = Number(nesterov) + 2 * Number(variant.decays) + 4 * Number(maximize);
  const key = 8 * BUFFERS.indexOf(buffer) + flags;
  let kernel = kernels.get(key);
  if (kernel === undefined) {
    kernel = updateKernel(variant);
    kernels.set(key, kernel);
  }
  return kernel;
}

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
  constructor(params: Params<SGDOptions>, options: Partial<SGDOptions> = {}) {
    super('SGD', params, options, DEFAULTS);
  }

  protected override checkOptions({ lr, momentum, dampening, weightDecay, nesterov }: SGDOptions): void {
    const rate = lr instanceof Tensor ? (lr.numel() === 1 ? lr.item() : Number.NaN) : lr;
    const numbers: [string, unknown][] = [
      ['lr', rate],
      ['momentum', momentum],
      ['weightDecay', weightDecay],
    ];
    for (const [name, value] of numbers) {
      if (typeof value !== 'number' || !(value >= 0))
        throw new ValueError(`SGD: ${name} must be a number of at least 0, got ${describe(value)}`);
    }
    if (typeof dampening !== 'number')
      throw new ValueError(`SGD: dampening must be a number, got ${describe(dampening)}`);
    if (nesterov && (momentum === 0 || dampening !== 0))
      throw new ValueError('SGD: nesterov needs a momentum above 0 and a dampening of 0');
  }

  protected override update(parameter: Tensor, gradient: Tensor, group: Group<SGDOptions>): void {
    const { lr, momentum, dampening, weightDecay } = group;
    const before = this.state.get(parameter)?.momentumBuffer ?? null;
    const rate = lr instanceof Tensor ? lr.item() : lr;
    const params = [rate, momentum, 1 - dampening, weightDecay];
    const run = (buffer: Variant['buffer'], outputs: readonly Tensor[], inputs: readonly Tensor[]) =>
      kernelFor(buffer, group).runInto(outputs, inputs, params, computeType(parameter.dtype), null);
    if (momentum === 0) {
      run('none', [parameter], [parameter, gradient]);
    } else if (before === null) {
      const first = emptyOf(parameter.shape, parameter.dtype);
      run('first', [parameter, first], [parameter, gradient]);
      this.state.set(parameter, { momentumBuffer: first });
    } else {
      run('kept', [parameter, before], [parameter, gradient, before]);
      before.bumpVersion('SGD.step');
    }
    parameter.bumpVersion('SGD.step');
  }
}
