// Prints digests of many products: of quarters, which no rounding touches, and of noise.
import { createHash } from 'node:crypto';
import type { ComputeType } from '../../lib/backend/dtype.js';
import { backend } from '../../lib/backend/index.js';
import { matrix, quarters } from './matrices.js';
import { noise } from './operands.js';

const noiseValues = noise(1 << 16);

function digest(value: (i: number) => number): string {
  const hash = createHash('sha256');
  const products = (dtype: ComputeType, m: number, n: number, k: number): void => {
    for (const aLayout of ['rows', 'columns', 'gaps'] as const) {
      for (const bLayout of ['rows', 'columns', 'gaps'] as const) {
        const a = matrix(dtype, [m, k], aLayout, value);
        const b = matrix(dtype, [k, n], bLayout, value);
        const out = matrix(dtype, [m, n], 'rows', () => 0);
        backend.matmul(a, b, [out], null);
        hash.update(out.storage.array(dtype));
      }
    }
  };
  for (const dtype of ['float32', 'float64'] as const) {
    for (const m of [1, 5, 6, 7, 14, 15, 33]) {
      for (const n of [1, 7, 8, 15, 16, 17, 33, 64]) products(dtype, m, n, 37);
    }
    products(dtype, 190, 280, 530);
  }
  return hash.digest('hex');
}

process.stdout.write(
  JSON.stringify({ exact: digest(quarters), rounded: digest((i) => noiseValues[i % noiseValues.length]!) }),
);
