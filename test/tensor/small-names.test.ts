import {
  arange,
  asStridedScatter,
  broadcastShapes,
  CaptureError,
  capture,
  DTypeError,
  Generator,
  grad,
  gradcheck,
  isNonzero,
  linalg,
  manualSeed,
  nn,
  ones,
  poisson,
  randintLike,
  ShapeError,
  type Tensor,
  tensor,
  ValueError,
  zeros,
} from 'nabla';
import { describe, expect, it } from 'vitest';

// Values are PyTorch's, of the call that stands beside them.

describe('asStridedScatter', () => {
  // torch.as_strided_scatter(torch.arange(6.).reshape(2, 3).t(), torch.tensor([10., 20.]), (2,), (2,), 1)
  it('writes where strides say, in a copy with the strides of the tensor', () => {
    const x = arange(6, { dtype: 'float64' }).reshape([2, 3]).t();
    const result = asStridedScatter(x, tensor([10, 20]).double(), [2], [2], 1);
    expect(result.toArray()).toEqual([
      [0, 20],
      [10, 4],
      [2, 5],
    ]);
    expect(result.strides).toEqual([1, 3]);
    expect(x.sum().item()).toBe(15);
  });

  // torch.as_strided_scatter(torch.arange(6.)[1:5], src, (2,), (2,)), whose gradient leaves out 1 and 3 instead of 0 and 2
  it('counts from the beginning of the memory, and has the gradients of what is left', () => {
    const x = arange(6, { dtype: 'float64' }).requiresGrad_();
    const src = tensor(new Float64Array([10, 20])).requiresGrad_();
    const result = asStridedScatter(x.narrow(0, 1, 4), src, [2], [2]);
    expect(result.toArray()).toEqual([10, 2, 20, 4]);
    const [gx, gs] = grad(result.mul(arange(4)).sum(), [x, src]);
    expect(gx!.toArray()).toEqual([0, 0, 1, 0, 3, 0]);
    expect(gs!.toArray()).toEqual([0, 2]);
  });

  it('has the gradients of finite differences, and is captured', () => {
    const [x, src] = [ones([2, 3], { dtype: 'float64' }), ones([2, 2], { dtype: 'float64' })];
    const f = (a: Tensor, b: Tensor) => asStridedScatter(a, b, [2, 2], [3, 1], 1).square();
    expect(gradcheck((a, b) => f(a!, b!), [x.clone().requiresGrad_(), src.clone().requiresGrad_()])).toBe(true);
    const captured = capture(f);
    for (const by of [1, 2]) expect(captured(x.mul(by), src).toArray()).toEqual(f(x.mul(by), src).toArray());
  });

  it('refuses another shape, and what is beyond the memory', () => {
    expect(() => asStridedScatter(zeros([4]), zeros([3]), [2], [1])).toThrow(ShapeError);
    expect(() => asStridedScatter(zeros([4]), zeros([3]), [3], [2])).toThrow('asStridedScatter: [3] with strides [2]');
  });
});

describe('randintLike', () => {
  // torch.manual_seed(0); torch.randint_like(torch.ones(4), 10); torch.randint_like(torch.ones(4), -5, 5)
  it('draws as PyTorch does', () => {
    manualSeed(0);
    const [first, second] = [randintLike(ones([4]), 10), randintLike(ones([4]), -5, 5, { dtype: 'int32' })];
    expect([first.dtype, first.toArray()]).toEqual(['float32', [4, 9, 3, 0]]);
    expect([second.dtype, second.toArray()]).toEqual(['int32', [-2, 4, 2, -2]]);
    const [a, b] = [new Generator(0), new Generator(0)];
    expect(randintLike(ones([4]), { high: 10, generator: a }).toArray()).toEqual([4, 9, 3, 0]);
    expect(randintLike(ones([4]), { low: 0, high: 10, generator: b }).toArray()).toEqual([4, 9, 3, 0]);
  });

  it('refuses empty ranges', () => {
    expect(() => randintLike(ones([3]), 3, 3)).toThrow('randintLike: low must be below high, got [3, 3)');
    expect(() => randintLike(ones([3]), 0)).toThrow(ValueError);
  });
});

