import { describe, expect, test } from 'vitest';
import {
  arange,
  blockDiag,
  broadcastTensors,
  capture,
  cat,
  columnStack,
  concat,
  concatenate,
  dstack,
  grad,
  gradcheck,
  gradgradcheck,
  hstack,
  ones,
  optim,
  randn,
  rowStack,
  ShapeError,
  stack,
  Tensor,
  tensor,
  ValueError,
  vstack,
  zeros,
} from '../../lib/index.js';
import * as joining from '../../lib/ops/joining.js';
import * as views from '../../lib/ops/views.js';
import { storageOf } from '../../lib/tensor/tensor.js';
import { type Arrangement, counting, describeArrangements } from './rearranged.js';

const rows: readonly Arrangement[] = [
  {
    name: 'view',
    of: () => counting(6),
    take: (x) => x.view([2, 3]),
    expected: [
      [0, 1, 2],
      [3, 4, 5],
    ],
  },
  { name: 'view with -1', of: () => counting(2, 3), take: (x) => x.view([-1]), expected: [0, 1, 2, 3, 4, 5] },
  { name: 'view of a 0-d tensor', of: () => arange(1).reshape([]), take: (x) => x.view([1, 1]), expected: [[0]] },
  {
    name: 'view as another',
    of: () => counting(6),
    take: (x) => x.view(zeros([3, 2])),
    expected: [
      [0, 1],
      [2, 3],
      [4, 5],
    ],
  },
  {
    name: 'view of columns',
    of: () => counting(2, 3, 2),
    take: (x) => x.narrow(1, 1, 2).view([2, 2, 1, 2]),
    expected: [
      [[[2, 3]], [[4, 5]]],
      [[[8, 9]], [[10, 11]]],
    ],
  },
  {
    name: 'reshape',
    of: () => counting(2, 3),
    take: (x) => x.reshape([3, 2]),
    expected: [
      [0, 1],
      [2, 3],
      [4, 5],
    ],
  },
  {
    name: 'reshape, transposed',
    of: () => counting(3, 2),
    take: (x) => x.t().reshape([6]),
    expected: [0, 2, 4, 1, 3, 5],
    copies: true,
  },
  { name: 'reshapeAs', of: () => counting(2, 3), take: (x) => x.reshapeAs(zeros([6])), expected: [0, 1, 2, 3, 4, 5] },
  {
    name: 'permute',
    of: () => counting(1, 2, 3),
    take: (x) => x.permute([2, 0, -2]),
    expected: [[[0, 3]], [[1, 4]], [[2, 5]]],
  },
  { name: 'transpose', of: () => counting(2, 1, 2), take: (x) => x.transpose(0, -1), expected: [[[0, 2]], [[1, 3]]] },
  { name: 'transpose of a 0-d tensor', of: () => arange(1).reshape([]), take: (x) => x.transpose(0, -1), expected: 0 },
  {
    name: 't',
    of: () => counting(2, 2),
    take: (x) => x.t(),
    expected: [
      [0, 2],
      [1, 3],
    ],
  },
  { name: 't of a vector', of: () => counting(2), take: (x) => x.t(), expected: [0, 1] },
  { name: 'T', of: () => counting(1, 1, 2), take: (x) => x.T, expected: [[[0]], [[1]]] },
  { name: 'mT', of: () => counting(1, 1, 2), take: (x) => x.mT, expected: [[[0], [1]]] },
  {
    name: 'expand',
    of: () => counting(2, 1),
    take: (x) => x.expand([-1, 2]),
    overlaps: true,
    expected: [
      [0, 0],
      [1, 1],
    ],
  },
  {
    name: 'expand with new dims',
    of: () => counting(2),
    take: (x) => x.expand([1, 2, 2]),
    overlaps: true,
    expected: [
      [
        [0, 1],
        [0, 1],
      ],
    ],
  },
  { name: 'expand to nothing', of: () => counting(1), take: (x) => x.expand([0]), expected: [] },
  { name: 'expandAs', of: () => counting(1), take: (x) => x.expandAs(zeros([3])), overlaps: true, expected: [0, 0, 0] },
  {
    name: 'broadcastTo',
    of: () => counting(2),
    take: (x) => x.broadcastTo([2, 2]),
    overlaps: true,
    expected: [
      [0, 1],
      [0, 1],
    ],
  },
  { name: 'squeeze', of: () => counting(1, 2, 1), take: (x) => x.squeeze(), expected: [0, 1] },
  { name: 'squeeze one', of: () => counting(1, 2, 1), take: (x) => x.squeeze(-1), expected: [[0, 1]] },
  { name: 'squeeze a larger one', of: () => counting(1, 2), take: (x) => x.squeeze(1), expected: [[0, 1]] },
  { name: 'squeeze several', of: () => counting(1, 2, 1), take: (x) => x.squeeze([0, 1]), expected: [[0], [1]] },
  { name: 'squeeze none', of: () => counting(1, 2), take: (x) => x.squeeze([]), expected: [[0, 1]] },
  { name: 'unsqueeze', of: () => counting(2), take: (x) => x.unsqueeze(0), expected: [[0, 1]] },
  { name: 'unsqueeze last', of: () => counting(2), take: (x) => x.unsqueeze(-1), expected: [[0], [1]] },
  { name: 'flatten', of: () => counting(2, 1, 2), take: (x) => x.flatten(), expected: [0, 1, 2, 3] },
  {
    name: 'flatten some',
    of: () => counting(2, 1, 2),
    take: (x) => x.flatten(1),
    expected: [
      [0, 1],
      [2, 3],
    ],
  },
  { name: 'flatten a 0-d tensor', of: () => arange(1).reshape([]), take: (x) => x.flatten(), expected: [0] },
  {
    name: 'flatten, transposed',
    of: () => counting(2, 2),
    take: (x) => x.t().flatten(),
    expected: [0, 2, 1, 3],
    copies: true,
  },
  { name: 'ravel', of: () => counting(2, 2), take: (x) => x.ravel(), expected: [0, 1, 2, 3] },
  {
    name: 'unflatten',
    of: () => counting(6),
    take: (x) => x.unflatten(0, [2, -1]),
    expected: [
      [0, 1, 2],
      [3, 4, 5],
    ],
  },
  { name: 'narrow', of: () => counting(5), take: (x) => x.narrow(0, 1, 3), expected: [1, 2, 3] },
  {
    name: 'narrow from the end',
    of: () => counting(2, 3),
    take: (x) => x.narrow(-1, -2, 2),
    expected: [
      [1, 2],
      [4, 5],
    ],
  },
  {
    name: 'narrow from a tensor',
    of: () => counting(5),
    take: (x) => x.narrow(0, tensor(2, { dtype: 'int32' }), 1),
    reads: true,
    expected: [2],
  },
  { name: 'narrow to nothing', of: () => counting(5), take: (x) => x.narrow(0, 5, 0), expected: [] },
  { name: 'slice', of: () => counting(10), take: (x) => x.slice(0, 1, -1, 3), expected: [1, 4, 7] },
  { name: 'slice beyond the ends', of: () => counting(3), take: (x) => x.slice(0, -9, 9), expected: [0, 1, 2] },
  { name: 'slice of nothing', of: () => counting(3), take: (x) => x.slice(0, 2, 1), expected: [] },
  { name: 'slice by default', of: () => counting(2), take: (x) => x.slice(), expected: [0, 1] },
  { name: 'select', of: () => counting(2, 2), take: (x) => x.select(0, -1), expected: [2, 3] },
  { name: 'select a column', of: () => counting(2, 2), take: (x) => x.select(1, 0), expected: [0, 2] },
  { name: 'split', of: () => counting(5), take: (x) => x.split(2), expected: [[0, 1], [2, 3], [4]] },
  {
    name: 'split by sizes',
    of: () => counting(1, 3),
    take: (x) => x.split([1, 0, 2], 1),
    expected: [[[0]], [[]], [[1, 2]]],
  },
  { name: 'splitWithSizes', of: () => counting(3), take: (x) => x.splitWithSizes([1, 2]), expected: [[0], [1, 2]] },
  { name: 'chunk', of: () => counting(5), take: (x) => x.chunk(3), expected: [[0, 1], [2, 3], [4]] },
  {
    name: 'chunk into fewer than asked',
    of: () => counting(4),
    take: (x) => x.chunk(3),
    expected: [
      [0, 1],
      [2, 3],
    ],
  },
  { name: 'chunk nothing', of: () => counting(0), take: (x) => x.chunk(2), expected: [[], []] },
  {
    name: 'unbind',
    of: () => counting(2, 2),
    take: (x) => x.unbind(1),
    expected: [
      [0, 2],
      [1, 3],
    ],
  },
];

