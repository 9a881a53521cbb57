import { planLoops } from '../loops.js';
import { DONE } from '../outcome.js';
import { sizeOf, type View } from '../view.js';
import { forEachRun, innerStride } from './runs.js';

/** Which of the sizes m, n and k the last axes of each operand have; the axes before them are a batch, the same of all. */
export const factorAxes = {
  /** a; l and 0, or the 1-based number of the first pivot that is not above 0. */
  cholesky: ['mn', 'mn', ''],
  /** a; l below u, 1-based rows that were exchanged, and 0, or the 1-based number of the first pivot that is 0. */
  lu: ['mn', 'mn', 'k', ''],
  /** a; the vectors of reflections below r, and their factors. */
  qr: ['mn', 'mn', 'k'],
  /** What `qr` gave; the first columns of the product of the reflections. */
  reflect: ['mk', 'k', 'mn'],
  /** a with at least as many rows as columns; u (columns of zeros for singular values that are 0), the singular values, and v (k = n). */
  svd: ['mn', 'mn', 'n', 'nk'],
  /** 1-based rows that were exchanged one after the other; which row came to stand in each place, from 0 on. */
  order: ['k', 'm'],
  /** A triangular matrix (k = m) and b; x of a x = b. */
  lower: ['mk', 'mn', 'mn'],
  upper: ['mk', 'mn', 'mn'],
  unitLower: ['mk', 'mn', 'mn'],
  unitUpper: ['mk', 'mn', 'mn'],
} as const;

/** A decomposition of matrices, or a system of equations with a triangular one. */
export type FactorKind = keyof typeof factorAxes;

export const factorKinds = Object.keys(factorAxes) as FactorKind[];

export interface Sizes {
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

/** The sizes m, n and k: 1 for one that no operand has. */
export function factorSizes(kind: FactorKind, operands: readonly View[]): Sizes {
  const size = (name: string): number => {
    const at = factorAxes[kind].findIndex((axes) => axes.includes(name));
    return at < 0 ? 1 : operands[at]!.shape.at(factorAxes[kind][at]!.indexOf(name) - factorAxes[kind][at]!.length)!;
  };
  return { m: size('m'), n: size('n'), k: size('k') };
}

/** The batch of an operand, without its last axes. */
export function batchOf(view: View, axes: string): View {
  const ndim = view.shape.length - axes.length;
  return { ...view, shape: view.shape.slice(0, ndim), strides: view.strides.slice(0, ndim) };
}

type Rows = Float64Array;
/** Reads the inputs and writes the outputs, row by row, in doubles. */
type Factor = (inputs: readonly Rows[], outputs: readonly Rows[], sizes: Sizes) => void;

/** The instruction `factor`: all in doubles, without fused multiply-adds, every sum in order. */
export function factor(kind: FactorKind, inputs: readonly View[], outputs: readonly View[]): number {
  const operands = [...inputs, ...outputs];
  const sizes = factorSizes(kind, operands);
  const batches = operands.map((view, i) => batchOf(view, factorAxes[kind][i]!));
  const { shape } = batches[0]!;
  const loops = planLoops(shape, batches);
  const read = inputs.map((view, i) => new Float64Array(countOf(view, factorAxes[kind][i]!)));
  const written = outputs.map((view, i) => new Float64Array(countOf(view, factorAxes[kind][inputs.length + i]!)));
  const bases = operands.map(({ offset }) => offset);
  forEachRun(loops, bases, 0, sizeOf(shape), (offsets, length) => {
    for (let at = 0; at < length; at++) {
      const offsetOf = (i: number) => offsets[i]! + at * innerStride(loops, i);
      inputs.forEach((view, i) => {
        eachElement(view, factorAxes[kind][i]!, offsetOf(i), (array, from, to) => {
          read[i]![to] = array[from]!;
        });
      });
      for (const rows of written) rows.fill(0);
      factors[kind](read, written, sizes);
      outputs.forEach((view, i) => {
        const operand = inputs.length + i;
        eachElement(view, factorAxes[kind][operand]!, offsetOf(operand), (array, to, from) => {
          array[to] = written[i]![from]!;
        });
      });
    }
  });
  return DONE;
}

const countOf = ({ shape }: View, axes: string): number => sizeOf(shape.slice(shape.length - axes.length));

function eachElement(
  view: View,
  axes: string,
  offset: number,
  body: (array: ReturnType<View['storage']['array']>, at: number, position: number) => void,
): void {
  const array = view.storage.array(view.dtype);
  const ndim = view.shape.length;
  const [rows, rowStep] = axes.length === 2 ? [view.shape[ndim - 2]!, view.strides[ndim - 2]!] : [1, 0];
  const [columns, step] = axes.length > 0 ? [view.shape[ndim - 1]!, view.strides[ndim - 1]!] : [1, 0];
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) body(array, offset + i * rowStep + j * step, i * columns + j);
  }
}

