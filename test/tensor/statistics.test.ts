import { readFileSync } from 'node:fs';
import * as nabla from 'nabla';
import {
  aminmax,
  bincount,
  capture,
  cdist,
  corrcoef,
  cosineSimilarity,
  countNonzero,
  cov,
  cumulativeTrapezoid,
  DTypeError,
  diff,
  dist,
  grad,
  gradcheck,
  gradgradcheck,
  gradient,
  histc,
  histogram,
  linalg,
  logspace,
  type NablaError,
  nanmean,
  nansum,
  nn,
  norm,
  pairwiseDistance,
  pdist,
  randn,
  renorm,
  ShapeError,
  Tensor,
  tensor,
  trapezoid,
  ValueError,
  zeros,
} from 'nabla';
import { describe, expect, it } from 'vitest';
import { decodeNumber, decodeTensor, type EncodedTensor, expectClose, numbers } from '../recorded.js';

// Statistics, distances and differences against PyTorch's values and gradients: see fixtures/statistics.py.

type Argument = EncodedTensor | number | string | boolean | null | readonly Argument[];

interface Call {
  readonly name: string;
  readonly args: readonly Argument[];
  readonly kwargs: Readonly<Record<string, Argument>>;
  readonly results: readonly EncodedTensor[];
  readonly upstream: readonly EncodedTensor[];
  readonly grads: readonly (EncodedTensor | null)[];
}

const recorded = JSON.parse(readFileSync(new URL('../fixtures/statistics.json', import.meta.url), 'utf8')) as Call[];

type AnyFunction = (...args: readonly unknown[]) => unknown;

function functionOf(name: string): AnyFunction {
  const found: unknown = name.split('.').reduce<unknown>((at, part) => Reflect.get(at as object, part), nabla);
  return (found ?? Reflect.get(nn.functional, name)) as AnyFunction;
}

const isEncoded = (value: Argument): value is EncodedTensor =>
  typeof value === 'object' && value !== null && 'values' in value && 'shape' in value;

function decodeArgument(value: Argument): unknown {
  if (isEncoded(value)) return decodeTensor(value);
  if (Array.isArray(value)) return value.map(decodeArgument);
  return typeof value === 'string' && value.endsWith('inf') ? decodeNumber(value) : value;
}

const optionsOf = ({ kwargs }: Call): object =>
  Object.fromEntries(Object.entries(kwargs).map(([key, value]) => [key, decodeArgument(value)]));

const resultsOf = (result: unknown): Tensor[] =>
  result instanceof Tensor ? [result] : [...(result as Iterable<Tensor>)];

const run = (one: Call, args: readonly unknown[]): Tensor[] =>
  resultsOf(functionOf(one.name)(...args, ...(Object.keys(one.kwargs).length > 0 ? [optionsOf(one)] : [])));

const isFloat = (value: unknown): value is Tensor => value instanceof Tensor && value.dtype.startsWith('float');

/** Of these a result may be the other of two equal ones, or as many as the elements are. */
const isInexact = ({ name }: Call): boolean => name === 'logspace' || name === 'renorm';

const titleOf = ({ name, args, kwargs }: Call, i: number): string => {
  const shown = args.map((value) => (isEncoded(value) ? `[${value.shape.join(', ')}]` : JSON.stringify(value)));
  return `${i}: ${name} of ${shown.join(' ')} ${JSON.stringify(Object.keys(kwargs))}`;
};

