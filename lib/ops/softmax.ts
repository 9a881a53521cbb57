import { define } from '../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import { type DType, isFloat } from '../backend/dtype.js';
import { DTypeError } from '../errors.js';
import type { Expr } from '../expr/index.js';
import * as e from '../expr/index.js';
import { Formula } from '../tensor/formula.js';
import * as kinds from '../tensor/kinds.js';
import { normalizeDim } from '../tensor/shape.js';
import { shapeOf, type Tensor } from '../tensor/tensor.js';
import { to } from './conversion.js';

const takingDim = signature('input, /, dim, dtype', {
  input: kinds.tensor,
  dim: kinds.dim,
  /** Convert to this element type first. Default: null, the tensor's own. */
  dtype: kinds.dtype.optional(),
});

export interface SoftmaxOptions extends OptionsOf<typeof takingDim> {}

type Softmax = FunctionOf<Tensor, typeof takingDim, SoftmaxOptions>;

/** x less the largest of its row; NaN where that is infinite, as PyTorch has it. */
const shifted = (x: Expr): Expr => e.sub(x, e.detach(e.rowMax(x)));

const normalising = new Formula(
  'softmax',
  (x) => {
    const weights = e.exp(shifted(x));
    return e.mul(weights, e.div(1, e.rowSum(weights)));
  },
  { gradient: (g, out) => [e.mul(out, e.sub(g, e.rowSum(e.mul(g, out))))] },
);

const logNormalising = new Formula(
  'logSoftmax',
  (x) => {
    const relative = shifted(x);
    return e.sub(relative, e.log(e.rowSum(e.exp(relative))));
  },
  { gradient: (g, out) => [e.sub(g, e.mul(e.exp(out), e.rowSum(g)))] },
);

const along =
  (op: string, formula: Formula<[x: Expr]>) =>
  (x: Tensor, dim: number, dtype: DType | null): Tensor => {
    const operand = dtype === null ? x : to(x, dtype);
    if (!isFloat(operand.dtype))
      throw new DTypeError(`${op}: expected a float tensor, got ${operand.dtype}; pass { dtype: 'float32' }`);
    const axis = normalizeDim(op, dim, x.ndim);
    const frame = { shape: shapeOf(x), axes: x.ndim === 0 ? [] : [axis], keepdim: true };
    return formula.call([operand], operand.dtype, undefined, frame);
  };

/**
 * eˣ / Σ eˣ along `dim`, without overflow.
 *
 * @throws DTypeError for integers, unless a float dtype is asked for
 * @example
 * ```ts
 * softmax(tensor([[0, 0], [1000, 1001]]), 1); // tensor([[0.5000, 0.5000], [0.2689, 0.7311]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.softmax.html
 */
export const softmax: Softmax = define('softmax', takingDim, along('softmax', normalising));

/**
 * x - log Σ eˣ along `dim`, without overflow.
 *
 * @throws DTypeError for integers, unless a float dtype is asked for
 * @example
 * ```ts
 * logSoftmax(tensor([[0, 0], [1000, 1001]]), 1); // tensor([[-0.6931, -0.6931], [-1.3133, -0.3133]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.log_softmax.html
 */
export const logSoftmax: Softmax = define('logSoftmax', takingDim, along('logSoftmax', logNormalising));
