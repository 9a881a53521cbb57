import {
  bernoulli_,
  capture,
  empty,
  gradcheck,
  gradgradcheck,
  manualSeed,
  nn,
  ones,
  rand,
  randn,
  type Tensor,
  tensor,
  zeros,
} from 'nabla';
import { describe, expect, it } from 'vitest';

const { functional: F } = nn;

const ALPHA = 1.7580993408473766;

/** Which channels are kept, as the stream has them. */
function keptOf(shape: number[], p: number): number[] {
  manualSeed(7);
  return [...bernoulli_(empty(shape, { dtype: 'bool' }), 1 - p).toTypedArray()].map(Number);
}

/** Of ones: the values of a channel, which are alike. */
function channelsOf(y: Tensor, channels: number): number[] {
  const rows = y.reshape([channels, -1]);
  expect(rows.amax(1).toArray()).toEqual(rows.amin(1).toArray());
  return [...rows.select(1, 0).toTypedArray()];
}

describe('dropout of nothing and of everything', () => {
  const x = ones([2, 3, 4]);
  const attended = (dropoutP: number) => {
    // Enough queries to be attended to in blocks.
    const q = zeros([1, 600, 2]);
    return F.scaledDotProductAttention(q, q, q, { dropoutP });
  };
  const forms: [string, (p: number) => unknown][] = [
    ['dropout', (p) => F.dropout(x, p)],
    ['dropout in place', (p) => F.dropout(x.clone(), p, true, true)],
    ['dropout1d', (p) => F.dropout1d(x, p)],
    ['dropout2d', (p) => F.dropout2d(x, p)],
    ['dropout3d', (p) => F.dropout3d(x.unsqueeze(0), p)],
    ['alphaDropout', (p) => F.alphaDropout(x, p, true)],
    ['featureAlphaDropout', (p) => F.featureAlphaDropout(x, p, true)],
    ['Dropout', (p) => new nn.Dropout(p).forward(x)],
    ['Dropout in place', (p) => new nn.Dropout(p, true).forward(x.clone())],
    ['attention', (p) => attended(p)],
    ['dropout in a captured function', (p) => capture((input: Tensor) => F.dropout(input, p))(x)],
  ];

  // torch.manual_seed(0); F.dropout(x, p); torch.rand(1)
  it.each(forms)('%s takes nothing from the stream', (_, drop) => {
    for (const p of [0, 1]) {
      manualSeed(0);
      drop(p);
      expect(rand([1]).item()).toBeCloseTo(0.4963, 4);
    }
  });

  it('leaves what it drops nothing of as it is, in place too', () => {
    const leaf = ones([3], { requiresGrad: true });
    expect(F.dropout(leaf, 0, true, true)).toBe(leaf);
    const over = tensor([1, Number.NaN]);
    expect(F.dropout(over, 1, true, true)).toBe(over);
    expect(over.toArray()).toEqual([0, Number.NaN]);
  });
});

