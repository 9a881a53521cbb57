import { inspect } from 'node:util';
import { grad, nn, ones, optim, tensor, type Tensor, zeros } from 'nabla';
import { describe, expect, it } from 'vitest';

// What PyTorch 2.13 gave at the edges of what layers take.

const F = nn.functional;
const doubles = (values: number[]) => tensor(values, { dtype: 'float64', requiresGrad: true });

function slope(f: (x: Tensor) => Tensor, x: Tensor): unknown {
  return grad([f(x).sum()], [x])[0]!.toArray();
}

describe('batch normalisation of an empty batch', () => {
  it.each([[[0, 2]], [[4, 2, 0]]])('of shape %j leaves running values as they are, with gradients of 0', (shape) => {
    const layer = new nn.BatchNorm1d(2);
    layer.runningMean.copy_(tensor([1, 2]));
    layer.runningVar.copy_(tensor([3, 4]));
    const x = zeros(shape, { requiresGrad: true });
    const y = layer.forward(x);
    y.sum().backward();
    expect([y.shape, x.grad!.shape]).toEqual([shape, shape]);
    expect(layer.runningMean.toArray()).toEqual([1, 2]);
    expect(layer.runningVar.toArray()).toEqual([3, 4]);
    expect(layer.numBatchesTracked.item()).toBe(1);
    expect(layer.weight.grad!.toArray()).toEqual([0, 0]);
    expect(layer.bias.grad!.toArray()).toEqual([0, 0]);
  });
});

describe('group and instance normalisation', () => {
  it('refuses groups of one value, of which there is nothing to normalise', () => {
    const layer = new nn.GroupNorm(2, 2);
    expect(() => layer.forward(zeros([1, 2, 1]))).toThrow(/more than 1 value per group, got \[1, 2, 1\]/);
    expect(layer.forward(zeros([2, 2, 1])).shape).toEqual([2, 2, 1]);
    expect(layer.forward(zeros([0, 2, 1])).shape).toEqual([0, 2, 1]);
  });

  it('takes an eps of 0', () => {
    expect(F.instanceNorm(tensor([[[1, 3]]]), { eps: 0 }).toArray()).toEqual([[[-1, 1]]]);
    expect(() => F.instanceNorm(tensor([[[1, 3]]]), { eps: -1 })).toThrow(/eps must be at least 0, got -1/);
  });
});

describe('pooling by a norm', () => {
  const x = () => doubles([-1, 5, 2, -4]).reshape([1, 1, 4]).detach().requiresGrad_();

  it.each([
    [Number.POSITIVE_INFINITY, [5, 4], [-0, 1, 0, -1]],
    [Number.NEGATIVE_INFINITY, [1, 2], [-1, -0, 1, 0]],
    [-1, [-1.25, 4], [1.5625, 0.0625, 4, 1]],
  ])('%d', (norm, values, slopes) => {
    const pool = (x: Tensor) => F.lpPool1d(x, norm, 2, 2);
    expect(pool(x()).toArray()).toEqual([[values]]);
    expect(new nn.LPPool1d(norm, 2).forward(x()).toArray()).toEqual([[values]]);
    const found = slope(pool, x()) as number[][][];
    expect(found[0]![0]!.map((one) => one + 0)).toEqual(slopes.map((one) => one + 0));
  });

  it('refuses 0', () => {
    expect(() => F.lpPool1d(x(), 0, 2)).toThrow(/normType must be a number other than 0, got 0/);
  });
});

describe('interpolation to the nearest', () => {
  const line = (count: number, ...lead: number[]) =>
    tensor(Array.from({ length: count }, (_, i) => i)).reshape([...lead, count]);

  it('takes images of the same size, or twice that, by their sizes, whatever the factor was', () => {
    const image = (count: number, factor: number, mode: 'nearest' | 'nearest-exact' = 'nearest') =>
      F.interpolate(line(count, 1, 1, 1), { scaleFactor: [1, factor], mode })
        .flatten()
        .toArray();
    expect(image(5, 1.15)).toEqual([0, 1, 2, 3, 4]);
    expect(image(4, 2.2)).toEqual([0, 0, 1, 1, 2, 2, 3, 3]);
    expect(image(4, 2.2, 'nearest-exact')).toEqual([0, 0, 1, 1, 2, 2, 2, 3]);
  });

  it('takes signals by the factor', () => {
    const found = F.interpolate(line(4, 1, 1), { scaleFactor: 2.2 })
      .flatten()
      .toArray();
    expect(found).toEqual([0, 0, 0, 1, 1, 2, 2, 3]);
  });
});