describe('poisson', () => {
  // torch.manual_seed(0); torch.poisson(torch.tensor([0.5, 3, 20, 100.]))
  it('draws as PyTorch does', () => {
    manualSeed(0);
    expect(poisson(tensor([0.5, 3, 20, 100])).toArray()).toEqual([2, 4, 21, 99]);
    expect(poisson(tensor([[0.5, 3, 20, 100]]), new Generator(0)).toArray()).toEqual([[2, 4, 21, 99]]);
    expect(poisson(zeros([2], { dtype: 'float64', requiresGrad: true })).requiresGrad).toBe(false);
  });

  it('refuses what is no rate, and captured functions', () => {
    expect(() => poisson(tensor([1, -1]))).toThrow('poisson: rates must be at least 0, got -1');
    expect(() => poisson(tensor([Number.NaN]))).toThrow(ValueError);
    expect(() => poisson(tensor([1], { dtype: 'int32' }))).toThrow(DTypeError);
    expect(() => capture(() => poisson(tensor([1])))()).toThrow(CaptureError);
  });
});

describe('broadcastShapes', () => {
  it('is the shape of what is broadcast', () => {
    expect(broadcastShapes([2, 1], [3], [])).toEqual([2, 3]);
    expect(broadcastShapes()).toEqual([]);
    expect(broadcastShapes([0], [1])).toEqual([0]);
  });

  it('refuses what does not broadcast', () => {
    expect(() => broadcastShapes([2], [3])).toThrow(ShapeError);
    expect(() => broadcastShapes([2], 3 as never)).toThrow('broadcastShapes: expected a shape');
  });
});

describe('questions of a tensor', () => {
  it('are answered as in PyTorch', () => {
    const types = ['float32', 'float64', 'int32', 'bool'] as const;
    const asked = types.map((dtype) => ones([1], { dtype }));
    expect(asked.map((x) => x.isFloatingPoint())).toEqual([true, true, false, false]);
    expect(asked.map((x) => x.elementSize())).toEqual([4, 8, 4, 1]);
    expect([0, -0, 2, Number.NaN].map((x) => isNonzero(tensor([x])))).toEqual([false, false, true, true]);
    expect(tensor(true).isNonzero()).toBe(true);
    expect(() => isNonzero(tensor([1, 2]))).toThrow('isNonzero: expected a tensor of one element, got shape [2]');
    expect(() => isNonzero(tensor([]))).toThrow(ShapeError);
  });
});

describe('relu_', () => {
  it('writes over its input', () => {
    const x = tensor([-1, 2]);
    expect(nn.functional.relu_(x)).toBe(x);
    expect(x.toArray()).toEqual([0, 2]);
  });
});

describe('linalg functions that say whether they failed', () => {
  const singular = tensor([
    [1, 2],
    [2, 4],
  ]);

  // torch.linalg.inv_ex(S), solve_ex(S, torch.ones(2)), lu_factor_ex(S), with info 2 each
  it('name the pivot', () => {
    expect(linalg.invEx(singular).info.item()).toBe(2);
    expect(linalg.solveEx(singular, ones([2])).info.item()).toBe(2);
    const { LU, pivots, info } = linalg.luFactorEx(singular);
    expect(LU.toArray()).toEqual([
      [2, 4],
      [0.5, 0],
    ]);
    expect([pivots.toArray(), info.item()]).toEqual([[2, 2], 2]);
    expect(linalg.solveEx(singular, ones([3, 2, 1])).info.shape).toEqual([]);
    expect(linalg.invEx(singular.expand([3, 2, 2])).info.toArray()).toEqual([2, 2, 2]);
  });

  it('throw if they are to', () => {
    const options = { checkErrors: true };
    expect(() => linalg.invEx(singular, options)).toThrow('invEx: the matrix is singular');
    expect(() => linalg.solveEx(singular, ones([2]), options)).toThrow('solveEx: the matrix is singular');
    expect(() => linalg.luFactorEx(singular, options)).toThrow('luFactorEx: the matrix is singular');
    expect(() => linalg.choleskyEx(singular.neg(), options)).toThrow('choleskyEx: the matrix is not positive definite');
  });
});
