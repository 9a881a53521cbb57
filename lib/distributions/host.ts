import { CustomFunction, type FunctionContext } from '../autograd/function.js';
import { dtypes } from '../backend/dtype.js';
import { recording } from '../backend/recording.js';
import { AutogradError, CaptureError } from '../errors.js';
import { empty, tensor } from '../ops/creation.js';
import type { Generator } from '../tensor/generator.js';
import type { Shape } from '../tensor/shape.js';
import { shapeOf, type Tensor } from '../tensor/tensor.js';
import { gammaSlope } from './gamma-slope.js';

// Samplers that draw until something fits: how much they take from the stream depends on what came. They are PyTorch's, draw by draw.

/** One number after the other from a stream. */
interface Draws {
  uniform(): number;
  normal(): number;
}

function drawsOf(generator: Generator | null): Draws {
  const one = empty([1], { dtype: 'float64' });
  return {
    uniform: () => one.uniform_(0, 1, { generator }).item(),
    normal: () => one.normal_(0, 1, { generator }).item(),
  };
}

/** Computes a tensor element by element from others, which are broadcast to its shape. */
function fill(op: string, shape: Shape, operands: readonly Tensor[], of: (...values: number[]) => number): Tensor {
  recording?.refuse(
    new CaptureError(
      `${op}: a captured function cannot draw these samples, which take a number of draws that depends on values; draw them before the call`,
    ),
  );
  const columns = operands.map((x) => x.detach().expand(shape).toTypedArray());
  const size = shape.reduce((product, length) => product * length, 1);
  const values = Float64Array.from({ length: size }, (_, i) => of(...columns.map((column) => column[i]!)));
  return tensor(values).to(operands[0]!.dtype).reshape(shape);
}

/** How numbers of a dtype round. */
const roundingOf = (x: Tensor): ((value: number) => number) => dtypes[x.dtype].round;

/** The least normal number of a dtype. */
const leastOf = (x: Tensor): number => (dtypes[x.dtype].size === 8 ? 2 ** -1022 : 2 ** -126);

/** Marsaglia and Tsang's method. */
function gammaSample(given: number, round: (x: number) => number, draws: Draws): number {
  if (given === 0) return 0;
  const boost = given < 1 ? (1 - draws.uniform()) ** round(1 / given) : 1;
  const alpha = given < 1 ? round(given + 1) : given;
  const d = round(alpha - Math.fround(1 / 3));
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = draws.normal();
    const y = 1 + c * x;
    if (y <= 0) continue;
    const v = y * y * y;
    const u = 1 - draws.uniform();
    const xx = x * x;
    if (u < 1 - Math.fround(0.0331) * xx * xx) return boost * d * v;
    if (Math.log(u) < 0.5 * xx + d * (1 - v + Math.log(v))) return boost * d * v;
  }
}

/** The derivative of samples by their concentration; it has none of its own. */
class GammaSlope extends CustomFunction {
  static override forward(_: FunctionContext, concentration: Tensor, sample: Tensor): Tensor {
    return fill('Gamma: rsample', shapeOf(sample), [concentration, sample], gammaSlope);
  }

  static override backward(): never {
    throw new AutogradError('Gamma: rsample: samples have first derivatives only');
  }
}

class StandardGamma extends CustomFunction {
  static override forward(
    ctx: FunctionContext,
    concentration: Tensor,
    shape: Shape,
    op: string,
    generator: Generator | null,
  ): Tensor {
    const [draws, round] = [drawsOf(generator), roundingOf(concentration)];
    const sample = fill(op, shape, [concentration], (alpha) => gammaSample(alpha, round, draws)).clampMin(
      leastOf(concentration),
    );
    ctx.saveForBackward(concentration, sample);
    return sample;
  }

  static override backward(
    { savedTensors: [concentration, sample] }: FunctionContext,
    grad: Tensor,
  ): (Tensor | null)[] {
    return [grad.mul(GammaSlope.apply(concentration!, sample!)), null, null, null];
  }
}

/** Samples of gamma distributions of rate 1, with gradients to the concentration. */
export const standardGamma = (op: string, concentration: Tensor, shape: Shape, generator: Generator | null): Tensor =>
  StandardGamma.apply(concentration.expand(shape), shape, op, generator);