describe.each(recorded.map((one, i): [string, Call] => [titleOf(one, i), one]))('%s', (_, one) => {
  it('is that of PyTorch, and so are its gradients', () => {
    const wantsGradients = one.grads.length > 0;
    const args = one.args.map(decodeArgument).map((value) => {
      return isFloat(value) && wantsGradients ? value.requiresGrad_() : value;
    });
    const results = run(one, args);
    expect(results.map(({ shape }) => shape)).toEqual(one.results.map(({ shape }) => shape));
    expect(results.map(({ dtype }) => dtype)).toEqual(one.results.map(({ dtype }) => dtype));
    results.forEach((result, i) => {
      expectClose(result, one.results[i]!.values, isInexact(one) ? 1e-7 : result.dtype === 'float32' ? 1e-6 : 1e-12);
    });
    if (!wantsGradients) return;
    const operands = args.filter(isFloat);
    const outputs = results.filter((result) => result.requiresGrad);
    const total = outputs.map((result, i) => result.mul(decodeTensor(one.upstream[i]!)).sum());
    const grads = grad(
      total.reduce((a, b) => a.add(b)),
      operands,
      { allowUnused: true },
    );
    one.grads.forEach((expected, i) => {
      if (expected !== null) expectClose(grads[i]!, expected.values, isInexact(one) ? 1e-7 : 1e-10);
    });
  });

  it('is the same of strided operands, and captured', () => {
    const args = one.args.map(decodeArgument);
    const plain = run(one, args);
    const strided = args.map((value) =>
      value instanceof Tensor && value.ndim === 2 ? value.t().contiguous().t() : value,
    );
    run(one, strided).forEach((result, i) => {
      expectClose(result, numbers(plain[i]!), 1e-13);
    });
    // How many counts there are depends on the elements.
    if (one.name === 'bincount') return;
    const captured = capture((...given: Tensor[]) => {
      const rest = [...given];
      return run(
        one,
        args.map((value) => (value instanceof Tensor ? rest.shift()! : value)),
      );
    });
    for (let call = 0; call < 2; call++) {
      captured(...args.filter((value) => value instanceof Tensor)).forEach((result, i) => {
        expect(numbers(result)).toEqual(numbers(plain[i]!));
      });
    }
  });
});

describe('gradients', () => {
  const x = () => randn([3, 4], { dtype: 'float64', requiresGrad: true });
  const weights = { aweights: tensor([0.5, 1, 2, 0.25], { dtype: 'float64' }) };
  const differentiable: [string, (x: Tensor, y: Tensor) => Tensor][] = [
    ['nansum', (x) => nansum(x, 1)],
    ['nanmean', (x) => nanmean(x, 0)],
    ['cov', (x) => cov(x)],
    ['cov of weights', (x) => cov(x, weights)],
    ['corrcoef', (x) => corrcoef(x).triu(1)],
    ['aminmax', (x) => aminmax(x, { dim: 1 }).max],
    ['diff', (x, y) => diff(x, { n: 2, append: y })],
    ['gradient', (x) => gradient(x, { edgeOrder: 2 })[1]!],
    ['trapezoid', (x, y) => trapezoid(x, y)],
    ['cumulativeTrapezoid', (x, y) => cumulativeTrapezoid(x, y, { dim: 0 })],
    ['dist', (x, y) => dist(x, y, 3)],
    ['cdist', (x, y) => cdist(x, y)],
    ['pdist', (x) => pdist(x, 1.5)],
    ['pairwiseDistance', (x, y) => pairwiseDistance(x, y, 3)],
    ['cosineSimilarity', (x, y) => cosineSimilarity(x, y)],
    ['normalize', (x) => nn.functional.normalize(x)],
    ['renorm', (x) => renorm(x, 2, 0, 0.5)],
    ['vectorNorm', (x) => linalg.vectorNorm(x, 3, 1)],
  ];
  it.each(differentiable)('of %s are those of finite differences, of the second order too', (_, f) => {
    nabla.manualSeed(7);
    const inputs = f.length === 1 ? [x()] : [x(), x()];
    const call = (...given: unknown[]) => f(given[0] as Tensor, given[1] as Tensor);
    expect(gradcheck(call, inputs)).toBe(true);
    expect(gradgradcheck(call, inputs)).toBe(true);
  });
});

