import { recordsGradients } from '../../autograd/mode.js';
import { type BackwardRule, record } from '../../autograd/node.js';
import { computeType, type DType } from '../../backend/dtype.js';
import type { Kind } from '../../backend/program.js';
import type { Expr } from '../../expr/index.js';
import * as e from '../../expr/index.js';
import { sumOver } from '../../tensor/basics.js';
import { emptyOf } from '../../tensor/empty.js';
import { Formula } from '../../tensor/formula.js';
import { type Frame, foldedShape, Kernel } from '../../tensor/kernel.js';
import type { Tensor } from '../../tensor/tensor.js';

// Normalisation of channels by the batch: the result and what is kept of the batch come in one pass of folds, and so do all gradients.

const mean = (x: Expr, n: Expr): Expr => e.div(e.rowSum(x), n);

/** What a channel's elements come to: their mean, the sum of squared deviations from it, and one over the root of variance + eps. */
function statistics(x: Expr, n: Expr, eps: Expr) {
  const centre = mean(x, n);
  const squares = e.rowSum(e.square(e.sub(x, centre)));
  const variance = e.div(squares, n);
  // A variance that overflows would make zeros of all but NaN; PyTorch gives NaN.
  const factor = e.where(e.lt(variance, Number.POSITIVE_INFINITY), e.rsqrt(e.add(variance, eps)), Number.NaN);
  return { centre, squares, factor };
}

/** What flows into x and the weight: `inner` is the sum of g · (x - mean). */
function slopes(g: Expr, x: Expr, weight: Expr, n: Expr, centre: Expr, factor: Expr) {
  const deviation = e.sub(x, centre);
  const inner = e.rowSum(e.mul(g, deviation));
  const along = e.mul(e.mul(factor, factor), e.div(inner, n));
  const centred = e.sub(e.sub(g, mean(g, n)), e.mul(deviation, along));
  return { input: e.mul(centred, e.mul(factor, weight)), weight: e.mul(inner, factor) };
}

const ROWS: readonly Kind[] = ['element', 'element', 'row'];

// The same gradients where they have gradients themselves: what is kept of the batch depends on x, so that it is computed again.

const inputSlope = new Formula(
  'batchNormBackward',
  (x, g, weight, n, eps) => {
    const { centre, factor } = statistics(x, n, eps);
    return slopes(g, x, weight, n, centre, factor).input;
  },
  { kinds: ROWS },
);

const weightSlope = new Formula('batchNormBackward', (x, g, n, eps) => {
  const { centre, factor } = statistics(x, n, eps);
  return slopes(g, x, e.constant(1), n, centre, factor).weight;
});

/** How often each channel has a value, what is added to the variance, and the channels' axes. */
interface Batch {
  readonly frame: Frame;
  readonly count: number;
  readonly eps: number;
  readonly types: { readonly weight: DType; readonly bias: DType };
}

const forward = new Map<string, Kernel>();
const backward = new Map<string, Kernel>();

function memoised(kernels: Map<string, Kernel>, key: readonly boolean[], make: () => Kernel): Kernel {
  let kernel = kernels.get(String(key));
  if (kernel === undefined) {
    kernel = make();
    kernels.set(String(key), kernel);
  }
  return kernel;
}

/** Inputs: x, then weight and bias as far as they are given. Outputs: the result, mean, factor, variance with Bessel's correction. */
const normalising = (hasWeight: boolean, hasBias: boolean): Kernel =>
  memoised(forward, [hasWeight, hasBias], () => {
    const inputs: Kind[] = ['element'];
    const row = (given: boolean, otherwise: number): Expr =>
      given ? e.input(inputs.push('row') - 1, 'row') : e.constant(otherwise);
    const [x, weight, bias] = [e.input(0, 'element'), row(hasWeight, 1), row(hasBias, 0)];
    const [n, eps] = [e.param(0), e.param(1)];
    const { centre, squares, factor } = statistics(x, n, eps);
    const result = e.add(e.mul(e.sub(x, centre), e.mul(factor, weight)), bias);
    return new Kernel('batchNorm', [result, centre, factor, e.div(squares, e.sub(n, 1))], inputs, 2);
  });

