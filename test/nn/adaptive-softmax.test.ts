import { readFileSync } from 'node:fs';
import {
  capture,
  DTypeError,
  gradcheck,
  gradgradcheck,
  manualSeed,
  nn,
  randn,
  ShapeError,
  type Tensor,
  tensor,
  ValueError,
  zeros,
} from 'nabla';
import { describe, expect, it } from 'vitest';
import { decodeTensor, type EncodedTensor, expectClose, numbers } from '../recorded.js';

interface Case {
  readonly name: string;
  readonly options: {
    readonly in_features: number;
    readonly n_classes: number;
    readonly cutoffs: readonly number[];
    readonly div_value?: number;
    readonly head_bias?: boolean;
  };
  readonly text: string;
  readonly state: Readonly<Record<string, EncodedTensor>>;
  readonly input: EncodedTensor;
  readonly target: EncodedTensor;
  readonly upstream: EncodedTensor;
  readonly output: EncodedTensor;
  readonly loss: EncodedTensor;
  /** Of the input, then of the parameters. */
  readonly grads: readonly EncodedTensor[];
  readonly logProb: EncodedTensor;
  readonly predicted: EncodedTensor;
}

/** See fixtures/adaptive_softmax.py. */
const { seed, cases } = JSON.parse(
  readFileSync(new URL('../fixtures/adaptive-softmax.json', import.meta.url), 'utf8'),
) as { readonly seed: number; readonly cases: readonly Case[] };

function make({ options }: Case): nn.AdaptiveLogSoftmaxWithLoss {
  manualSeed(seed);
  return new nn.AdaptiveLogSoftmaxWithLoss(options.in_features, options.n_classes, options.cutoffs, {
    ...(options.div_value !== undefined && { divValue: options.div_value }),
    ...(options.head_bias !== undefined && { headBias: options.head_bias }),
    dtype: 'float64',
  });
}

const ints = (values: number | number[]): Tensor => tensor(values, { dtype: 'int32' });

describe.each(cases.map((one): [string, Case] => [one.name || 'three clusters', one]))('%s', (_, one) => {
  it('starts, prints and is saved as in PyTorch', () => {
    const layer = make(one);
    expect(String(layer)).toBe(one.text);
    expect(Object.keys(layer.stateDict())).toEqual(Object.keys(one.state));
    for (const [name, value] of Object.entries(layer.stateDict())) expectClose(value, one.state[name]!.values, 1e-15);
  });

  it('gives the values and gradients of PyTorch', () => {
    const layer = make(one);
    const x = decodeTensor(one.input).requiresGrad_();
    const { output, loss } = layer.forward(x, decodeTensor(one.target));
    expect(output.shape).toEqual(one.output.shape);
    expect(loss.shape).toEqual([]);
    expectClose(output, one.output.values);
    expectClose(loss, one.loss.values);
    loss.add(output.mul(decodeTensor(one.upstream)).sum()).backward();
    for (const [i, p] of [x, ...layer.parameters()].entries()) expectClose(p.grad!, one.grads[i]!.values);
  });

  it('knows all probabilities, and the largest', () => {
    const [layer, x] = [make(one), decodeTensor(one.input)];
    const batch = x.reshape([-1, layer.inFeatures]);
    expectClose(layer.logProb(batch), one.logProb.values);
    expect(layer.predict(batch).dtype).toBe('int32');
    expect(numbers(layer.predict(batch))).toEqual(one.predicted.values);
  });

  it('is the same when captured, whatever the targets', () => {
    const layer = make(one);
    const step = (x: Tensor, target: Tensor): Tensor[] => {
      layer.zeroGrad();
      const { output, loss } = layer.forward(x, target);
      loss.backward();
      return [output.detach(), loss.detach(), ...layer.parameters().map((p) => p.grad!.clone())];
    };
    const captured = capture(step);
    const x = decodeTensor(one.input);
    for (const shift of [0, 1, 4, 9]) {
      const target = decodeTensor(one.target).add(shift).remainder(layer.nClasses);
      const plain = step(x, target).map(numbers);
      expect(captured(x, target).map(numbers)).toEqual(plain);
    }
  });

  it('has the gradients of finite differences, of the second order too', () => {
    const layer = make(one);
    const target = decodeTensor(one.target);
    const x = decodeTensor(one.input).requiresGrad_();
    const all = [x, ...layer.parameters().filter((p) => p.numel() > 0)];
    const f = (input: Tensor) => layer.forward(input, target).output;
    expect(gradcheck((input) => f(input!), all)).toBe(true);
    expect(gradgradcheck((input) => f(input!), [x])).toBe(true);
  });
});

