import { describe, expect, test } from 'vitest';
import {
  DTypeError,
  gather,
  gradcheck,
  gradgradcheck,
  indexSelect,
  manualSeed,
  randn,
  ShapeError,
  scatter,
  scatterAdd,
  Tensor,
  tensor,
  ValueError,
  zeros,
} from '../../lib/index.js';
import * as indexing from '../../lib/ops/indexing.js';

const at = (values: number | number[] | number[][]): Tensor => tensor(values, { dtype: 'int32' });
const x = () =>
  tensor([
    [1, 2, 3],
    [4, 5, 6],
  ]);

test('there are tests for every function', () => {
  expect(Object.keys(indexing).sort()).toEqual([
    'gather',
    'indexSelect',
    'scatter',
    'scatterAdd',
    'scatterAdd_',
    'scatter_',
  ]);
});

describe('values', () => {
  test.each<[name: string, actual: () => Tensor, expected: unknown]>([
    [
      'gather along rows',
      () =>
        gather(
          x(),
          1,
          at([
            [0, 0],
            [2, 1],
          ]),
        ),
      [
        [1, 1],
        [6, 5],
      ],
    ],
    ['gather along columns', () => gather(x(), 0, at([[1, 0, 1]])), [[4, 2, 6]]],
    ['gather along the last dim', () => gather(x(), -1, at([[2], [0]])), [[3], [4]]],
    ['gather a vector', () => gather(tensor([5, 6, 7]), 0, at([2, 0, 2, 2])), [7, 5, 7, 7]],
    ['gather a 0-d tensor', () => gather(tensor(5), 0, at([0, 0])), [5, 5]],
    ['gather by a 0-d index', () => gather(tensor([5, 6]), 0, at(1)), 6],
    ['gather nothing', () => gather(x(), 1, at([])), []],
    ['gather integers', () => gather(at([1, 2]), 0, at([1, 1])), [2, 2]],
    ['gather bools', () => gather(tensor([true, false]), 0, at([1, 0])), [false, true]],
    [
      'gather from and by strided tensors',
      () =>
        gather(
          x().t(),
          0,
          at([
            [0, 2],
            [1, 1],
          ]).t(),
        ),
      [
        [1, 5],
        [3, 5],
      ],
    ],
    [
      'indexSelect rows',
      () => indexSelect(x(), 0, at([1, 1, 0])),
      [
        [4, 5, 6],
        [4, 5, 6],
        [1, 2, 3],
      ],
    ],
    [
      'indexSelect columns',
      () => indexSelect(x(), 1, at([2, 0])),
      [
        [3, 1],
        [6, 4],
      ],
    ],
    ['indexSelect by a 0-d index', () => indexSelect(x(), 1, at(1)), [[2], [5]]],
    ['indexSelect nothing', () => indexSelect(x(), 0, at([])), []],
    ['indexSelect of a 0-d tensor', () => indexSelect(tensor(5), 0, at([0])), 5],
    [
      'scatter',
      () =>
        scatter(
          zeros([2, 3]),
          1,
          at([
            [0, 2],
            [1, 1],
          ]),
          x(),
        ),
      [
        [1, 0, 2],
        [0, 5, 0],
      ],
    ],
    [
      'scatter along columns',
      () => scatter(zeros([2, 3]), 0, at([[1, 0, 1]]), x()),
      [
        [0, 2, 0],
        [1, 0, 3],
      ],
    ],
    [
      'scatter a number',
      () => scatter(x(), 1, at([[0], [2]]), -1),
      [
        [-1, 2, 3],
        [4, 5, -1],
      ],
    ],
    ['scatter, the last write wins', () => scatter(zeros([2]), 0, at([1, 1, 1]), tensor([7, 8, 9])), [0, 9]],
    ['scatter that adds', () => scatter(tensor([1, 1]), 0, at([1, 1]), tensor([7, 8]), { reduce: 'add' }), [1, 16]],
    ['scatterAdd', () => scatterAdd(tensor([1, 1]), 0, at([0, 1, 0]), tensor([1, 2, 4])), [6, 3]],
    ['scatterAdd integers', () => scatterAdd(at([1, 1]), 0, at([0, 0]), at([1, 2])), [4, 1]],
    ['scatter nothing', () => scatter(tensor([1, 2]), 0, at([]), tensor([])), [1, 2]],
    ['scatter to a 0-d tensor', () => scatter(tensor(1), 0, at(0), tensor(9)), 9],
    [
      'scatter from strided tensors',
      () =>
        scatter(
          zeros([3, 2]).t(),
          1,
          at([[0], [2]])
            .t()
            .t(),
          x().t().narrow(0, 1, 2),
        ),
      [
        [2, 0, 0],
        [0, 0, 3],
      ],
    ],
  ])('%s', (_, actual, expected) => {
    expect(actual().toArray()).toEqual(expected);
  });

  test('scatter leaves the tensor itself alone', () => {
    const base = tensor([1, 2]);
    scatter(base, 0, at([0]), 9);
    expect(base.toArray()).toEqual([1, 2]);
  });

  test('large ones, against plain loops', () => {
    const base = randn([300, 70]);
    const index = tensor(Int32Array.from({ length: 300 * 50 }, (_, i) => (i * 7919) % 70)).reshape([300, 50]);
    const [values, positions] = [base.toTypedArray(), index.toTypedArray()];
    const expected = Float32Array.from(positions, (column, i) => values[Math.floor(i / 50) * 70 + column]!);
    expect(gather(base, 1, index).toTypedArray()).toEqual(expected);
  });
});

