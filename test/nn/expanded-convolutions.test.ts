import { grad, manualSeed, nn, ones, randn } from 'nabla';
import { describe, expect, it } from 'vitest';

const { functional } = nn;

// An expanded tensor has one element where others have rows: its strides are 0.
describe.each(['float32', 'float64'] as const)('convolutions of expanded tensors, %s', (dtype) => {
  it.each([
    [[2, 3, 40], [5, 3, 3], 1],
    [[1, 2, 8, 40], [3, 2, 3, 3], 1],
    [[2, 4, 33, 17], [20, 4, 3, 3], 2],
    [[2, 16, 8, 8], [32, 16, 3, 3], 1],
  ])('%j by %j, stride %i: the same as of copies', (shape, weights, stride) => {
    manualSeed(1);
    const convolve = shape.length === 3 ? functional.conv1d : functional.conv2d;
    const weight = randn(weights, { dtype, requiresGrad: true });
    for (const small of [[], [shape.at(-1)!], [...shape.slice(0, -1), 1]]) {
      const expanded = randn(small, { dtype }).expand(shape);
      const results = [expanded, expanded.clone()].map((x) => {
        const leaf = x.requiresGrad_();
        const y = convolve(leaf, weight, null, { stride, padding: 1 });
        // The gradient of a sum is an expanded 1.
        const fromSum = grad([y.sum()], [leaf, weight], { retainGraph: true });
        const fromOnes = grad([y], [leaf, weight], { gradOutputs: [ones(y.shape, { dtype })] });
        return [y, ...fromSum, ...fromOnes].map((one) => one!.toArray());
      });
      expect(results[0]).toEqual(results[1]);
      expect(results[0]!.slice(1, 3)).toEqual(results[0]!.slice(3));
    }
  });
});
