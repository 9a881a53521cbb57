import {
  backendName,
  capture,
  grad,
  manualSeed,
  nn,
  rand,
  randint,
  randn,
  setNumThreads,
  softplus,
  type Tensor,
  tensor,
  where,
} from 'nabla';
import { afterEach, describe, expect, it } from 'vitest';
import { binary, unary } from './rows.js';

/**
 * An answer does not depend on the batch it came in: a row alone, among a few or among many gives the same bits, forward and backward,
 * plain and captured, on any number of threads.
 */

type Float = 'float32' | 'float64';

/** Of rows, with others of as many rows: what it gives for a row must depend on that row alone. */
type PerRow = (x: Tensor, y: Tensor) => Tensor;

const MANY = backendName() === 'js' ? 65 : 257;
/** Around vectors, the tiles of products on every instruction set, and where products are turned. The JS backend has tiles of four rows. */
const counts = backendName() === 'js' ? [1, 3, 4, 5, 9, 49] : [1, 2, 3, 6, 7, 8, 15, 16, 17, 47, 48, 49, MANY];
/** What is captured, each a program of its own. */
const capturedCounts = backendName() === 'js' ? [1, 49] : [1, 7, 49, MANY];
/** Of single operations, of which there are hundreds: around the widest vector only, or a tile. */
const few = backendName() === 'js' ? { plain: [1, 5], captured: [5] } : { plain: [1, 7, 16, 17, MANY], captured: [7] };

const bytes = (x: Tensor) => {
  const { buffer, byteOffset, byteLength } = x.toTypedArray();
  return Buffer.from(buffer, byteOffset, byteLength);
};

/** The values, and with floats the gradient with respect to the rows. */
function forwardAndBackward(fn: PerRow, x: Tensor, y: Tensor, seed: Tensor | null): Tensor[] {
  const leaf = x.detach().requiresGrad_(seed !== null);
  const out = fn(leaf, y);
  return seed === null || !out.requiresGrad ? [out] : [out, grad(out, leaf, { gradOutputs: seed })[0]!];
}

function expectRows(parts: readonly Tensor[], wholes: readonly Tensor[], start: number, count: number): void {
  expect(parts.length).toBe(wholes.length);
  parts.forEach((part, i) => {
    const whole = bytes(wholes[i]!);
    const row = whole.length / MANY;
    const same = bytes(part).equals(whole.subarray(start * row, (start + count) * row));
    if (!same) {
      const [got, expected] = [part.toTypedArray(), wholes[i]!.narrow(0, start, count).toTypedArray()];
      expect({ result: i, count, start, values: got }).toEqual({ result: i, count, start, values: expected });
    }
  });
}

/** All rows on three threads, against some of them on one, and replays for some on three. */
function expectPerRow(
  fn: PerRow,
  x: Tensor,
  y: Tensor,
  { plain, captured: replayed } = { plain: counts, captured: capturedCounts },
): void {
  setNumThreads(3);
  const out = fn(x, y);
  const seed = out.dtype === x.dtype ? randn(out.shape, { dtype: x.dtype as Float }) : null;
  const wholes = forwardAndBackward(fn, x, y, seed);
  setNumThreads(1);
  const rows = (of: Tensor, start: number, count: number) => of.narrow(0, start, count);
  for (const count of plain) {
    const start = count % 2 === 0 ? 0 : MANY - count;
    const some = seed && rows(seed, start, count);
    expectRows(forwardAndBackward(fn, rows(x, start, count), rows(y, start, count), some), wholes, start, count);
  }
  setNumThreads(3);
  const captured = capture((a: Tensor, b: Tensor, c: Tensor | null) => forwardAndBackward(fn, a, b, c));
  for (const count of replayed) {
    const args = [x, y, seed].map((of) => of && rows(of, 0, count)) as [Tensor, Tensor, Tensor | null];
    captured(...args);
    expectRows(captured(...args), wholes, 0, count);
  }
}

const operands = (dtype: Float, ...shape: number[]): [Tensor, Tensor] => {
  manualSeed(shape.length + shape[0]!);
  return [randn([MANY, ...shape], { dtype }).mul(1.5), rand([MANY, ...shape], { dtype })];
};

afterEach(() => {
  setNumThreads(1);
});

const elementwise: [name: string, fn: PerRow][] = [
  ...unary.filter(({ dtype }) => dtype === 'float64').map(({ name, call }): [string, PerRow] => [name, (x) => call(x)]),
  ...binary
    .filter(({ dtype }) => dtype === 'float64')
    .map(({ name, call }): [string, PerRow] => [name, (x, y) => call(x, y)]),
];

const { functional: F } = nn;

