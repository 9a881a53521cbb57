import { readFileSync } from 'node:fs';
import {
  backward,
  CaptureError,
  capture,
  DTypeError,
  grad,
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
import { decodeNumber, decodeTensor, type EncodedTensor, expectClose, numbers } from '../recorded.js';

// Losses against PyTorch's values and gradients, and against themselves. A new one needs a row in fixtures/losses.py.

type Option = number | string | boolean | { readonly tensor: EncodedTensor };

interface Case {
  readonly name: string;
  readonly options: Readonly<Record<string, Option>>;
  readonly operands: readonly EncodedTensor[];
  readonly loss: EncodedTensor;
  readonly upstream: EncodedTensor;
  readonly grads: readonly (EncodedTensor | null)[];
}

const recorded = JSON.parse(readFileSync(new URL('../fixtures/losses.json', import.meta.url), 'utf8')) as Case[];

const F = nn.functional;

type Loss = nn.Module<Tensor[], Tensor>;

function make({ name, options }: Case): Loss {
  const plain = Object.entries(options).map(([key, value]): [string, unknown] => {
    if (typeof value === 'object') return [key, decodeTensor(value.tensor)];
    return [key, key === 'p' ? decodeNumber(value as number | string) : value];
  });
  const type = Reflect.get(nn, name) as new (options: object) => Loss;
  return new type(Object.fromEntries(plain));
}

const operandsOf = (one: Case): Tensor[] =>
  one.operands.map((operand, i) => decodeTensor(operand).requiresGrad_(one.grads[i] !== null));

/** Of these the gradient holds only for outputs of a softmax, or is not the derivative at a bend. */
const isSmooth = ({ name, options, operands, grads }: Case): boolean =>
  name !== 'CTCLoss' &&
  options.eps !== 0.5 &&
  [...operands, ...grads].every((x) => x === null || x.values.every((value) => typeof value === 'number')) &&
  !(name === 'CosineEmbeddingLoss' && operands[0]!.values.every((x) => x === 0)) &&
  !(name === 'KLDivLoss' && operands[1]!.values.includes(0));

const titleOf = ({ name, options, operands }: Case, i: number): string =>
  `${i}: ${name} ${JSON.stringify(Object.keys(options))} of ${operands.map(({ shape }) => JSON.stringify(shape)).join(', ')}`;

describe.each(recorded.map((one, i): [string, Case] => [titleOf(one, i), one]))('%s', (_, one) => {
  it('is that of PyTorch, and so are its gradients', () => {
    const operands = operandsOf(one);
    const loss = make(one).forward(...operands);
    expect(loss.shape).toEqual(one.loss.shape);
    expectClose(loss, one.loss.values, 1e-12);
    backward(loss, decodeTensor(one.upstream));
    one.grads.forEach((expected, i) => {
      if (expected === null) return;
      expect(operands[i]!.grad!.shape).toEqual(expected.shape);
      expectClose(operands[i]!.grad!, expected.values, 1e-11);
    });
  });

  // Targets one after the other are laid out by their lengths, which are looked at.
  const looksAtLengths =
    one.name === 'CTCLoss' && one.operands[1]!.shape.length === 1 && one.operands[0]!.shape.length === 3;
  it(looksAtLengths ? 'cannot be captured' : 'is the same when captured', () => {
    const loss = make(one);
    const wanted = one.grads.flatMap((expected, i) => (expected === null ? [] : [i]));
    const step = (...given: Tensor[]): Tensor[] => {
      const operands = given.map((x, i) => (wanted.includes(i) ? x.detach().requiresGrad_() : x));
      const value = loss.forward(...operands);
      return [
        value.detach(),
        ...grad(
          value.sum(),
          wanted.map((i) => operands[i]!),
        ),
      ] as Tensor[];
    };
    const inputs = () => one.operands.map(decodeTensor);
    const captured = capture(step);
    const plain = step(...inputs());
    if (looksAtLengths) return expect(() => captured(...inputs())).toThrow(CaptureError);
    for (let call = 0; call < 2; call++) {
      captured(...inputs()).forEach((result, i) => {
        expect(numbers(result)).toEqual(numbers(plain[i]!));
      });
    }
  });

  if (!isSmooth(one)) return;

  it('has the gradients of finite differences, of the second order too', () => {
    const operands = operandsOf(one);
    const wanted = operands.filter((x) => x.requiresGrad);
    const f = (...given: Tensor[]) => {
      const rest = [...given];
      return make(one).forward(...operands.map((x) => (x.requiresGrad ? rest.shift()! : x)));
    };
    expect(gradcheck((...given) => f(...(given as Tensor[])), wanted)).toBe(true);
    expect(gradgradcheck((...given) => f(...(given as Tensor[])), wanted)).toBe(true);
  });

  it('is nearly the same in float32', () => {
    const narrow = one.operands.map((x) => (x.dtype === 'float64' ? decodeTensor(x).float() : decodeTensor(x)));
    const loss = make(one);
    loss.float();
    expect(loss.forward(...narrow).dtype).toBe('float32');
    expectClose(loss.forward(...narrow), one.loss.values, 1e-5);
  });
});

describe('losses that PyTorch has', () => {
  it('are all recorded, or tested elsewhere', () => {
    const names = Object.keys(nn).filter((name) => name.endsWith('Loss') && name !== name.toLowerCase());
    const elsewhere = [
      'L1',
      'MSE',
      'SmoothL1',
      'Huber',
      'BCE',
      'BCEWithLogits',
      'NLL',
      'CrossEntropy',
      'LinearCrossEntropy',
      'AdaptiveLogSoftmaxWith',
    ];
    const known = new Set([...recorded.map(({ name }) => name), ...elsewhere.map((name) => `${name}Loss`)]);
    expect(names.filter((name) => /^[A-Z]/.test(name) && !known.has(name))).toEqual([]);
    expect(known.size).toBeGreaterThanOrEqual(22);
  });

  it('have functions that the modules call', () => {
    const [a, b] = [tensor([[1, 2]]), tensor([[0.5, 3]])];
    expect(F.poissonNllLoss(a, b, { full: true }).item()).toBe(
      new nn.PoissonNLLLoss({ full: true }).forward(a, b).item(),
    );
    expect(F.hingeEmbeddingLoss(a, b, 0.25).item()).toBe(new nn.HingeEmbeddingLoss(0.25).forward(a, b).item());
    expect(F.tripletMarginLoss(a, b, a, 2, 1).item()).toBe(new nn.TripletMarginLoss(2, 1).forward(a, b, a).item());
    expect(F.gaussianNllLoss(a, b, 0.5).item()).toBe(F.gaussianNllLoss(a, b, tensor([[0.5, 0.5]])).item());
  });

  it('are of nothing what PyTorch makes of nothing', () => {
    const none = zeros([0, 3]);
    expect(F.softMarginLoss(none, none).item()).toBeNaN();
    expect(F.softMarginLoss(none, none, 'sum').item()).toBe(0);
    expect(F.multilabelSoftMarginLoss(none, none, { reduction: 'none' }).shape).toEqual([0]);
    expect(F.cosineEmbeddingLoss(none, none, zeros([0]), { reduction: 'none' }).shape).toEqual([0]);
  });

  it('do not overflow', () => {
    expect(F.softMarginLoss(tensor([-1e4]), tensor([1])).item()).toBe(1e4);
    expect(F.multilabelSoftMarginLoss(tensor([[-1e4]]), tensor([[1]])).item()).toBe(1e4);
  });

  it('keep their weights as state', () => {
    const weight = tensor([1, 2]);
    expect(Object.keys(new nn.MultiMarginLoss({ weight }).stateDict())).toEqual(['weight']);
    expect(Object.keys(new nn.MultiLabelSoftMarginLoss(weight).stateDict())).toEqual(['weight']);
    const linear = new nn.LinearCrossEntropyLoss(3, 2, { weight, bias: true });
    expect(Object.keys(linear.stateDict())).toEqual(['weight', 'linear.weight', 'linear.bias']);
  });
});

describe('tripletMarginWithDistanceLoss', () => {
  it('calls the distance it is given, and swaps where that is nearer', () => {
    const distanceFunction = (x: Tensor, y: Tensor) => x.sub(y).abs().sum(-1);
    const [a, p, n] = [tensor([[0, 0]]), tensor([[0, 2]]), tensor([[0, 3]])];
    expect(F.tripletMarginWithDistanceLoss(a, p, n, { distanceFunction, margin: 3 }).item()).toBe(2);
    expect(F.tripletMarginWithDistanceLoss(a, p, n, { distanceFunction, margin: 3, swap: true }).item()).toBe(4);
    const module = new nn.PairwiseDistance({ p: 1, eps: 0 });
    expect(F.tripletMarginWithDistanceLoss(a, p, n, { distanceFunction: module, margin: 3 }).item()).toBe(2);
  });
});

describe('linearCrossEntropy', () => {
  it('is the cross entropy of a linear map', () => {
    manualSeed(2);
    const [x, w, b] = [randn([5, 3]), randn([4, 2, 3]), randn([4, 2])];
    const target = tensor(
      [
        [0, 1],
        [2, 3],
        [1, -100],
        [3, 3],
        [0, 0],
      ],
      { dtype: 'int32' },
    );
    const logits = x
      .matmul(w.reshape([8, 3]).t())
      .add(b.reshape([8]))
      .reshape([5, 4, 2]);
    const options = { weight: tensor([1, 2, 0.5, 1]), labelSmoothing: 0.1 };
    const loss = F.linearCrossEntropy(x, w, target, { linearBias: b, ...options });
    expect(loss.item()).toBeCloseTo(F.crossEntropy(logits, target, options).item(), 5);
  });

  it('prints as in PyTorch', () => {
    const loss = new nn.LinearCrossEntropyLoss(3, 2, { outFeatures: [4], ignoreIndex: 1 });
    expect(String(loss)).toBe(
      'LinearCrossEntropyLoss(\n  in_features=3, num_classes=2, out_features=(4,), bias=False, reduction=mean, ignore_index=1, label_smoothing=0.0, options=None\n  (linear): Linear(in_features=3, out_features=8, bias=False)\n)',
    );
  });
});

describe('ctcLoss', () => {
  it('is what counting all ways gives', () => {
    manualSeed(3);
    const logProbs = randn([4, 1, 3], { dtype: 'float64' }).logSoftmax(2);
    const p = logProbs.exp().squeeze(1).toArray() as number[][];
    let total = 0;
    for (let way = 0; way < 3 ** 4; way++) {
      const path = [0, 1, 2, 3].map((t) => Math.floor(way / 3 ** t) % 3);
      const text = path.filter((label, t) => label !== path[t - 1]).filter((label) => label !== 0);
      if (text.join() === '1,2') total += path.reduce((product, label, t) => product * p[t]![label]!, 1);
    }
    const loss = F.ctcLoss(logProbs, tensor([[1, 2]], { dtype: 'int32' }), [4], [2], { reduction: 'sum' });
    expect(loss.item()).toBeCloseTo(-Math.log(total), 12);
  });

  it('has the gradient of finite differences through a softmax', () => {
    manualSeed(4);
    const x = randn([5, 2, 3], { dtype: 'float64', requiresGrad: true });
    const targets = tensor(
      [
        [1, 1],
        [2, 0],
      ],
      { dtype: 'int32' },
    );
    const f = (logits: Tensor) => F.ctcLoss(logits.logSoftmax(2), targets, [5, 4], [2, 1]);
    expect(gradcheck((logits) => f(logits!), [x])).toBe(true);
  });
});

describe('losses refuse', () => {
  const classes = (values: number[]) => tensor(values, { dtype: 'int32' });
  const x = zeros([2, 3]);
  const logProbs = zeros([4, 2, 3]);
  const labels = tensor([[1], [2]], { dtype: 'int32' });
  const refused: [string, () => unknown, new (message: string) => NablaError, RegExp][] = [
    ['a negative variance', () => F.gaussianNllLoss(x, x, ones([2, 3]).neg()), ValueError, /a variance is negative/],
    [
      'a variance of another shape',
      () => F.gaussianNllLoss(x, x, ones([3])),
      ShapeError,
      /var must have the shape \[2, 3\]/,
    ],
    ['an eps of 0', () => F.gaussianNllLoss(x, x, 1, { eps: 0 }), ValueError, /eps must be above 0/],
    ['ranks of other dimensions', () => F.marginRankingLoss(x, x, zeros([2])), ShapeError, /as many dimensions/],
    ['anchors of other dimensions', () => F.tripletMarginLoss(x, x, zeros([3])), ShapeError, /as many dimensions/],
    ['a margin of 0', () => F.tripletMarginLoss(x, x, x, 0), ValueError, /margin must be above 0, got 0/],
    [
      'a distance that is none',
      () => F.tripletMarginWithDistanceLoss(x, x, x, { distanceFunction: () => 1 as never }),
      ValueError,
      /must return a Tensor/,
    ],
    ['vectors of two targets', () => F.cosineEmbeddingLoss(x, x, zeros([3])), ShapeError, /a target per pair/],
    ['a target too many dimensions', () => F.cosineEmbeddingLoss(x, x, x), ShapeError, /0-d target/],
    ['a power of 3', () => F.multiMarginLoss(x, classes([0, 1]), 3 as 2), ValueError, /p must be 1 or 2, got 3/],
    ['a class too large', () => F.multiMarginLoss(x, classes([0, 3])), ValueError, /out of range for 3 classes/],
    [
      'a class below -1',
      () => F.multilabelMarginLoss(x, zeros([2, 3], { dtype: 'int32' }).sub(2)),
      ValueError,
      /out of range/,
    ],
    ['classes as floats', () => F.multiMarginLoss(x, zeros([2])), DTypeError, /must be int32/],
    [
      'no classes',
      () => F.multilabelMarginLoss(zeros([2, 0]), zeros([2, 0], { dtype: 'int32' })),
      ShapeError,
      /batch, classes/,
    ],
    [
      'weights of another size',
      () => F.multiMarginLoss(x, classes([0, 1]), { weight: ones([2]) }),
      ShapeError,
      /shape \[3\]/,
    ],
    [
      'an input too long',
      () => F.ctcLoss(logProbs, labels, [5, 4], [1, 1]),
      ValueError,
      /inputLengths must be between 0 and 4/,
    ],
    [
      'a target too long',
      () => F.ctcLoss(logProbs, labels, [4, 4], [2, 1]),
      ValueError,
      /targetLengths must be between 0 and 1/,
    ],
    [
      'lengths of another number',
      () => F.ctcLoss(logProbs, labels, [4], [1, 1]),
      ShapeError,
      /inputLengths must have shape \[2\]/,
    ],
    [
      'targets that are too few',
      () => F.ctcLoss(logProbs, classes([1]), [4, 4], [1, 1]),
      ShapeError,
      /add up to 2, but there are 1/,
    ],
    [
      'a blank that is no class',
      () => F.ctcLoss(logProbs, labels, [4, 4], [1, 1], 3),
      ValueError,
      /blank must be below 3/,
    ],
    [
      'targets as floats',
      () => F.ctcLoss(logProbs, zeros([2, 1]), [4, 4], [1, 1]),
      DTypeError,
      /targets must be int32/,
    ],
    [
      'features that differ',
      () => F.linearCrossEntropy(x, zeros([2, 4]), classes([0, 1])),
      ShapeError,
      /last dimensions/,
    ],
    [
      'probabilities with an index to ignore',
      () => F.linearCrossEntropy(x, zeros([4, 3]), zeros([2, 4]), { ignoreIndex: 1 }),
      ShapeError,
      /ignoreIndex/,
    ],
    [
      'class weights of another number',
      () => new nn.LinearCrossEntropyLoss(3, 2, { weight: ones([3]) }),
      ShapeError,
      /shape \[2\]/,
    ],
    ['an unknown option', () => new nn.CTCLoss({ zero: true } as object), ValueError, /unknown option 'zero'/],
  ];
  it.each(refused)('%s', (_, call, type, message) => {
    expect(call).toThrow(type);
    expect(call).toThrow(message);
  });
});