describe('at equal largest differences the gradients of order ∞', () => {
  const slopes = (distance: (x: Tensor) => Tensor, values: number[]): unknown => {
    const x = tensor([values, [0, 0]], { requiresGrad: true });
    distance(x).sum().backward();
    return x.grad!.select(0, 0).add(0).toArray();
  };
  const cases: [values: number[], ofEveryTwo: number[], ofOne: number[]][] = [
    [
      [1, 1],
      [1, 1],
      [0.5, 0.5],
    ],
    [
      [1, -1],
      [1, -1],
      [0.5, -0.5],
    ],
    [
      [1, 0.5],
      [1, 0],
      [1, 0],
    ],
    [
      [0, 0],
      [0, 0],
      [0, 0],
    ],
  ];
  it.each(cases)(
    'at %o are not shared by cdist and pdist, as in PyTorch, but by the others',
    (values, each, shared) => {
      const halves = (x: Tensor): [Tensor, Tensor] => [x.narrow(0, 0, 1), x.narrow(0, 1, 1)];
      expect(slopes((x) => pdist(x, Infinity), values)).toEqual(each);
      expect(slopes((x) => cdist(...halves(x), Infinity), values)).toEqual(each);
      expect(slopes((x) => dist(...halves(x), Infinity), values)).toEqual(shared);
      expect(slopes((x) => pairwiseDistance(...halves(x), Infinity, 0), values)).toEqual(shared);
    },
  );
});

describe('methods', () => {
  it('are the functions', () => {
    const x = tensor([
      [3, 4],
      [0, 1],
    ]);
    expect(x.countNonzero().item()).toBe(3);
    expect(x.aminmax().max.item()).toBe(4);
    expect(x.renorm(2, 0, 1).toArray()).toEqual(renorm(x, 2, 0, 1).toArray());
    expect(x.dist(zeros([2, 2])).item()).toBe(norm(x).item());
    expect(x.diff({ dim: 0 }).toArray()).toEqual([[-3, -3]]);
    expect(x.cov().shape).toEqual([2, 2]);
    expect(x.histc(2).toArray()).toEqual(histc(x, 2).toArray());
    expect(tensor([1, NaN]).nansum().item()).toBe(1);
  });

  it('in place write over the tensor', () => {
    const x = tensor([
      [3, 4],
      [0, 1],
    ]);
    expect(x.clone().renorm_(2, 0, 1).toArray()).toEqual(renorm(x, 2, 0, 1).toArray());
    expect(x.clone().clampMin_(2).toArray()).toEqual([
      [3, 4],
      [2, 2],
    ]);
    expect(x.clone().clampMax_(tensor(2)).toArray()).toEqual([
      [2, 2],
      [0, 1],
    ]);
    expect(tensor([1, 5], { dtype: 'int32' }).clampMax_(3).dtype).toBe('int32');
  });

  it('prod with an infinity and a zero has the gradient of PyTorch', () => {
    const slope = (values: number[]) => {
      const x = tensor(values, { requiresGrad: true });
      x.prod().backward();
      return x.grad!.toArray();
    };
    expect(slope([Infinity, 0, 2])).toEqual([0, Infinity, NaN]);
    expect(slope([0, -Infinity, Infinity])).toEqual([-Infinity, NaN, NaN]);
    expect(slope([NaN, 0, 2])).toEqual([0, NaN, NaN]);
    expect(slope([Infinity, 2, 3])).toEqual([NaN, Infinity, Infinity]);
    expect(slope([3, 0, 2])).toEqual([0, 6, 0]);
  });
});

