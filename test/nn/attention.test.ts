import { readFileSync } from 'node:fs';
import {
  capture,
  DTypeError,
  eye,
  gradcheck,
  gradgradcheck,
  manualSeed,
  type NablaError,
  nn,
  ones,
  randn,
  ShapeError,
  type Tensor,
  tensor,
  ValueError,
  zeros,
} from 'nabla';
import { describe, expect, it } from 'vitest';
import { numbers } from '../recorded.js';

/** See fixtures/attention.py. */
interface Recorded {
  readonly name: 'MultiheadAttention' | 'TransformerEncoderLayer' | 'TransformerDecoderLayer' | 'Transformer';
  readonly args: readonly unknown[];
  readonly shapes: readonly (readonly number[])[];
  readonly call: readonly unknown[];
  readonly text: string;
  readonly state: readonly string[];
  readonly outputs: readonly { readonly shape: readonly number[]; readonly values: readonly number[] }[];
  readonly inputGrads: readonly (readonly number[])[];
  readonly gradNorms: readonly number[];
}

const recorded = JSON.parse(readFileSync(new URL('../fixtures/attention.json', import.meta.url), 'utf8')) as Recorded[];

const attend = nn.functional.scaledDotProductAttention;
const doubles = (...shape: number[]) => randn(shape, { dtype: 'float64', requiresGrad: true });

const near = (actual: readonly number[], expected: readonly number[]) => {
  expect(actual.length).toBe(expected.length);
  for (const [i, value] of actual.entries()) {
    expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-5 + 5e-5 * Math.abs(expected[i]!));
  }
};

const leaves = (value: object): Tensor[] =>
  'numel' in value ? [value as Tensor] : [...(value as Iterable<Tensor | null>)].filter((one) => one !== null);

const total = (outputs: readonly Tensor[]): Tensor =>
  outputs.map((y) => y.mul(y).mul(y).sum()).reduce((sum, y) => sum.add(y));

describe.each(recorded)('$name($args) of $shapes', ({ name, args, shapes, call, text, state, ...expected }) => {
  const make = () => {
    manualSeed(7);
    const module = Reflect.construct(nn[name], args) as nn.Module<unknown[], object>;
    return { module, inputs: shapes.map((shape) => randn(shape, { requiresGrad: true })) };
  };

  it('is printed and saved as in PyTorch', () => {
    const { module } = make();
    expect(module.toString()).toBe(text);
    expect(Object.keys(module.stateDict())).toEqual(state);
  });

  it('gives what PyTorch gives, from parameters drawn as there, and the same gradients', () => {
    const { module, inputs } = make();
    const outputs = leaves(module.forward(...inputs, ...call));
    expect(outputs.map((y) => y.shape)).toEqual(expected.outputs.map(({ shape }) => shape));
    for (const [i, y] of outputs.entries()) near(numbers(y), expected.outputs[i]!.values);
    total(outputs).backward();
    for (const [i, x] of inputs.entries()) near(numbers(x.grad!), expected.inputGrads[i]!);
    near(
      module.parameters().map((parameter) => parameter.grad!.square().sum().sqrt().item()),
      expected.gradNorms,
    );
  });

  it('gives the same bits in a captured function, gradients too', () => {
    const { module, inputs } = make();
    const given = inputs.map((x) => x.detach());
    const step = (...xs: Tensor[]) => {
      module.zeroGrad();
      const outputs = leaves(module.forward(...xs, ...call));
      total(outputs).backward();
      return [...outputs, ...module.parameters().map((parameter) => parameter.grad!)];
    };
    const plain = [1, 2].map(() => step(...given).map((y) => y.toArray()));
    // The masks of dropout are drawn again from where the first call drew them.
    make();
    const captured = capture(step);
    expect([1, 2].map(() => captured(...given).map((y) => y.toArray()))).toEqual(plain);
  });
});

