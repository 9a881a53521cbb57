import { define } from '../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import { ValueError } from '../errors.js';
import type { Generator } from '../tensor/generator.js';
import * as kinds from '../tensor/kinds.js';
import { drawing } from '../tensor/parameters.js';
import type { Shape } from '../tensor/shape.js';
import { shapeOf, type Tensor } from '../tensor/tensor.js';
import { requireFloat } from './draws.js';
import { type Draws, drawsOf, fill } from './host-draws.js';

/** ln k! less Stirling's formula for it. */
export function stirlingTail(k: number): number {
  const known = [
    0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.02079067210376509, 0.0166446911898211,
    0.0138761288230707, 0.0118967099458917, 0.010411265261972, 0.00925546218271273, 0.00833056343336287,
  ];
  const square = (k + 1) ** 2;
  return known[k] ?? (1 / 12 - (1 / 360 - 1 / 1260 / square) / square) / (k + 1);
}

const logFactorial = (k: number): number =>
  (k + 0.5) * Math.log(k + 1) - (k + 1) + Math.log(2 * Math.PI) / 2 + stirlingTail(k);

function poissonSample(op: string, rate: number, { uniform }: Draws): number {
  if (!(rate >= 0)) throw new ValueError(`${op}: rates must be at least 0, got ${rate}`);
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

/** Samples of Poisson distributions, whose rates are broadcast. */
export function poissonOf(op: string, rate: Tensor, shape: Shape, generator: Generator | null): Tensor {
  const draws = drawsOf(generator);
  return fill(op, shape, [rate], (lambda) => poissonSample(op, lambda, draws));
}

const counting = signature('input, generator', { input: kinds.tensor, ...drawing });

export interface PoissonOptions extends Pick<OptionsOf<typeof counting>, 'generator'> {}

/**
 * Counts of Poisson distributions: each element is drawn at the rate that the input has there. Samples are PyTorch's; a captured function cannot
 * draw them.
 *
 * @throws ValueError for a rate below 0, or NaN; DTypeError for integers; CaptureError within a captured function
 * @example
 * ```ts
 * manualSeed(0);
 * poisson(tensor([0.5, 3, 20, 100])); // tensor([ 2.,  4., 21., 99.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.poisson.html
 */
export const poisson: FunctionOf<Tensor, typeof counting, PoissonOptions> = define(
  'poisson',
  counting,
  (rate, generator) => {
    requireFloat('poisson', rate);
    return poissonOf('poisson', rate, shapeOf(rate), generator);
  },
);
