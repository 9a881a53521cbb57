import { CustomFunction, type FunctionContext } from '../autograd/function.js';
import { dtypes } from '../backend/dtype.js';
import { AutogradError } from '../errors.js';
import { type Draws, drawsOf, fill } from '../ops/host-draws.js';
import { stirlingTail } from '../ops/poisson.js';
import type { Generator } from '../tensor/generator.js';
import type { Shape } from '../tensor/shape.js';
import { shapeOf, type Tensor } from '../tensor/tensor.js';
import { gammaSlope } from './gamma-slope.js';

// Samplers as those of `poisson`, which draw until something fits. They are PyTorch's, draw by draw.

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
