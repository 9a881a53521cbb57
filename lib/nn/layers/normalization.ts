import { define } from '../../arguments/define.js';
import type { ArgumentsOf, FunctionOf, Narrowed, OptionsOf } from '../../arguments/forms.js';
import { type Kind, kind } from '../../arguments/kind.js';
import { takeNoMore } from '../../arguments/no-more.js';
import { signature } from '../../arguments/signature.js';
import { dtypes, isFloat } from '../../backend/dtype.js';
import { recording } from '../../backend/recording.js';
import { sameShape, sizeOf } from '../../backend/view.js';
import { DTypeError, ShapeError } from '../../errors.js';
import type { Expr } from '../../expr/index.js';
import * as e from '../../expr/index.js';
import { ones, zeros } from '../../ops/creation.js';
import { Formula } from '../../tensor/formula.js';
import type { Frame } from '../../tensor/kernel.js';
import * as kinds from '../../tensor/kinds.js';
import { isShape, type Shape, show } from '../../tensor/shape.js';
import { shapeOf, type Tensor } from '../../tensor/tensor.js';
import { Module } from '../module.js';
import { type Learned, Parameter } from '../parameter.js';
import { pythonText, pythonTuple } from '../text.js';
import { resetScale } from './scale.js';

// A row is what is normalised together. Arguments: x, weight, (bias,) number of elements of a row, eps.

const mean = (x: Expr, n: Expr): Expr => e.div(e.rowSum(x), n);

function standardised(x: Expr, n: Expr, eps: Expr): { readonly scaled: Expr; readonly factor: Expr } {
  const deviation = e.sub(x, mean(x, n));
  const variance = mean(e.square(deviation), n);
  // A variance that overflows would make zeros of all but NaN; PyTorch gives NaN.
  const factor = e.where(e.lt(variance, Number.POSITIVE_INFINITY), e.rsqrt(e.add(variance, eps)), Number.NaN);
  return { scaled: e.mul(deviation, factor), factor };
}

/** (x - mean) / √(variance + eps) · weight + bias, of rows of n elements. */
export const centring = new Formula(
  'layerNorm',
  (x, weight, bias, n, eps) => e.add(e.mul(standardised(x, n, eps).scaled, weight), bias),
  {
    gradient: (g, _, x, weight, __, n, eps) => {
      const { scaled, factor } = standardised(x, n, eps);
      const inner = e.mul(g, weight);
      const centred = e.sub(e.sub(inner, mean(inner, n)), e.mul(scaled, mean(e.mul(inner, scaled), n)));
      return [e.mul(factor, centred), e.mul(g, scaled), g, null, null];
    },
  },
);

const scaling = new Formula('rmsNorm', (x, weight, n, eps) => {
  const factor = e.rsqrt(e.add(mean(e.square(x), n), eps));
  return e.mul(e.mul(x, factor), weight);
});

/** The frame that folds the trailing dimensions, which must be `normalizedShape`. */
function trailingFrame(op: string, x: Tensor, normalizedShape: Shape): Frame {
  if (!isFloat(x.dtype)) throw new DTypeError(`${op}: the input must be a float tensor, got ${x.dtype}`);
  const lead = x.ndim - normalizedShape.length;
  if (normalizedShape.length === 0 || lead < 0 || !sameShape(shapeOf(x).slice(lead), normalizedShape)) {
    throw new ShapeError(`${op}: the input ${show(x.shape)} does not end in normalizedShape ${show(normalizedShape)}`);
  }
  return { shape: shapeOf(x), axes: normalizedShape.map((_, i) => lead + i), keepdim: true };
}

function checkAffine(op: string, name: string, tensor: Tensor | null, normalizedShape: Shape): void {
  if (tensor === null || sameShape(shapeOf(tensor), normalizedShape)) return;
  throw new ShapeError(`${op}: ${name} must have normalizedShape ${show(normalizedShape)}, got ${show(tensor.shape)}`);
}

const weight = {
  /** Multiplies the result; has `normalizedShape`. Default: null, none. */
  weight: kinds.tensor.optional(),
};