describe('dropout of channels', () => {
  it.each<[string, (x: Tensor, p: number) => Tensor, number[]]>([
    ['dropout1d', (x, p) => F.dropout1d(x, p), [4, 5, 3]],
    ['dropout1d without a batch', (x, p) => F.dropout1d(x, p), [20, 3]],
    ['dropout2d', (x, p) => F.dropout2d(x, p), [4, 5, 3, 2]],
    ['dropout2d of signals', (x, p) => F.dropout2d(x, p), [4, 5, 3]],
    ['dropout3d', (x, p) => F.dropout3d(x, p), [4, 5, 3, 2, 2]],
    ['dropout3d without a batch', (x, p) => F.dropout3d(x, p), [20, 3, 2, 2]],
  ])('%s zeroes whole channels', (_, drop, shape) => {
    const kept = keptOf([20], 0.25);
    expect(new Set(kept).size).toBe(2);
    manualSeed(7);
    const x = ones(shape, { dtype: 'float64' });
    expect(channelsOf(drop(x, 0.25), 20)).toEqual(kept.map((one) => one / 0.75));
    expect(drop(x, 0)).toBe(x);
    expect(drop(x, 1).toArray()).toEqual(x.mul(0).toArray());
  });

  it('of elements and of channels keeps mean 0 and variance 1', () => {
    const [p, a] = [0.3, 1 / Math.sqrt((ALPHA * ALPHA * 0.3 + 1) * 0.7)];
    const value = (x: number, kept: number) => x * kept * a + ((kept - 1) * ALPHA * a + ALPHA * a * p);
    const x = tensor(
      Array.from({ length: 40 }, (_, i) => i / 10 - 2),
      { dtype: 'float64' },
    );
    const expectClose = (y: Tensor, kept: (i: number) => number) => {
      [...y.toTypedArray()].forEach((one, i) => {
        expect(one).toBeCloseTo(value(i / 10 - 2, kept(i)), 12);
      });
    };
    const elements = keptOf([40], p);
    manualSeed(7);
    expectClose(F.alphaDropout(x, p, { training: true }), (i) => elements[i]!);
    const channels = keptOf([2, 5], p);
    manualSeed(7);
    expectClose(F.featureAlphaDropout(x.reshape([2, 5, 4]), p, { training: true }).ravel(), (i) => channels[i >> 2]!);
    expect(F.alphaDropout(x, p)).toBe(x);
    expect(F.alphaDropout(x, 1, { training: true }).abs().sum().item()).toBe(0);
    manualSeed(0);
    const normal = F.alphaDropout(randn([200_000]), 0.2, { training: true });
    expect(Math.abs(normal.mean().item())).toBeLessThan(0.02);
    expect(Math.abs(normal.std().item() - 1)).toBeLessThan(0.02);
  });

  it('is the same in layers, written over the input, and captured', () => {
    const x = randn([3, 4, 2, 2]);
    for (const type of [nn.Dropout2d, nn.AlphaDropout, nn.FeatureAlphaDropout]) {
      const layer = new type(0.4);
      expect(layer.toString()).toBe(`${type.name}(p=0.4, inplace=False)`);
      const drop = () => layer.forward(x);
      manualSeed(1);
      const expected = drop().toArray();
      manualSeed(1);
      const over = x.clone();
      new type({ p: 0.4, inplace: true }).forward(over);
      expect(over.toArray()).toEqual(expected);
      const captured = capture(drop);
      manualSeed(1);
      expect(captured().toArray()).toEqual(expected);
      manualSeed(1);
      expect(captured().toArray()).toEqual(expected);
      expect(layer.eval().forward(x)).toBe(x);
    }
  });

  it('has gradients', () => {
    const x = randn([2, 3, 2], { dtype: 'float64', requiresGrad: true });
    const seeded = (drop: (x: Tensor) => Tensor) => (x: Tensor) => {
      manualSeed(2);
      return drop(x);
    };
    expect(
      gradcheck(
        seeded((x) => F.dropout1d(x, 0.5)),
        x,
      ),
    ).toBe(true);
    expect(
      gradcheck(
        seeded((x) => F.alphaDropout(x, 0.5, { training: true })),
        x,
      ),
    ).toBe(true);
  });

  it('refuses other dimensions', () => {
    expect(() => F.dropout1d(ones([3]))).toThrow('dropout1d: expected 2 or 3 dimensions');
    expect(() => F.dropout2d(ones([3, 2]))).toThrow('dropout2d: expected 3 or 4 dimensions');
    expect(() => F.dropout3d(ones([3, 2, 2]))).toThrow('dropout3d: expected 4 or 5 dimensions');
    expect(() => F.featureAlphaDropout(ones([3]), 0.5, { training: true })).toThrow(
      'featureAlphaDropout: expected two or more dimensions',
    );
    expect(() => new nn.Dropout1d(1.5)).toThrow('Dropout1d: p must be in [0, 1], got 1.5');
  });
});

describe('Bilinear', () => {
  it('has the values, gradients and printed form of its definition', () => {
    manualSeed(3);
    const layer = new nn.Bilinear(3, 4, 2, { dtype: 'float64' });
    expect(layer.toString()).toBe('Bilinear(in1_features=3, in2_features=4, out_features=2, bias=True)');
    const [a, b] = [randn([5, 3], { dtype: 'float64' }), randn([5, 4], { dtype: 'float64' })];
    const y = layer.forward(a, b);
    for (let n = 0; n < 5; n++) {
      for (let k = 0; k < 2; k++) {
        const row = a.select(0, n).matmul(layer.weight.select(0, k)).matmul(b.select(0, n));
        expect(y.select(0, n).select(0, k).item()).toBeCloseTo(row.add(layer.bias!.select(0, k)).item(), 12);
      }
    }
    const inputs = [a, b, layer.weight, layer.bias!].map((x) => x.detach().clone().requiresGrad_());
    const apply = (x1: Tensor, x2: Tensor, w: Tensor, bias: Tensor) => F.bilinear(x1, x2, w, bias);
    expect(gradcheck(apply as (...xs: Tensor[]) => Tensor, inputs)).toBe(true);
    expect(gradgradcheck(apply as (...xs: Tensor[]) => Tensor, inputs)).toBe(true);
  });

  it('refuses what does not fit', () => {
    const weight = ones([2, 3, 4]);
    expect(() => F.bilinear(ones([5, 3]), ones([6, 4]), weight)).toThrow('bilinear: expected inputs (…, 3) and (…, 4)');
    expect(() => F.bilinear(ones([5, 3]), ones([5, 4]), weight, ones([3]))).toThrow(
      'expected a bias of shape [2], got [3]',
    );
  });
});

describe('Unflatten', () => {
  it('splits a dimension', () => {
    const layer = new nn.Unflatten(-1, [2, -1]);
    expect(layer.forward(ones([3, 8])).shape).toEqual([3, 2, 4]);
    expect(new nn.Unflatten(1, [2, 4]).toString()).toBe('Unflatten(dim=1, unflattened_size=(2, 4))');
    expect(() => layer.forward(ones([3, 7]))).toThrow('unflatten: sizes [2, -1] do not multiply to 7');
  });
});
