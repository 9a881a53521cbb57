import { readFileSync } from 'node:fs';
import {
  capture,
  DTypeError,
  gradcheck,
  gradgradcheck,
  manualSeed,
  nn,
  rand,
  randn,
  ShapeError,
  type Tensor,
  tensor,
  ValueError,
  zeros,
} from 'nabla';
import { describe, expect, it } from 'vitest';
import { expectSame } from '../capture/same.js';

interface Encoded {
  readonly values: readonly number[];
  readonly shape: readonly number[];
}

/** See fixtures/embedding.py. */
interface Case {
  readonly options: {
    readonly padding_idx?: number;
    readonly max_norm?: number;
    readonly norm_type?: number | 'inf';
    readonly scale_grad_by_freq?: boolean;
  };
  readonly text: string;
  readonly table: Encoded;
  readonly indices: Encoded;
  readonly output: Encoded;
  readonly upstream: Encoded;
  readonly after: Encoded;
  readonly gradient: Encoded;
}

const cases = JSON.parse(readFileSync(new URL('../fixtures/embedding.json', import.meta.url), 'utf8')) as Case[];
const decode = ({ values, shape }: Encoded, dtype: 'float64' | 'int32' = 'float64'): Tensor =>
  tensor([...values], { dtype }).reshape(shape);

function expectClose(actual: Tensor, expected: Encoded): void {
  expect(actual.shape).toEqual(expected.shape);
  const got = actual.detach().toTypedArray();
  for (const [i, value] of expected.values.entries()) expect(got[i]).toBeCloseTo(value, 12);
}

function made({ options, table }: Case): nn.Embedding {
  return new nn.Embedding(5, 3, {
    paddingIdx: options.padding_idx,
    maxNorm: options.max_norm,
    normType: options.norm_type === 'inf' ? Number.POSITIVE_INFINITY : options.norm_type,
    scaleGradByFreq: options.scale_grad_by_freq,
    weight: decode(table),
  });
}

describe.each(cases)('$text of $indices.values', (one) => {
  it('is what PyTorch computes and prints', () => {
    const layer = made(one);
    expect(String(layer)).toBe(one.text);
    const y = layer.forward(decode(one.indices, 'int32'));
    expectClose(y, one.output);
    y.backward(decode(one.upstream));
    expectClose(layer.weight, one.after);
    expectClose(layer.weight.grad!, one.gradient);
  });

  it('captured does the same', () => {
    const [plain, replayed] = [made(one), made(one)];
    const run = (layer: nn.Embedding) => (x: Tensor) => {
      const y = layer.forward(x);
      y.square().sum().backward();
      return y.detach();
    };
    const step = capture(run(replayed));
    const x = decode(one.indices, 'int32');
    for (let i = 0; i < 3; i++) {
      expectSame(step(x), run(plain)(x));
      expectSame(replayed.weight.grad!, plain.weight.grad!);
      expectSame(replayed.weight.detach(), plain.weight.detach());
      for (const layer of [plain, replayed]) layer.weight.detach().mul_(1.5);
    }
  });
});

it('has gradients of gradients', () => {
  const table = randn([4, 2], { dtype: 'float64', requiresGrad: true });
  const list = tensor([1, 3, 1], { dtype: 'int32' });
  expect(gradcheck((t: Tensor) => nn.functional.embedding(list, t), [table])).toBe(true);
  expect(gradgradcheck((t: Tensor) => nn.functional.embedding(list, t), [table])).toBe(true);
});

it('takes strided indices and tables', () => {
  const table = rand([3, 5]).t();
  const list = tensor(
    [
      [0, 4],
      [1, 2],
    ],
    { dtype: 'int32' },
  ).t();
  const expected = list.toArray() as number[][];
  const rows = table.toArray() as number[][];
  expect(nn.functional.embedding(list, table).toArray()).toEqual(expected.map((row) => row.map((i) => rows[i])));
});

it('gives no gradient to padding, whatever flows in', () => {
  const layer = new nn.Embedding(3, 2, { paddingIdx: 1 });
  expect(layer.weight.select(0, 1).toArray()).toEqual([0, 0]);
  layer.forward(tensor([1, 2], { dtype: 'int32' })).backward(
    tensor([
      [Number.NaN, 1],
      [1, 1],
    ]),
  );
  expect(layer.weight.grad!.toArray()).toEqual([
    [0, 0],
    [0, 0],
    [1, 1],
  ]);
});

it('takes a table that is there, and draws nothing then', () => {
  const table = tensor(
    [
      [3, 4],
      [0, 1],
    ],
    { dtype: 'float64' },
  );
  manualSeed(1);
  const next = rand([1]);
  manualSeed(1);
  const frozen = nn.Embedding.fromPretrained(table, { paddingIdx: -1, maxNorm: 1 });
  expectSame(rand([1]), next);
  expect(frozen.weight.requiresGrad).toBe(false);
  expect(frozen.weight.dtype).toBe('float64');
  expect(String(frozen)).toBe('Embedding(2, 2, padding_idx=1, max_norm=1.0)');
  frozen.forward(tensor([0], { dtype: 'int32' }));
  expect(table.select(0, 0).select(0, 0).item()).toBeCloseTo(0.6);
  expect(nn.Embedding.fromPretrained(table, false).weight.requiresGrad).toBe(true);
});

it('refuses what does not fit, and changes nothing then', () => {
  const layer = new nn.Embedding(3, 2, { maxNorm: 0.1 });
  const before = layer.weight.detach().clone();
  const off = tensor([0, 3], { dtype: 'int32' });
  expect(() => layer.forward(off)).toThrow(/^embedding: index 3 \(element 1\) is out of range/);
  expectSame(layer.weight.detach(), before);
  expect(() => layer.forward(zeros([2]))).toThrow(DTypeError);
  expect(() => nn.functional.embedding(off, zeros([3]))).toThrow(ShapeError);
  expect(() => nn.functional.embedding(off, zeros([4, 1]), { paddingIdx: 4 })).toThrow(ValueError);
  expect(() => new nn.Embedding(3, 2, { paddingIdx: -4 })).toThrow(/^Embedding: paddingIdx -4 is out of range/);
  expect(() => new nn.Embedding(3, 2, { weight: zeros([2, 2]) })).toThrow(ShapeError);
  expect(() => new nn.Embedding(3, 2, { weight: zeros([3, 2]), dtype: 'float64' })).toThrow(DTypeError);
  expect(() => nn.Embedding.fromPretrained(zeros([3]))).toThrow(/^Embedding.fromPretrained: /);
  // @ts-expect-error gradients are dense
  expect(() => new nn.Embedding(3, 2, { sparse: true })).toThrow(/sparse/);
});
