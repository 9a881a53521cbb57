// Prints digests of many convolutions: of quarters, which no rounding touches, and of noise.
import { createHash } from 'node:crypto';
import { backend } from '../../lib/backend/index.js';
import { examples, operandsOf } from './convolutions.js';
import { quarters } from './matrices.js';
import { noise, valuesOf } from './operands.js';

const noiseValues = noise(1 << 12);

function digest(value: (i: number) => number): string {
  const hash = createHash('sha256');
  for (const dtype of ['float32', 'float64'] as const) {
    for (const example of examples) {
      const { input, weight, out } = operandsOf(example, dtype, value);
      const product = operandsOf(example, dtype, () => 0).weight;
      backend.convolveWeight(input, product, out, example.moves);
      backend.convolve(input, weight, [out], example.moves, null);
      hash.update(Float64Array.from([...valuesOf(out), ...valuesOf(product)]));
    }
  }
  return hash.digest('hex');
}

process.stdout.write(
  JSON.stringify({ exact: digest(quarters), rounded: digest((i) => noiseValues[i % noiseValues.length]!) }),
);