describe('scaledDotProductAttention', () => {
  const [q, k, v] = [() => doubles(2, 3, 4), () => doubles(2, 5, 4), () => doubles(2, 5, 2)];
  const mask = () => randn([3, 5]).gt(0);

  it('is softmax(q kᵀ / √E + mask) v', () => {
    manualSeed(1);
    const [query, key, value, bias] = [q(), k(), v(), doubles(3, 5)];
    const weights = query.matmul(key.transpose(1, 2)).mul(0.5).add(bias).softmax(2);
    near(numbers(attend(query, key, value, bias)), numbers(weights.matmul(value)));
    near(numbers(attend(query, key, value, bias, { scale: 0.5 })), numbers(weights.matmul(value)));
  });

  it('has the gradients of finite differences, twice', () => {
    manualSeed(2);
    const seen = mask();
    const inputs = () => [q(), k(), v()];
    expect(gradcheck((a, b, c) => attend(a!, b!, c!, seen), inputs())).toBe(true);
    expect(gradcheck((a, b, c) => attend(a!, b!, c!, { isCausal: true, scale: 2 }), inputs())).toBe(true);
    expect(gradcheck((a, b, c, d) => attend(a!, b!, c!, d!), [...inputs(), doubles(3, 5)])).toBe(true);
    expect(gradgradcheck((a, b, c, d) => attend(a!, b!, c!, d!), [...inputs(), doubles(3, 5)])).toBe(true);
    const grouped = [doubles(1, 4, 2, 3), doubles(1, 2, 2, 3), doubles(1, 2, 2, 3)];
    expect(gradcheck((a, b, c) => attend(a!, b!, c!, { enableGqa: true }), grouped)).toBe(true);
  });

  it('gives zeros, and gradients of zeros, where a query may see nothing', () => {
    const query = ones([2, 3], { requiresGrad: true });
    const seen = tensor([
      [true, true],
      [false, false],
    ]);
    const y = attend(query, ones([2, 3]), tensor([[1], [3]]), seen);
    expect(y.toArray()).toEqual([[2], [0]]);
    y.sum().backward();
    expect(query.grad!.toArray()).toEqual(zeros([2, 3]).toArray());
    expect(attend(ones([2, 3]), zeros([0, 3]), zeros([0, 4])).toArray()).toEqual(zeros([2, 4]).toArray());
  });

  it('shares heads of keys and values as if they were repeated', () => {
    manualSeed(3);
    const [query, key, value] = [randn([2, 6, 3, 4]), randn([2, 2, 5, 4]), randn([2, 2, 5, 4])];
    const repeated = attend(query, key.repeatInterleave(3, 1), value.repeatInterleave(3, 1));
    expect(attend(query, key, value, { enableGqa: true }).toArray()).toEqual(repeated.toArray());
  });

  it('takes strided operands, NaN and infinities', () => {
    manualSeed(4);
    const x = randn([3, 2, 4]).transpose(0, 1);
    expect(attend(x, x, x).toArray()).toEqual(attend(x.clone(), x.clone(), x.clone()).toArray());
    for (const odd of [Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(
        attend(tensor([[odd], [1]]), ones([2, 1]), ones([2, 1]))
          .isnan()
          .toArray(),
      ).toEqual([[true], [false]]);
    }
  });

  it('drops weights', () => {
    manualSeed(5);
    const y = attend(zeros([1, 1]), zeros([64, 1]), eye(64), { dropoutP: 0.5 });
    const kept = numbers(y).filter((weight) => weight !== 0);
    expect(new Set(kept)).toEqual(new Set([1 / 32]));
    expect(kept.length).toBeGreaterThan(16);
    expect(kept.length).toBeLessThan(48);
  });
});

describe('transformers', () => {
  it('see the same by a mask of bools, of numbers, and by being told that it is causal', () => {
    manualSeed(6);
    const attention = new nn.MultiheadAttention(4, 2);
    const x = randn([3, 2, 4]);
    const attnMask = nn.Transformer.generateSquareSubsequentMask(3);
    const [a, weights] = attention.forward(x, x, x, { attnMask });
    const masks = [attnMask.ne(0), attnMask.expand([4, 3, 3])];
    for (const other of masks) near(numbers(attention.forward(x, x, x, { attnMask: other })[0]), numbers(a));
    const hinted = attention.forward(x, x, x, { attnMask, isCausal: true, needWeights: false });
    near(numbers(hinted.attnOutput), numbers(a));
    expect(hinted.attnOutputWeights).toBe(null);
    expect(weights!.triu(1).eq(0).all().item()).toBe(true);
  });

  it('do not see padding', () => {
    manualSeed(7);
    const layer = new nn.TransformerEncoderLayer(4, 2, 8, { batchFirst: true });
    const encoder = new nn.TransformerEncoder(layer, 2, new nn.LayerNorm(4), { enableNestedTensor: false }).eval();
    const x = randn([1, 3, 4]);
    const srcKeyPaddingMask = tensor([[false, false, true]]);
    const padded = encoder.forward(x, { srcKeyPaddingMask }).narrow(1, 0, 2);
    near(numbers(padded), numbers(encoder.forward(x.narrow(1, 0, 2))));
  });

  it('are copies of the layer, with parameters of their own, and take an activation of any kind', () => {
    manualSeed(8);
    const layers = (['relu', (x: Tensor) => x.relu(), new nn.ReLU()] as const).map((activation) => {
      manualSeed(9);
      return new nn.TransformerDecoderLayer(4, 2, 8, { activation, dropout: 0 });
    });
    const [x, memory] = [randn([3, 2, 4]), randn([2, 2, 4])];
    const results = layers.map((layer) => layer.forward(x, memory).toArray());
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
    const decoder = new nn.TransformerDecoder(layers[0]!, 2);
    const [first, second] = [decoder.layers[0]!, decoder.layers[1]!].map((layer) => layer.parameters());
    expect(first!.every((p, i) => p.equal(second![i]!) && p !== second![i])).toBe(true);
  });

  const x = zeros([3, 2, 4]);
  const attention = new nn.MultiheadAttention(4, 2);
  const model = new nn.Transformer(4, 2, 1, 1, 8);
  const refused: [string, () => unknown, new (message: string) => NablaError, RegExp][] = [
    ['features', () => attend(x, zeros([3, 2, 5]), x), ShapeError, /as many features, got query \[3, 2, 4\], key/],
    ['count of values', () => attend(x, x, zeros([3, 5, 4])), ShapeError, /as many values as keys/],
    ['dimension', () => attend(zeros([4]), x, x), ShapeError, /query must have 2 or more dimensions, got \[4\]/],
    ['type', () => attend(x, x.to('float64'), x), DTypeError, /key must be float32 as query is, got float64/],
    ['integers', () => attend(x.int(), x.int(), x.int()), DTypeError, /must be a float tensor, got int32/],
    ['mask', () => attend(x, x, x, zeros([3, 3])), ShapeError, /attnMask must broadcast to the scores \[3, 2, 2\]/],
    ['type of a mask', () => attend(x, x, x, zeros([2, 2]).int()), DTypeError, /attnMask must be bool or float32/],
    [
      'two masks',
      () => attend(x, x, x, zeros([2, 2]), { isCausal: true }),
      ValueError,
      /attnMask or isCausal, got both/,
    ],
    [
      'heads',
      () => attend(zeros([3, 1, 4]), zeros([2, 1, 4]), zeros([2, 1, 4]), { enableGqa: true }),
      ShapeError,
      /the heads of query must be a multiple of those of key/,
    ],
    ['number of heads', () => new nn.MultiheadAttention(4, 3), ValueError, /numHeads must divide embedDim, 4, got 3/],
    ['query', () => attention.forward(zeros([3, 2, 5]), x, x), ShapeError, /query must have 4 features, got/],
    ['batch', () => attention.forward(x, zeros([3, 1, 4]), zeros([3, 1, 4])), ShapeError, /batches, .* must agree/],
    ['rank', () => attention.forward(x, zeros([3, 4]), zeros([3, 4])), ShapeError, /must all have 3 dimensions/],
    ['type of query', () => attention.forward(x.double(), x, x), DTypeError, /query must be float32 .* got float64/],
    [
      'mask of scores',
      () => attention.forward(x, x, x, { attnMask: zeros([2, 3]) }),
      ShapeError,
      /attnMask must have shape \[3, 3\] or \[4, 3, 3\], got \[2, 3\]/,
    ],
    [
      'mask of padding',
      () => attention.forward(x, x, x, { keyPaddingMask: zeros([3, 2]) }),
      ShapeError,
      /keyPaddingMask must have shape \[2, 3\], got \[3, 2\]/,
    ],
    ['hint', () => attention.forward(x, x, x, { isCausal: true }), ValueError, /expected attnMask too, got null/],
    ['source', () => model.forward(zeros([3, 2, 5]), x), ShapeError, /must have 4 features \(dModel\)/],
    ['target', () => model.forward(x, zeros([3, 1, 4])), ShapeError, /batches of one size/],
  ];
  it.each(refused)('refuse a wrong %s', (_, run, type, message) => {
    expect(run).toThrow(type);
    expect(run).toThrow(message);
  });
});
