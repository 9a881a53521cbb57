import { readFileSync } from 'node:fs';
import {
  capture,
  DTypeError,
  grad,
  gradcheck,
  manualSeed,
  type NablaError,
  nn,
  randn,
  ShapeError,
  type Tensor,
  tensor,
  ValueError,
  zeros,
} from 'nabla';
import { describe, expect, it } from 'vitest';

/** See fixtures/recurrence.py. */
interface Recorded {
  readonly name: 'RNN' | 'LSTM' | 'GRU' | 'RNNCell' | 'LSTMCell' | 'GRUCell';
  readonly args: readonly unknown[];
  readonly shape: readonly number[];
  readonly text: string;
  readonly state: readonly string[];
  readonly outputs: readonly { readonly shape: readonly number[]; readonly values: readonly number[] }[];
  readonly inputGrad: readonly number[];
  readonly gradNorms: readonly number[];
}

const recorded = JSON.parse(
  readFileSync(new URL('../fixtures/recurrence.json', import.meta.url), 'utf8'),
) as Recorded[];

const leaves = (value: Tensor | Iterable<unknown>): Tensor[] =>
  'numel' in value ? [value] : [...(value as Iterable<Tensor>)].flatMap(leaves);

const near = (actual: Iterable<number>, expected: readonly number[]) => {
  const values = [...actual];
  expect(values.length).toBe(expected.length);
  for (const [i, value] of values.entries()) {
    expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-6 + 2e-5 * Math.abs(expected[i]!));
  }
};

const doubles = (shape: number[]) => randn(shape, { dtype: 'float64', requiresGrad: true });

type Layer = nn.RNN | nn.LSTM | nn.GRU;

/** TypeScript calls no method of a union that has several forms. */
const forward = (layer: nn.Module<[x: Tensor], Iterable<unknown>>, x: Tensor) => layer.forward(x);

const total = (results: Tensor | Iterable<unknown>): Tensor =>
  leaves(results)
    .map((x) => x.mul(x).sum())
    .reduce((sum, x) => sum.add(x));

describe.each(recorded)('$text of $shape', ({ name, args, shape, text, state, outputs, inputGrad, gradNorms }) => {
  const make = () => {
    manualSeed(7);
    const module = Reflect.construct(nn[name], args) as Layer;
    return { module, x: randn(shape, { requiresGrad: true }) };
  };

  it('is printed and saved as in PyTorch', () => {
    const { module } = make();
    expect(module.toString()).toBe(text);
    expect(Object.keys(module.stateDict())).toEqual(state);
  });

  it('gives what PyTorch gives, from parameters drawn as there, and the same gradients', () => {
    const { module, x } = make();
    const results = forward(module, x);
    const found = leaves(results);
    expect(found.map((y) => y.shape)).toEqual(outputs.map((output) => output.shape));
    for (const [i, y] of found.entries()) near(y.toTypedArray(), outputs[i]!.values);
    total(results).backward();
    near(x.grad!.toTypedArray(), inputGrad);
    near(
      module.parameters().map((parameter) => parameter.grad!.square().sum().sqrt().item()),
      gradNorms,
    );
  });

  it('gives the same bits in a captured function, gradients too', () => {
    const { module, x } = make();
    const step = (input: Tensor) => {
      module.zeroGrad();
      const results = forward(module, input);
      total(results).backward();
      return [...leaves(results), ...module.parameters().map((parameter) => parameter.grad!)];
    };
    const plain = [1, 2].map(() => step(x.detach()).map((y) => y.toArray()));
    // The masks of dropout are drawn again from where the first call drew them.
    make();
    const captured = capture(step);
    const replayed = [1, 2].map(() => captured(x.detach()).map((y) => y.toArray()));
    expect(replayed).toEqual(plain);
  });
});

