/** A dense matrix in row-major order. */
export interface Matrix {
  readonly rows: number;
  readonly cols: number;
  readonly values: Float64Array;
}

/**
 * The reduced QR decomposition of a matrix with at least as many rows as columns, by Householder reflections with LAPACK's
 * signs (geqrf, orgqr): a = q r, q (rows, cols) with orthonormal columns, r (cols, cols) upper triangular.
 */
export function qr(a: Matrix): { readonly q: Matrix; readonly r: Matrix } {
  const { rows, cols } = a;
  const work: Matrix = { rows, cols, values: a.values.slice() };
  const reflections = Array.from({ length: cols }, (_, k) => {
    const reflection = reflectionOf(work, k);
    reflect(work, reflection);
    return reflection;
  });
  const q: Matrix = { rows, cols, values: new Float64Array(rows * cols) };
  for (let k = 0; k < cols; k++) q.values[k * cols + k] = 1;
  for (const reflection of reflections.reverse()) reflect(q, reflection);
  const r = work.values.slice(0, cols * cols);
  for (let i = 1; i < cols; i++) r.fill(0, i * cols, i * cols + i);
  return { q, r: { rows: cols, cols, values: r } };
}

/** I - tau v vᵀ, acting on the rows from `first` on; v has one element for each of them. */
interface Reflection {
  readonly first: number;
  readonly v: Float64Array;
  readonly tau: number;
}

/** The reflection that clears column `k` below the diagonal (larfg). */
function reflectionOf({ rows, cols, values }: Matrix, k: number): Reflection {
  const v = Float64Array.from({ length: rows - k }, (_, i) => values[(k + i) * cols + k]!);
  const alpha = v[0]!;
  const below = v.subarray(1);
  if (below.every((x) => x === 0)) return { first: k, v, tau: 0 };
  const norm = Math.sqrt(v.reduce((sum, x) => sum + x * x, 0));
  const beta = alpha >= 0 ? -norm : norm;
  v[0] = 1;
  for (let i = 0; i < below.length; i++) below[i]! /= alpha - beta;
  return { first: k, v, tau: (beta - alpha) / beta };
}

/** In place. Columns left of `first` are zero in the rows concerned, in r by construction and in q because later reflections come first. */
function reflect({ cols, values }: Matrix, { first, v, tau }: Reflection): void {
  const products = new Float64Array(cols);
  for (let i = 0; i < v.length; i++) {
    const row = (first + i) * cols;
    const weight = v[i]!;
    for (let j = first; j < cols; j++) products[j]! += weight * values[row + j]!;
  }
  for (let i = 0; i < v.length; i++) {
    const row = (first + i) * cols;
    const weight = tau * v[i]!;
    for (let j = first; j < cols; j++) values[row + j]! -= weight * products[j]!;
  }
}

function transpose({ rows, cols, values }: Matrix): Matrix {
  return { rows: cols, cols: rows, values: values.map((_, i) => values[(i % rows) * cols + Math.floor(i / rows)]!) };
}

/**
 * The matrix with orthonormal rows or columns, whichever are fewer, that `nn.init.orthogonal_` makes of a matrix of normals: q with
 * its columns' signs chosen so that r has a positive diagonal, which makes it uniformly distributed.
 */
export function orthogonalize(a: Matrix): Matrix {
  if (a.rows < a.cols) return transpose(orthogonalize(transpose(a)));
  const { q, r } = qr(a);
  const { cols } = a;
  const values = q.values.map((x, i) => x * Math.sign(r.values[(i % cols) * (cols + 1)]!));
  return { ...q, values };
}