test('there is a row for every view', () => {
  const named = new Set(rows.map(({ name }) => name.split(/[ ,]/)[0]));
  // Shapes are no views: small-names.test.ts has broadcastShapes.
  expect(new Set(Object.keys(views).filter((name) => !named.has(name)))).toEqual(
    new Set(['broadcastShapes', 'broadcastTensors']),
  );
});

describeArrangements(rows);

describe('strides that can be shown otherwise', () => {
  test.each<[name: string, x: Tensor, shape: number[]]>([
    ['merged axes that step evenly', counting(2, 3, 4).transpose(0, 1).transpose(0, 1), [6, 4]],
    ['an axis split', counting(4, 6).t(), [2, 3, 4]],
    ['axes of size 1 anywhere', counting(2, 3).t().unsqueeze(1), [3, 1, 1, 2]],
    ['a repeated axis split', counting(1, 2).expand([4, 2]), [2, 2, 2]],
    ['rows of a wider matrix', counting(4, 6).narrow(1, 0, 3), [2, 2, 3]],
    ['no elements', zeros([3, 0]).t(), [0, 7]],
  ])('%s', (_, x, shape) => {
    const viewed = x.view(shape);
    expect(storageOf(viewed)).toBe(storageOf(x));
    expect(viewed.flatten().toArray()).toEqual(x.flatten().toArray());
  });

  test.each<[name: string, x: Tensor, shape: number[]]>([
    ['a transposed matrix made flat', counting(2, 3).t(), [6]],
    ['columns merged with rows', counting(4, 6).narrow(1, 0, 3), [12]],
    ['a repeated axis merged', counting(1, 2).expand([4, 2]), [8]],
  ])('%s cannot', (_, x, shape) => {
    expect(() => x.view(shape)).toThrow('use reshape');
    expect(x.reshape(shape).toArray()).toEqual(x.contiguous().view(shape).toArray());
  });
});