describe('recurrent layers', () => {
  const layers: [string, () => Layer, (results: never) => Tensor][] = [
    ['RNN', () => new nn.RNN(2, 3, 2, { bidirectional: true, dtype: 'float64' }), total],
    ['GRU', () => new nn.GRU(2, 3, 2, { batchFirst: true, dtype: 'float64' }), total],
    ['LSTM', () => new nn.LSTM(2, 3, 2, { projSize: 2, bidirectional: true, dtype: 'float64' }), total],
  ];

  it.each(layers)('%s has the gradients of finite differences, for inputs, states and parameters', (name, make) => {
    manualSeed(2);
    const module = make();
    const rows = module.numLayers * (module.bidirectional ? 2 : 1);
    const states = name === 'LSTM' ? [doubles([rows, 2, 2]), doubles([rows, 2, 3])] : [doubles([rows, 2, 3])];
    const inputs = [doubles([2, 2, 2]), ...states, ...module.parameters()];
    const run = (x: Tensor, h: Tensor, c: Tensor): Tensor =>
      module instanceof nn.LSTM ? total(module.forward(x, [h, c])) : total(module.forward(x, h));
    expect(gradcheck((x, h, c) => run(x!, h!, c!), inputs)).toBe(true);
  });

  it('go on from the state they gave as if the sequence had been one', () => {
    manualSeed(3);
    const x = randn([6, 2, 3]);
    for (const layer of [new nn.RNN(3, 4, 2), new nn.GRU(3, 4, 2)]) {
      const [whole, last] = layer.forward(x);
      const first = layer.forward(x.narrow(0, 0, 4));
      const second = layer.forward(x.narrow(0, 4, 2), first.hn);
      expect(second.output.toArray()).toEqual(whole.narrow(0, 4, 2).toArray());
      expect(second.hn.toArray()).toEqual(last.toArray());
    }
    const lstm = new nn.LSTM(3, 4, 2);
    const [whole, { hn, cn }] = lstm.forward(x);
    const first = lstm.forward(x.narrow(0, 0, 4));
    const [output, [h, c]] = lstm.forward(x.narrow(0, 4, 2), first.state);
    expect(output.toArray()).toEqual(whole.narrow(0, 4, 2).toArray());
    expect([h.toArray(), c.toArray()]).toEqual([hn.toArray(), cn.toArray()]);
  });

  it('take strided inputs', () => {
    manualSeed(4);
    const layer = new nn.GRU(3, 4, { bidirectional: true });
    const x = randn([3, 2, 5]).permute([2, 1, 0]);
    expect(layer.forward(x).output.toArray()).toEqual(layer.forward(x.clone()).output.toArray());
  });

  it('pass on NaN and infinities, and take batches of nothing', () => {
    const layer = new nn.LSTM(1, 2);
    const { output } = layer.forward(
      tensor([
        [[Number.NaN], [Number.POSITIVE_INFINITY]],
        [[1], [1]],
      ]),
    );
    expect(output.select(1, 0).isnan().all().item()).toBe(true);
    expect(output.select(1, 1).isnan().any().item()).toBe(false);
    expect(layer.forward(zeros([3, 0, 1])).output.shape).toEqual([3, 0, 2]);
  });

  it('drop outputs between layers in training alone', () => {
    manualSeed(5);
    const layer = new nn.RNN(3, 8, 2, { dropout: 0.5 });
    const x = randn([4, 2, 3]);
    expect(layer.forward(x).output.equal(layer.forward(x).output)).toBe(false);
    layer.eval();
    expect(layer.forward(x).output.equal(layer.forward(x).output)).toBe(true);
  });

  const rnn = new nn.RNN(3, 4);
  const lstm = new nn.LSTM(3, 4, { projSize: 2 });
  const call = (fn: (...args: never[]) => unknown, ...args: unknown[]) => Reflect.apply(fn, rnn, args) as unknown;
  const refused: [string, () => unknown, new (message: string) => NablaError, RegExp][] = [
    ['features', () => rnn.forward(zeros([2, 1, 5])), ShapeError, /RNN: the input must have 3 features.*\[2, 1, 5\]/],
    ['dimensions', () => rnn.forward(zeros([3])), ShapeError, /RNN: the input must have 2 or 3 dimensions, got \[3\]/],
    ['time', () => rnn.forward(zeros([0, 1, 3])), ShapeError, /at least one step of time, got \[0, 1, 3\]/],
    [
      'state',
      () => rnn.forward(zeros([2, 1, 3]), zeros([1, 2, 4])),
      ShapeError,
      /RNN: the state must have shape \[1, 1, 4\], got \[1, 2, 4\]/,
    ],
    [
      'state without a batch',
      () => rnn.forward(zeros([2, 3]), zeros([1, 1, 4])),
      ShapeError,
      /the state must have shape \[1, 4\]/,
    ],
    ['type', () => rnn.forward(zeros([2, 3], { dtype: 'float64' })), DTypeError, /must be float32 .*, got float64/],
    [
      'projected state',
      () => lstm.forward(zeros([2, 1, 3]), [zeros([1, 1, 4]), zeros([1, 1, 4])]),
      ShapeError,
      /LSTM: the state must have shape \[1, 1, 2\], got \[1, 1, 4\]/,
    ],
    [
      'half a state',
      () => call(lstm.forward, zeros([2, 1, 3]), [zeros([1, 1, 2])]),
      ValueError,
      /two tensors, \[h, c\]/,
    ],
    ['more', () => call(rnn.forward, zeros([2, 1, 3]), null, 1), ValueError, /RNN: expected at most 2 arguments/],
    ['size', () => new nn.GRU(0, 4), ValueError, /GRU: inputSize must be .* at least 1, got 0/],
    ['layers', () => new nn.GRU(3, 4, 0), ValueError, /numLayers/],
    ['number of layers', () => new nn.GRU(3, 4, 2 ** 32), ValueError, /numLayers must be .* between 1 and 10000/],
    [
      'projection',
      () => new nn.LSTM(3, 4, { projSize: 4 }),
      ValueError,
      /projSize must be less than hiddenSize, 4, got 4/,
    ],
    [
      'cell',
      () => new nn.GRUCell(3, 4).forward(zeros([2, 3]), zeros([1, 4])),
      ShapeError,
      /GRUCell: the state must have/,
    ],
  ];
  it.each(refused)('refuse a wrong %s', (_, run, type, message) => {
    expect(run).toThrow(type);
    expect(run).toThrow(message);
  });
});

