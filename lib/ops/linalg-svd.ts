import type { Matrix } from './linalg-qr.js';

/** The sum of a matrix' singular values, and its orthogonal polar factor U Vᵀ over those that are not 0 (row-major, like the matrix). */
export interface SingularValues {
  readonly sum: number;
  readonly polar: Float64Array;
}

const MAX_SWEEPS = 60;

/**
 * By one-sided Jacobi rotations: pairs of columns of W = A V are rotated until all are orthogonal; their lengths are the singular values.
 *
 * @see Golub and Van Loan, Matrix Computations, 8.6.3
 */
export function singularValues({ rows, cols, values }: Matrix): SingularValues {
  const w = Array.from({ length: cols }, (_, j) =>
    Float64Array.from({ length: rows }, (_, i) => values[i * cols + j]!),
  );
  const v = Array.from({ length: cols }, (_, j) => Float64Array.from({ length: cols }, (_, i) => Number(i === j)));
  for (let sweep = 0; sweep < MAX_SWEEPS && rotatePairs(w, v); sweep++);
  const lengths = w.map((column) => Math.sqrt(dot(column, column)));
  const negligible = Math.max(0, ...lengths) * Math.max(rows, cols) * Number.EPSILON;
  const polar = new Float64Array(rows * cols);
  lengths.forEach((length, k) => {
    if (length <= negligible) return;
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < cols; j++) polar[i * cols + j]! += (w[k]![i]! / length) * v[k]![j]!;
    }
  });
  return { sum: lengths.reduce((a, b) => a + b, 0), polar };
}

/** One rotation for each pair of columns that is not orthogonal yet; false if all are. */
function rotatePairs(w: readonly Float64Array[], v: readonly Float64Array[]): boolean {
  let rotated = false;
  for (let p = 0; p < w.length; p++) {
    for (let q = p + 1; q < w.length; q++) {
      const [a, b, c] = [dot(w[p]!, w[p]!), dot(w[q]!, w[q]!), dot(w[p]!, w[q]!)];
      if (!(Math.abs(c) > 1e-15 * Math.sqrt(a * b))) continue;
      rotated = true;
      const zeta = (b - a) / (2 * c);
      const tangent = (zeta >= 0 ? 1 : -1) / (Math.abs(zeta) + Math.sqrt(1 + zeta * zeta));
      const cosine = 1 / Math.sqrt(1 + tangent * tangent);
      rotate(w[p]!, w[q]!, cosine, cosine * tangent);
      rotate(v[p]!, v[q]!, cosine, cosine * tangent);
    }
  }
  return rotated;
}

function rotate(p: Float64Array, q: Float64Array, cosine: number, sine: number): void {
  for (let i = 0; i < p.length; i++) {
    const x = p[i]!;
    p[i] = cosine * x - sine * q[i]!;
    q[i] = sine * x + cosine * q[i]!;
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
