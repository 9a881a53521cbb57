import { isInteger, type TypedArray } from '../dtype.js';
import { planLoops, strideAt } from '../loops.js';
import { DONE, MISFIT } from '../outcome.js';
import { sizeOf, type View } from '../view.js';
import { fitsInt32 } from './operand.js';
import { forEachRun, innerStride } from './runs.js';

export const scanKinds = ['cumsum', 'cumprod', 'cummax', 'cummin', 'logcumsumexp', 'linear'] as const;
/** What `scan` makes of the elements so far. */
export type ScanKind = (typeof scanKinds)[number];

/** Elements of an operand along the axis: where the first is, and how far apart they are. */
interface Line {
  readonly array: TypedArray;
  readonly isInteger: boolean;
  readonly step: number;
  start: number;
}

/** Scans along one line of each operand. Returns whether all results fit the type that they are stored as. */
type ScanLine = (lines: readonly Line[], length: number) => boolean;

/** The instruction `scan`. */
export function scan(kind: ScanKind, inputs: readonly View[], outputs: readonly View[], axis: number): number {
  const { shape } = outputs[0]!;
  const operands = [...inputs, ...outputs];
  const others = [...shape.keys()].filter((other) => other !== axis);
  const loops = planLoops(shape, operands, others);
  const lines = operands.map(
    (view): Line => ({
      array: view.storage.array(view.dtype),
      isInteger: isInteger(view.dtype),
      step: strideAt(view, axis - shape.length),
      start: 0,
    }),
  );
  const bases = operands.map(({ offset }) => offset);
  const rows = sizeOf(others.map((other) => shape[other]!));
  let fit = true;
  forEachRun(loops, bases, 0, rows, (offsets, count) => {
    for (let row = 0; row < count; row++) {
      for (let i = 0; i < lines.length; i++) lines[i]!.start = offsets[i]! + row * innerStride(loops, i);
      if (!scanLines[kind](lines, shape[axis]!)) fit = false;
    }
  });
  return fit ? DONE : MISFIT;
}

const at = ({ array, start, step }: Line, i: number): number => array[start + i * step]!;

/** Stores a result, or 0 where it does not fit. Returns whether it does. */
function put({ array, isInteger, start, step }: Line, i: number, value: number): boolean {
  const fits = !isInteger || fitsInt32(value);
  array[start + i * step] = fits ? value : 0;
  return fits;
}

/** What has come together so far, in float64: results are rounded where they are stored, and what goes on is not. */
function accumulating(first: number, combine: (total: number, x: number) => number): ScanLine {
  return ([x, out], length) => {
    let total = first;
    let fit = true;
    for (let i = 0; i < length; i++) {
      total = combine(total, at(x!, i));
      if (!put(out!, i, total)) fit = false;
    }
    return fit;
  };
}

/** The best element so far, and where it is: the last of equal ones, and of NaN, which wins. */
function choosing(isAsGood: (x: number, best: number) => boolean): ScanLine {
  return ([x, values, positions], length) => {
    let best = Number.NaN;
    let position = 0;
    for (let i = 0; i < length; i++) {
      const value = at(x!, i);
      if (i === 0 || Number.isNaN(value) || (!Number.isNaN(best) && isAsGood(value, best))) {
        best = value;
        position = i;
      }
      put(values!, i, best);
      put(positions!, i, position);
    }
    return true;
  };
}

/** log(eᵃ + eᵇ); where the larger is infinite it is that. */
function logAddExp(a: number, b: number): number {
  const larger = Math.max(a, b);
  if (!Number.isFinite(larger)) return larger;
  return larger + Math.log1p(Math.exp(Math.min(a, b) - larger));
}

/** out[i] = factors[i] * out[i - 1] + terms[i], in float64; the first is terms[0]. */
const recurrent: ScanLine = ([factors, terms, out], length) => {
  let value = 0;
  for (let i = 0; i < length; i++) {
    value = i === 0 ? at(terms!, i) : at(factors!, i) * value + at(terms!, i);
    put(out!, i, value);
  }
  return true;
};

const scanLines: Readonly<Record<ScanKind, ScanLine>> = {
  cumsum: accumulating(0, (total, x) => total + x),
  cumprod: accumulating(1, (total, x) => total * x),
  cummax: choosing((x, best) => x >= best),
  cummin: choosing((x, best) => x <= best),
  logcumsumexp: accumulating(Number.NEGATIVE_INFINITY, logAddExp),
  linear: recurrent,
};
