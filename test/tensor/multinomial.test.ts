import { describe, expect, test } from 'vitest';
import { allocate, allocateState, backend, type DType, seedState, type TypedArray } from '../../lib/backend/index.js';
import { ValueError } from '../../lib/errors.js';
import { type MultinomialDraws, multinomial } from '../../lib/ops/multinomial.js';

/** Draws from a fresh stream, and the float32 uniform that comes after them. */
function stream(seed: number, dtype: 'float32' | 'float64') {
  const state = allocateState();
  seedState(state, seed);
  const fill = (kind: 'uniform' | 'exponential', type: DType, count: number): TypedArray => {
    const out = allocate(type, count);
    const view = { storage: out, offset: 0, shape: [count], strides: [1], dtype: type };
    backend.random(kind, state, view, kind === 'uniform' ? 0 : 1, 1);
    return out.array(type).subarray(0, count);
  };
  const draws: MultinomialDraws = {
    uniform: (count) => fill('uniform', 'float64', count) as Float64Array,
    exponential: (count) => fill('exponential', dtype, count) as Float32Array | Float64Array,
  };
  return { draws, next: () => fill('uniform', 'float32', 1)[0] };
}

const weightsOf = (weights: readonly number[], dtype: 'float32' | 'float64') =>
  dtype === 'float32' ? Float32Array.from(weights) : Float64Array.from(weights);

// torch.manual_seed(seed); torch.multinomial(torch.tensor(weights, dtype=dtype), samples, replacement); torch.rand(1)
const recorded = [
  [0, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 8, true, 'float32', [9, 8, 6, 9, 7, 8, 3, 5], 0.6976675987243652],
  [1, [0.1, 0, 0.3, 0.6], 6, true, 'float64', [0, 2, 2, 2, 3, 2], 0.6826140880584717],
  [2, [1, 0, 2, 3, 0.5, 4], 5, false, 'float32', [5, 3, 2, 0, 4], 0.39005082845687866],
  [3, [1, 0, 2, 3, 0.5, 4], 3, false, 'float64', [0, 3, 5], 0.14984089136123657],
  [4, [1, 2, 3, 4], 1, true, 'float32', [2], 0.6185790300369263],
  [5, [0, 0, 1], 4, true, 'float32', [2, 2, 2, 2], 0.0332646369934082],
] as const;

describe('multinomial', () => {
  test.each(recorded)(
    'seed %i: %j, %i samples, replacement %s, %s',
    (seed, weights, samples, replacement, dtype, indices, next) => {
      const { draws, next: rand } = stream(seed, dtype);
      expect([...multinomial(weightsOf(weights, dtype), samples, replacement, draws)]).toEqual(indices);
      expect(rand()).toBe(next);
    },
  );

  test.each([
    [[1, -1], 1, 'finite and not negative, got -1'],
    [[1, Number.NaN], 1, 'got NaN'],
    [[1, Number.POSITIVE_INFINITY], 1, 'got Infinity'],
    [[0, 0], 1, 'sum to zero'],
    [[1, 0, 2], 3, 'cannot draw 3 samples without replacement from 2 categories'],
  ])('refuses %j, %i samples', (weights, samples, message) => {
    const { draws } = stream(0, 'float32');
    const refused = () => multinomial(Float32Array.from(weights), samples, false, draws);
    expect(refused).toThrow(ValueError);
    expect(refused).toThrow(message);
  });
});