describe('joining', () => {
  // As PyTorch 2.13: what is empty belongs to the graph.
  test.each<[name: string, shape: number[], onto: number[]]>([
    ['vectors', [3], [3]],
    ['matrices, with which it joins all the same', [2, 3], [2, 3]],
    ['nothing else', [0], [0]],
  ])('an empty vector has a gradient beside %s', (_, shape, onto) => {
    const [x, none] = [ones(shape, { requiresGrad: true }), zeros([0], { requiresGrad: true })];
    const step = (): Tensor => {
      const y = cat([none, x, none]);
      y.sum().backward();
      return y;
    };
    for (const run of [step, capture(step)]) {
      [x.grad, none.grad] = [null, null];
      expect(run().shape).toEqual(onto);
      expect([x.grad!.shape, none.grad!.shape]).toEqual([shape, [0]]);
      expect(x.grad!.eq(1).all().item()).toBe(true);
    }
  });

  const mixed = () => [tensor([[1, 2]], { dtype: 'float64' }), counting(2, 2)];

  test('there is a test for every function', () => {
    expect(Object.keys(joining).sort()).toEqual([
      'blockDiag',
      'cat',
      'columnStack',
      'concat',
      'concatenate',
      'dstack',
      'hstack',
      'rowStack',
      'stack',
      'vstack',
    ]);
  });

  test('cat', () => {
    expect(cat([counting(1, 2), counting(2, 2)]).toArray()).toEqual([
      [0, 1],
      [0, 1],
      [2, 3],
    ]);
    expect(cat([counting(2, 1), counting(2, 2)], -1).toArray()).toEqual([
      [0, 0, 1],
      [1, 2, 3],
    ]);
    expect(cat([counting(2, 3).t(), counting(2, 2)]).toArray()).toEqual([
      [0, 3],
      [1, 4],
      [2, 5],
      [0, 1],
      [2, 3],
    ]);
    expect(cat(mixed()).dtype).toBe('float64');
    expect(cat([zeros([0]), counting(1, 2)]).toArray()).toEqual([[0, 1]]);
    expect(cat([zeros([0, 2]), zeros([1, 2])]).shape).toEqual([1, 2]);
    expect(cat([tensor([true]), tensor([false])]).toArray()).toEqual([true, false]);
  });

  test('cat copies', () => {
    const x = counting(2);
    const joined = cat([x]);
    x.fill_(9);
    expect(joined.toArray()).toEqual([0, 1]);
  });

  test('stack', () => {
    expect(stack([counting(2), counting(2)]).toArray()).toEqual([
      [0, 1],
      [0, 1],
    ]);
    expect(stack([counting(2), counting(2)], -1).toArray()).toEqual([
      [0, 0],
      [1, 1],
    ]);
    expect(stack([tensor(1), tensor(2)]).toArray()).toEqual([1, 2]);
  });

  test('the names that say how tensors lie', () => {
    const [v, m] = [counting(2), counting(2, 2)];
    expect(concat([v, v], -1).toArray()).toEqual([0, 1, 0, 1]);
    expect(concatenate([v, v]).toArray()).toEqual([0, 1, 0, 1]);
    expect(hstack([tensor(5), v]).toArray()).toEqual([5, 0, 1]);
    expect(hstack([m, m]).toArray()).toEqual([
      [0, 1, 0, 1],
      [2, 3, 2, 3],
    ]);
    for (const below of [vstack, rowStack]) {
      expect(below([v, m]).toArray()).toEqual([
        [0, 1],
        [0, 1],
        [2, 3],
      ]);
    }
    expect(dstack([v, v]).toArray()).toEqual([
      [
        [0, 0],
        [1, 1],
      ],
    ]);
    expect(columnStack([v, m]).toArray()).toEqual([
      [0, 0, 1],
      [1, 2, 3],
    ]);
    expect(columnStack([tensor(1), tensor(2)]).toArray()).toEqual([[1, 2]]);
  });

  test('blockDiag', () => {
    const blocks = [tensor([[1, 2]]), tensor(7), tensor([8, 9])];
    const expected = [
      [1, 2, 0, 0, 0],
      [0, 0, 7, 0, 0],
      [0, 0, 0, 8, 9],
    ];
    expect(blockDiag(...blocks).toArray()).toEqual(expected);
    expect(blockDiag(blocks).toArray()).toEqual(expected);
    expect(blockDiag(ones([2, 0]), ones([0, 3])).shape).toEqual([2, 3]);
    expect(blockDiag(tensor(true), tensor([1.5])).dtype).toBe('float32');
  });

  test('gradients, also where parts share a tensor or need none', () => {
    const x = randn([2, 3], { dtype: 'float64', requiresGrad: true });
    const y = randn([2, 1], { dtype: 'float64', requiresGrad: true });
    expect(gradcheck((a, b) => cat([a, b, a.narrow(1, 0, 2)], 1).square(), [x, y])).toBe(true);
    expect(gradgradcheck((a, b) => cat([a, b], 1).exp(), [x, y])).toBe(true);
    expect(gradcheck((a, b) => blockDiag(a, b, a).square(), [x, y])).toBe(true);
    expect(gradcheck((a, b) => [hstack([a, b]), vstack([a, a]), dstack([a, a]), columnStack([b, a])], [x, y])).toBe(
      true,
    );
    expect(gradcheck((a) => stack([a.t(), ones([3, 2], { dtype: 'float64' }), a.t().exp()], 1), x)).toBe(true);
  });

  test('gradients have the types of the parts', () => {
    const narrow = ones([2], { requiresGrad: true });
    const wide = ones([2], { dtype: 'float64', requiresGrad: true });
    cat([narrow, wide]).sum().backward();
    expect([narrow.grad!.dtype, wide.grad!.dtype]).toEqual(['float32', 'float64']);
  });
});

