import type { ArgumentsOf, Narrowed, OptionsOf } from '../../arguments/forms.js';
import { takeNoMore } from '../../arguments/no-more.js';
import { signature } from '../../arguments/signature.js';
import { empty } from '../../ops/creation.js';
import { linear } from '../../ops/products.js';
import * as kinds from '../../tensor/kinds.js';
import type { Tensor } from '../../tensor/tensor.js';
import { kaimingUniform_, uniform_ } from '../init.js';
import { Module } from '../module.js';
import { type Learned, Parameter } from '../parameter.js';
import { pythonText } from '../text.js';

const linearSignature = signature('inFeatures, outFeatures, bias, dtype', {
  inFeatures: kinds.integerFrom(0),
  outFeatures: kinds.integerFrom(0),
  /** Whether a bias is learned. Default: true. */
  bias: kinds.boolean.default(true),
  /** Element type of the parameters. Default: float32. */
  dtype: kinds.dtype.default('float32'),
});

export interface LinearOptions<B extends boolean = boolean>
  extends Narrowed<OptionsOf<typeof linearSignature>, { bias: B }> {}

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
export class Linear<B extends boolean = true> extends Module<[x: Tensor], Tensor> {
  readonly inFeatures: number;
  readonly outFeatures: number;
  weight: Parameter;
  bias: Learned<B>;

  constructor(...args: ArgumentsOf<typeof linearSignature, LinearOptions<B>, { bias: B }>) {
    const [inFeatures, outFeatures, bias, dtype] = linearSignature.read('Linear', args);
    super();
    this.inFeatures = inFeatures;
    this.outFeatures = outFeatures;
    this.weight = new Parameter(empty([outFeatures, inFeatures], { dtype }));
    this.bias = (bias ? new Parameter(empty([outFeatures], { dtype })) : null) as Learned<B>;
    this.resetParameters();
  }

  /** Draws the parameters again. */
  resetParameters(): void {
    kaimingUniform_(this.weight, Math.sqrt(5));
    const bound = this.inFeatures > 0 ? 1 / Math.sqrt(this.inFeatures) : 0;
    if (this.bias !== null) uniform_(this.bias, -bound, bound);
  }

  override forward(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias);
  }

  override extraRepr(): string {
    return `in_features=${this.inFeatures}, out_features=${this.outFeatures}, bias=${pythonText(this.bias !== null)}`;
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
export class Identity extends Module<[x: Tensor], Tensor> {
  override forward(x: Tensor): Tensor {
    return x;
  }
}

for (const layer of [Linear, Identity]) takeNoMore(layer, 'forward');