/** to[j] -= factor * from[j] for `count` elements. */
function subtract(to: Rows, at: number, factor: number, from: Rows, start: number, count: number): void {
  for (let j = 0; j < count; j++) to[at + j]! -= factor * from[start + j]!;
}

function cholesky([a]: readonly Rows[], [l, info]: readonly Rows[], { n }: Sizes): void {
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) l![i * n + j] = a![i * n + j]!;
  const column = new Float64Array(n);
  for (let k = 0; k < n; k++) {
    const pivot = l![k * n + k]!;
    if (!(pivot > 0)) {
      info![0] = k + 1;
      return;
    }
    const root = Math.sqrt(pivot);
    l![k * n + k] = root;
    for (let i = k + 1; i < n; i++) {
      column[i] = l![i * n + k]! / root;
      l![i * n + k] = column[i]!;
    }
    for (let i = k + 1; i < n; i++) subtract(l!, i * n + k + 1, column[i]!, column, k + 1, i - k);
  }
}

function lu([a]: readonly Rows[], [work, pivots, info]: readonly Rows[], { m, n, k: count }: Sizes): void {
  work!.set(a!);
  for (let k = 0; k < count; k++) {
    let best = k;
    for (let i = k + 1; i < m; i++) if (Math.abs(work![i * n + k]!) > Math.abs(work![best * n + k]!)) best = i;
    pivots![k] = best + 1;
    if (best !== k) exchange(work!, k * n, best * n, n);
    const pivot = work![k * n + k]!;
    if (pivot === 0) {
      if (info![0] === 0) info![0] = k + 1;
      continue;
    }
    for (let i = k + 1; i < m; i++) {
      const factor = work![i * n + k]! / pivot;
      work![i * n + k] = factor;
      subtract(work!, i * n + k + 1, factor, work!, k * n + k + 1, n - k - 1);
    }
  }
}

function exchange(rows: Rows, a: number, b: number, count: number): void {
  for (let j = 0; j < count; j++) [rows[a + j], rows[b + j]] = [rows[b + j]!, rows[a + j]!];
}

/** Columns that reflections are applied to together. */
const STRIP = 16;

/** (I - tau v vᵀ) applied to some columns of rows `first` to m; v[first] is taken as 1. */
function reflectColumns(
  rows: Rows,
  [m, n]: readonly [number, number],
  v: Rows,
  tau: number,
  first: number,
  from: number,
  to: number,
): void {
  const sums = new Float64Array(to - from);
  for (let i = first; i < m; i++) for (let j = from; j < to; j++) sums[j - from]! += v[i]! * rows[i * n + j]!;
  for (let i = first; i < m; i++) subtract(rows, i * n + from, tau * v[i]!, sums, 0, to - from);
}

/** By Householder reflections, with LAPACK's signs (geqrf). */
function qr([a]: readonly Rows[], [work, taus]: readonly Rows[], { m, n, k: count }: Sizes): void {
  work!.set(a!);
  const v = new Float64Array(m);
  for (let k = 0; k < count; k++) {
    for (let i = k; i < m; i++) v[i] = work![i * n + k]!;
    taus![k] = reflectionOf(v, k, m);
    const beta = v[k]!;
    v[k] = 1;
    if (taus![k] !== 0) reflectColumns(work!, [m, n], v, taus![k]!, k, k + 1, n);
    for (let i = k; i < m; i++) work![i * n + k] = i === k ? beta : v[i]!;
  }
}

/** Makes of a column the vector of the reflection that clears it below `first`, where what becomes of that element stands; gives its factor. */
function reflectionOf(v: Rows, first: number, m: number): number {
  let largest = 0;
  for (let i = first + 1; i < m; i++) largest = larger(largest, Math.abs(v[i]!));
  if (largest === 0) return 0;
  const alpha = v[first]!;
  largest = larger(largest, Math.abs(alpha));
  let sum = 0;
  for (let i = first; i < m; i++) sum += (v[i]! / largest) * (v[i]! / largest);
  const norm = largest * Math.sqrt(sum);
  const beta = alpha >= 0 ? -norm : norm;
  for (let i = first + 1; i < m; i++) v[i] = v[i]! / (alpha - beta);
  v[first] = beta;
  return (beta - alpha) / beta;
}

/** NaN is larger than all others. */
const larger = (a: number, b: number): number => (a > b || Number.isNaN(a) ? a : b);

/** Reflections from the last to the first, applied to columns of the identity: those after a strip leave it as it is. */
function reflect([packed, taus]: readonly Rows[], [q]: readonly Rows[], { m, n, k: count }: Sizes): void {
  for (let j = 0; j < n; j++) q![j * n + j] = 1;
  const v = new Float64Array(m);
  for (let k = count - 1; k >= 0; k--) {
    v[k] = 1;
    for (let i = k + 1; i < m; i++) v[i] = packed![i * count + k]!;
    const from = Math.floor(k / STRIP) * STRIP;
    if (taus![k] !== 0 && from < n) reflectColumns(q!, [m, n], v, taus![k]!, k, from, n);
  }
}

const MOST_SWEEPS = 60;
const EPSILON = 2 ** -52;

