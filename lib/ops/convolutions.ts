import { type BackwardRule, record } from '../autograd/node.js';
import { backend } from '../backend/index.js';
import type { Moves } from '../backend/js/convolve.js';
import type { Program } from '../backend/program.js';
import type { View } from '../backend/view.js';
import * as e from '../expr/index.js';
import { emptyOf, filledOf } from '../tensor/empty.js';
import { sumTo, viewAs } from '../tensor/layout.js';
import type { Shape } from '../tensor/shape.js';
import { operandOf, shapeOf, type Tensor } from '../tensor/tensor.js';
import { write } from '../tensor/windows.js';
import { reshape, transpose } from './views.js';

// Three products of an input, a weight and what becomes of them, each linear in both of its operands: gradients of any order are made of the
// three.

/** How a convolution's window lies: of `kernel` elements, in `places` of an input of `whole` elements along each axis. */
export interface Convolution extends Moves {
  readonly kernel: Shape;
  readonly places: Shape;
  readonly whole: Shape;
  /** In how many groups channels are divided. */
  readonly groups: number;
}

const sumsRule: BackwardRule<Convolution> = {
  name: 'Convolution',
  backward: (g, [x, weight], how, [xNeeds, weightNeeds, biasNeeds]) => [
    xNeeds ? windowSpread(g, weight!, how) : null,
    weightNeeds ? windowProducts(x!, g, how) : null,
    biasNeeds ? biasGradient(g, how) : null,
  ],
};

const spreadRule: BackwardRule<Convolution> = {
  name: 'ConvolutionTranspose',
  backward: (g, [x, weight], how, [xNeeds, weightNeeds]) => [
    xNeeds ? windowSums(g, weight!, null, how) : null,
    weightNeeds ? windowProducts(g, x!, how) : null,
  ],
};

const productsRule: BackwardRule<Convolution> = {
  name: 'ConvolutionWeight',
  backward: (g, [x, places], how, [xNeeds, placesNeed]) => [
    xNeeds ? windowSpread(places!, g, how) : null,
    placesNeed ? windowSums(x!, g, null, how) : null,
  ],
};

function biasGradient(g: Tensor, { kernel }: Convolution): Tensor {
  const channels = shapeOf(g)[1]!;
  return viewAs(sumTo(g, [channels, ...kernel.map(() => 1)]), [channels]);
}

const biasPrograms: { [dtype in 'float32' | 'float64']?: Program } = {};

/** The bias is added to the sums while these are in cache. */
function addBias(dtype: 'float32' | 'float64'): Program {
  biasPrograms[dtype] ??= e.compile(
    { name: 'convolve+bias', compute: dtype, inputs: ['element', 'element'], params: 0 },
    [e.add(e.input(0, 'element'), e.input(1, 'element'))],
  );
  return biasPrograms[dtype];
}

/** The sum over each window of (N, C, …whole) times a weight (O, C / groups, …kernel), and a bias (O): (N, O, …places). */
export function windowSums(x: Tensor, weight: Tensor, bias: Tensor | null, how: Convolution): Tensor {
  const [dtype, samples, channels] = [x.dtype as 'float32' | 'float64', shapeOf(x)[0]!, shapeOf(weight)[0]!];
  const out = emptyOf([samples, channels, ...how.places], dtype);
  const inputs = bias === null ? [] : [alongChannels(operandOf(bias), how)];
  const epilogue = bias === null ? null : { program: addBias(dtype), params: [], inputs };
  if (weight.numel() > 0) {
    backend.convolve(operandOf(x), operandOf(weight), [operandOf(out)], how, epilogue);
  } else if (bias === null) {
    write(out, filledOf([], 0, dtype));
  } else {
    write(out, reshape(bias.detach(), [channels, ...how.kernel.map(() => 1)]));
  }
  const operands = bias === null ? [x, weight] : [x, weight, bias];
  return record(out, sumsRule, operands, [x, weight], how);
}

const alongChannels = ({ storage, offset, strides, dtype, shape }: View, { kernel }: Convolution): View => ({
  storage,
  offset,
  shape: [shape[0]!, ...kernel.map(() => 1)],
  strides: [strides[0]!, ...kernel.map(() => 0)],
  dtype,
});

