import { readFileSync } from 'node:fs';
import * as nabla from 'nabla';
import {
  argwhere,
  CaptureError,
  capture,
  type DType,
  DTypeError,
  grad,
  gradcheck,
  gradgradcheck,
  index,
  indexAdd,
  indexCopy,
  indexFill,
  indexPut,
  indexReduce,
  maskedScatter,
  maskedSelect,
  nonzero,
  nn,
  noGrad,
  ones,
  put,
  randn,
  ShapeError,
  scatter,
  scatterReduce,
  type Tensor,
  take,
  takeAlongDim,
  tensor,
  ValueError,
  zeros,
} from 'nabla';
import { describe, expect, it } from 'vitest';
import { expectSame } from '../capture/same.js';

interface Encoded {
  readonly values: readonly (number | string)[];
  readonly shape: readonly number[];
  readonly dtype: DType;
}

type Argument = Encoded | number | string | boolean | null | readonly Argument[];

/** See fixtures/indexing.py. */
interface Case {
  readonly call: string;
  readonly args: readonly Argument[];
  readonly options: Readonly<Record<string, Argument>>;
  readonly results: readonly Encoded[];
  readonly upstream?: Encoded;
  readonly gradients?: readonly Encoded[];
}

const cases = JSON.parse(readFileSync(new URL('../fixtures/indexing.json', import.meta.url), 'utf8')) as Case[];
const calls = [...new Set(cases.map(({ call }) => call))];

const int = (...values: number[]): Tensor => tensor(values, { dtype: 'int32' });
const decode = ({ values, shape, dtype }: Encoded): Tensor =>
  tensor(
    values.map((x) => (x === 'nan' ? Number.NaN : x === '-inf' ? -Infinity : x === 'inf' ? Infinity : Number(x))),
    { dtype },
  ).reshape(shape);

function given(value: Argument): unknown {
  if (Array.isArray(value)) return value.map(given);
  return typeof value === 'object' && value !== null ? decode(value as Encoded) : value;
}

const isFloat = (value: unknown): value is Tensor => value instanceof nabla.Tensor && value.dtype.startsWith('float');
const functionOf = (name: string) =>
  (name === 'oneHot' ? nn.functional.oneHot : Reflect.get(nabla, name)) as (...args: unknown[]) => Tensor | Tensor[];

function expectClose(actual: Tensor, expected: Tensor): void {
  expect([actual.dtype, actual.shape]).toEqual([expected.dtype, expected.shape]);
  const [got, wanted] = [actual.toTypedArray(), expected.toTypedArray()];
  for (const [i, value] of got.entries()) {
    const close =
      Object.is(value, wanted[i]) || Math.abs(value - wanted[i]!) <= 1e-12 * Math.max(1, Math.abs(wanted[i]!));
    if (!close) expect(value).toBe(wanted[i]);
  }
}

interface Call {
  readonly args: readonly unknown[];
  readonly options: readonly object[];
}

function callOf({ args, options }: Case): Call {
  const named = Object.fromEntries(Object.entries(options).map(([key, value]) => [key, given(value)]));
  return { args: args.map(given), options: Object.keys(named).length > 0 ? [named] : [] };
}

/** What gives results whose sizes depend on values. */
const READERS = ['nonzero', 'argwhere', 'maskedSelect'];

/** Whether values decide sizes. */
function readsValues({ call, args }: Case): boolean {
  if (call === 'oneHot') return args.length === 1;
  const isMask = (one: Argument) => typeof one === 'object' && one !== null && (one as Encoded).dtype === 'bool';
  const subscripts = call.startsWith('index') && Array.isArray(args[1]) ? args[1] : [];
  return READERS.includes(call) || subscripts.some(isMask);
}

