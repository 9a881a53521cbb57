import { runInNewContext, runInThisContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import {
  arange,
  type DType,
  DTypeError,
  empty,
  emptyLike,
  eye,
  full,
  fullLike,
  linspace,
  logspace,
  NablaError,
  ones,
  onesLike,
  ShapeError,
  Tensor,
  type TensorData,
  tensor,
  ValueError,
  zeros,
  zerosLike,
} from '../../lib/index.js';

describe('tensor', () => {
  test.each<[data: TensorData, dtype: DType, shape: number[], values: unknown]>([
    [3, 'float32', [], 3],
    [true, 'bool', [], true],
    [[], 'float32', [0], []],
    [[[], []], 'float32', [2, 0], [[], []]],
    [[1, 2], 'float32', [2], [1, 2]],
    [[[1], [2]], 'float32', [2, 1], [[1], [2]]],
    [[true, false], 'bool', [2], [true, false]],
    [[true, 2], 'float32', [2], [1, 2]],
    [[0.1], 'float32', [1], [Math.fround(0.1)]],
    [new Float32Array([1, 2]), 'float32', [2], [1, 2]],
    [new Float64Array([0.1]), 'float64', [1], [0.1]],
    [new Int32Array([1, -2]), 'int32', [2], [1, -2]],
    [new Uint8Array([0, 255]), 'int32', [2], [0, 255]],
    [new Int16Array([-3]), 'int32', [1], [-3]],
    [[Number.NaN, -Infinity, -0], 'float32', [3], [Number.NaN, -Infinity, -0]],
  ])('of %j', (data, dtype, shape, values) => {
    const x = tensor(data);
    expect([x.dtype, x.shape, x.toArray()]).toEqual([dtype, shape, values]);
  });

  test('as a given type', () => {
    expect(tensor([1, 2], { dtype: 'int32' }).toTypedArray()).toEqual(new Int32Array([1, 2]));
    expect(tensor([0, 2, Number.NaN], { dtype: 'bool' }).toArray()).toEqual([false, true, true]);
    expect(tensor([true], { dtype: 'float64' }).toTypedArray()).toEqual(new Float64Array([1]));
    expect(tensor(new Float64Array([0.1]), { dtype: 'float32' }).item()).toBe(Math.fround(0.1));
  });

  test('copies what it is given', () => {
    const data = new Float32Array([1, 2]);
    const x = tensor(data);
    data[0] = 9;
    expect(x.toArray()).toEqual([1, 2]);
  });

  test.each<[call: () => unknown, error: new (message: string) => Error, message: string]>([
    [
      () => tensor([[1, 2], [3]]),
      ShapeError,
      'tensor: nested arrays are ragged: expected an array of 2 at depth 1, got an array of 1',
    ],
    [
      () => tensor([1, [2]]),
      ShapeError,
      'tensor: nested arrays are ragged: expected a number at depth 1, got an array of 1',
    ],
    [() => tensor([[1], 2]), ShapeError, 'tensor: nested arrays are ragged: expected an array of 1 at depth 1, got 2'],
    [() => Reflect.apply(tensor, undefined, ['1']), ValueError, "tensor: expected numbers or booleans, got '1'"],
    [() => Reflect.apply(tensor, undefined, [[1, null]]), ValueError, 'tensor: expected numbers or booleans, got null'],
    [() => tensor([1.5], { dtype: 'int32' }), DTypeError, 'tensor: 1.5 (at 0) is not an int32; use another dtype'],
    [() => tensor([0, 2 ** 31], { dtype: 'int32' }), DTypeError, 'tensor: 2147483648 (at 1) is not an int32'],
    [() => tensor([Number.NaN], { dtype: 'int32' }), DTypeError, 'tensor: NaN (at 0) is not an int32'],
    [
      () => tensor([1], { dtype: 'float16' } as object),
      DTypeError,
      "tensor: unknown dtype 'float16'; did you mean 'float",
    ],
    [
      () => tensor([1], { requires_grad: true } as object),
      ValueError,
      "tensor: unknown option 'requires_grad'; did you mean 'requiresGrad'?",
    ],
    [
      () => tensor([true], { requiresGrad: true }),
      DTypeError,
      'only float32 and float64 tensors can require gradients, got bool',
    ],
  ])('%s', (call, error, message) => {
    expect(call).toThrow(error);
    expect(call).toThrow(message);
  });
});

describe('filled tensors', () => {
  test.each<[name: string, actual: Tensor, dtype: DType, values: unknown]>([
    ['zeros', zeros([2, 1]), 'float32', [[0], [0]]],
    ['zeros of 0 dims', zeros([]), 'float32', 0],
    ['ones', ones([2], { dtype: 'int32' }), 'int32', [1, 1]],
    ['ones of bool', ones([2], { dtype: 'bool' }), 'bool', [true, true]],
    ['full', full([2], 0.5), 'float32', [0.5, 0.5]],
    ['full of a boolean', full([1], true), 'bool', [true]],
    ['full bool', full([1], 3, { dtype: 'bool' }), 'bool', [true]],
    ['zerosLike', zerosLike(tensor([[1, 2]], { dtype: 'int32' })), 'int32', [[0, 0]]],
    ['onesLike', onesLike(tensor([1]), { dtype: 'float64' }), 'float64', [1]],
    ['fullLike', fullLike(tensor([1]), 7), 'float32', [7]],
    [
      'eye',
      eye(2),
      'float32',
      [
        [1, 0],
        [0, 1],
      ],
    ],
    ['eye, wide', eye(1, 3), 'float32', [[1, 0, 0]]],
    ['eye, tall', eye(2, 1, { dtype: 'int32' }), 'int32', [[1], [0]]],
    ['eye with options', eye(1, { dtype: 'bool' }), 'bool', [[true]]],
    ['arange', arange(3), 'int32', [0, 1, 2]],
    ['arange from', arange(1, 4), 'int32', [1, 2, 3]],
    ['arange by', arange(5, 0, -2), 'int32', [5, 3, 1]],
    ['arange of fractions', arange(0, 1, 0.25), 'float32', [0, 0.25, 0.5, 0.75]],
    ['arange of nothing', arange(0), 'int32', []],
    ['arange as float', arange(2, { dtype: 'float64' }), 'float64', [0, 1]],
    ['linspace', linspace(0, 1, 5), 'float32', [0, 0.25, 0.5, 0.75, 1]],
    ['linspace of one', linspace(3, 9, 1), 'float32', [3]],
    ['linspace of none', linspace(3, 9, 0), 'float32', []],
    ['linspace of integers', linspace(0, 5, 4, { dtype: 'int32' }), 'int32', [0, 1, 3, 5]],
    ['linspace of integers, from integer parts', linspace(4.3, -3, 5, { dtype: 'int32' }), 'int32', [4, 2, 0, -1, -3]],
    [
      'logspace of integers, from integer parts',
      logspace(4.3, 2, 4, { dtype: 'int32' }),
      'int32',
      [10000, 2154, 464, 100],
    ],
    ['linspace between tensors', linspace(tensor(0), tensor(2), 3), 'float32', [0, 1, 2]],
  ])('%s', (_, actual, dtype, values) => {
    expect([actual.dtype, actual.toArray()]).toEqual([dtype, values]);
    expect(actual.isContiguous()).toBe(true);
  });

  test('empty ones have the shape', () => {
    expect(empty([2, 0, 3]).shape).toEqual([2, 0, 3]);
    expect(emptyLike(tensor([[1]], { dtype: 'int32' })).dtype).toBe('int32');
  });

  test('the last of linspace is exactly the end', () => {
    const values = linspace(0.1, 0.7, 1000).toTypedArray();
    expect([values[0], values[999]]).toEqual([Math.fround(0.1), Math.fround(0.7)]);
  });

  test.each<[call: () => unknown, error: new (message: string) => Error, message: string]>([
    [() => Reflect.apply(zeros, undefined, [3]), ShapeError, 'zeros: expected a shape as an array of sizes, got 3'],
    [() => ones([-1]), ShapeError, 'ones: sizes must be non-negative integers, got [-1]'],
    [() => empty([1.5]), ShapeError, 'empty: sizes must be non-negative integers, got [1.5]'],
    [() => zeros(new Array(13).fill(1)), ShapeError, 'zeros: a tensor has at most 12 dimensions, got 13'],
    [
      () => zeros([1], { dType: 'int32' } as object),
      ValueError,
      "zeros: unknown option 'dType'; did you mean 'dtype'?",
    ],
    [() => eye(-1), ShapeError, 'eye: n must be an integer, at least 0'],
    [() => arange(0, 3, 0), ValueError, 'arange: the step must not be 0'],
    [() => arange(0, 3, -1), ValueError, 'arange: a step of -1 leads away from 3, starting at 0'],
    [() => arange(Infinity), ValueError, 'arange: end must be a finite number, got Infinity'],
    [() => linspace(0, 1, -1), ValueError, 'linspace: steps must be an integer, at least 0, got -1'],
    [() => linspace(tensor([0]), 1, 2), ShapeError, 'linspace: bounds must be numbers or 0-d tensors, got shape [1]'],
  ])('%s', (call, error, message) => {
    expect(call).toThrow(error);
    expect(call).toThrow(message);
  });
});

describe('what a tensor tells of itself', () => {
  const x = () =>
    tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);

  test('sizes', () => {
    expect([x().ndim, x().dim(), x().numel(), x().size(), x().size(-1)]).toEqual([2, 2, 6, [2, 3], 3]);
    expect(() => x().size(2)).toThrow('size: no dim 2 in [2, 3]');
    const size = x();
    size.size()[0] = 9;
    expect(size.shape).toEqual([2, 3]);
  });

  test('values, by copy', () => {
    const own = x();
    (own.toTypedArray() as Float32Array).fill(0);
    (own.toArray() as number[][])[0]![0] = 0;
    expect(own.toArray()).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect(own.t().toTypedArray()).toEqual(new Float32Array([1, 4, 2, 5, 3, 6]));
    expect(own.select(1, 2).toTypedArray()).toEqual(new Float32Array([3, 6]));
    expect(tensor([true, false]).toTypedArray()).toEqual(new Uint8Array([1, 0]));
  });

  test('one value', () => {
    expect([tensor(3).item(), tensor([[3]]).item(), tensor(true).item()]).toEqual([3, 3, true]);
    expect(x().select(0, 1).select(0, 2).item()).toBe(6);
    expect(() => x().item()).toThrow(ShapeError);
    expect(() => x().item()).toThrow('item: expected a tensor of one element, got shape [2, 3]; use toArray()');
  });

  test('as text', () => {
    expect(String(tensor([1.5, 2]))).toBe('tensor([1.5000, 2.0000])');
    expect(String(tensor([1], { requiresGrad: true }).mul(2))).toBe('tensor([2.], grad_fn=<MulBackward0>)');
  });
});

