import { readFileSync } from 'node:fs';
import {
  arange,
  capture,
  DTypeError,
  gradgradcheck,
  nn,
  ShapeError,
  type Tensor,
  tensor,
  ValueError,
  zeros,
} from 'nabla';
import { describe, expect, it } from 'vitest';
import { expectSame } from '../capture/same.js';
import { type Encoded, expectClose, numbers } from '../recorded.js';

// Values, gradients and texts of the layers: windows.test.ts. Here is what only the function has: see fixtures/interpolation.py.

interface Sizes {
  readonly size?: number;
  readonly scaleFactor?: number;
}

interface Recorded {
  readonly nearest: readonly {
    readonly mode: 'nearest' | 'nearest-exact';
    readonly dtype: 'float32' | 'float64';
    readonly cases: readonly { readonly size: number; readonly to: Sizes; readonly taken: string }[];
  }[];
  readonly smooth: readonly {
    readonly shape: readonly number[];
    readonly options: nn.functional.InterpolateOptions;
    readonly outShape: readonly number[];
    readonly out: Encoded;
    readonly gx: Encoded;
  }[];
}

const recorded = JSON.parse(
  readFileSync(new URL('../fixtures/interpolation.json', import.meta.url), 'utf8'),
) as Recorded;

const F = nn.functional;

const wave = (shape: readonly number[], f: (x: number) => number): Tensor =>
  tensor(Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => f(i))).reshape([...shape]);

describe.each(recorded.nearest)('$mode of $dtype', ({ mode, dtype, cases }) => {
  it('takes the elements that PyTorch takes', () => {
    for (const { size, to, taken } of cases) {
      const x = arange(size, { dtype }).reshape([1, 1, size]);
      const got = numbers(F.interpolate(x, { ...to, mode })).map((i) => i.toString(36));
      expect([size, to, got.join('')]).toEqual([size, to, taken]);
    }
  });
});

describe.each(recorded.smooth)('$options.mode of [$shape] to [$outShape], smoothed', (one) => {
  const x = () => wave(one.shape, (i) => Math.sin(i * 0.7));
  it('has the values and gradients of PyTorch, captured too', () => {
    const leaf = x().requiresGrad_();
    const out = F.interpolate(leaf, one.options);
    expect(out.shape).toEqual(one.outShape);
    expectClose(out, one.out, 1e-12);
    out.mul(wave(out.shape, Math.cos)).sum().backward();
    expectClose(leaf.grad!, one.gx, 1e-12);
    const step = capture((y: Tensor) => F.interpolate(y, one.options));
    step(x());
    expectSame(step(x()), out.detach());
  });

  it('has gradients of gradients', () => {
    expect(gradgradcheck((y: Tensor) => F.interpolate(y, one.options), [x().requiresGrad_()])).toBe(true);
  });
});

describe('interpolate', () => {
  it('is a copy, of what keeps its size too', () => {
    const x = zeros([1, 1, 2, 2]);
    F.interpolate(x, 2).add_(1);
    F.interpolate(x, { scaleFactor: 1, mode: 'bilinear' }).add_(1);
    F.interpolate(x, 2, { mode: 'area' }).add_(1);
    expect(x.sum().item()).toBe(0);
    expect(F.interpolate(zeros([0, 2, 3]), 5).shape).toEqual([0, 2, 5]);
  });

  it('keeps NaN and infinities where they are', () => {
    const x = tensor([[[1, 2, Number.NaN, 4, 5, 6]]]);
    expect(numbers(F.interpolate(x, 3, { mode: 'linear' }))).toEqual([1.5, Number.NaN, 5.5]);
    const image = tensor([[[[Number.POSITIVE_INFINITY, 1, 1, 1, 1, 1, 1]]]]);
    const small = numbers(F.interpolate(image, [1, 3], null, 'bilinear', null, null, true));
    expect(small[0]).toBe(Number.POSITIVE_INFINITY);
    expect(small[2]).toBeCloseTo(1, 6);
  });

  it('is nearest, or with corners in their places, under its old names', () => {
    const x = wave([1, 2, 3, 4], Math.sin);
    expectSame(F.upsampleNearest(x, 5), F.interpolate(x, 5));
    expectSame(F.upsample(x, null, 2, 'bilinear', true), F.upsampleBilinear(x, { scaleFactor: 2 }));
  });

  it('names what does not fit', () => {
    const x = zeros([1, 2, 3, 4]);
    expect(() => F.interpolate(x)).toThrow(
      new ValueError('interpolate: expected either size or scaleFactor, got neither'),
    );
    expect(() => new nn.Upsample(2, 2)).toThrow(
      new ValueError('Upsample: expected either size or scaleFactor, got both'),
    );
    expect(() => F.interpolate(x, 2, { alignCorners: false })).toThrow(
      new ValueError("interpolate: alignCorners has no meaning for mode 'nearest'; leave it out"),
    );
    expect(() => F.interpolate(x, 2, { mode: 'linear' })).toThrow(
      new ShapeError("interpolate: the input must have 3 dimensions for mode 'linear', (N, C, …), got [1, 2, 3, 4]"),
    );
    expect(() => F.interpolate(x, [2, 2, 2])).toThrow(
      new ShapeError('interpolate: size must have a number for each of 2 axes, got [2, 2, 2]'),
    );
    expect(() => F.interpolate(x, { scaleFactor: 0.3 })).toThrow(
      new ShapeError('interpolate: scaleFactor [0.3, 0.3] makes [0, 1] of [3, 4]'),
    );
    expect(() => F.interpolate(x, { scaleFactor: Number.POSITIVE_INFINITY })).toThrow(ShapeError);
    expect(() => F.interpolate(x, 2, { antialias: true })).toThrow(
      new ValueError("interpolate: antialias is for modes 'bilinear' and 'bicubic', got 'nearest'"),
    );
    expect(() => F.interpolate(x, 2, { recomputeScaleFactor: true })).toThrow(ValueError);
    expect(() => F.interpolate(x.int(), 2)).toThrow(DTypeError);
    expect(() => F.interpolate(zeros([1, 0, 3]), 2)).toThrow(ShapeError);
  });
});