describe('steps that nothing comes from', () => {
  const names = ['RNN', 'LSTM', 'GRU'] as const;
  const make = (name: (typeof names)[number], options: object = {}) =>
    Reflect.construct(nn[name], [3, 4, { dtype: 'float64', ...options }]) as Layer;

  /** Of the inputs, and of all parameters, where only some steps are looked at. */
  const gradients = (layer: Layer, x: Tensor, steps: number, from: number, count: number) => {
    layer.zeroGrad();
    x.grad = null;
    const output = leaves(forward(layer, x.narrow(0, 0, steps)))[0]!;
    output.narrow(0, from, count).square().sum().backward();
    return [x.grad!, ...layer.parameters().map((one) => one.grad!)];
  };

  it.each(names)('%s: have gradients of zero, as if they were not there', (name) => {
    const layer = make(name);
    const x = doubles([6, 2, 3]);
    const [all, few] = [gradients(layer, x, 6, 1, 2).map((one) => one.clone()), gradients(layer, x, 3, 1, 2)];
    for (const [i, one] of all.entries()) near(one.toTypedArray() as Float64Array, [...few[i]!.toTypedArray()]);
    expect(all[0]!.narrow(0, 3, 3).abs().sum().item()).toBe(0);
  });

  it.each(names)('%s: in both directions, and captured', (name) => {
    const layer = make(name, { bidirectional: true });
    const x = randn([5, 2, 3], { dtype: 'float64' });
    const step = (x: Tensor) => {
      const input = x.detach().requiresGrad_();
      return gradients(layer, input, 5, 2, 1).map((one) => one.clone());
    };
    const captured = capture(step);
    for (let i = 0; i < 3; i++) {
      const [plain, fast] = [step(x), captured(x)];
      expect(fast.map((one) => one.toArray())).toEqual(plain.map((one) => one.toArray()));
    }
    const loss = (x: Tensor) => leaves(forward(layer, x))[0]!.narrow(0, 2, 1);
    expect(gradcheck(loss, [doubles([5, 2, 3])])).toBe(true);
  });

  it.each(names)('%s: a pass for the first state alone leaves nothing for the next', (name) => {
    const layer = make(name);
    const [x, h] = [randn([4, 2, 3], { dtype: 'float64' }), doubles([1, 2, 4])];
    const state = name === 'LSTM' ? [h, doubles([1, 2, 4])] : h;
    const loss = () =>
      total(leaves((layer as { forward(...args: unknown[]): Iterable<unknown> }).forward(x, state))[0]!);
    const parameters = [...layer.parameters()];
    const expected = grad(loss(), parameters);
    const twice = loss();
    grad(twice, [h], { retainGraph: true });
    for (const [i, one] of grad(twice, parameters).entries()) expect(one!.toArray()).toEqual(expected[i]!.toArray());
  });

  it.each(names)('%s: the inputs alone, or the parameters alone, have gradients', (name) => {
    const layer = make(name);
    const x = doubles([4, 2, 3]);
    const both = gradients(layer, x, 4, 0, 4).map((one) => one.clone());
    const weights = layer.parameters();
    layer.zeroGrad();
    total(leaves(forward(layer, x.detach()))[0]!).backward();
    for (const [i, one] of weights.entries()) expect(one.grad!.toArray()).toEqual(both[i + 1]!.toArray());
    layer.requiresGrad_(false);
    x.grad = null;
    total(leaves(forward(layer, x))[0]!).backward();
    near(x.grad!.toTypedArray() as Float64Array, [...both[0]!.toTypedArray()]);
  });
});