describe('gradients agree with finite differences', () => {
  const index = at([
    [0, 2, 2],
    [1, 1, 0],
  ]);
  test.each<[name: string, fn: (a: Tensor, b: Tensor) => Tensor]>([
    ['gather', (a) => gather(a, 1, index)],
    [
      'gather along columns',
      (a) =>
        gather(
          a,
          0,
          at([
            [0, 1, 0],
            [1, 1, 0],
            [0, 0, 0],
          ]),
        ),
    ],
    ['gather a part', (a) => gather(a.exp(), 1, at([[2]]))],
    ['gather a 0-d tensor', (a) => gather(a.sum(), 0, at([0, 0])).mul(a.sum())],
    ['gather nothing', (a) => gather(a, 1, at([])).sum().add(a.sum())],
    ['indexSelect', (a) => indexSelect(a, 1, at([2, 2, 0]))],
    ['indexSelect of rows', (a) => indexSelect(a.square(), 0, at([1, 1]))],
    [
      'scatter',
      (a, b) =>
        scatter(
          a,
          1,
          at([
            [0, 2],
            [1, 2],
          ]),
          b,
        ),
    ],
    [
      'scatter a number',
      (a) =>
        scatter(
          a,
          1,
          at([
            [0, 2],
            [1, 2],
          ]),
          3,
        ).square(),
    ],
    [
      'scatter into constants',
      (_, b) =>
        scatter(
          zeros([2, 3], { dtype: 'float64' }),
          1,
          at([
            [0, 2],
            [1, 2],
          ]),
          b,
        ),
    ],
    ['scatterAdd', (a, b) => scatterAdd(a, 1, index, b.exp())],
    ['scatter from a larger source', (a, b) => scatterAdd(a, 1, at([[2]]), b)],
    ['scatter nothing', (a, b) => scatter(a, 1, at([]), b)],
  ])('%s', (_, fn) => {
    manualSeed(0);
    const inputs = [0, 1].map(() => randn([2, 3], { dtype: 'float64', requiresGrad: true }));
    expect(gradcheck(fn, inputs)).toBe(true);
    expect(gradgradcheck((a, b) => fn(a.mul(b), b.exp()), inputs)).toBe(true);
  });

  test('equal indices add up', () => {
    const a = tensor([1, 2], { requiresGrad: true });
    indexSelect(a, 0, at([1, 1, 1]))
      .sum()
      .backward();
    expect(a.grad!.toArray()).toEqual([0, 3]);
  });
});

describe('refusals', () => {
  test.each<[call: () => unknown, error: new (message: string) => Error, message: string]>([
    [
      () =>
        gather(
          x(),
          1,
          at([
            [0, 3],
            [0, 0],
          ]),
        ),
      ValueError,
      'gather: index 3 (element 1) is out of range for a dimension of size 3',
    ],
    [
      () => gather(x(), 1, at([[0], [-1]])),
      ValueError,
      'gather: index -1 (element 1) is out of range for a dimension of size 3',
    ],
    [() => gather(x(), 1, tensor([[0]])), DTypeError, 'gather: index must be int32, got float32; convert with .int()'],
    [
      () => gather(x(), 1, at([0])),
      ShapeError,
      'gather: the index must have as many dimensions as the tensor: [1] for [2, 3]',
    ],
    [
      () => gather(x(), 1, at([[0], [0], [0]])),
      ShapeError,
      'gather: the index [3, 1] is larger than the tensor [2, 3] in a dimension other than 1',
    ],
    [() => gather(x(), 2, at([[0]])), ShapeError, 'gather: dim must be between -2 and 1'],
    [
      () => Reflect.apply(gather, undefined, [x(), 1, [0]]),
      ValueError,
      'gather: index must be a Tensor, got an array of 1',
    ],
    [() => indexSelect(x(), 0, at([2])), ValueError, 'index 2 (element 0) is out of range for a dimension of size 2'],
    [() => indexSelect(x(), 0, at([[0]])), ShapeError, 'indexSelect: the index must be 1-d, got [1, 1]'],
    [
      () => scatter(x(), 1, at([[5]]), 1),
      ValueError,
      'scatter: index 5 (element 0) is out of range for a dimension of size 3',
    ],
    [() => scatter(x(), 1, at([[0]]), at([[1]])), DTypeError, 'scatter: the source is int32, but the tensor float32'],
    [
      () => scatter(x(), 1, at([[0, 1]]), tensor([[1]])),
      ShapeError,
      'scatter: the index [1, 2] is larger than the tensor [1, 1]',
    ],
    [
      () => scatter(x(), 1, at([[0]]), 1, { reduce: 'mul' } as object),
      ValueError,
      "scatter: unknown reduce 'mul'; known: add",
    ],
    [
      () => Reflect.apply(Tensor.prototype.scatter, x(), [1, at([[0]]), '1']),
      ValueError,
      "scatter: src must be a Tensor or a number, got '1'",
    ],
    [() => scatterAdd(x(), 0, at([[2]]), tensor([[1]])), ValueError, 'scatterAdd: index 2 (element 0) is out of range'],
  ])('%s', (call, error, message) => {
    expect(call).toThrow(error);
    expect(call).toThrow(message);
  });

  test('a failed scatter leaves no half-written result', () => {
    const base = tensor([1, 2]);
    expect(() => scatter(base, 0, at([0, 7]), 9)).toThrow(ValueError);
    expect(base.toArray()).toEqual([1, 2]);
  });
});