describe('data', () => {
  test('is a detached tensor over the same storage', () => {
    const w = tensor([1, 2], { requiresGrad: true });
    expect(w.data.requiresGrad).toBe(false);
    w.data.mul_(2);
    expect(w.toArray()).toEqual([2, 4]);
  });

  test('can be replaced, with another shape and type, the tensor staying itself', () => {
    const w = tensor([1, 2], { requiresGrad: true });
    w.data = tensor(5.5, { dtype: 'float64' });
    expect([w.item(), w.shape, w.dtype, w.requiresGrad, w.isLeaf]).toEqual([5.5, [], 'float64', true, true]);
    w.mul(2).backward();
    expect(w.grad!.shape).toEqual([]);
  });

  test('refuses what cannot have a gradient', () => {
    const w = tensor([1, 2], { requiresGrad: true });
    expect(() => {
      w.data = tensor([1, 2], { dtype: 'int32' });
    }).toThrow('data: a tensor that requires a gradient cannot become int32');
    expect(() => Reflect.set(w, 'data', [1, 2])).toThrow('data: expected a Tensor, got an array of 2');
  });
});

describe('conversion', () => {
  test.each<[from: Tensor, to: DType, values: unknown]>([
    [tensor([1.9, -1.9, 0.5]), 'int32', [1, -1, 0]],
    [tensor([0, 0.1, Number.NaN, -0]), 'bool', [false, true, true, false]],
    [tensor([true, false]), 'float32', [1, 0]],
    [tensor([true, false]), 'int32', [1, 0]],
    [tensor([0.1]), 'float64', [Math.fround(0.1)]],
    [tensor([0.1], { dtype: 'float64' }), 'float32', [Math.fround(0.1)]],
    [tensor([16777217], { dtype: 'int32' }), 'float64', [16777217]],
    [tensor([16777217], { dtype: 'int32' }), 'float32', [16777216]],
  ])('%s to %s', (from, to, values) => {
    const converted = from.to(to);
    expect([converted.dtype, converted.toArray()]).toEqual([to, values]);
  });

  test('is itself where nothing changes', () => {
    const x = tensor([1]);
    expect([x.to('float32'), x.float(), x.contiguous()].every((y) => y === x)).toBe(true);
    expect(x.clone()).not.toBe(x);
    expect(x.to(tensor([1], { dtype: 'float64' })).dtype).toBe('float64');
  });

  test('has names for the common ones', () => {
    const x = tensor([1.5]);
    expect([x.float(), x.double(), x.int(), x.long(), x.bool()].map((y) => y.dtype)).toEqual([
      'float32',
      'float64',
      'int32',
      'int32',
      'bool',
    ]);
  });

  test('passes gradients between float types', () => {
    const x = tensor([1, 2], { requiresGrad: true });
    x.double().mul(3).float().sum().backward();
    expect([x.grad!.dtype, x.grad!.toArray()]).toEqual(['float32', [3, 3]]);
  });

  test('makes strided elements contiguous', () => {
    const x = tensor([
      [1, 2],
      [3, 4],
    ]).t();
    expect(x.isContiguous()).toBe(false);
    expect([x.contiguous().strides, x.contiguous().toArray()]).toEqual([
      [2, 1],
      [
        [1, 3],
        [2, 4],
      ],
    ]);
  });

  test('copy_ broadcasts and converts', () => {
    expect(
      zeros([2, 2])
        .copy_(tensor([1, 2], { dtype: 'int32' }))
        .toArray(),
    ).toEqual([
      [1, 2],
      [1, 2],
    ]);
    expect(
      zeros([2], { dtype: 'int32' })
        .copy_(tensor([1.7, -1.7]))
        .toArray(),
    ).toEqual([1, -1]);
    expect(zeros([2]).fill_(tensor(3)).toArray()).toEqual([3, 3]);
    expect(zeros([1], { dtype: 'bool' }).fill_(true).toArray()).toEqual([true]);
    expect(ones([2]).zero_().toArray()).toEqual([0, 0]);
    expect(() => zeros([2]).copy_(ones([3]))).toThrow('copy_: shapes do not broadcast: [2] x [3] (2 != 3)');
    expect(() => zeros([2]).copy_(ones([2, 2]))).toThrow('copy_: the result has shape [2, 2], but the tensor [2]');
  });

  test('copy_ between overlapping views', () => {
    const x = arange(5);
    x.narrow(0, 1, 4).copy_(x.narrow(0, 0, 4));
    expect(x.toArray()).toEqual([0, 0, 1, 2, 3]);
  });

  test('refuses types that do not exist', () => {
    expect(() => Reflect.apply(Tensor.prototype.to, tensor([1]), ['float'])).toThrow("to: unknown dtype 'float'");
    expect(() => Reflect.apply(Tensor.prototype.to, tensor([1]), [undefined])).toThrow(DTypeError);
  });
});

