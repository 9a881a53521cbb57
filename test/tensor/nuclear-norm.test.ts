import { gradcheck, gradgradcheck, manualSeed, norm, randn, ShapeError, tensor, zeros } from 'nabla';
import { describe, expect, it } from 'vitest';

describe("norm with p = 'nuc'", () => {
  it('adds up singular values', () => {
    expect(
      norm(
        tensor([
          [3, 0],
          [0, -4],
        ]),
        'nuc',
      ).item(),
    ).toBeCloseTo(7, 6);
    expect(
      norm(
        tensor(
          [
            [1, 1],
            [1, 1],
            [1, 1],
          ],
          { dtype: 'float64' },
        ),
        'nuc',
      ).item(),
    ).toBeCloseTo(Math.sqrt(6), 12);
    expect(norm(zeros([2, 3]), 'nuc').item()).toBe(0);
  });

  it.each([[[4, 3]], [[3, 4]], [[2, 3, 3]]])('has the gradient of finite differences for shape %j', (shape) => {
    manualSeed(1);
    const x = randn(shape, { dtype: 'float64', requiresGrad: true });
    expect(gradcheck((t) => norm(t, 'nuc', [-2, -1]), [x])).toBe(true);
  });

  it('has second derivatives, and refuses other than two dims', () => {
    manualSeed(2);
    const x = randn([3, 2], { dtype: 'float64', requiresGrad: true });
    expect(gradgradcheck((t) => norm(t, 'nuc'), [x])).toBe(true);
    expect(() => norm(zeros([2]), 'nuc')).toThrow(ShapeError);
  });
});
