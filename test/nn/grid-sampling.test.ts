import { readFileSync } from 'node:fs';
import {
  capture,
  DTypeError,
  gradcheck,
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

/** See fixtures/grid.py. */
interface Recorded {
  readonly sampled: readonly {
    readonly shape: readonly number[];
    readonly grid: { readonly shape: readonly number[]; readonly values: readonly number[] };
    readonly args: readonly ['bilinear' | 'nearest' | 'bicubic', 'zeros' | 'border' | 'reflection', boolean];
    readonly y: Encoded;
    readonly gx: Encoded;
    readonly gg: Encoded;
  }[];
  readonly gridded: readonly {
    readonly theta: readonly number[];
    readonly size: readonly number[];
    readonly align: boolean;
    readonly y: Encoded;
    readonly gt: Encoded;
  }[];
}

const recorded = JSON.parse(readFileSync(new URL('../fixtures/grid.json', import.meta.url), 'utf8')) as Recorded;

const F = nn.functional;

const waves = (shape: readonly number[], phase = 0): Tensor => {
  const size = shape.reduce((a, b) => a * b, 1);
  return tensor(Float64Array.from({ length: size }, (_, i) => Math.sin(i * 0.7 + phase))).reshape([...shape]);
};

describe.each(recorded.sampled)('gridSample of [$shape], $args', ({ shape, grid, args, y, gx, gg }) => {
  const places = () => tensor(Float64Array.from(grid.values)).reshape([...grid.shape]);

  it('has the values and gradients of PyTorch, captured too', () => {
    const [x, g] = [waves(shape).requiresGrad_(), places().requiresGrad_()];
    const out = F.gridSample(x, g, ...args);
    expectClose(out, y, 1e-11);
    out.mul(waves(out.shape, 1)).sum().backward();
    expectClose(x.grad!, gx, 1e-11);
    // What is nearest has no slope: null stands for zeros.
    expectClose(g.grad ?? g.detach().mul(0), gg, 1e-11);
    const step = capture((a: Tensor, b: Tensor) => F.gridSample(a, b, ...args));
    step(waves(shape), places());
    expectSame(step(waves(shape), places()), out.detach());
  });

  it('has the derivatives of finite differences, of the second order too', () => {
    // Away from corners, where there are none.
    const inputs = [waves(shape).requiresGrad_(), places().mul(0.93).add(0.011).requiresGrad_()];
    const f = (x?: Tensor, g?: Tensor) => F.gridSample(x!, g!, ...args);
    expect(gradcheck(f, inputs)).toBe(true);
    expect(gradgradcheck(f, inputs)).toBe(true);
  });
});

describe.each(recorded.gridded)('affineGrid of [$size]', ({ theta, size, align, y, gt }) => {
  it('has the values and gradients of PyTorch', () => {
    const leaf = waves(theta).requiresGrad_();
    const out = F.affineGrid(leaf, size, align);
    expectClose(out, y, 1e-13);
    out.mul(waves(out.shape, 1)).sum().backward();
    expectClose(leaf.grad!, gt, 1e-12);
  });
});

describe('gridSample', () => {
  it('reads nothing outside, and NaN where it is NaN', () => {
    const image = tensor([[[[Number.NaN, 1, 2, 3]]]]);
    expect(
      numbers(
        F.gridSample(
          image,
          tensor([
            [
              [
                [0.75, 0],
                [9, 9],
                [-0.75, 0],
              ],
            ],
          ]),
        ),
      ),
    ).toEqual([3, 0, Number.NaN]);
    const lost = F.gridSample(zeros([1, 1, 2, 2]).add(1), tensor([[[[Number.NaN, 0]]]]));
    expect(numbers(lost).every((value) => Number.isNaN(value) || value === 0)).toBe(true);
    expect(numbers(F.gridSample(image, tensor([[[[1e30, 0]]]]), 'nearest'))).toEqual([0]);
    expect(numbers(F.gridSample(image, tensor([[[[1e30, 0]]]]), 'nearest', 'border'))).toEqual([3]);
    expect(F.gridSample(zeros([0, 2, 3, 3]), zeros([0, 4, 5, 2])).shape).toEqual([0, 2, 4, 5]);
    expect(F.gridSample(zeros([1, 2, 3, 3]), zeros([1, 0, 5, 2])).shape).toEqual([1, 2, 0, 5]);
  });

  it('takes strided operands', () => {
    const [x, g] = [waves([1, 4, 3, 2]), waves([1, 2, 5, 3])];
    const [turned, grid] = [x.permute([0, 3, 1, 2]), g.permute([0, 2, 3, 1])];
    expectSame(F.gridSample(turned, grid), F.gridSample(turned.contiguous(), grid.contiguous()));
  });

  it('names what does not fit', () => {
    const x = zeros([1, 1, 2, 2]);
    expect(() => F.gridSample(zeros([1, 2, 2]), zeros([1, 2, 2]))).toThrow(ShapeError);
    expect(() => F.gridSample(x, zeros([1, 3, 3, 3]))).toThrow(
      new ShapeError(
        'gridSample: the grid must have shape [1, height, width, 2] for an input of shape [1, 1, 2, 2], got [1, 3, 3, 3]',
      ),
    );
    expect(() => F.gridSample(zeros([1, 1, 2, 2, 2]), zeros([1, 2, 2, 2, 3]), 'bicubic')).toThrow(ValueError);
    expect(() => F.gridSample(x, zeros([1, 3, 3, 2]).double())).toThrow(DTypeError);
    expect(() => F.gridSample(zeros([1, 0, 2, 2]), zeros([1, 3, 3, 2]))).toThrow(ShapeError);
    expect(() => F.affineGrid(zeros([1, 2, 3]), [2, 1, 2, 2])).toThrow(ShapeError);
    expect(() => F.affineGrid(zeros([1, 2, 3]).int(), [1, 1, 2, 2])).toThrow(DTypeError);
  });
});