describe('arrays that no tensor can be made of', () => {
  test('one that contains itself, first or last', () => {
    const first: unknown[] = [];
    first.push(first, 1);
    const last: unknown[] = [1];
    last.push(last);
    expect(() => tensor(first as never)).toThrow('tensor: a tensor has at most 12 dimensions, got 13');
    expect(() => tensor(last as never)).toThrow(ShapeError);
  });

  test('one that is 100,000 deep, at the first place or at another', () => {
    let deep: unknown = 1;
    for (let i = 0; i < 100_000; i++) deep = [deep];
    expect(() => tensor(deep as never)).toThrow('tensor: a tensor has at most 12 dimensions, got 13');
    expect(() => tensor([true, deep] as never)).toThrow(ShapeError);
    expect(() => tensor([[1], deep] as never)).toThrow(ShapeError);
  });

  test.each([
    ['holes', new Array(1e9), 'expected numbers or booleans, got undefined'],
    // biome-ignore lint/suspicious/noSparseArray: it is about a hole
    ['a hole among numbers', [1, , 2], 'expected numbers or booleans, got undefined'],
    ['BigInts', [1n], 'got the BigInt 1n'],
    ['symbols', [Symbol('s')], 'got Symbol(s)'],
    ['texts', ['1'], "got '1'"],
    ['objects without a prototype', [Object.create(null)], 'got a object'],
  ])('one of %s', (_, data, message) => {
    expect(() => tensor(data as never)).toThrow(ValueError);
    expect(() => tensor(data as never)).toThrow(message);
  });
});

