import { type DType, dtypes } from '../backend/dtype.js';
import * as e from '../expr/index.js';
import { Formula } from '../tensor/formula.js';
import { shapeOf, type Tensor } from '../tensor/tensor.js';
import { tensor } from './creation.js';
import { indexSelect } from './indexing.js';
import { reshape } from './views.js';

// New elements along an axis, each a weighted sum of a few of the old ones. Images and volumes are resampled axis by axis.

/** How elements along an axis lie under the new ones. */
export interface Resizing {
  readonly size: number;
  readonly outSize: number;
  /** What the size was multiplied by, where that was given; null where the sizes say it. */
  readonly factor: number | null;
  /** Whether the first and last elements, rather than the ends, are in the same places. */
  readonly alignCorners: boolean;
  readonly dtype: DType;
}

/** The old elements of each new one, and (where it is not one as it is) their weights: lists of `count` for each, by tap and then by element. */
interface Taps {
  readonly count: number;
  readonly places: Int32Array<ArrayBuffer>;
  readonly weights: Float64Array<ArrayBuffer> | null;
}

type Tap = readonly [place: number, weight: number];

/** How far apart new elements are, in old ones. */
function stepOf({ size, outSize, factor, alignCorners }: Resizing): number {
  if (alignCorners) return outSize > 1 ? (size - 1) / (outSize - 1) : 0;
  return factor === null ? size / outSize : 1 / factor;
}

/** Where a new element lies among the old ones. */
const placeOf = (at: number, step: number, alignCorners: boolean): number =>
  alignCorners ? at * step : (at + 0.5) * step - 0.5;

/** One element for each; `shift` is where in it the place counts. As in PyTorch, in the precision of the elements: another would round to others. */
const nearest =
  (shift: number) =>
  (resizing: Resizing): Taps => {
    const { size, outSize, dtype } = resizing;
    const { round } = dtypes[dtype];
    const step = round(stepOf(resizing));
    const places = Int32Array.from({ length: outSize }, (_, at) =>
      Math.min(size - 1, Math.floor(Math.fround(round((at + shift) * step)))),
    );
    return { count: 1, places, weights: null };
  };

function tapsOf(outSize: number, count: number, at: (index: number) => readonly Tap[]): Taps {
  const [places, weights] = [new Int32Array(count * outSize), new Float64Array(count * outSize)];
  for (let index = 0; index < outSize; index++) {
    const taps = at(index);
    for (let tap = 0; tap < count; tap++) {
      // What an element has less of is the last one again, which counts nothing.
      const [place, weight] = taps[tap] ?? [taps.at(-1)![0], 0];
      places[tap * outSize + index] = place;
      weights[tap * outSize + index] = weight;
    }
  }
  return { count, places, weights };
}

const within = (place: number, size: number): number => Math.max(0, Math.min(size - 1, place));

function linear(resizing: Resizing): Taps {
  const { size, outSize, alignCorners } = resizing;
  const step = size === outSize ? 1 : stepOf(resizing);
  return tapsOf(outSize, 2, (index) => {
    const place = Math.max(0, placeOf(index, step, alignCorners));
    const low = Math.min(size - 1, Math.floor(place));
    const weight = Math.min(1, place - low);
    return [
      [low, 1 - weight],
      [within(low + 1, size), weight],
    ];
  });
}

/** The weight of an element at a distance, by Keys' cubic convolution. */
export function cubicWeight(distance: number, a: number): number {
  const x = Math.abs(distance);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((x - 5) * x + 8) * x * a - 4 * a : 0;
}

function cubic(resizing: Resizing): Taps {
  const { size, outSize, alignCorners } = resizing;
  const step = stepOf(resizing);
  return tapsOf(outSize, 4, (index) => {
    const place = placeOf(index, step, alignCorners);
    const low = Math.floor(place);
    return [-1, 0, 1, 2].map((offset): Tap => {
      return [within(low + offset, size), cubicWeight(place - low - offset, -0.75)];
    });
  });
}

/** A filter as wide as new elements are apart, so that no old element goes unseen. */
const smooth =
  (reach: number, filter: (distance: number) => number) =>
  (resizing: Resizing): Taps => {
    const { size, outSize } = resizing;
    const step = stepOf(resizing);
    const spread = Math.max(1, step);
    const support = reach * spread;
    const all = Array.from({ length: outSize }, (_, index): Tap[] => {
      const center = step * (index + 0.5);
      const start = Math.max(0, Math.trunc(center - support + 0.5));
      const end = Math.min(size, Math.trunc(center + support + 0.5));
      const raw = Array.from({ length: end - start }, (_, i) => filter((start + i + 0.5 - center) / spread));
      const total = raw.reduce((sum, weight) => sum + weight, 0);
      return raw.map((weight, i) => [start + i, weight / total]);
    });
    return tapsOf(outSize, Math.max(...all.map((taps) => taps.length)), (index) => all[index]!);
  };

/** How elements become new ones, by name. */
export const resamplings = {
  nearest: nearest(0),
  nearestExact: nearest(0.5),
  linear,
  cubic,
  smoothLinear: smooth(1, (distance) => Math.max(0, 1 - Math.abs(distance))),
  smoothCubic: smooth(2, (distance) => cubicWeight(distance, -0.5)),
} satisfies Record<string, (resizing: Resizing) => Taps>;

const weighing = new Formula('interpolate', (x, weight) => e.rowSum(e.mul(x, weight)));
// An element that does not count may be NaN.
const weighingSome = new Formula('interpolate', (x, weight) => e.rowSum(e.where(e.eq(weight, 0), 0, e.mul(x, weight))));

/** A tensor with new elements along an axis. */
export function resampled(x: Tensor, axis: number, by: keyof typeof resamplings, resizing: Resizing): Tensor {
  const { count, places, weights } = resamplings[by](resizing);
  const picked = indexSelect(x, axis, tensor(places));
  if (weights === null) return picked;
  const [before, after] = [shapeOf(x).slice(0, axis), shapeOf(x).slice(axis + 1)];
  const shape = [...before, count, resizing.outSize, ...after];
  const factors = tensor(weights, { dtype: x.dtype }).reshape([count, resizing.outSize, ...after.map(() => 1)]);
  const formula = by.startsWith('smooth') ? weighingSome : weighing;
  return formula.call([reshape(picked, shape), factors], x.dtype, undefined, { shape, axes: [axis], keepdim: false });
}