/**
 * By one-sided Jacobi rotations: pairs of columns of a v are rotated until all are orthogonal; their lengths are the singular values.
 *
 * @see Golub and Van Loan, Matrix Computations, 8.6.3
 */
function svd([a]: readonly Rows[], [u, values, v]: readonly Rows[], { m, n }: Sizes): void {
  const scale = scaleOf(a!);
  const w = new Float64Array(n * m);
  const turned = new Float64Array(n * n);
  for (let j = 0; j < n; j++) {
    turned[j * n + j] = 1;
    for (let i = 0; i < m; i++) w[j * m + i] = a![i * n + j]! / scale;
  }
  for (let sweep = 0; sweep < MOST_SWEEPS && rotatePairs(w, turned, m, n); sweep++);
  const lengths = Float64Array.from({ length: n }, (_, j) => Math.sqrt(dot(w, j * m, j * m, m)));
  const largest = lengths.reduce(larger, 0);
  for (let place = 0; place < n; place++) {
    const next = largestOf(lengths);
    const length = lengths[next]!;
    lengths[next] = -1;
    values![place] = length * scale;
    const isNothing = length <= largest * m * EPSILON;
    for (let i = 0; i < m; i++) u![i * n + place] = isNothing ? 0 : w[next * m + i]! / length;
    for (let i = 0; i < n; i++) v![i * n + place] = turned[next * n + i]!;
  }
}

/** The first of the largest, or of NaN. */
function largestOf(lengths: Rows): number {
  let best = 0;
  for (let j = 1; j < lengths.length; j++) {
    if (lengths[j]! > lengths[best]! || (Number.isNaN(lengths[j]!) && !Number.isNaN(lengths[best]!))) best = j;
  }
  return best;
}

/** A power of two near the largest element, so that no square is too large or too small; 1 where there is none. */
function scaleOf(a: Rows): number {
  let largest = 0;
  for (const x of a) largest = larger(largest, Math.abs(x));
  let scale = 1;
  if (!(largest > 0) || largest === Number.POSITIVE_INFINITY) return scale;
  while (scale < largest / 2) scale *= 2;
  while (scale > largest) scale /= 2;
  return scale;
}

function dot(w: Rows, a: number, b: number, count: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += w[a + i]! * w[b + i]!;
  return sum;
}

/** One rotation for each pair of columns that is not orthogonal yet; false if all are. */
function rotatePairs(w: Rows, v: Rows, m: number, n: number): boolean {
  const tolerance = EPSILON * Math.sqrt(m);
  let rotated = false;
  for (let p = 0; p < n; p++) {
    for (let q = p + 1; q < n; q++) {
      const [a, b, c] = [dot(w, p * m, p * m, m), dot(w, q * m, q * m, m), dot(w, p * m, q * m, m)];
      if (!(Math.abs(c) > tolerance * Math.sqrt(a) * Math.sqrt(b))) continue;
      rotated = true;
      const zeta = (b - a) / (2 * c);
      const tangent = (zeta >= 0 ? 1 : -1) / (Math.abs(zeta) + Math.sqrt(1 + zeta * zeta));
      const cosine = 1 / Math.sqrt(1 + tangent * tangent);
      rotate(w, p * m, q * m, m, cosine, cosine * tangent);
      rotate(v, p * n, q * n, n, cosine, cosine * tangent);
    }
  }
  return rotated;
}

function rotate(rows: Rows, p: number, q: number, count: number, cosine: number, sine: number): void {
  for (let i = 0; i < count; i++) {
    const [x, y] = [rows[p + i]!, rows[q + i]!];
    rows[p + i] = cosine * x - sine * y;
    rows[q + i] = sine * x + cosine * y;
  }
}

/** A pivot that is no row exchanges nothing. */
function order([pivots]: readonly Rows[], [rows]: readonly Rows[], { m, k: count }: Sizes): void {
  for (let i = 0; i < m; i++) rows![i] = i;
  for (let k = 0; k < Math.min(m, count); k++) {
    const other = pivots![k]! - 1;
    if (other >= 0 && other < m) exchange(rows!, k, other, 1);
  }
}

const solve =
  (isUpper: boolean, isUnit: boolean): Factor =>
  ([a, b], [x], { m, n }) => {
    x!.set(b!);
    for (let step = 0; step < m; step++) {
      const i = isUpper ? m - 1 - step : step;
      for (let j = isUpper ? i + 1 : 0; j < (isUpper ? m : i); j++) subtract(x!, i * n, a![i * m + j]!, x!, j * n, n);
      const pivot = isUnit ? 1 : a![i * m + i]!;
      for (let j = 0; j < n; j++) x![i * n + j]! /= pivot;
    }
  };

const factors: Readonly<Record<FactorKind, Factor>> = {
  cholesky,
  lu,
  qr,
  reflect,
  svd,
  order,
  lower: solve(false, false),
  upper: solve(true, false),
  unitLower: solve(false, true),
  unitUpper: solve(true, true),
};