describe('typed arrays', () => {
  const values: [code: string, dtype: DType, values: number[]][] = [
    ['Float64Array.of(1.5, 2.5)', 'float64', [1.5, 2.5]],
    ['Float32Array.of(1.5, 2.5)', 'float32', [1.5, 2.5]],
    ['Int32Array.of(-1, 2)', 'int32', [-1, 2]],
    ['Int16Array.of(-1, 2)', 'int32', [-1, 2]],
    ['Int8Array.of(-1, 2)', 'int32', [-1, 2]],
    ['Uint8Array.of(1, 255)', 'int32', [1, 255]],
    ['Uint8ClampedArray.of(1, 300)', 'int32', [1, 255]],
    ['Uint16Array.of(1, 65535)', 'int32', [1, 65535]],
    ['Uint32Array.of(1, 2147483647)', 'int32', [1, 2147483647]],
    ['BigInt64Array.of(-1n, 2n)', 'int32', [-1, 2]],
    ['BigUint64Array.of(1n, 2n)', 'int32', [1, 2]],
    ['[[1, 2], [3, 4]].map((row) => row[0])', 'float32', [1, 3]],
  ];
  if ('Float16Array' in globalThis) values.push(['Float16Array.of(1.5, 2.5)', 'float32', [1.5, 2.5]]);

  test.each(values)('%s is what it is, in this realm and in another', (code, dtype, expected) => {
    for (const data of [runInThisContext(code), runInNewContext(code)] as TensorData[]) {
      const made = tensor(data);
      expect([made.dtype, made.toArray()]).toEqual([dtype, expected]);
      expect(tensor(data, { dtype: 'bool' }).toArray()).toEqual(expected.map((x) => x !== 0));
    }
  });

  test.each(['Uint32Array.of(4294967295)', 'BigInt64Array.of(2n ** 40n)', 'BigUint64Array.of(2n ** 63n)'])(
    '%s does not fit int32',
    (code) => {
      const data = runInNewContext(code) as TensorData;
      expect(() => tensor(data)).toThrow(DTypeError);
      expect(tensor(data, { dtype: 'float64' }).item()).toBe(Number(runInNewContext(`${code}[0]`)));
    },
  );

  test.each(['new DataView(new ArrayBuffer(8))', 'new ArrayBuffer(8)'])('%s is none', (code) => {
    for (const data of [runInThisContext(code), runInNewContext(code)]) {
      expect(() => tensor(data)).toThrow('tensor: expected numbers or booleans, got a ');
    }
  });
});

