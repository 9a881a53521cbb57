import { define } from '../../arguments/define.js';
import type { ArgumentsOf, FunctionOf, Narrowed, OptionsOf } from '../../arguments/forms.js';
import { takeNoMore } from '../../arguments/no-more.js';
import { signature } from '../../arguments/signature.js';
import { recording } from '../../backend/recording.js';
import { sameShape } from '../../backend/view.js';
import { ShapeError } from '../../errors.js';
import { empty } from '../../ops/creation.js';
import { add, mul } from '../../ops/pointwise.js';
import { matmul } from '../../ops/products.js';
import { sum } from '../../ops/reductions.js';
import { permute, reshape, unsqueeze } from '../../ops/views.js';
import { requireOneType } from '../../tensor/check.js';
import * as kinds from '../../tensor/kinds.js';
import { show } from '../../tensor/shape.js';
import { shapeOf, type Tensor } from '../../tensor/tensor.js';
import { uniform_ } from '../init.js';
import { Module } from '../module.js';
import { type Learned, Parameter } from '../parameter.js';
import { pythonText } from '../text.js';

const pairing = signature('input1, input2, weight, bias', {
  input1: kinds.tensor,
  input2: kinds.tensor,
  weight: kinds.tensor,
  /** Is added to each output. Default: null, nothing. */
  bias: kinds.tensor.optional(),
});

export interface BilinearFunctionOptions extends Pick<OptionsOf<typeof pairing>, 'bias'> {}

function checkShapes(x1: Tensor, x2: Tensor, weight: Tensor, bias: Tensor | null): void {
  const [a, b] = [shapeOf(x1), shapeOf(x2)];
  if (weight.ndim !== 3) {
    throw new ShapeError(`bilinear: the weight must have 3 dimensions, (out, in1, in2), got ${show(shapeOf(weight))}`);
  }
  const [out, in1, in2] = shapeOf(weight);
  if (a.length === 0 || !sameShape(a.slice(0, -1), b.slice(0, -1)) || a.at(-1) !== in1 || b.at(-1) !== in2) {
    throw new ShapeError(
      `bilinear: expected inputs (…, ${in1}) and (…, ${in2}) that are alike but for the last dimension, got ${show(a)} and ${show(b)}`,
    );
  }
  if (bias !== null && !sameShape(shapeOf(bias), [out!])) {
    throw new ShapeError(`bilinear: expected a bias of shape [${out}], got ${show(shapeOf(bias))}`);
  }
}

/**
 * y[k] = x1ᵀ W[k] x2 + b[k].
 *
 * Shapes: input1 (…, in1), input2 (…, in2), weight (out, in1, in2), bias (out), result (…, out).
 *
 * @throws ShapeError for shapes that do not fit; DTypeError for tensors of several element types
 * @example
 * ```ts
 * nn.functional.bilinear(ones([2, 3]), ones([2, 4]), ones([5, 3, 4])).shape; // [2, 5]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.bilinear.html
 */
export const bilinear: FunctionOf<Tensor, typeof pairing, BilinearFunctionOptions> = define(
  'bilinear',
  pairing,
  (x1, x2, weight, bias) => {
    requireOneType('bilinear', x1, x2, weight, ...(bias === null ? [] : [bias]));
    checkShapes(x1, x2, weight, bias);
    const [out, in1, in2] = shapeOf(weight) as [number, number, number];
    const first = matmul(x1, reshape(permute(weight, [1, 0, 2]), [in1, out * in2]));
    const both = mul(reshape(first, [...shapeOf(x1).slice(0, -1), out, in2]), unsqueeze(x2, -2));
    const result = sum(both, -1);
    return bias === null ? result : add(result, bias);
  },
);

const bilinearSignature = signature('in1Features, in2Features, outFeatures, bias, dtype', {
  in1Features: kinds.integerFrom(1),
  in2Features: kinds.integerFrom(0),
  outFeatures: kinds.integerFrom(0),
  /** Whether a bias is learned. Default: true. */
  bias: kinds.boolean.default(true),
  /** Element type of the parameters. Default: float32. */
  dtype: kinds.dtype.default('float32'),
});

export interface BilinearOptions<B extends boolean = boolean>
  extends Narrowed<OptionsOf<typeof bilinearSignature>, { bias: B }> {}

/**
 * y[k] = x1ᵀ W[k] x2 + b[k].
 *
 * Shapes: x1 (…, in1Features), x2 (…, in2Features), y (…, outFeatures), `weight` (outFeatures, in1Features, in2Features), `bias` (outFeatures). Both
 * start uniform in ±1/√in1Features, drawn weight first.
 *
 * @example
 * ```ts
 * const layer = new nn.Bilinear(20, 30, 40);
 * layer.forward(randn([128, 20]), randn([128, 30])).shape; // [128, 40]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Bilinear.html
 */
export class Bilinear<B extends boolean = true> extends Module<[x1: Tensor, x2: Tensor], Tensor> {
  readonly in1Features: number;
  readonly in2Features: number;
  readonly outFeatures: number;
  weight: Parameter;
  bias: Learned<B>;

  constructor(...args: ArgumentsOf<typeof bilinearSignature, BilinearOptions<B>, { bias: B }>) {
    const [in1Features, in2Features, outFeatures, bias, dtype] = bilinearSignature.read('Bilinear', args);
    super();
    this.in1Features = in1Features;
    this.in2Features = in2Features;
    this.outFeatures = outFeatures;
    this.weight = new Parameter(empty([outFeatures, in1Features, in2Features], { dtype }));
    this.bias = (bias ? new Parameter(empty([outFeatures], { dtype })) : null) as Learned<B>;
    this.resetParameters();
  }

  /** Draws the parameters again. */
  resetParameters(): void {
    const bound = 1 / Math.sqrt(this.in1Features);
    uniform_(this.weight, -bound, bound);
    if (this.bias !== null) uniform_(this.bias, -bound, bound);
  }

  override forward(x1: Tensor, x2: Tensor): Tensor {
    recording?.used(this);
    return bilinear(x1, x2, this.weight, this.bias);
  }

  override extraRepr(): string {
    return (
      `in1_features=${this.in1Features}, in2_features=${this.in2Features}, out_features=${this.outFeatures}, ` +
      `bias=${pythonText(this.bias !== null)}`
    );
  }
}

takeNoMore(Bilinear, 'forward');
