import { describe, expect, test } from 'vitest';
import {
  addmm,
  arange,
  bmm,
  DTypeError,
  dot,
  eye,
  full,
  gradcheck,
  gradgradcheck,
  linear,
  matmul,
  mm,
  mv,
  ones,
  randn,
  ShapeError,
  type Tensor,
  tensor,
  ValueError,
  zeros,
} from '../../lib/index.js';
import * as products from '../../lib/ops/products.js';

const float64 = (...shape: number[]): Tensor => randn(shape, { dtype: 'float64' });

/** The product of two matrices, by definition. */
function naive(a: Tensor, b: Tensor): number[][] {
  const [left, right] = [a.toArray() as number[][], b.toArray() as number[][]];
  return left.map((row) =>
    Array.from({ length: b.shape[1]! }, (_, j) => row.reduce((sum, x, k) => sum + x * right[k]![j]!, 0)),
  );
}

function expectClose(actual: Tensor, expected: Tensor, tolerance = 1e-12): void {
  expect(actual.shape).toEqual(expected.shape);
  if (actual.numel() > 0) expect(actual.sub(expected).abs().max().item()).toBeLessThan(tolerance);
}

test('there are tests for every function', () => {
  expect(Object.keys(products).sort()).toEqual(['bmm', 'dot', 'linear', 'matmul', 'mm', 'mv']);
});

describe('matmul', () => {
  const layouts: Readonly<Record<string, (rows: number, cols: number) => Tensor>> = {
    contiguous: (rows, cols) => float64(rows, cols),
    transposed: (rows, cols) => float64(cols, rows).t(),
    sliced: (rows, cols) =>
      float64(2 * rows, 3 * cols)
        .slice(0, 0, 2 * rows, 2)
        .slice(1, 1, 3 * cols, 3),
    'repeated rows': (rows, cols) => float64(1, cols).expand([rows, cols]),
  };
  const names = Object.keys(layouts);
  test.each(names.flatMap((a) => names.map((b) => ({ a, b }))))('$a x $b', ({ a, b }) => {
    for (const [m, k, n] of [
      [3, 4, 5],
      [1, 7, 2],
      [17, 9, 33],
      [5, 1, 5],
    ] as const) {
      const [left, right] = [layouts[a]!(m, k), layouts[b]!(k, n)];
      expectClose(matmul(left, right), tensor(naive(left, right), { dtype: 'float64' }));
    }
  });

  test.each<[a: number[], b: number[], result: number[]]>([
    [[3], [3], []],
    [[2, 3], [3], [2]],
    [[3], [3, 2], [2]],
    [[4, 2, 3], [3], [4, 2]],
    [[3], [4, 3, 2], [4, 2]],
    [
      [4, 2, 3],
      [3, 5],
      [4, 2, 5],
    ],
    [
      [2, 3],
      [4, 3, 5],
      [4, 2, 5],
    ],
    [
      [4, 2, 3],
      [4, 3, 5],
      [4, 2, 5],
    ],
    [
      [4, 1, 2, 3],
      [5, 3, 2],
      [4, 5, 2, 2],
    ],
    [
      [1, 2, 3],
      [4, 3, 1],
      [4, 2, 1],
    ],
    [
      [0, 3],
      [3, 2],
      [0, 2],
    ],
    [
      [2, 0],
      [0, 3],
      [2, 3],
    ],
    [
      [2, 3],
      [3, 0],
      [2, 0],
    ],
    [
      [0, 2, 3],
      [3, 4],
      [0, 2, 4],
    ],
  ])('%j x %j is %j', (a, b, result) => {
    const [x, y] = [float64(...a), float64(...b)];
    const product = matmul(x, y);
    expect(product.shape).toEqual(result);
    const [left, right] = [a.length === 1 ? x.unsqueeze(0) : x, b.length === 1 ? y.unsqueeze(-1) : y];
    const wide = left.unsqueeze(-1).mul(right.unsqueeze(-3)).sum(-2);
    const columns = a.length === 1 ? wide.squeeze(-2) : wide;
    expectClose(product, b.length === 1 ? columns.squeeze(-1) : columns);
  });

  test('reads no factor that is repeated along an axis of no elements', () => {
    // It keeps the strides of what it was made from, and has no memory.
    const nothing = ones([1, 257]).expand([0, 257]).mul(2);
    expect(nothing.strides).toEqual([0, 1]);
    expect(matmul(zeros([3, 0]), nothing).toArray()).toEqual(zeros([3, 257]).toArray());
    expect(matmul(zeros([0, 0]), nothing).shape).toEqual([0, 257]);
    expect(matmul(nothing, ones([257, 2])).shape).toEqual([0, 2]);
  });

  test('the product over nothing is zeros', () => {
    expect(matmul(zeros([2, 0]), zeros([0, 2])).toArray()).toEqual([
      [0, 0],
      [0, 0],
    ]);
  });

  test('of integers', () => {
    expect(matmul(arange(4).reshape([2, 2]), arange(2)).toArray()).toEqual([1, 3]);
    expect(matmul(arange(2), arange(2)).dtype).toBe('int32');
  });

  test('NaN and infinities are not lost beside zeros', () => {
    expect(matmul(tensor([[0, 1]]), tensor([[Infinity], [1]])).item()).toBeNaN();
    expect(matmul(tensor([[Number.NaN, 0]]), tensor([[0], [0]])).item()).toBeNaN();
  });

  test.each<[a: number[], b: number[]]>([
    [[3], [3]],
    [[2, 3], [3]],
    [[3], [3, 2]],
    [
      [2, 3],
      [3, 2],
    ],
    [
      [2, 2, 3],
      [3, 2],
    ],
    [
      [2, 3],
      [2, 3, 2],
    ],
    [
      [2, 1, 2, 2],
      [2, 2, 1],
    ],
    [[2, 2, 3], [3]],
  ])('gradients of %j x %j', (a, b) => {
    const inputs = [float64(...a).requiresGrad_(), float64(...b).requiresGrad_()];
    expect(gradcheck(matmul, inputs)).toBe(true);
    expect(gradgradcheck(matmul, inputs)).toBe(true);
  });

  test('gradients of transposed operands, of one operand, and of a matrix with itself', () => {
    const [x, y] = [float64(3, 2).requiresGrad_(), float64(3, 2).requiresGrad_()];
    expect(gradcheck((a, b) => matmul(a.t(), b), [x, y])).toBe(true);
    expect(gradcheck((a) => matmul(a, ones([2, 2], { dtype: 'float64' })), x)).toBe(true);
    expect(gradcheck((a) => matmul(a.t(), a), x)).toBe(true);
    expect(gradgradcheck((a) => matmul(a.t(), a), x)).toBe(true);
  });
});