describe.each(calls)('%s', (name) => {
  const own = cases.filter(({ call }) => call === name);

  it('is what PyTorch computes, gradients too', () => {
    expect(own.length).toBeGreaterThan(3);
    for (const one of own) {
      const { args, options } = callOf(one);
      const leaves = args.filter(isFloat);
      for (const leaf of leaves) leaf.requiresGrad = true;
      const result = functionOf(name)(...args, ...options);
      const results = Array.isArray(result) ? result : [result];
      expect(results).toHaveLength(one.results.length);
      for (const [i, expected] of one.results.entries()) expectClose(results[i]!.detach(), decode(expected));
      if (one.upstream === undefined) continue;
      results[0]!.backward(decode(one.upstream));
      for (const [i, expected] of one.gradients!.entries()) {
        expectClose(leaves[i]!.grad ?? zeros(leaves[i]!.shape, { dtype: 'float64' }), decode(expected));
      }
    }
  });

  it('takes strided tensors, and is captured where sizes depend on no values', () => {
    for (const one of own) {
      const { args, options } = callOf(one);
      const spread = (x: unknown) =>
        x instanceof nabla.Tensor ? nabla.stack([x, zeros(x.shape, { dtype: x.dtype })], -1).select(-1, 0) : x;
      const strided = args.map((arg) => (Array.isArray(arg) ? arg.map(spread) : spread(arg)));
      const run = (...given: unknown[]) => functionOf(name)(...given, ...options) as Tensor;
      const expected = run(...args);
      const same = (actual: Tensor | Tensor[]) =>
        [actual].flat().forEach((x, i) => {
          expectSame(x, [expected].flat()[i]!);
        });
      same(run(...strided));
      const captured = capture(run);
      if (readsValues(one)) {
        expect(() => captured(...args)).toThrow(CaptureError);
        expect(() => captured(...args)).toThrow(new RegExp(name));
        continue;
      }
      for (let call = 0; call < 3; call++) same(captured(...(call === 1 ? strided : args)));
    }
  });
});

it('has gradients of gradients, within finite differences', () => {
  const x = randn([3, 4], { dtype: 'float64', requiresGrad: true });
  const y = randn([2, 4], { dtype: 'float64', requiresGrad: true });
  const at = int(2, 0);
  const mask = x.gt(0);
  const picks = int(0, 1, 2, 2, 1, 1, 0, 0).reshape([2, 4]);
  const functions: readonly ((x: Tensor, y: Tensor) => Tensor)[] = [
    (a, b) =>
      index(a, [[2, 0, 0], '1:3'])
        .sum()
        .mul(index(b, [1, null])),
    (a, b) => index(a, [mask]).pow(2).add(b.sum()),
    (a, b) => indexPut(a, [at], b).pow(2),
    (a, b) => indexPut(a, [[1, 1]], b, true).pow(2),
    (a, b) => indexAdd(a, 0, at, b, { alpha: 3 }).pow(2),
    (a, b) => indexCopy(a, 0, at, b).pow(2),
    (a, b) => indexFill(a, 1, at, b.sum()).pow(2),
    (a, b) => put(a, int(3, 1, 4, 0, 5, 9, 2, 6), b).pow(2),
    (a, b) =>
      take(a, at)
        .sum()
        .mul(takeAlongDim(b, at.reshape([2, 1]), 1)),
    (a, b) => maskedScatter(a, tensor([true, false, true, false]), nabla.cat([b.flatten(), b.flatten()])).pow(2),
    ...(['sum', 'prod', 'mean', 'amax', 'amin'] as const).flatMap((reduce) =>
      [true, false].map(
        (includeSelf) => (a: Tensor, b: Tensor) => scatterReduce(a, 0, picks, b, reduce, { includeSelf }).pow(2),
      ),
    ),
    (a, b) => indexReduce(a, 0, int(1, 1), b, 'prod').pow(2),
  ];
  for (const fn of functions) {
    expect(gradcheck(fn, [x, y])).toBe(true);
    expect(gradgradcheck(fn, [x, y])).toBe(true);
  }
});