const meanSquareEps = {
  /** Added to the mean square. Default: null, the type's machine epsilon. */
  eps: kinds.number.optional(),
};

const varianceEps = {
  /** Added to the variance. Default: 1e-5. */
  eps: kinds.number.default(1e-5),
};

const centringSignature = signature('input, /, normalizedShape, weight, bias, eps', {
  input: kinds.tensor,
  normalizedShape: kinds.shape,
  ...weight,
  /** Added to the result; has `normalizedShape`. Default: null, none. */
  bias: kinds.tensor.optional(),
  ...varianceEps,
});

const scalingSignature = signature('input, /, normalizedShape, weight, eps', {
  input: kinds.tensor,
  normalizedShape: kinds.shape,
  ...weight,
  ...meanSquareEps,
});

export interface LayerNormFunctionOptions extends OptionsOf<typeof centringSignature> {}
export interface RMSNormFunctionOptions extends OptionsOf<typeof scalingSignature> {}

/**
 * (x - mean) / √(variance + eps) · weight + bias over the trailing dimensions, in one pass over memory.
 *
 * @param normalizedShape the trailing sizes of `x` that are normalised together
 * @throws ShapeError if the input does not end in them, or weight or bias have another shape
 * @example
 * ```ts
 * nn.functional.layerNorm(tensor([[1, 2, 3]]), [3]); // tensor([[-1.2247,  0.0000,  1.2247]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.layer_norm.html
 * @see https://arxiv.org/abs/1607.06450
 */
export const layerNorm: FunctionOf<Tensor, typeof centringSignature, LayerNormFunctionOptions> = define(
  'layerNorm',
  centringSignature,
  (x, normalizedShape, weight, bias, eps) => {
    const frame = trailingFrame('layerNorm', x, normalizedShape);
    checkAffine('layerNorm', 'weight', weight, normalizedShape);
    checkAffine('layerNorm', 'bias', bias, normalizedShape);
    return centring.call([x, weight ?? 1, bias ?? 0, sizeOf(normalizedShape), eps], x.dtype, undefined, frame);
  },
);

/**
 * x / √(mean x² + eps) · weight over the trailing dimensions, in one pass over memory.
 *
 * @param normalizedShape the trailing sizes of `x` that are normalised together
 * @throws ShapeError if the input does not end in them, or weight has another shape
 * @example
 * ```ts
 * nn.functional.rmsNorm(tensor([[3, 4]]), [2]); // tensor([[0.8485, 1.1314]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.rms_norm.html
 * @see https://arxiv.org/abs/1910.07467
 */
export const rmsNorm: FunctionOf<Tensor, typeof scalingSignature, RMSNormFunctionOptions> = define(
  'rmsNorm',
  scalingSignature,
  (x, normalizedShape, weight, eps) => {
    const frame = trailingFrame('rmsNorm', x, normalizedShape);
    checkAffine('rmsNorm', 'weight', weight, normalizedShape);
    const added = eps ?? dtypes[x.dtype].epsilon;
    return scaling.call([x, weight ?? 1, sizeOf(normalizedShape), added], x.dtype, undefined, frame);
  },
);

const sizeOrShape: Kind<number | Shape> = kind(
  'a size or an array of sizes',
  (value): value is number | Shape => isShape(typeof value === 'number' ? [value] : value),
  {
    error: ShapeError,
    explain: (op, _, value) => kinds.shape.refuse(op, '', typeof value === 'number' ? [value] : value),
  },
);

const learned = {
  /** Whether weights, at first 1 (and biases, at first 0), are learned. Default: true. */
  elementwiseAffine: kinds.boolean.default(true),
};

const dtype = {
  /** Element type of the parameters. Default: float32. */
  dtype: kinds.dtype.default('float32'),
};

const layerNormSignature = signature('normalizedShape, eps, elementwiseAffine, bias, dtype', {
  normalizedShape: sizeOrShape,
  ...varianceEps,
  ...learned,
  /** Whether a bias is learned along with the weight. Default: true. */
  bias: kinds.boolean.default(true),
  ...dtype,
});