test('mm, bmm, mv and dot are matmul for their shapes', () => {
  const [a, b] = [float64(2, 3), float64(3, 4)];
  expectClose(mm(a, b), matmul(a, b));
  expectClose(mv(a, b.select(1, 0)), matmul(a, b.select(1, 0)));
  expectClose(dot(a.select(0, 0), b.select(1, 0)), matmul(a.select(0, 0), b.select(1, 0)));
  const [x, y] = [float64(4, 2, 3), float64(4, 3, 2)];
  expectClose(bmm(x, y), matmul(x, y));
});

describe('addmm', () => {
  const [a, b] = [float64(2, 3), float64(3, 4)];
  test.each<[shape: number[]]>([[[2, 4]], [[4]], [[1, 4]], [[2, 1]], [[]]])('with an input of shape %j', (shape) => {
    const input = float64(...shape);
    expectClose(addmm(input, a, b), matmul(a, b).add(input));
    expectClose(addmm(input, a, b, { beta: 2, alpha: -0.5 }), matmul(a, b).mul(-0.5).add(input.mul(2)));
    const inputs = [input, a, b].map((x) => x.detach().clone().requiresGrad_());
    expect(gradcheck((x, y, z) => addmm(x, y, z, { beta: 2, alpha: -0.5 }), inputs)).toBe(true);
    expect(gradgradcheck((x, y, z) => addmm(x, y, z), inputs)).toBe(true);
  });

  test('beta 0 ignores the input, NaN and all', () => {
    expectClose(addmm(full([4], Number.NaN, { dtype: 'float64' }), a, b, { beta: 0 }), matmul(a, b));
  });
});

const affine = (x: Tensor, weight: Tensor, bias?: Tensor): Tensor => linear(x, weight, bias);

describe('linear', () => {
  test.each<[x: number[], weight: number[], bias: number[] | null]>([
    [[2, 3], [4, 3], [4]],
    [[2, 3], [4, 3], null],
    [[2, 3], [4, 3], []],
    [[2, 3], [4, 3], [1]],
    [
      [2, 3],
      [4, 3],
      [2, 4],
    ],
    [[3], [4, 3], [4]],
    [[3], [4, 3], []],
    [[2, 2, 3], [4, 3], [4]],
    [
      [2, 2, 3],
      [4, 3],
      [2, 1],
    ],
    [[2, 3], [3], null],
    [[2, 3], [3], []],
    [[0, 3], [4, 3], [4]],
    [[2, 3], [1, 3], [1]],
  ])('x %j, weight %j, bias %j', (x, weight, bias) => {
    const inputs = [x, weight, ...(bias === null ? [] : [bias])].map((shape) => float64(...shape).requiresGrad_());
    const [a, w, c] = inputs.map((input) => input.detach());
    const product = matmul(a!, w!.t());
    expectClose(linear(a!, w!, c), c === undefined ? product : product.add(c));
    expect(gradcheck(affine, inputs)).toBe(true);
    expect(gradgradcheck(affine, inputs)).toBe(true);
    for (const alone of inputs.keys()) {
      const one = inputs.map((input, i) => (i === alone ? input : input.detach()));
      expect(gradcheck(affine, one)).toBe(true);
    }
  });

  test('with strided operands', () => {
    const [x, w, b] = [float64(3, 5).t(), float64(3, 8).t().slice(0, 0, 8, 2), float64(8).slice(0, 1, 8, 2)];
    expectClose(linear(x, w, b), matmul(x, w.t()).add(b));
    const leaves = [x, w, b].map((input) => input.detach().requiresGrad_());
    expect(gradcheck(affine, leaves)).toBe(true);
  });

  test('a bias of 0 dimensions has a gradient of 0 dimensions', () => {
    const bias = tensor(5.5, { requiresGrad: true });
    linear(ones([2, 3]), ones([4, 3]), bias)
      .sum()
      .backward();
    expect(bias.grad!.shape).toEqual([]);
    expect(bias.grad!.item()).toBe(8);
  });
});