/** ln k! less Stirling's formula for it. */
function stirlingTail(k: number): number {
  const known = [
    0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.02079067210376509, 0.0166446911898211,
    0.0138761288230707, 0.0118967099458917, 0.010411265261972, 0.00925546218271273, 0.00833056343336287,
  ];
  const square = (k + 1) ** 2;
  return known[k] ?? (1 / 12 - (1 / 360 - 1 / 1260 / square) / square) / (k + 1);
}

const logFactorial = (k: number): number =>
  (k + 0.5) * Math.log(k + 1) - (k + 1) + Math.log(2 * Math.PI) / 2 + stirlingTail(k);

function poissonSample(rate: number, { uniform }: Draws): number {
  if (rate === 0) return 0;
  if (rate < 10) {
    const end = Math.exp(-rate);
    let product = uniform();
    let count = 0;
    for (; product > end; count++) product *= uniform();
    return count;
  }
  // Hörmann's transformed rejection.
  const root = Math.sqrt(rate);
  const b = 0.931 + 2.53 * root;
  const a = -0.059 + 0.02483 * b;
  const inverse = 1.1239 + 1.1328 / (b - 3.4);
  const limit = 0.9277 - 3.6224 / (b - 2);
  for (;;) {
    const u = uniform() - 0.5;
    const v = uniform();
    const us = 0.5 - Math.abs(u);
    const k = Math.floor(((2 * a) / us + b) * u + rate + 0.43);
    if (us >= 0.07 && v <= limit) return k;
    if (k < 0 || (us < 0.013 && v > us)) continue;
    const bound = -rate + k * Math.log(rate) - logFactorial(k);
    if (Math.log(v) + Math.log(inverse) - Math.log(a / (us * us) + b) <= bound) return k;
  }
}

/** Samples of Poisson distributions. */
export function poisson(rate: Tensor, shape: Shape, generator: Generator | null): Tensor {
  const draws = drawsOf(generator);
  return fill('Poisson: sample', shape, [rate], (lambda) => poissonSample(lambda, draws));
}

/** How many geometric waits fit into `count`. */
function inverted(count: number, p: number, { uniform }: Draws): number {
  const log = Math.log1p(-p);
  let sum = 0;
  for (let successes = 0; ; successes++) {
    sum += Math.ceil(Math.log(uniform()) / log);
    if (sum > count) return successes;
  }
}

/** Hörmann's transformed rejection for binomials (BTRS). */
function rejected(count: number, p: number, { uniform }: Draws): number {
  const deviation = Math.sqrt(count * p * (1 - p));
  const b = 1.15 + 2.53 * deviation;
  const a = -0.0873 + 0.0248 * b + 0.01 * p;
  const limit = 0.92 - 4.2 / b;
  const odds = p / (1 - p);
  const alpha = (2.83 + 5.1 / b) * deviation;
  const mode = Math.floor((count + 1) * p);
  for (;;) {
    const u = uniform() - 0.5;
    const v = uniform();
    const us = 0.5 - Math.abs(u);
    const k = Math.floor(((2 * a) / us + b) * u + count * p + 0.5);
    if (k < 0 || k > count) continue;
    if (us >= 0.07 && v <= limit) return k;
    const bound =
      (mode + 0.5) * Math.log((mode + 1) / (odds * (count - mode + 1))) +
      (count + 1) * Math.log((count - mode + 1) / (count - k + 1)) +
      (k + 0.5) * Math.log((odds * (count - k + 1)) / (k + 1)) +
      stirlingTail(mode) +
      stirlingTail(count - mode) -
      stirlingTail(k) -
      stirlingTail(count - k);
    if (Math.log((v * alpha) / (a / (us * us) + b)) <= bound) return k;
  }
}

function binomialSample(count: number, p: number, round: (x: number) => number, draws: Draws): number {
  if (count <= 0 || p <= 0) return 0;
  if (p >= 1) return count;
  const rarer = p <= 0.5 ? p : round(1 - p);
  const found = count * rarer >= 10 ? rejected(count, rarer, draws) : inverted(count, rarer, draws);
  return p <= 0.5 ? found : count - found;
}

/** Samples of binomial distributions. */
export function binomial(count: Tensor, probs: Tensor, shape: Shape, generator: Generator | null): Tensor {
  const [draws, round] = [drawsOf(generator), roundingOf(probs)];
  return fill('Binomial: sample', shape, [count, probs], (n, p) => binomialSample(n, p, round, draws));
}
