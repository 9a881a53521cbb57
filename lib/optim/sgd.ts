import { computeType } from '../backend/dtype.js';
import { recording } from '../backend/index.js';
import { ValueError } from '../errors.js';
import type { Expr } from '../expr/index.js';
import * as e from '../expr/index.js';
import { emptyOf } from '../tensor/empty.js';
import { Kernel } from '../tensor/kernel.js';
import { shapeOf, Tensor } from '../tensor/tensor.js';
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

const ENTRIES = { momentumBuffer: { orNull: true } };

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
  const inputs = buffer === 'kept' ? 7 : 6;
  const all = Array.from({ length: inputs }, (_, i) => e.input(i, 'element'));
  const [p, g, lr, momentum, kept, weightDecay, v] = all as [Expr, Expr, Expr, Expr, Expr, Expr, Expr];
  const uphill = maximize ? e.neg(g) : g;
  const gradient = decays ? e.add(uphill, e.mul(weightDecay, p)) : uphill;
  const direction = buffer === 'kept' ? e.add(e.mul(momentum, v), e.mul(kept, gradient)) : gradient;
  const ahead = nesterov ? e.add(gradient, e.mul(momentum, direction)) : direction;
  const stepped = e.sub(p, e.mul(lr, ahead));
  const roots = buffer === 'none' ? [stepped] : [stepped, direction];
  return new Kernel(
    'sgd',
    roots,
    all.map(() => 'element'),
    0,
  );
}

const kernels = new Map<number, Kernel>();

/** What of the options an update's formula depends on, as a number below 8. */
const flagsOf = ({ nesterov, weightDecay, maximize }: SGDOptions): number =>
  Number(nesterov) + 2 * Number(weightDecay !== 0) + 4 * Number(maximize);

function kernelFor(buffer: Variant['buffer'], options: SGDOptions): Kernel {
  const key = 8 * BUFFERS.indexOf(buffer) + flagsOf(options);
  let kernel = kernels.get(key);
  if (kernel === undefined) {
    const { nesterov, weightDecay, maximize } = options;
    kernel = updateKernel({ buffer, nesterov, decays: weightDecay !== 0, maximize });
    kernels.set(key, kernel);
  }
  return kernel;
}

function checkNotNegative(name: string, value: number): void {
  if (!(value >= 0)) throw new ValueError(`SGD: ${name} must be a number of at least 0, got ${value}`);
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
    super('SGD', params, options, DEFAULTS, ENTRIES);
  }

  protected override checkOptions({ lr, momentum, dampening, weightDecay, nesterov }: SGDOptions): void {
    checkNotNegative('lr', lr instanceof Tensor ? lr.item() : lr);
    checkNotNegative('momentum', momentum);
    checkNotNegative('weightDecay', weightDecay);
    if (nesterov && (momentum === 0 || dampening !== 0))
      throw new ValueError('SGD: nesterov needs a momentum above 0 and a dampening of 0');
  }

  protected override numbersOf({ lr, momentum, dampening, weightDecay }: SGDOptions): readonly (number | Tensor)[] {
    return [lr, momentum, 1 - dampening, weightDecay];
  }

  protected override variantOf(group: SGDOptions): string {
    return `${flagsOf(group)} ${group.momentum === 0}`;
  }

  protected override update(
    parameter: Tensor,
    gradient: Tensor,
    group: Group<SGDOptions>,
    numbers: readonly Tensor[],
  ): void {
    const before = this.state.get(parameter)?.momentumBuffer ?? null;
    const inputs = [parameter, gradient, ...numbers];
    const run = (buffer: Variant['buffer'], outputs: readonly Tensor[], inputs: readonly Tensor[]) =>
      kernelFor(buffer, group).runInto(outputs, inputs, [], computeType(parameter.dtype), null);
    if (group.momentum === 0) {
      run('none', [parameter], inputs);
    } else if (before === null) {
      const first = emptyOf(shapeOf(parameter), parameter.dtype);
      run('first', [parameter, first], inputs);
      this.state.set(parameter, { momentumBuffer: first });
      recording?.once();
    } else {
      run('kept', [parameter, before], [...inputs, before]);
      before.bumpVersion('SGD.step');
    }
    parameter.bumpVersion('SGD.step');
  }
}