describe('AdaptiveLogSoftmaxWithLoss', () => {
  const layer = new nn.AdaptiveLogSoftmaxWithLoss(4, 9, [2, 5]);
  const x = randn([3, 4]);

  it('gives its results by name and by position', () => {
    const results = layer.forward(x, ints([0, 3, 8]));
    const [output, loss] = results;
    expect(output).toBe(results.output);
    expect(loss).toBe(results.loss);
    expect(numbers(layer.logProb(x).gather(1, ints([0, 3, 8]).unsqueeze(1)))).toEqual(
      numbers(output).map((value) => expect.closeTo(value, 5)),
    );
  });

  it('is a distribution', () => {
    expectClose(layer.logProb(x).exp().sum(1), [1, 1, 1], 1e-6);
  });

  it('is drawn again, and cloned', () => {
    const copy = layer.clone();
    expect(copy.predict(x).toArray()).toEqual(layer.predict(x).toArray());
    manualSeed(1);
    copy.resetParameters();
    manualSeed(1);
    expect(numbers(copy.logProb(x))).toEqual(numbers(new nn.AdaptiveLogSoftmaxWithLoss(4, 9, [2, 5]).logProb(x)));
  });

  it('is of nothing what PyTorch makes of nothing', () => {
    const { output, loss } = layer.forward(zeros([0, 4]), ints([]));
    expect(output.shape).toEqual([0]);
    expect(loss.item()).toBeNaN();
    expect(layer.logProb(zeros([0, 4])).shape).toEqual([0, 9]);
  });

  it('refuses bad cutoffs', () => {
    const wanted =
      'cutoffs must be one or more different integers in ascending order, each between 1 and nClasses - 1 = 8';
    for (const cutoffs of [[], [5, 2], [2, 2], [0, 2], [2, 9], [-1]]) {
      expect(() => new nn.AdaptiveLogSoftmaxWithLoss(4, 9, cutoffs)).toThrow(ValueError);
      expect(() => new nn.AdaptiveLogSoftmaxWithLoss(4, 9, cutoffs)).toThrow(wanted);
    }
    expect(() => new nn.AdaptiveLogSoftmaxWithLoss(4, 9, [1.5])).toThrow('cutoffs must be an array of integers');
    expect(() => new nn.AdaptiveLogSoftmaxWithLoss(4, 9, [2], 0)).toThrow('divValue must be above 0');
  });

  it('refuses targets that are no classes, in replays too', () => {
    const message = 'AdaptiveLogSoftmaxWithLoss: a target is out of range for 9 classes';
    expect(() => layer.forward(x, ints([0, 9, 1]))).toThrow(message);
    expect(() => layer.forward(x, ints([0, -1, 1]))).toThrow(message);
    expect(() => layer.forward(x, zeros([3]))).toThrow(DTypeError);
    const captured = capture((target: Tensor) => layer.forward(x, target).loss);
    captured(ints([0, 1, 2]));
    captured(ints([8, 1, 2]));
    expect(() => captured(ints([0, 9, 1]))).toThrow(message);
  });

  it('refuses shapes that do not fit', () => {
    const message = 'expected an input (batch, features) and a target (batch), or both without the batch, got';
    for (const [input, target] of [
      [x, ints([0, 1])],
      [x, ints(0)],
      [randn([4]), ints([0])],
      [randn([3, 1, 4]), zeros([3, 1]).int()],
    ] as const) {
      expect(() => layer.forward(input, target)).toThrow(ShapeError);
      expect(() => layer.forward(input, target)).toThrow(message);
    }
    expect(() => layer.logProb(randn([4]))).toThrow('logProb: the input must be (batch, features), got [4]');
    expect(() => layer.predict(randn([4]))).toThrow('predict: the input must be (batch, features), got [4]');
  });
});