describe('in place', () => {
  const forms: readonly [name: string, write: (x: Tensor) => Tensor, make: (x: Tensor) => Tensor][] = [
    ['scatter_', (x) => x.scatter_(0, int(1, 0), tensor([7, 8])), (x) => x.scatter(0, int(1, 0), tensor([7, 8]))],
    ['scatterAdd_', (x) => x.scatterAdd_(0, int(1, 1), x), (x) => x.scatterAdd(0, int(1, 1), x)],
    [
      'scatterReduce_',
      (x) => x.scatterReduce_(0, int(1, 1), tensor([3, 5]), 'prod'),
      (x) => x.scatterReduce(0, int(1, 1), tensor([3, 5]), 'prod'),
    ],
    ['indexAdd_', (x) => x.indexAdd_(0, int(0, 0), x), (x) => x.indexAdd(0, int(0, 0), x)],
    ['indexCopy_', (x) => x.indexCopy_(0, int(1), tensor([5])), (x) => x.indexCopy(0, int(1), tensor([5]))],
    ['indexFill_', (x) => x.indexFill_(0, int(-1), 5), (x) => x.indexFill(0, int(-1), 5)],
    [
      'indexReduce_',
      (x) => x.indexReduce_(0, int(1), tensor([5]), 'amax'),
      (x) => x.indexReduce(0, int(1), tensor([5]), 'amax'),
    ],
    ['indexPut_', (x) => x.indexPut_([[-1]], x.select(0, 0)), (x) => x.indexPut([[-1]], x.select(0, 0))],
    ['indexPut_ of a slice', (x) => x.indexPut_(['1:'], 4, true), (x) => x.indexPut(['1:'], 4, true)],
    ['put_', (x) => x.put_(int(-1), tensor([5])), (x) => x.put(int(-1), tensor([5]))],
    [
      'maskedScatter_',
      (x) => x.maskedScatter_(tensor([false, true]), tensor([5])),
      (x) => x.maskedScatter(tensor([false, true]), tensor([5])),
    ],
  ];

  it.each(forms)('%s writes what the form without _ gives, with its gradients', (_, write, make) => {
    const leaf = tensor([2, 3], { requiresGrad: true });
    const [written, made] = [leaf.mul(2), make(leaf.mul(2))];
    expect(write(written)).toBe(written);
    expectSame(written.detach(), made.detach());
    const weights = tensor([3, 5]);
    const gradientOf = (y: Tensor) => grad(y.mul(weights).sum(), [leaf])[0]!;
    expectSame(gradientOf(written), gradientOf(made));
    const base = zeros([3, 2]);
    write(base.select(1, 1).narrow(0, 1, 2).fill_(1));
    expectSame(base.select(1, 1).narrow(0, 1, 2).contiguous(), make(tensor([1, 1])));
    expect(base.select(1, 0).sum().item()).toBe(0);
    const captured = capture((x: Tensor) => void write(x));
    for (let call = 0; call < 3; call++) {
      const x = tensor([2, 3]);
      captured(x);
      expectSame(x, make(tensor([2, 3])));
    }
  });

  it('indexPut_ writes into what it is a view of, and refuses leaves', () => {
    const x = zeros([3, 4]);
    x.indexPut_(['::2', [1, -1]], tensor([5, 6]));
    expect(x.toArray()).toEqual([
      [0, 5, 0, 6],
      [0, 0, 0, 0],
      [0, 5, 0, 6],
    ]);
    const leaf = zeros([3], { requiresGrad: true });
    expect(() => leaf.indexPut_([0], 1)).toThrow(/leaf/);
    noGrad(() => leaf.indexPut_([0], 1));
    expect(leaf.detach().toArray()).toEqual([1, 0, 0]);
  });
});

