import { capture, type DType, grad, manualSeed, nn, rand, randn, setNumThreads, type Tensor } from 'nabla';
import { afterEach, describe, expect, it } from 'vitest';
import { expectSame } from './same.js';

/** A fold gives the bits of the plain call whatever it is fused with: maps before, beside and after it, and other folds. */

const { functional: F } = nn;

/** Small whole numbers, from a seed. */
function chooser(seed: number) {
  let state = seed * 2654435761 + 12345;
  const below = (limit: number) => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return Math.floor(state / 65536) % limit;
  };
  return { below, of: <T>(choices: readonly T[]): T => choices[below(choices.length)]! };
}
type Chooser = ReturnType<typeof chooser>;

/** Around the lengths of vectors, lanes, tiles and runs. */
const SIZES = [1, 2, 3, 7, 8, 9, 16, 17, 31, 33, 63, 64, 65, 100, 129, 257];
const LONG = [511, 513, 1023, 1024, 1025, 1500, 2050, 5000];
const MOST_ELEMENTS = 40_000;

function shapeOf(choose: Chooser): number[] {
  const shape = Array.from({ length: 1 + choose.below(3) }, () => choose.of(SIZES));
  if (choose.below(3) === 0) shape[choose.below(shape.length)] = choose.of(LONG);
  while (shape.reduce((a, b) => a * b, 1) > MOST_ELEMENTS) {
    const largest = shape.indexOf(Math.max(...shape));
    shape[largest] = Math.ceil(shape[largest]! / 3);
  }
  return shape;
}

/** Of the shape, or broadcast to it; contiguous, transposed, with gaps, or part of something larger. */
function operandOf(choose: Chooser, shape: readonly number[], dtype: DType): Tensor {
  const own = shape.map((size) => (choose.below(4) === 0 ? 1 : size)).slice(choose.below(4) === 0 ? 1 : 0);
  const of = (sizes: readonly number[]): Tensor => {
    const x = randn([...sizes], { dtype: dtype === 'float64' ? 'float64' : 'float32' });
    return dtype === 'bool' ? x.gt(0) : dtype === 'int32' ? x.mul(5).to('int32') : x;
  };
  switch (choose.below(5)) {
    case 0:
      return own.length < 2 ? of(own) : of(own.toReversed()).permute(own.map((_, i) => own.length - 1 - i));
    case 1:
      return own.length === 0 ? of(own) : of([...own, 2]).select(own.length, 1);
    case 2:
      return own.length === 0 ? of(own) : of([own[0]! + 3, ...own.slice(1)]).narrow(0, 2, own[0]!);
    default:
      return of(own);
  }
}

type Fold = (x: Tensor, dims: number[]) => Tensor;
const folds: Readonly<Record<string, Fold>> = {
  sum: (x, dims) => x.sum(dims),
  mean: (x, dims) => x.mean(dims),
  prod: (x, dims) => x.mul(0.01).add(1).prod(dims),
  amax: (x, dims) => x.amax(dims),
  var: (x, dims) => x.var(dims, { correction: 0 }),
  norm: (x, dims) => x.norm(2, dims),
  logsumexp: (x, dims) => x.logsumexp(dims),
  centred: (x, dims) => x.sub(x.mean(dims, { keepdim: true })),
  softmax: (x, dims) => x.softmax(dims[0]!),
  scaled: (x, dims) => x.mul(x.sum(dims, { keepdim: true })),
};

/** A map before a fold, beside it, after it, over operands of other strides; another fold; and gradients of all. */
function program(choose: Chooser) {
  const shape = shapeOf(choose);
  const float = choose.of(['float32', 'float64'] as const);
  const dims = shape.map((_, axis) => axis).filter(() => choose.below(2) === 0);
  if (dims.length === 0) dims.push(choose.below(shape.length));
  const [first, second] = [choose.of(Object.keys(folds)), choose.of(Object.keys(folds))];
  const types = [float, choose.of(['bool', 'int32', float] as const), float] as const;
  const inputs = [randn(shape, { dtype: float }), ...types.map((type) => operandOf(choose, shape, type))];
  const variant = choose.below(6);
  const fn = (x: Tensor, a: Tensor, b: Tensor, c: Tensor): Tensor[] => {
    const mapped = variant === 0 ? x : variant < 3 ? x.mul(b).add(a) : x.sub(c);
    const folded = folds[first]!(mapped, dims);
    const beside = variant % 2 === 0 ? mapped.mul(2) : x.add(b);
    const other = folds[second]!(variant < 4 ? x : mapped.mul(c), dims);
    return [folded, beside, folded.mul(3).tanh(), other];
  };
  const name = `${float} [${shape}] over ${dims}: ${first}, ${second}, ${types[1]}, variant ${variant}`;
  return { name, fn, inputs: inputs as [Tensor, Tensor, Tensor, Tensor] };
}