/** Inputs: x, g, mean, factor, then the weight if it is given. Outputs: what flows into x, weight and bias, as far as it is wanted. */
const differentiating = (hasWeight: boolean, wanted: readonly boolean[]): Kernel =>
  memoised(backward, [hasWeight, ...wanted], () => {
    const kinds: Kind[] = ['element', 'element', 'row', 'row', ...(hasWeight ? (['row'] as const) : [])];
    const [x, g, centre, factor] = kinds.map((kind, i) => e.input(i, kind)) as [Expr, Expr, Expr, Expr];
    const weight = hasWeight ? e.input(4, 'row') : e.constant(1);
    const found = slopes(g, x, weight, e.param(0), centre, factor);
    const roots = [found.input, found.weight, e.rowSum(g)].filter((_, i) => wanted[i]);
    return new Kernel('batchNormBackward', roots, kinds, 1);
  });

const rule: BackwardRule<Batch> = {
  name: 'NativeBatchNorm',
  backward(g, [x, centre, factor, weight = null], batch, [input = false, ...learned]) {
    const [first = false, second = false] = learned;
    const wanted = weight === null ? [input, false, first] : [input, first, second];
    const { frame, count, eps, types } = batch;
    const found = recordsGradients()
      ? [
          input ? inputSlope.call([x!, g, weight ?? 1, count, eps], x!.dtype, undefined, frame) : null,
          wanted[1] ? weightSlope.call([x!, g, count, eps], types.weight, computeType(x!.dtype), frame) : null,
          wanted[2] ? sumOver(g, types.bias, frame) : null,
        ]
      : joint(g, x!, centre!, factor!, weight, wanted, batch);
    return weight === null ? [found[0]!, found[2]!] : found;
  },
};

function joint(
  g: Tensor,
  x: Tensor,
  centre: Tensor,
  factor: Tensor,
  weight: Tensor | null,
  wanted: readonly boolean[],
  { frame, count, types }: Batch,
): (Tensor | null)[] {
  const channels = foldedShape(frame);
  const outputs = [
    wanted[0] ? emptyOf(frame.shape, x.dtype) : null,
    wanted[1] ? emptyOf(channels, types.weight) : null,
    wanted[2] ? emptyOf(channels, types.bias) : null,
  ];
  const inputs = weight === null ? [x, g, centre, factor] : [x, g, centre, factor, weight];
  const kernel = differentiating(weight !== null, wanted);
  kernel.runInto(
    outputs.filter((out) => out !== null),
    inputs,
    [count],
    computeType(x.dtype),
    frame,
  );
  return outputs;
}

/** What a batch comes to: x normalised, and its mean and variance (with Bessel's correction) for each channel, outside the graph. */
export interface Normalised {
  readonly result: Tensor;
  readonly mean: Tensor;
  readonly variance: Tensor;
}

/** (x - mean) / √(variance + eps) · weight + bias, of the elements over the axes of `frame`, which are `count` for each channel. */
export function normalisedByBatch(
  x: Tensor,
  weight: Tensor | null,
  bias: Tensor | null,
  frame: Frame,
  count: number,
  eps: number,
): Normalised {
  const learned = [weight, bias].filter((one) => one !== null);
  const [result, mean, factor, variance] = normalising(weight !== null, bias !== null).run(
    [x, ...learned],
    [count, eps],
    x.dtype,
    computeType(x.dtype),
    frame,
  ) as [Tensor, Tensor, Tensor, Tensor];
  const types = { weight: weight?.dtype ?? x.dtype, bias: bias?.dtype ?? x.dtype };
  const saved = weight === null ? [x, mean, factor] : [x, mean, factor, weight];
  record(result, rule, [x, ...learned], saved, { frame, count, eps, types });
  return { result, mean, variance };
}