const more: [name: string, fn: PerRow][] = [
  ['sin of large angles', (x) => x.mul(1e6).sin()],
  ['functions beyond their ordinary range', (x) => x.mul(80).exp().add(x.mul(40).tanh())],
  ['where, clamp, softplus', (x, y) => where(x.gt(y), x.clamp(-1, 0.5), softplus(y))],
  [
    'activations',
    (x) =>
      F.gelu(x)
        .add(F.silu(x))
        .add(F.elu(x))
        .add(F.leakyRelu(x))
        .add(F.gelu(x, { approximate: 'tanh' })),
  ],
  ['pow by numbers', (_, y) => y.pow(1.7).add(y.pow(3)).add(y.pow(-0.5))],
];

describe.each(['float32', 'float64'] as const)('rows of %s do not depend on the batch', (dtype) => {
  it.each([...elementwise, ...more])('%s', (_, fn) => {
    expectPerRow(fn, ...operands(dtype, 37), few);
  });
});

const folds: [name: string, fn: PerRow][] = [
  ['sum', (x) => x.sum(-1)],
  ['mean', (x) => x.mean(-1)],
  ['prod', (_, y) => y.add(0.5).prod(-1)],
  ['var and std', (x) => x.var(-1, { correction: 0 }).add(x.std(-1, { correction: 0 }))],
  ['amax, amin', (x) => x.amax(-1).add(x.amin(-1))],
  ['max along a dimension', (x) => x.max(-1).values],
  ['argmax', (x) => x.argmax(-1)],
  ['any', (x) => x.gt(1).any(-1)],
  ['logsumexp', (x) => x.logsumexp(-1)],
  ['norms', (x) => x.norm(2, -1).add(x.norm(1, -1)).add(x.norm(3, -1))],
  ['sum of a product', (x, y) => x.mul(y).sum(-1)],
  ['softmax', (x) => x.softmax(-1)],
  ['logSoftmax', (x) => x.logSoftmax(-1)],
  ['layer norm', (x) => F.layerNorm(x, [x.shape.at(-1)!])],
  ['RMS norm', (x) => F.rmsNorm(x, [x.shape.at(-1)!])],
  ['centred', (x) => x.sub(x.mean(-1, { keepdim: true }))],
];

const widths: [dtype: Float, width: number][] = [
  ...[1, 3, 8, 9, 64, 100, 1030].map((width): [Float, number] => ['float32', width]),
  ...[5, 37, 520].map((width): [Float, number] => ['float64', width]),
];

describe.each(widths)('folds of rows of %s do not depend on the batch: %i elements', (dtype, width) => {
  it.each(folds)('%s', (_, fn) => {
    expectPerRow(fn, ...operands(dtype, width));
  });
});

describe.each(['float32', 'float64'] as const)('folds of several or inner dimensions of %s', (dtype) => {
  it.each<[string, PerRow]>([
    ['of all but the first', (x) => x.sum([1, 2])],
    ['of the one before the last', (x) => x.sum(1)],
    ['softmax before the last', (x) => x.softmax(1)],
    ['of a transposed operand', (x) => x.transpose(1, 2).sum(2)],
    ['layer norm of two', (x) => F.layerNorm(x, [x.shape[1]!, x.shape[2]!])],
    ['of a product with what is repeated', (x) => x.mul(x.select(1, 0).unsqueeze(1)).sum([1, 2])],
  ])('%s', (_, fn) => {
    expectPerRow(fn, ...operands(dtype, 17, 9));
  });

  it('rows that are columns in memory', () => {
    const [x, y] = operands(dtype, 67);
    const turned = x.t().contiguous().t();
    for (const fold of [
      (a: Tensor) => a.sum(1),
      (a: Tensor) => a.prod(1),
      (a: Tensor) => a.softmax(1),
      (a: Tensor) => a.var(1),
    ]) {
      expectPerRow(fold, turned, y);
    }
  });
});

const products: [dtype: Float, inner: number, columns: number][] = [
  ['float32', 1, 1],
  ['float32', 5, 7],
  ['float32', 37, 1],
  ['float32', 64, 10],
  ['float32', 256, 48],
  ['float32', 300, 50],
  ['float32', 300, 1],
  ['float32', 1030, 17],
  ['float32', 1030, 100],
  ['float64', 100, 33],
  ['float64', 300, 50],
  ['float64', 520, 8],
];

describe.each(products)('products with rows of %s do not depend on the batch: %i terms, %i columns', (dtype, k, n) => {
  const setUp = () => {
    const [x, y] = operands(dtype, k);
    return { x, y, weight: randn([n, k], { dtype }), bias: randn([n], { dtype }) };
  };

  it('linear, its bias and activation', () => {
    const { x, y, weight, bias } = setUp();
    expectPerRow((a) => F.linear(a, weight, bias), x, y);
    expectPerRow((a) => F.linear(a, weight, bias).relu(), x, y);
    expectPerRow((a, b) => F.linear(a.mul(b), weight).sigmoid().sum(-1), x, y);
  });

  it('a matrix as it lies, and transposed', () => {
    const { x, y, weight, bias } = setUp();
    const matrix = weight.t().contiguous();
    expectPerRow((a) => a.matmul(matrix), x, y);
    expectPerRow((a) => a.matmul(weight.t()).add(bias), x, y);
  });

  it('a vector', () => {
    const { x, y, weight } = setUp();
    expectPerRow((a) => a.matmul(weight.select(0, 0)), x, y);
  });
});