const withGradients =
  (fn: (x: Tensor, a: Tensor, b: Tensor, c: Tensor) => Tensor[]) =>
  (x: Tensor, a: Tensor, b: Tensor, c: Tensor): Tensor[] => {
    const leaf = x.detach().requiresGrad_();
    const [third, fourth] = [b, c].map((y) => (y.dtype === x.dtype ? y.detach().requiresGrad_() : y));
    const results = fn(leaf, a, third!, fourth!);
    const total = results.map((result) => result.sum()).reduce((sum, one) => sum.add(one));
    const leaves = [leaf, third!, fourth!].filter((y) => y.requiresGrad);
    return [...results, ...grad(total, leaves, { allowUnused: true }).filter((g) => g != null)] as Tensor[];
  };

afterEach(() => {
  setNumThreads(1);
});

it.each(Array.from({ length: 60 }, (_, i) => i + 1))('random folds, fused, give the plain bits: seed %i', (seed) => {
  for (let part = 0; part < 4; part++) {
    manualSeed(seed);
    const { name, fn, inputs } = program(chooser(seed * 4 + part));
    for (const threads of [1, 3]) {
      setNumThreads(threads);
      for (const run of [fn, withGradients(fn)]) {
        const captured = capture(run, { name });
        captured(...inputs);
        const [plain, replayed] = [run(...inputs), captured(...inputs)];
        expect(replayed.length).toBe(plain.length);
        plain.forEach((x, i) => {
          expectSame(replayed[i]!, x);
        });
      }
    }
  }
});

describe('folds that are fused with what is walked otherwise', () => {
  const x = () => randn([100, 100]);
  it.each<[string, (x: Tensor, y: Tensor) => Tensor[]]>([
    ['a sum over the first dimension and a map', (a) => [a.sum(0), a.mul(2)]],
    ['a product over the first dimension and a map', (a) => [a.mul(0.01).add(1).prod(0), a.mul(2)]],
    ['a mean over the first dimension of a product with a row', (a, b) => [a.mul(b.select(0, 0)).mean(0), a.add(b)]],
    ['a sum of everything and a map with a row', (a, b) => [a.sum(), a.mul(b.select(0, 0))]],
    ['a sum of everything, of a product with a column', (a, b) => [a.mul(b.narrow(1, 0, 1)).sum(), a.sum()]],
    ['sums of a tensor and of another, transposed', (a, b) => [a.sum(0), b.t().sum(0), a.mul(b.t()).sum(0)]],
    ['a loss, its weights repeated', (a, b) => [F.mseLoss(a, b), F.l1Loss(a.mul(b.select(0, 1)), b)]],
    ['a layer norm of transposed rows', (a) => [F.layerNorm(a.t(), [100]), a.t().sum(1)]],
    ['a loss of classes, of transposed logits', (a) => [F.crossEntropy(a.t(), a.argmax(1)), a.sum(1)]],
  ])('%s', (name, fn) => {
    manualSeed(0);
    const [a, b] = [x(), rand([100, 100])];
    const captured = capture(fn, { name });
    captured(a, b);
    fn(a, b).forEach((result, i) => {
      expectSame(captured(a, b)[i]!, result);
    });
  });
});

describe('a fold of one value, which no operand holds', () => {
  const folds: Record<string, (x: Tensor) => Tensor> = {
    mean: (x) => x.mean(),
    'sums of rows': (x) => x.sum(1),
    'sums of columns': (x) => x.sum(0),
    'largest of rows': (x) => x.amax(1),
  };
  it.each(Object.entries(folds))('%s', (_, fold) => {
    const fn = (x: Tensor) => {
      const y = x.clone();
      y.fill_(0.5);
      return fold(y);
    };
    const captured = capture(fn);
    for (const columns of [1, 7, 17, 68, 100, 257, 1025, 5000]) {
      for (const rows of [1, 3, 40]) {
        const x = rand([rows, columns]);
        captured(x);
        expectSame(captured(x), fn(x));
      }
    }
  });
});

describe('a fold of what is one value for all of a row', () => {
  const folds: Record<string, (x: Tensor) => Tensor> = {
    'a sum of everything': (x) => x.sum().exp().expand(x.shape).sum(),
    'sums of largest elements': (x) => x.amax(1, { keepdim: true }).expand(x.shape).sum(1),
    'means of sums of columns': (x) => x.sum(0, { keepdim: true }).expand(x.shape).mean(0),
    'a gradient of a sum': (x) => {
      const y = x.clone().requiresGrad_();
      return grad(y.sum().sigmoid(), y)[0]!.sum();
    },
    'a gradient of means of rows': (x) => {
      const y = x.clone().requiresGrad_();
      return grad(y.mean(1).sigmoid().sum(), y)[0]!.sum(1);
    },
    'a mean of the largest of all': (x) => x.div(x).mul(x.amax()).mean(),
  };
  it.each(Object.entries(folds))('%s', (_, fold) => {
    const captured = capture((x: Tensor) => fold(x));
    for (const columns of [1, 7, 17, 68, 100, 257, 1025, 5000]) {
      for (const rows of [1, 3, 40]) {
        const x = rand([rows, columns]).mul(0.01);
        captured(x);
        expectSame(captured(x), fold(x));
      }
    }
  });
});