/** The gradient of `windowSums` by its weight, from the input and the gradient of the result: (O, C / groups, …kernel). */
export function windowProducts(x: Tensor, g: Tensor, how: Convolution): Tensor {
  const { dtype } = x;
  const out = emptyOf([shapeOf(g)[1]!, shapeOf(x)[1]! / how.groups, ...how.kernel], dtype);
  if (g.numel() > 0) backend.convolveWeight(operandOf(x), operandOf(out), operandOf(g), how);
  else write(out, filledOf([], 0, dtype));
  return record(out, productsRule, [x, g], [x, g], how);
}

/** The gradient of `windowSums` by its input, from the gradient of the result and the weight: (N, C, …whole). */
export function windowSpread(g: Tensor, weight: Tensor, how: Convolution): Tensor {
  const { dtype } = g;
  const { groups, kernel, whole } = how;
  const [rows = 0, channels = 0] = shapeOf(weight);
  const out = emptyOf([shapeOf(g)[0]!, channels * groups, ...whole], dtype);
  const parts = how.places.map((_, axis) => phasesOf(how, axis));
  const isWhole = weight.numel() > 0 && parts.every((phases) => phases.every(({ taps }) => taps > 0));
  if (!isWhole) write(out, filledOf([], 0, dtype));
  if (weight.numel() > 0 && out.numel() > 0) {
    const byGroup = reshape(weight.detach(), [groups, rows / groups, channels, ...kernel]);
    const turned = reshape(transpose(byGroup, 1, 2), [groups * channels, rows / groups, ...kernel]);
    for (const phases of combinations(parts)) {
      if (phases.some(({ taps, count }) => taps === 0 || count === 0)) continue;
      const part = sliced(operandOf(turned), phases.map(flippedTaps));
      const to = sliced(
        operandOf(out),
        phases.map(({ start, count }, axis) => ({ start, step: how.stride[axis]!, count })),
      );
      const moves = {
        stride: phases.map(() => 1),
        dilation: phases.map(({ dilation }) => dilation),
        before: phases.map(({ before }) => before),
      };
      backend.convolve(operandOf(g), part, [to], moves, null);
    }
  }
  return record(out, spreadRule, [g, weight], [g, weight], how);
}

/** Elements along an axis that are as far into a step as each other: the same elements of windows fall on all of them. */
interface Phase {
  /** The first of them, and how many there are. */
  readonly start: number;
  readonly count: number;
  /** Which elements of a window those are: the first, every how many, how many. */
  readonly tap: number;
  readonly tapStep: number;
  readonly taps: number;
  /** How a window of these elements, the last one first, moves over the places by single steps. */
  readonly dilation: number;
  readonly before: number;
}

function phasesOf({ kernel, stride, dilation, before, whole }: Convolution, axis: number): Phase[] {
  const [step, apart, margin, size] = [stride[axis]!, dilation[axis]!, before[axis]!, whole[axis]!];
  const common = greatestDivisor(step, apart);
  const [tapStep, shift] = [step / common, apart / common];
  return Array.from({ length: Math.min(step, size) }, (_, start) => {
    const rest = (start + margin) % step;
    const tap = Array.from({ length: tapStep }, (_, i) => i).find((i) => (i * apart) % step === rest) ?? kernel[axis]!;
    const taps = Math.max(0, Math.ceil((kernel[axis]! - tap) / tapStep));
    const place = (start + margin - tap * apart) / step;
    const count = Math.ceil((size - start) / step);
    return { start, count, tap, tapStep, taps, dilation: shift, before: (taps - 1) * shift - place };
  });
}

const greatestDivisor = (a: number, b: number): number => (b === 0 ? a : greatestDivisor(b, a % b));

const flippedTaps = ({ tap, tapStep, taps }: Phase): Slice => ({
  start: tap + (taps - 1) * tapStep,
  step: -tapStep,
  count: taps,
});

/** Every choice of one of each list. */
const combinations = <T>(lists: readonly (readonly T[])[]): T[][] =>
  lists.reduce<T[][]>((all, list) => all.flatMap((some) => list.map((one) => [...some, one])), [[]]);

interface Slice {
  readonly start: number;
  readonly step: number;
  readonly count: number;
}

/** A view of some elements along each axis after the second. */
function sliced({ storage, offset, shape, strides, dtype }: View, slices: readonly Slice[]): View {
  return {
    storage,
    offset: slices.reduce((sum, { start }, axis) => sum + start * strides[axis + 2]!, offset),
    shape: [shape[0]!, shape[1]!, ...slices.map(({ count }) => count)],
    strides: [strides[0]!, strides[1]!, ...slices.map(({ step }, axis) => step * strides[axis + 2]!)],
    dtype,
  };
}