test('a shape that was passed in can be changed afterwards', () => {
  const shape = [2, 3];
  const made = [counting(6).view(shape), counting(6).reshape(shape), zeros(shape), ones([1, 3]).expand(shape)];
  shape[0] = 9;
  for (const x of made) expect(x.shape).toEqual([2, 3]);
});

test('broadcastTensors', () => {
  const [a, b] = broadcastTensors(counting(2, 1), counting(3));
  expect([a!.toArray(), b!.toArray()]).toEqual([
    [
      [0, 0, 0],
      [1, 1, 1],
    ],
    [
      [0, 1, 2],
      [0, 1, 2],
    ],
  ]);
  expect(() => broadcastTensors(ones([2]), ones([3]))).toThrow(
    'broadcastTensors: shapes do not broadcast: [2] x [3] (2 != 3)',
  );
});

describe('refusals', () => {
  const x = () => counting(2, 3);
  test.each<[call: () => unknown, error: new (message: string) => Error, message: string]>([
    [() => x().view([4]), ShapeError, 'view: shape [4] is invalid for 6 elements (shape [2, 3])'],
    [() => x().view([-1, 4]), ShapeError, 'view: shape [-1, 4] is invalid for 6 elements'],
    [() => x().reshape([-1, -1]), ShapeError, 'reshape: sizes must be non-negative integers'],
    [() => x().reshape([1.5, 4]), ShapeError, 'reshape: sizes must be non-negative integers, got [1.5, 4]'],
    [() => zeros([0]).reshape([-1, 0]), ShapeError, 'reshape: shape [-1, 0] is invalid for 0 elements'],
    [
      () => Reflect.apply(Tensor.prototype.reshape, x(), [6]),
      ShapeError,
      'reshape: shape must be an array of sizes, got 6',
    ],
    [
      () => Reflect.apply(Tensor.prototype.view, x(), [6]),
      ShapeError,
      'view: size must be an array of sizes, or a Tensor, got 6',
    ],
    [() => x().t().view([6]), ShapeError, 'view: [3, 2] with strides [1, 3] cannot be seen as [6]; use reshape'],
    [() => x().permute([0]), ShapeError, 'permute: expected 2 dims for shape [2, 3], got an array of 1'],
    [() => x().permute([0, 0]), ShapeError, 'permute: a dim appears twice in [0, 0]'],
    [() => x().permute([0, 2]), ShapeError, 'permute: dim must be between -2 and 1 for 2 dimensions, got 2'],
    [() => x().transpose(0, 2), ShapeError, 'transpose: dim must be between -2 and 1'],
    [
      () => zeros([1, 1, 1]).t(),
      ShapeError,
      't: expected at most 2 dimensions, got [1, 1, 1]; use transpose or permute',
    ],
    [() => x().expand([2, 4]), ShapeError, 'expand: [2, 3] cannot be expanded to [2, 4]; only sizes of 1 can grow'],
    [() => x().expand([3]), ShapeError, 'expand: [2, 3] cannot be expanded to [3]'],
    [() => x().expand([-1, 2, 3]), ShapeError, 'expand: sizes must be non-negative integers, got [-1, 2, 3]'],
    [() => x().squeeze(2), ShapeError, 'squeeze: dim must be between -2 and 1'],
    [() => x().unsqueeze(3), ShapeError, 'unsqueeze: dim must be between -3 and 2'],
    [() => x().flatten(1, 0), ShapeError, 'flatten: startDim 1 comes after endDim 0 in [2, 3]'],
    [() => x().unflatten(1, [2, 2]), ShapeError, 'unflatten: sizes [2, 2] do not multiply to 3, the size of dim 1'],
    [() => x().narrow(1, 2, 2), ShapeError, 'narrow: 2 + 2 is beyond the 3 elements of dim 1 in [2, 3]'],
    [() => x().narrow(1, -4, 1), ValueError, 'narrow: start must be an integer, between -3 and 3, got -4'],
    [() => x().narrow(0, 0, -1), ValueError, 'narrow: length must be an integer, at least 0, got -1'],
    [() => tensor(1).narrow(0, 0, 1), ShapeError, 'narrow: cannot be applied to a 0-d tensor'],
    [() => x().slice(0, 0, 1, 0), ValueError, 'slice: step must be an integer, at least 1, got 0'],
    [() => tensor(1).slice(), ShapeError, 'slice: cannot be applied to a 0-d tensor'],
    [() => x().select(0, 2), ValueError, 'select: index 2 is out of range for dim 0 of size 2'],
    [() => x().select(0, -3), ValueError, 'select: index -3 is out of range'],
    [() => tensor(1).select(0, 0), ShapeError, 'select: cannot be applied to a 0-d tensor'],
    [() => x().split([1, 1], 1), ShapeError, 'split: sizes [1, 1] add up to 2, not to 3, the size of dim 1'],
    [() => x().split(0), ValueError, 'split: splitSize must be an integer, at least 1, got 0'],
    [() => x().chunk(0), ValueError, 'chunk: chunks must be an integer, at least 1, got 0'],
    [() => tensor(1).unbind(), ShapeError, 'unbind: cannot be applied to a 0-d tensor'],
    [() => cat([x(), counting(2, 2)]), ShapeError, 'cat: sizes must agree but for dim 0: [2, 3] and [2, 2]'],
    [() => cat([x(), counting(3)]), ShapeError, 'cat: sizes must agree but for dim 0: [2, 3] and [3]'],
    [() => cat([]), ValueError, 'cat: tensors must be at least one tensor, got an empty array'],
    [() => cat([tensor(1)]), ShapeError, 'cat: element 0 is 0-d and has no dimension to join; use stack'],
    [() => Reflect.apply(cat, undefined, [x()]), ValueError, 'cat: tensors must be an array of tensors, got a Tensor'],
    [() => Reflect.apply(cat, undefined, [[x(), 1]]), ValueError, 'cat: tensors[1] must be a Tensor, got 1'],
    [() => cat([x()], 2), ShapeError, 'cat: dim must be between -2 and 1'],
    [() => stack([counting(2), counting(3)]), ShapeError, 'stack: shapes must be equal: [2] and [3]'],
    [() => hstack([]), ValueError, 'hstack: tensors must be at least one tensor, got an empty array'],
    [() => vstack([x(), counting(2, 2)]), ShapeError, 'cat: sizes must agree but for dim 0'],
    [() => blockDiag(x(), zeros([1, 1, 1])), ShapeError, 'blockDiag: tensor 1 must be a matrix, got shape [1, 1, 1]'],
    [() => blockDiag(), ValueError, 'blockDiag: tensors must be at least one tensor, got an empty array'],
    [() => stack([counting(2)], 2), ShapeError, 'stack: dim must be between -2 and 1'],
  ])('%s', (call, error, message) => {
    expect(call).toThrow(error);
    expect(call).toThrow(message);
  });
});

