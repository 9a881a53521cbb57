import { recording } from '../backend/recording.js';
import { checkBoolean, checkOptions } from '../options.js';
import { empty, type TensorOptions } from '../tensor/creation.js';
import { linear } from '../tensor/matmul.js';
import { checkInteger } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { flatten } from '../tensor/views.js';
import { checkProbability, type DropoutOptions, dropout } from './dropout.js';
import { kaimingUniform_, uniform_ } from './init.js';
import { Module } from './module.js';
import { Parameter } from './parameter.js';

export interface LinearOptions<B extends boolean = boolean> {
  /** Whether a bias is learned. Default: true. */
  bias?: B;
  /** Element type of the parameters. Default: float32. */
  dtype?: TensorOptions['dtype'];
}

/**
 * y = x Wᵀ + b.
 *
 * Shapes: x (…, inFeatures), y (…, outFeatures), `weight` (outFeatures, inFeatures), `bias` (outFeatures). Both start uniform in
 * ±1/√inFeatures, drawn weight first.
 *
 * @example
 * ```ts
 * const layer = new nn.Linear(20, 30);
 * layer.forward(randn([128, 20])).shape; // [128, 30]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Linear.html
 */
export class Linear<B extends boolean = true> extends Module {
  readonly inFeatures: number;
  readonly outFeatures: number;
  weight: Parameter;
  bias: B extends true ? Parameter : B extends false ? null : Parameter | null;

  constructor(inFeatures: number, outFeatures: number, options: LinearOptions<B> = {}) {
    super();
    checkOptions('Linear', options, ['bias', 'dtype']);
    checkInteger('Linear', 'inFeatures', inFeatures);
    checkInteger('Linear', 'outFeatures', outFeatures);
    this.inFeatures = inFeatures;
    this.outFeatures = outFeatures;
    const { dtype = 'float32' } = options;
    if (options.bias !== undefined) checkBoolean('Linear', 'bias', options.bias);
    this.weight = new Parameter(empty([outFeatures, inFeatures], { dtype }));
    const bias = options.bias === false ? null : new Parameter(empty([outFeatures], { dtype }));
    this.bias = bias as typeof this.bias;
    this.resetParameters();
  }

  /** Draws the parameters anew. */
  resetParameters(): void {
    kaimingUniform_(this.weight, { a: Math.sqrt(5) });
    const bound = this.inFeatures > 0 ? 1 / Math.sqrt(this.inFeatures) : 0;
    if (this.bias !== null) uniform_(this.bias, { a: -bound, b: bound });
  }

  override forward(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias);
  }

  override extraRepr(): string {
    return `in_features=${this.inFeatures}, out_features=${this.outFeatures}, bias=${this.bias === null ? 'False' : 'True'}`;
  }
}

/**
 * Returns its input.
 *
 * @example
 * ```ts
 * const x = ones([2]);
 * new nn.Identity().forward(x) === x; // true
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Identity.html
 */
export class Identity extends Module {
  override forward(x: Tensor): Tensor {
    return x;
  }
}

/**
 * Makes dimensions `startDim` to `endDim` one; by default all but the first, the batch.
 *
 * @example
 * ```ts
 * new nn.Flatten().forward(ones([32, 1, 28, 28])).shape; // [32, 784]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Flatten.html
 */
export class Flatten extends Module {
  readonly startDim: number;
  readonly endDim: number;

  constructor(startDim = 1, endDim = -1) {
    super();
    checkInteger('Flatten', 'startDim', startDim, Number.MIN_SAFE_INTEGER);
    checkInteger('Flatten', 'endDim', endDim, Number.MIN_SAFE_INTEGER);
    this.startDim = startDim;
    this.endDim = endDim;
  }

  override forward(x: Tensor): Tensor {
    recording?.used(this);
    return flatten(x, this.startDim, this.endDim);
  }

  override extraRepr(): string {
    return `start_dim=${this.startDim}, end_dim=${this.endDim}`;
  }
}

/**
 * In training, zeroes each element with probability p and divides the others by 1 - p; in evaluation returns its input.
 *
 * @param p probability of a zero. Default: 0.5
 * @throws ValueError if p is outside [0, 1]
 * @example
 * ```ts
 * const layer = new nn.Dropout(0.2);
 * layer.eval().forward(ones([2])); // tensor([1., 1.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Dropout.html
 */
export class Dropout extends Module {
  readonly p: number;
  readonly inplace: boolean;

  constructor(p = 0.5, options: Pick<DropoutOptions, 'inplace'> = {}) {
    super();
    checkOptions('Dropout', options, ['inplace']);
    checkProbability('Dropout', p);
    const { inplace = false } = options;
    checkBoolean('Dropout', 'inplace', inplace);
    this.p = p;
    this.inplace = inplace;
  }

  override forward(x: Tensor): Tensor {
    recording?.used(this);
    return dropout(x, { p: this.p, training: this.training, inplace: this.inplace });
  }

  override extraRepr(): string {
    return `p=${this.p}, inplace=${this.inplace ? 'True' : 'False'}`;
  }
}