describe('refusals', () => {
  test.each<[call: () => unknown, error: new (message: string) => Error, message: string]>([
    [() => matmul(ones([2, 3]), ones([4, 5])), ShapeError, 'matmul: inner dimensions differ: [2, 3] x [4, 5] (3 != 4)'],
    [() => matmul(ones([3]), ones([4])), ShapeError, 'matmul: inner dimensions differ: [3] x [4] (3 != 4)'],
    [() => matmul(ones([2, 3]), ones([4])), ShapeError, 'matmul: inner dimensions differ: [2, 3] x [4] (3 != 4)'],
    [() => matmul(ones([2, 2, 3]), ones([3, 3, 2])), ShapeError, 'matmul: shapes do not broadcast: [2] x [3] (2 != 3)'],
    [() => matmul(tensor(1), ones([1])), ShapeError, 'matmul: expected at least 1 dimension, got [] x [1]; use mul'],
    [
      () => matmul(ones([2, 2]), eye(2, { dtype: 'float64' })),
      DTypeError,
      'matmul: operands must have one dtype, got float32 and float64; convert with .to()',
    ],
    [
      () => Reflect.apply(matmul, undefined, [ones([2]), [1, 2]]),
      ValueError,
      'matmul: other must be a Tensor, got an array of 2',
    ],
    [() => mm(ones([2]), ones([2, 2])), ShapeError, 'mm: the first operand must have 2 dimensions, got [2]'],
    [() => mm(ones([2, 3]), ones([2, 3])), ShapeError, 'mm: inner dimensions differ: [2, 3] x [2, 3] (3 != 2)'],
    [() => bmm(ones([2, 2, 2]), ones([3, 2, 2])), ShapeError, 'bmm: batch sizes differ: [2, 2, 2] x [3, 2, 2]'],
    [
      () => bmm(ones([2, 2, 2]), ones([2, 2])),
      ShapeError,
      'bmm: the second operand must have 3 dimensions, got [2, 2]',
    ],
    [() => mv(ones([2, 2]), ones([2, 1])), ShapeError, 'mv: the vector must have 1 dimensions, got [2, 1]'],
    [() => dot(ones([2]), ones([3])), ShapeError, 'inner dimensions differ: [2] x [3] (2 != 3)'],
    [
      () => addmm(ones([3]), ones([2, 3]), ones([3, 4])),
      ShapeError,
      'addmm: the input [3] does not broadcast to [2, 4]',
    ],
    [
      () => addmm(ones([3, 2, 4]), ones([2, 3]), ones([3, 4])),
      ShapeError,
      'addmm: the input [3, 2, 4] does not broadcast to [2, 4]',
    ],
    [
      () => addmm(ones([4]), ones([2, 3]), ones([3, 4]), { gamma: 1 } as object),
      ValueError,
      "addmm: unknown option 'gamma'",
    ],
    [
      () => linear(ones([2, 4]), ones([5, 3])),
      ShapeError,
      'linear: expected 3 features (weight [5, 3]), got an input of shape [2, 4]',
    ],
    [
      () => linear(tensor(1), ones([5, 3])),
      ShapeError,
      'linear: expected 3 features (weight [5, 3]), got an input of shape []',
    ],
    [
      () => linear(ones([2, 3]), ones([5, 3]), ones([4])),
      ShapeError,
      'linear: shapes do not broadcast: [2, 5] x [4] (5 != 4)',
    ],
    [
      () => linear(ones([2, 3]), ones([5, 3], { dtype: 'float64' })),
      DTypeError,
      'linear: operands must have one dtype',
    ],
    [
      () => linear(ones([2, 3]), ones([2, 5, 3])),
      ShapeError,
      'linear: the weight must have 2 dimensions, got [2, 5, 3]',
    ],
  ])('%s', (call, error, message) => {
    expect(call).toThrow(error);
    expect(call).toThrow(message);
  });
});