describe('bad input changes nothing, and is refused', () => {
  const x = () => tensor([[1, 2, 3], [4, 5, 6]]); // biome-ignore format: a matrix
  const bad: readonly [error: new (...args: never[]) => Error, message: RegExp, call: (x: Tensor) => unknown][] = [
    [ValueError, /^index: indices\[1\]: index 3 is out of range/, (x) => x.index([':', 3])],
    [
      ValueError,
      /^index: indices\[1\]: index 7 \(element 1\) is out of range for a dimension of size 3/,
      (x) => x.index([0, [0, 7]]),
    ],
    [ValueError, /^index: indices\[0\]: index -3 \(element 0\)/, (x) => x.index([int(-3, 0), [1, 1]])],
    [ValueError, /^indexPut_: indices\[1\]: index 3 \(element 1\)/, (x) => x.indexPut_([':', [0, 3]], 1)],
    [ShapeError, /^index: the entries are for 3 dimensions/, (x) => x.index([0, ':', 0])],
    [
      ShapeError,
      /^index: the indices do not broadcast: indices\[0\] \[2\], indices\[1\] \[3\]/,
      (x) =>
        x.index([
          [0, 1],
          [0, 1, 2],
        ]),
    ],
    [
      ShapeError,
      /^index: indices\[1\] is a mask of shape \[2\] for dimensions of \[3\]/,
      (x) => x.index([0, tensor([true, false])]),
    ],
    [DTypeError, /^index: indices\[0\] must be an int32 or bool Tensor, got float32/, (x) => x.index([tensor([1])])],
    [ValueError, /^index: indices\[0\] must be '...' or a slice such as/, (x) => x.index(['1-2'])],
    [ValueError, /^index: indices\[0\]: the step of a slice must be at least 1/, (x) => x.index(['::-1'])],
    [ValueError, /^index: '...' can stand/, (x) => x.index(['...', '...'])],
    [ValueError, /^index: indices\[1\] must be an integer, null/, (x) => x.index([0, [0.5]])],
    [ValueError, /^index: indices must be an array/, (x) => x.index(0 as never)],
    [
      ShapeError,
      /^indexPut_: a value of shape \[2\] does not broadcast to \[3\]/,
      (x) => x.indexPut_([0], tensor([1, 2])),
    ],
    [DTypeError, /^indexPut_: the value is int32/, (x) => x.indexPut_([0], int(1))],
    [ShapeError, /^indexAdd_: expected a source of shape \[1, 3\]/, (x) => x.indexAdd_(0, int(0), tensor([1]))],
    [DTypeError, /^indexAdd_: the source is int32/, (x) => x.indexAdd_(1, int(0), int(1, 2).reshape([2, 1]))],
    [ValueError, /^indexAdd_: index 2 \(element 1\)/, (x) => x.indexAdd_(0, int(0, 2), zeros([2, 3]))],
    [ValueError, /^indexCopy_: index -1 \(element 0\)/, (x) => x.indexCopy_(0, int(-1), zeros([1, 3]))],
    [ValueError, /^indexFill_: index 3 \(element 1\)/, (x) => x.indexFill_(1, int(0, 3), 1)],
    [ShapeError, /^indexFill_: value must be/, (x) => x.indexFill_(1, int(0), tensor([1]))],
    [
      ValueError,
      /^indexReduce_: reduce must be|^indexReduce_: unknown reduce 'sum'/,
      (x) => x.indexReduce_(0, int(0), zeros([1, 3]), 'sum' as never),
    ],
    [
      ValueError,
      /^scatterReduce_: index 2 \(element 0\)/,
      (x) => x.scatterReduce_(0, int(2).reshape([1, 1]), zeros([1, 1]), 'sum'),
    ],
    [
      DTypeError,
      /^scatterReduce: the mean of bools/,
      (x) => x.bool().scatterReduce(1, int(1, 1).reshape([2, 1]), x.bool(), 'mean'),
    ],
    [ValueError, /^take: index 6 \(element 0\)/, (x) => x.take(int(6))],
    [ShapeError, /^put_: expected a source of 2 elements/, (x) => x.put_(int(1, 2), tensor([1]))],
    [ValueError, /^takeAlongDim: index 3 \(element 1\)/, (x) => x.takeAlongDim(int(1, 3).reshape([1, 2]), 1)],
    [DTypeError, /^maskedSelect: the mask must be bool/, (x) => x.maskedSelect(x)],
    [ValueError, /^maskedScatter_: the source has 2 elements/, (x) => x.maskedScatter_(x.gt(3), tensor([1, 2]))],
    [ShapeError, /^maskedScatter_: a mask of shape/, (x) => x.maskedScatter_(zeros([2, 2, 3], { dtype: 'bool' }), x)],
    [ValueError, /^oneHot: index 3 \(element 0\)/, () => nn.functional.oneHot(int(3), 3)],
    [ValueError, /^oneHot: classes must be at least 0, got -1 \(element 0\)$/, () => nn.functional.oneHot(int(-1))],
    [ValueError, /^oneHot: classes must be at least 0, got -2 \(element 0\)$/, () => nn.functional.oneHot(int(-2), 3)],
    [ValueError, /^oneHot: the number of classes/, () => nn.functional.oneHot(int(0), 0)],
    [
      ValueError,
      /^scatter: unknown reduce/,
      (x) => scatter(x, 0, int(0).reshape([1, 1]), 1, { reduce: 'mul' as never }),
    ],
    [
      ValueError,
      /^scatter: a result does not fit|does not fit int32/,
      () => scatter(int(2 ** 30), 0, int(0), 4, { reduce: 'multiply' }),
    ],
  ];

  it.each(bad)('%o %o', (error, message, call) => {
    const given = x();
    expect(() => call(given)).toThrow(error);
    expect(() => call(given)).toThrow(message);
    expectSame(given, x());
  });
});