describe('sizes beyond memory', () => {
  const wide = zeros([1]).expand([1e9]);
  const none = zeros([2, 0]);

  test.each<[name: string, make: () => unknown]>([
    ['zeros', () => zeros([1e12])],
    ['zeros in two dimensions', () => zeros([2 ** 40, 2 ** 40])],
    ['full', () => full([1e6, 1e6], 1)],
    ['arange', () => arange(1e14)],
    ['arange of fractions', () => arange(0, 1, 1e-15)],
    ['linspace', () => linspace(0, 1, 1e13)],
    ['eye', () => eye(1e7)],
    ['a product of two vectors', () => wide.reshape([1e9, 1]).mul(wide)],
    ['a matrix product', () => wide.reshape([1e9, 1]).matmul(wide.reshape([1, 1e9]))],
    ['a copy of an expanded tensor', () => zeros([1]).expand([1e13]).clone()],
    ['chunk', () => none.chunk(1e9, 1)],
    ['split', () => wide.split(1)],
    ['split into sizes', () => none.split(new Array(1e9), 1)],
    ['unbind', () => wide.unbind()],
    ['toArray of empty arrays', () => empty([3e8, 0]).toArray()],
    ['toArray of one array', () => wide.toArray()],
    ['toArray of many arrays', () => zeros([1]).expand([1e8, 1]).toArray()],
    ['tensor', () => tensor(new Array(1000).fill(new Array(1e5).fill(new Array(1e5).fill(0))))],
    ['a shape of 1e9 sizes', () => zeros(new Array(1e9))],
    ['reshape to 1e9 sizes', () => zeros([1]).reshape(new Array(1e9))],
    ['expand to more than can be counted', () => zeros([1, 1]).expand([2 ** 40, 2 ** 40])],
  ])('%s is refused', (_, make) => {
    expect(make).toThrow(NablaError);
  });

  test('as many empty chunks as PyTorch makes', () => {
    expect(none.chunk(1000, 1)).toHaveLength(1000);
  });
});