describe('statistics refuse', () => {
  const x = zeros([2, 3]);
  const i = zeros([3], { dtype: 'int32' });
  const refused: [string, () => unknown, new (message: string) => NablaError, RegExp][] = [
    ['extremes of nothing', () => aminmax(zeros([0])), ShapeError, /nothing has no aminmax/],
    ['means of integers', () => nanmean(i), DTypeError, /expected a float tensor/],
    ['covariances of three dimensions', () => cov(zeros([1, 2, 3])), ShapeError, /at most two dimensions/],
    ['covariances of bools', () => cov(x.gt(0)), DTypeError, /bool/],
    [
      'weights that are negative',
      () => cov(x, { aweights: tensor([1, -1, 1]) }),
      ValueError,
      /aweights must not be negative/,
    ],
    ['weights of nothing', () => cov(x, { aweights: zeros([3]) }), ValueError, /add up to 0/],
    ['frequencies as floats', () => cov(x, { fweights: zeros([3]) }), DTypeError, /fweights must be int32/],
    [
      'weights of another number',
      () => cov(x, { fweights: zeros([2], { dtype: 'int32' }) }),
      ShapeError,
      /shape \[3\]/,
    ],
    ['counts of floats', () => bincount(zeros([2])), DTypeError, /expected int32/],
    ['counts of what is negative', () => bincount(i.sub(1)), ValueError, /at least 0, got -1/],
    ['counts of a matrix', () => bincount(zeros([1, 1], { dtype: 'int32' })), ShapeError, /one dimension/],
    ['weights of other counts', () => bincount(i, zeros([2])), ShapeError, /weights must have the shape \[3\]/],
    ['bounds the wrong way round', () => histc(x, 2, 3, 1), ValueError, /min <= max, got 3 and 1/],
    ['bins of NaN', () => histc(tensor([NaN])), ValueError, /not finite/],
    ['bins of integers', () => histc(i), DTypeError, /float/],
    ['no bins', () => histc(x, 0), ValueError, /bins must be an integer, at least 1/],
    ['edges that descend', () => histogram(x, tensor([1, 0])), ValueError, /must not descend/],
    ['one edge', () => histogram(x, tensor([1])), ShapeError, /two or more/],
    [
      'edges of another type',
      () => histogram(x, zeros([2], { dtype: 'float64' })),
      DTypeError,
      /edges must be float32/,
    ],
    ['a range of edges', () => histogram(x, tensor([0, 1]), { range: [0, 1] }), ValueError, /edges are given/],
    ['a range the wrong way round', () => histogram(x, 2, { range: [1, 0] }), ValueError, /low to high/],
    ['differences of 0-d tensors', () => diff(tensor(1)), ShapeError, /0-d/],
    ['slopes of one element', () => gradient(tensor([1])), ShapeError, /at least 2 elements/],
    ['an order of 3', () => gradient(x, { edgeOrder: 3 }), ValueError, /between 1 and 2/],
    ['spacings of another number', () => gradient(x, { spacing: [1, 2, 3] }), ValueError, /each of 2 dims, got 3/],
    ['coordinates of another number', () => gradient(x, { dim: 1, spacing: [zeros([2])] }), ShapeError, /shape \[3\]/],
    ['both x and dx', () => trapezoid(x, x, { dx: 1 }), ValueError, /x or dx/],
    ['x of another size', () => trapezoid(x, zeros([2])), ShapeError, /each of 3 values/],
    ['rows of other lengths', () => cdist(x, zeros([2, 2])), ShapeError, /differ in length/],
    ['vectors as rows', () => cdist(x, zeros([3])), ShapeError, /expected rows/],
    ['negative orders', () => cdist(x, x, -1), ValueError, /p must be at least 0/],
    ['distances of integers', () => dist(i, i), DTypeError, /float/],
    ['what is no matrix', () => pdist(zeros([3])), ShapeError, /a matrix/],
    ['parts of a vector', () => renorm(zeros([3]), 2, 0, 1), ShapeError, /two dimensions/],
    ['an order of 0', () => renorm(x, 0, 0, 1), ValueError, /p must be above 0/],
    ['a negative bound', () => renorm(x, 2, 0, -1), ValueError, /maxnorm must be at least 0/],
    ['the largest of nothing', () => linalg.vectorNorm(zeros([0]), Infinity), ValueError, /nothing has no norm/],
    ['a negative number of steps', () => logspace(0, 1, -1), ValueError, /steps must be an integer, at least 0/],
    ['powers beyond int32', () => logspace(0, 10, 2, { dtype: 'int32' }), ValueError, /does not fit int32/],
    ['counts along what is not there', () => countNonzero(x, 2), ShapeError, /dim/],
  ];
  it.each(refused)('%s', (_, call, type, message) => {
    expect(call).toThrow(type);
    expect(call).toThrow(message);
  });
});

it('slopes between coordinates that are integers are no integers', () => {
  const x = tensor([
    [1, 5, 2],
    [7, 1, 0],
    [3, 3, 9],
  ]);
  const whole = (...values: number[]) => tensor(values, { dtype: 'int32' });
  const [down, across] = gradient(x, { spacing: [whole(1, 2, 3), whole(4, 2, 6)], dim: [0, 1] });
  expect(down!.select(0, 1).toArray()).toEqual([1, -1, 3.5]);
  expect(across!.select(0, 0).toArray()).toEqual([-2, -3.25, -0.75]);
});
