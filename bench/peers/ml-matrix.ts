/** The driver for ml-matrix, whose matrices are float64. */

import { probe, seeds, uniform } from '../drivers/inputs.js';
import { serve, type Task } from '../drivers/serve.js';
import type { MapWork, MatmulWork } from '../harness/work.js';
import { load } from './library.js';

interface Matrix {
  mmul(other: Matrix): Matrix;
  transpose(): Matrix;
  to1DArray(): number[];
}

interface MlMatrix {
  readonly Matrix: {
    from1DArray(rows: number, columns: number, values: ArrayLike<number>): Matrix;
    add(a: Matrix, b: Matrix): Matrix;
    exp(a: Matrix): Matrix;
  };
}

const { library, version, loadSeconds } = load<MlMatrix>('ml-matrix');
const { Matrix } = library;

const making = (run: () => Matrix): Task => ({ run, first: () => probe(run().to1DArray()) });

/** It has no products of transposed matrices but by transposing, which counts. */
function matmul({ m, k, n, transposeA, transposeB }: MatmulWork): Task {
  const [x, y] = [uniform(m * k, seeds.x), uniform(k * n, seeds.y)];
  const a = transposeA ? Matrix.from1DArray(k, m, x) : Matrix.from1DArray(m, k, x);
  const b = transposeB ? Matrix.from1DArray(n, k, y) : Matrix.from1DArray(k, n, y);
  return making(() => (transposeA ? a.transpose() : a).mmul(transposeB ? b.transpose() : b));
}

function map({ op, size }: MapWork): Task | null {
  const x = Matrix.from1DArray(1, size, uniform(size, seeds.x));
  const y = Matrix.from1DArray(1, size, uniform(size, seeds.y));
  if (op === 'add') return making(() => Matrix.add(x, y));
  return op === 'exp' ? making(() => Matrix.exp(x)) : null;
}

await serve({ name: 'ml-matrix', version, loadSeconds }, (work) => {
  if (work.kind === 'matmul') return matmul(work);
  return work.kind === 'map' ? map(work) : null;
});