describe.each(['float32', 'float64'] as const)('batches of products of %s', (dtype) => {
  it.each([
    [3, 5, 4],
    [1, 64, 9],
    [7, 130, 17],
  ])('of %i rows, %i terms and %i columns', (m, k, n) => {
    const [x] = operands(dtype, m, k);
    const y = randn([MANY, k, n], { dtype });
    expectPerRow((a, b) => a.bmm(b), x, y);
    expectPerRow((a) => a.matmul(y.select(0, 3)), x, y);
  });
});

describe.each(['float32', 'float64'] as const)('convolutions of %s', (dtype) => {
  const weight = (...shape: number[]) => randn(shape, { dtype });

  it('of images, with and without padding, in groups, of single elements', () => {
    const [x, y] = operands(dtype, 4, 6, 5);
    const [w, b] = [weight(7, 4, 3, 3), weight(7)];
    expectPerRow((a) => F.conv2d(a, w, b, { padding: 1 }).relu(), x, y, few);
    const [grouped, single] = [weight(8, 2, 2, 3), weight(3, 4, 1, 1)];
    expectPerRow((a) => F.conv2d(a, grouped, { stride: [2, 1], groups: 2 }), x, y, few);
    expectPerRow((a) => F.conv2d(a, single), x, y, few);
  });

  it('pooling', () => {
    const [x, y] = operands(dtype, 3, 6, 5);
    expectPerRow((a) => F.maxPool2d(a, 3, 2, 1).add(F.avgPool2d(a, 3, 2, 1)), x, y, few);
    expectPerRow((a) => F.lpPool2d(a, 2, 2), x, y, few);
  });

  it('of signals', () => {
    const [x, y] = operands(dtype, 3, 17);
    const w = weight(5, 3, 4);
    expectPerRow((a) => F.conv1d(a, w, { dilation: 2, padding: 'same' }), x, y);
    const spread = weight(3, 2, 4);
    expectPerRow((a) => F.convTranspose1d(a, spread, { stride: 2, padding: 1 }), x, y, few);
  });
});

describe.each(['float32', 'float64'] as const)('losses of %s without a reduction', (dtype) => {
  it.each<[string, PerRow]>([
    ['pointwise', (x, y) => F.mseLoss(x, y, { reduction: 'none' }).add(F.l1Loss(x, y, { reduction: 'none' }))],
    ['smooth', (x, y) => F.smoothL1Loss(x, y, { reduction: 'none' }).add(F.huberLoss(x, y, { reduction: 'none' }))],
    ['binary', (x, y) => F.binaryCrossEntropyWithLogits(x, y, { reduction: 'none' })],
    ['binary of probabilities', (x, y) => F.binaryCrossEntropy(x.sigmoid(), y, { reduction: 'none' })],
    ['divergence', (x, y) => F.klDiv(x.logSoftmax(-1), y, { reduction: 'none' })],
    ['of classes', (x, y) => F.crossEntropy(x, y.argmax(-1), { reduction: 'none' })],
    ['of smoothed classes', (x, y) => F.crossEntropy(x, y.argmax(-1), { reduction: 'none', labelSmoothing: 0.1 })],
    ['of probabilities of classes', (x, y) => F.crossEntropy(x, y.softmax(-1), { reduction: 'none' })],
    ['of log-probabilities', (x, y) => F.nllLoss(x.logSoftmax(-1), y.argmax(-1), { reduction: 'none' })],
  ])('%s', (_, fn) => {
    expectPerRow(fn, ...operands(dtype, 10));
    expectPerRow(fn, ...operands(dtype, 130));
  });
});

describe('what picks elements of a row', () => {
  it('gather, indexSelect, masks', () => {
    const [x, y] = operands('float32', 37);
    const index = tensor([3, 0, 3, 36], { dtype: 'int32' });
    expectPerRow((a) => a.indexSelect(1, index), x, y);
    expectPerRow((a, b) => a.gather(1, b.argmax(1, { keepdim: true })), x, y);
    expectPerRow((a, b) => a.maskedFill(b.gt(0.5), 2), x, y);
  });

  it('rows of a table', () => {
    const table = randn([50, 33]);
    const ids = randint(50, [MANY]);
    expectPerRow((a) => table.indexSelect(0, a), ids, ids);
  });
});

describe('models', () => {
  it('a network of several layers', () => {
    manualSeed(0);
    const model = new nn.Sequential(
      new nn.Linear(30, 300),
      new nn.GELU(),
      new nn.LayerNorm(300),
      new nn.Linear(300, 65),
      new nn.ReLU(),
      new nn.RMSNorm(65),
      new nn.Linear(65, 10),
      new nn.LogSoftmax(-1),
    );
    expectPerRow((a) => model.forward(a), ...operands('float32', 30));
  });
});