describe('iteration', () => {
  const rows = () =>
    tensor([
      [1, 2],
      [3, 4],
    ]);

  test('gives the slices along the first dimension, which are views', () => {
    const x = rows();
    const seen: unknown[] = [];
    for (const row of x) seen.push(row.toArray());
    expect(seen).toEqual([
      [1, 2],
      [3, 4],
    ]);
    const [first] = x;
    first!.add_(10);
    expect(x.toArray()).toEqual([
      [11, 12],
      [3, 4],
    ]);
    expect([...zeros([0, 3])]).toEqual([]);
    expect(Array.from(x.select(1, 0), (one) => one.item())).toEqual([11, 3]);
  });

  test('has gradients, in captured functions too', () => {
    const products = (x: Tensor) => {
      const [a, b] = x;
      return a!.mul(b!).sum();
    };
    const slopes = (x: Tensor) => grad(products(x), [x])[0]!;
    const step = capture((x: Tensor) => slopes(x.detach().requiresGrad_()));
    const x = rows();
    const expected = [
      [3, 4],
      [1, 2],
    ];
    expect(slopes(rows().requiresGrad_()).toArray()).toEqual(expected);
    for (let i = 0; i < 3; i++) expect(step(x).toArray()).toEqual(expected);
  });

  test('is refused of a 0-d tensor, and does not make batches or parameters of rows', async () => {
    expect(() => [...tensor(1)]).toThrow(TypeError);
    expect(() => {
      for (const one of tensor(1)) one.item();
    }).toThrow('is not iterable');
    expect(tensor(1)).not.toBe(tensor(1));
    expect(() => new optim.SGD(rows().requiresGrad_() as never, { lr: 1 })).toThrow('expected an iterable of tensors');
    await expect(capture((x: Tensor) => x).run(rows() as never)).rejects.toThrow('must be tensors, a TensorDataset');
  });

  test('leaves deep comparisons as they were: a tensor equals itself alone', () => {
    const x = rows();
    expect({ x }).toEqual({ x });
    expect([...x]).toEqual([...x]);
    expect(x).not.toEqual(rows());
    expect(zeros([0, 2])).not.toEqual(zeros([0, 2]));
  });
});