test('arange of int32 goes by integer parts, as in PyTorch', () => {
  expect(arange(2.1, -2.9, -1, { dtype: 'int32' }).toArray()).toEqual([2, 1, 0, -1]);
  expect(() => arange(0, 2, 0.5, { dtype: 'int32' })).toThrow(
    'arange: the step must not be 0, and 0.5 is that of int32',
  );
});

describe('values of every kind of array', () => {
  const arrays = [
    Int8Array,
    Uint8Array,
    Uint8ClampedArray,
    Int16Array,
    Uint16Array,
    Int32Array,
    Uint32Array,
    Float32Array,
    Float64Array,
  ] as const;
  const numbers = [0, 1, 2, 100, 127];

  test.each(arrays)('%o arrive as they are, in every element type', (type) => {
    const values = type.from(numbers);
    for (const dtype of ['float32', 'float64', 'int32'] as const)
      expect(tensor(values, { dtype }).toArray(), dtype).toEqual(numbers);
    expect(tensor(values, { dtype: 'bool' }).toArray()).toEqual([false, true, true, true, true]);
  });

  test('holds negative numbers and BigInts, and refuses what int32 does not hold', () => {
    expect(tensor(Int16Array.of(-3, 4)).toArray()).toEqual([-3, 4]);
    expect(tensor(BigInt64Array.of(-3n, 4n)).toArray()).toEqual([-3, 4]);
    expect(tensor(BigInt64Array.of(-3n, 4n), { dtype: 'float64' }).toArray()).toEqual([-3, 4]);
    expect(() => tensor(Uint32Array.of(1, 2 ** 31))).toThrow('2147483648 (at 1) is not an int32');
    expect(() => tensor(Float64Array.of(0.5), { dtype: 'int32' })).toThrow('0.5 (at 0) is not an int32');
    expect(() => tensor(Float32Array.of(Number.NaN), { dtype: 'int32' })).toThrow('not an int32');
  });

  test('counts the elements that there are, whatever an array says', () => {
    const values = Object.defineProperty(Float32Array.of(1, 2, 3), 'length', { value: 1000 });
    expect(tensor(values).toArray()).toEqual([1, 2, 3]);
  });

  test.each([Float32Array, Int32Array, Uint32Array, BigInt64Array] as const)(
    'refuses %o whose buffer was transferred',
    (type) => {
      const values = new type(2);
      structuredClone(values.buffer, { transfer: [values.buffer] });
      expect(() => tensor(values)).toThrow(NablaError);
      expect(() => tensor(values, { dtype: 'bool' })).toThrow('was transferred');
      expect(tensor(new type(0)).shape).toEqual([0]);
    },
  );

  test('rounds doubles once, as Math.fround does', () => {
    const values = [0.1, 1 + 2 ** -24, 1e300, -0, Number.NaN, 5e-324];
    const rounded = values.map(Math.fround);
    expect([...tensor(Float64Array.from(values), { dtype: 'float32' }).toTypedArray()]).toEqual(rounded);
    expect([...tensor(values).toTypedArray()]).toEqual(rounded);
  });

  test('takes rows of numbers and booleans mixed, and refuses holes and anything else wherever it stands', () => {
    expect(
      tensor([
        [1, true],
        [false, 2],
      ] as number[][]).toArray(),
    ).toEqual([
      [1, 1],
      [0, 2],
    ]);
    const hole = [1, 2, 3];
    delete hole[1];
    expect(() => tensor([hole])).toThrow(NablaError);
    expect(() =>
      tensor([
        [1, 2],
        [3, 'x'],
      ] as number[][]),
    ).toThrow('expected numbers or booleans');
    expect(() =>
      tensor([
        [1, 2],
        [3, [4]],
      ] as number[][]),
    ).toThrow('ragged');
    expect(() => tensor([[1, 2], [3]])).toThrow('ragged');
  });
});