describe('an index out of range is refused in the call that is recorded, and in a replay', () => {
  const calls: readonly [name: string, run: (x: Tensor, i: Tensor) => Tensor][] = [
    ['index', (x, i) => index(x, [i])],
    ['index by several', (x, i) => index(x.reshape([2, 1]), [i, int(0)])],
    ['indexPut', (x, i) => indexPut(x, [i], 1)],
    ['indexAdd', (x, i) => indexAdd(x, 0, i, x)],
    ['indexFill', (x, i) => indexFill(x, 0, i, 1)],
    ['scatterReduce', (x, i) => scatterReduce(x, 0, i, x, 'amax', { includeSelf: false })],
    ['take', (x, i) => take(x, i)],
    ['put', (x, i) => put(x, i, x)],
    ['takeAlongDim', (x, i) => takeAlongDim(x, i, 0)],
    ['oneHot', (_, i) => nn.functional.oneHot(i, 2)],
    ['maskedScatter', (x, i) => maskedScatter(x, i.gt(1), zeros([0]))],
  ];

  it.each(calls)('%s', (_, run) => {
    const x = tensor([1, 2]);
    const captured = capture(run);
    const wrong = int(0, 7);
    for (let call = 0; call < 2; call++) expect(() => captured(x, wrong)).toThrow(ValueError);
    expectSame(captured(x, int(1, 0)), run(x, int(1, 0)));
    expect(() => captured(x, wrong)).toThrow(ValueError);
    expectSame(captured(x, int(1, 1)), run(x, int(1, 1)));
  });
});

it('index gives views where it can', () => {
  const x = zeros([3, 4]);
  x.index([1, '::2']).fill_(5);
  expect(x.sum().item()).toBe(10);
  expect(x.index(['1:', [0]]).isView).toBe(false);
  expect(nonzero(x).shape).toEqual([2, 2]);
  expectSame(argwhere(x), nonzero(x));
  expect(maskedSelect(x, x.gt(0)).toArray()).toEqual([5, 5]);
});

describe('an index without elements', () => {
  const none = tensor([], { dtype: 'int32' });
  const nothing = tensor([], { dtype: 'int32' }).reshape([0, 3]);
  const reductions = ['sum', 'prod', 'mean', 'amax', 'amin'] as const;
  const cases: [name: string, slices: number, call: (x: Tensor, source: Tensor) => Tensor][] = [
    ['indexAdd', 0, (x, source) => x.indexAdd(0, none, source)],
    ['indexAdd with alpha', 0, (x, source) => x.indexAdd(0, none, source, { alpha: 2 })],
    ['indexAdd_', 0, (x, source) => x.mul(1).indexAdd_(0, none, source)],
    ['indexCopy', 0, (x, source) => x.indexCopy(0, none, source)],
    ['indexPut', 0, (x, source) => x.indexPut([none], source)],
    ['indexPut that adds', 0, (x, source) => x.indexPut([none], source, true)],
    ['put', 0, (x, source) => x.put(none, source)],
    ['scatter', 2, (x, source) => x.scatter(0, nothing, source)],
    ['scatter with an index of another number of dimensions', 2, (x, source) => x.scatter(0, none, source)],
    ['scatter that multiplies', 2, (x, source) => x.scatter(0, nothing, source, { reduce: 'multiply' })],
    ['scatterAdd', 2, (x, source) => x.scatterAdd(0, nothing, source)],
    ...reductions.flatMap((reduce) =>
      [true, false].map((includeSelf): (typeof cases)[number] => [
        `scatterReduce by ${reduce}, ${includeSelf}`,
        2,
        (x, source) => x.scatterReduce(0, nothing, source, reduce, { includeSelf }),
      ]),
    ),
    ['indexReduce', 0, (x, source) => x.indexReduce(0, none, source, 'amax', { includeSelf: false })],
  ];

  /** As in PyTorch the source belongs to the graph, and so does the tensor itself. */
  it.each(cases)('keeps the graph in %s', (_, slices, call) => {
    const source = ones([slices, 3], { requiresGrad: true });
    const out = call(zeros([4, 3]), source);
    out.sum().backward();
    expect(out.detach().toArray()).toEqual(zeros([4, 3]).toArray());
    expect(source.grad!.toArray()).toEqual(zeros([slices, 3]).toArray());
    const x = zeros([4, 3], { requiresGrad: true });
    call(x, source.detach()).sum().backward();
    expect(x.grad!.toArray()).toEqual(ones([4, 3]).toArray());
  });

  it.each(['median', 'nanmedian'] as const)('keeps the graph in %s of nothing', (name) => {
    const x = zeros([0, 2], { requiresGrad: true });
    x[name]().backward();
    expect(x.grad!.shape).toEqual([0, 2]);
  });
});
