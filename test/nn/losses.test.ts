import {
  DTypeError,
  grad,
  gradcheck,
  manualSeed,
  type NablaError,
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

const F = nn.functional;
const classes = (values: number[]) => tensor(values, { dtype: 'int32' });

describe('losses', () => {
  const x = () => randn([4, 3], { dtype: 'float64', requiresGrad: true });
  const reductions = ['none', 'mean', 'sum'] as const;
  const pairs: [string, (a: Tensor, b: Tensor, reduction: nn.functional.Reduction) => Tensor][] = [
    ['l1Loss', (a, b, reduction) => F.l1Loss(a, b, { reduction })],
    ['mseLoss', (a, b, reduction) => F.mseLoss(a, b, { reduction })],
    ['smoothL1Loss', (a, b, reduction) => F.smoothL1Loss(a, b, { reduction, beta: 0.3 })],
    ['huberLoss', (a, b, reduction) => F.huberLoss(a, b, { reduction, delta: 0.7 })],
    ['binaryCrossEntropy', (a, b, reduction) => F.binaryCrossEntropy(a.sigmoid(), b.sigmoid(), { reduction })],
    [
      'binaryCrossEntropyWithLogits',
      (a, b, reduction) => F.binaryCrossEntropyWithLogits(a, b.sigmoid(), { reduction }),
    ],
    ['klDiv', (a, b, reduction) => F.klDiv(a.logSoftmax(1), b.softmax(1), { reduction })],
    ['klDiv of logarithms', (a, b, reduction) => F.klDiv(a, b, { reduction, logTarget: true })],
    ['crossEntropy of probabilities', (a, b, reduction) => F.crossEntropy(a, b.softmax(1), { reduction })],
    [
      'crossEntropy of classes',
      (a, _, reduction) => F.crossEntropy(a, classes([0, 2, -100, 1]), { reduction, labelSmoothing: 0.2 }),
    ],
    ['nllLoss', (a, _, reduction) => F.nllLoss(a.logSoftmax(1), classes([0, 2, 1, 1]), { reduction })],
  ];

  describe.each(pairs)('%s', (_, loss) => {
    it.each(reductions)('has the gradient of finite differences for %s', (reduction) => {
      manualSeed(3);
      expect(gradcheck((a, b) => loss(a!, b!, reduction).add(b!.sum().mul(0)), [x(), x()])).toBe(true);
    });

    it('reduces as its single losses say', () => {
      manualSeed(4);
      const [a, b] = [randn([4, 3]), randn([4, 3])];
      const single = loss(a, b, 'none');
      expect(loss(a, b, 'sum').item()).toBeCloseTo(single.sum().item(), 4);
    });
  });

  it('weighs classes, and divides by the weights of the targets that count', () => {
    const logits = tensor([
      [2, 0, 0],
      [0, 2, 0],
      [0, 0, 2],
    ]);
    const weight = tensor([1, 2, 4]);
    const single = F.crossEntropy(logits, classes([0, 1, -100]), { weight, reduction: 'none' }).toArray() as number[];
    expect(single[2]).toBe(0);
    const mean = F.crossEntropy(logits, classes([0, 1, -100]), { weight }).item();
    expect(mean).toBeCloseTo((single[0]! + single[1]!) / 3, 6);
  });

  it('is NaN where no target counts, as in PyTorch', () => {
    expect(F.crossEntropy(zeros([1, 2]), classes([-100])).item()).toBeNaN();
  });

  it('is NaN where all targets that count weigh nothing, smoothed too, as in PyTorch', () => {
    const logits = tensor(
      [
        [1, 2, 3],
        [1, 1, 1],
      ],
      { requiresGrad: true },
    );
    const weight = tensor([0, 1, 1]);
    for (const labelSmoothing of [0, 0.1]) {
      const loss = F.crossEntropy(logits, classes([0, -100]), { weight, labelSmoothing });
      expect(loss.item()).toBeNaN();
      const [slopes] = grad([loss], [logits]);
      expect(slopes!.toArray()).toEqual([
        [NaN, NaN, NaN],
        [0, 0, 0],
      ]);
    }
  });

  it('weighs elements; the mean of l1Loss and mseLoss divides by the weights, that of huberLoss by their number', () => {
    const [input, target, weight] = [tensor([1, 2, 4]), zeros([3]), tensor([1, 2, 3])];
    expect(F.l1Loss(input, target, { weight, reduction: 'none' }).toArray()).toEqual([1, 4, 12]);
    expect(F.l1Loss(input, target, { weight }).item()).toBeCloseTo(17 / 6, 6);
    expect(F.mseLoss(input, target, 'sum', weight).item()).toBe(57);
    expect(F.mseLoss(input, target, { weight }).item()).toBe(9.5);
    expect(F.huberLoss(input, target, { weight, reduction: 'none' }).toArray()).toEqual([0.5, 3, 10.5]);
    expect(F.huberLoss(input, target, { weight }).item()).toBeCloseTo(14 / 3, 6);
    expect(() => F.mseLoss(input, target, { weight: zeros([1]) })).toThrow(ShapeError);
  });

  it('has the gradients of finite differences when weighted, for the weights too', () => {
    manualSeed(9);
    const inputs = [x(), x(), randn([4, 3], { dtype: 'float64' }).abs().requiresGrad_()];
    for (const loss of [F.l1Loss, F.mseLoss, F.huberLoss]) {
      expect(gradcheck((a, b, weight) => loss(a!, b!, { weight: weight! }), inputs)).toBe(true);
    }
  });

  it('does not overflow', () => {
    expect(F.crossEntropy(tensor([[1e4, -1e4]]), classes([1])).item()).toBe(2e4);
    expect(F.binaryCrossEntropyWithLogits(tensor([-1e4]), tensor([1])).item()).toBe(1e4);
    expect(F.binaryCrossEntropy(tensor([0]), tensor([1])).item()).toBe(100);
  });

  it('keeps weights in the state of a module', () => {
    const loss = new nn.BCEWithLogitsLoss({ posWeight: tensor([3]) });
    expect(Object.keys(loss.stateDict())).toEqual(['pos_weight']);
    loss.loadStateDict({ pos_weight: tensor([1]) });
    expect(loss.forward(tensor([0]), tensor([1])).item()).toBeCloseTo(Math.LN2, 6);
  });
});

describe('losses refuse', () => {
  const logits = zeros([2, 3]);
  const refused: [string, () => unknown, new (message: string) => NablaError, RegExp][] = [
    [
      'NaN class indices',
      () => F.crossEntropy(logits, tensor([Number.NaN, 0])),
      DTypeError,
      /class indices must be int32, got float32/,
    ],
    [
      'a class too large',
      () => F.crossEntropy(logits, classes([0, 3])),
      ValueError,
      /target 3 is out of range for 3 classes/,
    ],
    ['a negative class', () => F.nllLoss(logits, classes([-1, 0])), ValueError, /target -1 is out of range/],
    ['too few targets', () => F.crossEntropy(logits, classes([0])), ShapeError, /must have shape \[2\], got \[1\]/],
    ['integer logits', () => F.crossEntropy(classes([1, 2]), classes([1])), DTypeError, /float tensor, got int32/],
    [
      'weights of another size',
      () => F.crossEntropy(logits, classes([0, 1]), { weight: zeros([2]) }),
      ShapeError,
      /shape \[3\]/,
    ],
    [
      'too much smoothing',
      () => F.crossEntropy(logits, classes([0, 1]), { labelSmoothing: 2 }),
      ValueError,
      /in \[0, 1\], got 2/,
    ],
    ['a 0-d input', () => F.crossEntropy(tensor(1), classes([0])), ShapeError, /dimension of classes/],
    ['shapes that do not broadcast', () => F.mseLoss(logits, zeros([2])), ShapeError, /do not broadcast/],
    [
      'an unknown reduction',
      () => F.l1Loss(logits, logits, { reduction: 'avg' as 'mean' }),
      ValueError,
      /unknown reduction 'avg'; known: none, mean, sum/,
    ],
    [
      'an unknown option',
      () => F.mseLoss(logits, logits, { reducton: 'sum' } as object),
      ValueError,
      /did you mean 'reduction'/,
    ],
    [
      'an unknown option of a module',
      () => new nn.HuberLoss({ beta: 1 } as object),
      ValueError,
      /unknown option 'beta'/,
    ],
    ['a target that is no tensor', () => F.mseLoss(logits, 1 as never), ValueError, /target must be a Tensor, got 1/],
    [
      'probabilities above 1',
      () => F.binaryCrossEntropy(tensor([2]), tensor([1])),
      ValueError,
      /1 of 1 inputs are outside \[0, 1\]/,
    ],
    [
      'probabilities that are NaN',
      () => F.binaryCrossEntropy(tensor([Number.NaN]), tensor([1])),
      ValueError,
      /outside/,
    ],
    ['a delta of 0', () => F.huberLoss(logits, logits, { delta: 0 }), ValueError, /above 0/],
    ['a negative beta', () => F.smoothL1Loss(logits, logits, { beta: -1 }), ValueError, /at least 0/],
    ['a probability of dropping above 1', () => new nn.Dropout(1.5), ValueError, /p must be in \[0, 1\], got 1.5/],
  ];

  it.each(refused)('%s', (_, call, type, message) => {
    expect(call).toThrow(type);
    expect(call).toThrow(message);
  });

  it('nothing of a seeded draw: dropout keeps what it promises', () => {
    manualSeed(0);
    const kept = F.dropout(rand([10_000]).mul(0).add(1), { p: 0.3 });
    expect(kept.mean().item()).toBeCloseTo(1, 1);
    expect(F.dropout(zeros([3]).add(1), { p: 1 }).toArray()).toEqual([0, 0, 0]);
  });
});

describe('losses of integers, as PyTorch 2.13 takes them', () => {
  const [a, b] = [classes([1, 2, 3, 4]).reshape([2, 2]), classes([1, 0, 4, -5]).reshape([2, 2])];

  it('where the target is float, where they become float, and where they stay whole', () => {
    expect(F.mseLoss(a, b.float()).item()).toBe(21.5);
    expect(F.l1Loss(a, b.float()).item()).toBe(3);
    expect(F.smoothL1Loss(a, b.double()).item()).toBe(2.625);
    expect(F.poissonNllLoss(a, b, { logInput: false, reduction: 'sum' }).item()).toBeCloseTo(12.5370207, 5);
    expect(F.cosineEmbeddingLoss(a, b, classes([1, -1])).item()).toBeCloseTo(0.2763932, 6);
    expect(F.tripletMarginLoss(a, b, a).item()).toBeCloseTo(6.5276947, 5);
    expect(F.pairwiseDistance(a, b).dtype).toBe('float32');
    const ranked = F.marginRankingLoss(a, b, classes([-1]).reshape([1, 1]), { reduction: 'none' });
    expect([ranked.dtype, ranked.toArray()]).toEqual([
      'int32',
      [
        [0, 2],
        [0, 9],
      ],
    ]);
    expect(F.hingeEmbeddingLoss(a, b.sign().add(0), { reduction: 'sum' }).dtype).toBe('int32');
  });

  it.each([
    ['two of integers', () => F.mseLoss(a, b), 'mseLoss: the input must be a float tensor, got int32'],
    ['a mean', () => F.marginRankingLoss(a, b, a), 'marginRankingLoss: the input must be a float tensor, got int32'],
  ])('refuse %s', (_, call, message) => {
    expect(call).toThrow(DTypeError);
    expect(call).toThrow(message);
  });
});