const rmsNormSignature = signature('normalizedShape, eps, elementwiseAffine, dtype', {
  normalizedShape: sizeOrShape,
  ...meanSquareEps,
  ...learned,
  ...dtype,
});

export interface LayerNormOptions<A extends boolean = boolean, B extends boolean = boolean>
  extends Narrowed<OptionsOf<typeof layerNormSignature>, { elementwiseAffine: A; bias: B }> {}
export interface RMSNormOptions<A extends boolean = boolean>
  extends Narrowed<OptionsOf<typeof rmsNormSignature>, { elementwiseAffine: A }> {}

const listed = (shape: number | Shape): Shape => (typeof shape === 'number' ? [shape] : [...shape]);

/**
 * Normalises over the trailing dimensions: see `nn.functional.layerNorm`.
 *
 * @param normalizedShape the trailing sizes, or the one of the last dimension
 * @example
 * ```ts
 * new nn.LayerNorm(3).forward(tensor([[1, 2, 3]])).detach(); // tensor([[-1.2247,  0.0000,  1.2247]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LayerNorm.html
 */
export class LayerNorm<A extends boolean = true, B extends boolean = true> extends Module<[x: Tensor], Tensor> {
  readonly normalizedShape: Shape;
  readonly eps: number;
  weight: Learned<A>;
  bias: A extends true ? Learned<B> : null;

  constructor(
    ...args: ArgumentsOf<typeof layerNormSignature, LayerNormOptions<A, B>, { elementwiseAffine: A; bias: B }>
  ) {
    const [shape, eps, elementwiseAffine, bias, dtype] = layerNormSignature.read('LayerNorm', args);
    super();
    this.normalizedShape = listed(shape);
    this.eps = eps;
    const weight = elementwiseAffine ? new Parameter(ones(this.normalizedShape, { dtype })) : null;
    const offset = elementwiseAffine && bias ? new Parameter(zeros(this.normalizedShape, { dtype })) : null;
    this.weight = weight as typeof this.weight;
    this.bias = offset as typeof this.bias;
  }

  /** Sets the parameters to what they were at first. */
  resetParameters(): void {
    resetScale(this.weight, this.bias);
  }

  override forward(x: Tensor): Tensor {
    recording?.used(this);
    return layerNorm(x, this.normalizedShape, this.weight, this.bias, this.eps);
  }

  override extraRepr(): string {
    return `${pythonTuple(this.normalizedShape)}, eps=${pythonText(this.eps)}, elementwise_affine=${pythonText(this.weight !== null)}, bias=${pythonText(this.bias !== null)}`;
  }
}

/**
 * Scales by the root mean square over the trailing dimensions: see `nn.functional.rmsNorm`.
 *
 * @param normalizedShape the trailing sizes, or the one of the last dimension
 * @example
 * ```ts
 * new nn.RMSNorm(2).forward(tensor([[3, 4]])).detach(); // tensor([[0.8485, 1.1314]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.RMSNorm.html
 */
export class RMSNorm<A extends boolean = true> extends Module<[x: Tensor], Tensor> {
  readonly normalizedShape: Shape;
  readonly eps: number | null;
  weight: Learned<A>;

  constructor(...args: ArgumentsOf<typeof rmsNormSignature, RMSNormOptions<A>, { elementwiseAffine: A }>) {
    const [shape, eps, elementwiseAffine, dtype] = rmsNormSignature.read('RMSNorm', args);
    super();
    this.normalizedShape = listed(shape);
    this.eps = eps;
    const weight = elementwiseAffine ? new Parameter(ones(this.normalizedShape, { dtype })) : null;
    this.weight = weight as typeof this.weight;
  }

  /** Sets the parameters to what they were at first. */
  resetParameters(): void {
    resetScale(this.weight);
  }

  override forward(x: Tensor): Tensor {
    recording?.used(this);
    return rmsNorm(x, this.normalizedShape, this.weight, this.eps);
  }

  override extraRepr(): string {
    return `${pythonTuple(this.normalizedShape)}, eps=${pythonText(this.eps)}, elementwise_affine=${pythonText(this.weight !== null)}`;
  }
}

for (const layer of [LayerNorm, RMSNorm]) takeNoMore(layer, 'forward');