describe('the likelihood of a normal distribution', () => {
  it('has second derivatives as if no variance had been raised to eps', () => {
    const [input, variance] = [doubles([1, 2]), doubles([0.1, 2])];
    const target = tensor([0.5, 1], { dtype: 'float64' });
    const loss = F.gaussianNllLoss(input, target, variance, { eps: 0.5, reduction: 'sum' });
    const first = grad([loss], [input, variance], { createGraph: true }) as [Tensor, Tensor];
    expect(first.map((one) => one.toArray())).toEqual([
      [1, 0.5],
      [0.5, 0.125],
    ]);
    const second = grad([first[0].sum().add(first[1].sum())], [input, variance]);
    expect(second.map((one) => one!.toArray())).toEqual([
      [0, 0.25],
      [-2, -0.25],
    ]);
  });
});

describe('what layers are given', () => {
  it('may be empty and permuted, to be written in place', () => {
    const x = zeros([2, 0, 3]).permute([2, 1, 0]);
    expect(x.fill_(1).shape).toEqual([3, 0, 2]);
    expect(F.pad(zeros([2, 2, 1, 3, 3]), [2, -1, 0, -1, 1, -2], { mode: 'replicate' }).shape).toEqual([2, 2, 0, 2, 4]);
  });

  it('is refused where it asks for more than memory holds', () => {
    expect(() => F.adaptiveAvgPool1d(ones([1, 1, 5]), 2e9)).toThrow(/adaptiveAvgPool1d: \[2000000000\] windows/);
    expect(() => F.adaptiveMaxPool2d(ones([1, 1, 5, 5]), [30_000, 7])).not.toThrow();
    expect(() => F.affineGrid(ones([1, 2, 3]), [1, 1, 1e6, 1e6])).toThrow(/affineGrid: .* more places than int32/);
  });

  it.each<[nn.Layer]>([
    [new nn.Conv1d(1, 1, 1)],
    [new nn.Conv2d(1, 1, 1, { paddingMode: 'circular', padding: 1 })],
    [new nn.BatchNorm2d(1)],
    [new nn.InstanceNorm1d(1)],
    [new nn.GroupNorm(1, 2)],
    [new nn.MaxPool2d(2)],
    [new nn.AvgPool1d(2)],
    [new nn.LPPool2d(2, 2)],
    [new nn.AdaptiveAvgPool2d(1)],
    [new nn.Upsample({ scaleFactor: 2 })],
  ])('is refused in the name of %s where it is no tensor', (layer) => {
    for (const wrong of [[1, 2], undefined, null, 3, 'x']) {
      expect(() => layer.forward(wrong as never as Tensor)).toThrow(
        new RegExp(`^${layer.constructor.name}: the input must be a Tensor, got`),
      );
    }
  });

  it('is refused where there are no options', () => {
    for (const layer of [nn.Sigmoid, nn.Tanh, nn.LogSigmoid, nn.Softsign, nn.Tanhshrink, nn.Softmax2d]) {
      expect(() => Reflect.construct(layer, [3])).toThrow(`${layer.name}: expected no arguments, got 1`);
      expect(() => Reflect.construct(layer, [])).not.toThrow();
    }
  });
});

describe('what is printed', () => {
  it('of upsampling', () => {
    expect(`${new nn.Upsample({ scaleFactor: [1.5] })}`).toBe("Upsample(scale_factor=(1.5,), mode='nearest')");
    expect(`${new nn.Upsample({ scaleFactor: [1.5, 2] })}`).toBe("Upsample(scale_factor=(1.5, 2.0), mode='nearest')");
  });

  it('of the distance of a triplet loss, which is a child with its parameters', () => {
    const child = 'TripletMarginWithDistanceLoss(\n  (distance_function): PairwiseDistance()\n)';
    expect(`${new nn.TripletMarginWithDistanceLoss()}`).toBe(child);
    const given = new nn.TripletMarginWithDistanceLoss({ distanceFunction: new nn.PairwiseDistance(3) });
    expect(`${given}`).toBe(child);
    const learned = new nn.TripletMarginWithDistanceLoss({ distanceFunction: new nn.Bilinear(2, 2, 1) });
    expect([...learned.namedParameters()].map(([name]) => name)).toEqual([
      'distance_function.weight',
      'distance_function.bias',
    ]);
    const copy = learned.clone();
    const three = [ones([2, 2]), zeros([2, 2]), ones([2, 2]).mul(2)] as const;
    const before = learned.forward(...three).item();
    for (const parameter of copy.parameters()) parameter.data = parameter.data.mul(0);
    expect(copy.forward(...three).item()).toBe(1);
    expect(learned.forward(...three).item()).toBe(before);
    const plain = new nn.TripletMarginWithDistanceLoss({ distanceFunction: (a, b) => a.sub(b).abs().sum(-1) });
    expect(`${plain}`).toBe('TripletMarginWithDistanceLoss()');
  });

  it('of an optimizer, also by the console', () => {
    const optimizer = new optim.SGD([zeros([1])], { lr: 0.5 });
    expect(inspect(optimizer)).toBe(`${optimizer}`);
  });
});
