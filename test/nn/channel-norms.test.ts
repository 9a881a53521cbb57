import { readFileSync } from 'node:fs';
import {
  capture,
  grad,
  gradcheck,
  gradgradcheck,
  nn,
  randn,
  ShapeError,
  type Tensor,
  tensor,
  ValueError,
  zeros,
} from 'nabla';
import { SyncBatchNorm } from 'nabla/distributed';
import { profile } from 'nabla/training';
import { describe, expect, it } from 'vitest';
import { expectSame } from '../capture/same.js';

interface Encoded {
  readonly values: readonly number[];
  readonly shape: readonly number[];
}

type State = Readonly<Record<string, Encoded>>;

/** See fixtures/norms.py. */
interface Case {
  readonly name:
    | 'BatchNorm1d'
    | 'BatchNorm2d'
    | 'BatchNorm3d'
    | 'GroupNorm'
    | 'InstanceNorm1d'
    | 'InstanceNorm2d'
    | 'InstanceNorm3d'
    | 'LocalResponseNorm';
  readonly args: readonly number[];
  readonly options: Readonly<Record<string, unknown>>;
  readonly text: string;
  readonly state: State;
  readonly inputs: readonly Encoded[];
  readonly outputs: readonly Encoded[];
  readonly upstream: Encoded;
  readonly gradient: Encoded;
  readonly gradients: State;
  readonly after: State;
  readonly evaluated: Encoded;
}

type Norm = nn.Module<[x: Tensor], Tensor>;

const cases = JSON.parse(readFileSync(new URL('../fixtures/norms.json', import.meta.url), 'utf8')) as Case[];
const decode = ({ values, shape }: Encoded): Tensor => tensor([...values], { dtype: 'float64' }).reshape(shape);

function expectClose(actual: Tensor, expected: Encoded): void {
  expect(actual.shape).toEqual(expected.shape);
  const got = actual.toTypedArray();
  for (const [i, value] of expected.values.entries()) expect(got[i]).toBeCloseTo(value, 10);
}

function made({ name, args, options, state }: Case): Norm {
  const camel = ([key, value]: [string, unknown]) => [key.replace(/_(\w)/g, (_, c: string) => c.toUpperCase()), value];
  const learning = name === 'LocalResponseNorm' ? {} : { dtype: 'float64' };
  const named = { ...Object.fromEntries(Object.entries(options).map(camel)), ...learning };
  const layer: Norm = Reflect.construct(nn[name], [...args, named]);
  const own = Object.entries(state).map(([key, value]) => [
    key,
    key === 'num_batches_tracked' ? tensor(0, { dtype: 'int32' }) : decode(value),
  ]);
  layer.loadStateDict(Object.fromEntries(own));
  return layer;
}

describe.each(cases)('$text', (one) => {
  it('is what PyTorch computes, prints and keeps', () => {
    const layer = made(one);
    expect(String(layer)).toBe(one.text);
    const inputs = one.inputs.map((x) => decode(x).requiresGrad_());
    const outputs = inputs.map((x) => layer.forward(x));
    for (const [i, y] of outputs.entries()) expectClose(y.detach(), one.outputs[i]!);
    outputs[1]!.backward(decode(one.upstream));
    expectClose(inputs[1]!.grad!, one.gradient);
    for (const [key, p] of layer.namedParameters()) expectClose(p.grad!, one.gradients[key]!);
    const buffers = layer.namedBuffers();
    expect(buffers.map(([key]) => key)).toEqual(Object.keys(one.after));
    for (const [key, buffer] of buffers) expectClose(buffer, one.after[key]!);
    expectClose(layer.eval().forward(inputs[1]!).detach(), one.evaluated);
  });

  it('captured does the same, running values included', () => {
    const [plain, replayed] = [made(one), made(one)];
    const step = capture((x: Tensor) => replayed.forward(x));
    for (let i = 0; i < 4; i++) {
      const x = decode(one.inputs[i % 2]!);
      expectSame(step(x).detach(), plain.forward(x).detach());
      const [got, expected] = [replayed.stateDict(), plain.stateDict()];
      for (const key of Object.keys(expected)) expectSame(got[key]!.detach(), expected[key]!.detach());
    }
  });
});

it('has gradients of gradients', () => {
  const x = randn([3, 4, 2], { dtype: 'float64', requiresGrad: true });
  const w = randn([4], { dtype: 'float64', requiresGrad: true });
  const b = randn([4], { dtype: 'float64', requiresGrad: true });
  const m = randn([4], { dtype: 'float64' });
  const functions: readonly ((x: Tensor, w: Tensor, b: Tensor) => Tensor)[] = [
    (x, w, b) => nn.functional.batchNorm(x, null, null, w, b, true),
    (x, w, b) => nn.functional.batchNorm(x, m, m.square(), w, b),
    (x, w, b) => nn.functional.groupNorm(x, 2, w, b),
    (x, w, b) => nn.functional.instanceNorm(x, null, null, w, b),
    (x, w, b) => nn.functional.instanceNorm(x, m, m.square(), w, b, false),
    (x) => nn.functional.localResponseNorm(x, 3, 0.5, 0.75, 2),
  ];
  for (const fn of functions) {
    expect(gradcheck(fn, [x, w, b])).toBe(true);
    expect(gradgradcheck(fn, [x, w, b])).toBe(true);
  }
});

describe('batch normalisation of rows that fit no tile', () => {
  const [weight, bias] = [tensor([1.5, -2, 0.25]), tensor([0.5, 0, -1])];
  const loss = (x: Tensor, w: Tensor, b: Tensor, y: Tensor) =>
    nn.functional.batchNorm(x, null, null, w, b, true).add(y).relu().square().mul(0.5).sum();

  it('has gradients of the same bits, with createGraph or without, whichever are wanted', () => {
    const [x, y] = [randn([5, 3, 21, 20]).add(7), randn([5, 3, 21, 20])];
    const inputs = [x, weight, bias].map((one) => one.detach().requiresGrad_()) as [Tensor, Tensor, Tensor];
    const expected = grad(loss(...inputs, y), inputs, { createGraph: true });
    const got = grad(loss(...inputs, y), inputs);
    const each = inputs.map((one, i) => {
      const alone = [x, weight, bias].map((other, j) => (i === j ? one : other)) as [Tensor, Tensor, Tensor];
      return grad(loss(...alone, y), [one])[0];
    });
    for (const [i, one] of expected.entries()) {
      expectSame(got[i]!, one!.detach());
      expectSame(each[i]!, one!.detach());
    }
  });

  it('gives what the formula gives in doubles', () => {
    const x = randn([5, 3, 21, 20]).add(7);
    const layer = new nn.BatchNorm2d(3);
    const y = layer.forward(x).detach();
    const wide = x.double();
    const [centre, spread] = [wide.mean([0, 2, 3], true), wide.var([0, 2, 3], { correction: 0, keepdim: true })];
    const expected = wide.sub(centre).div(spread.add(1e-5).sqrt());
    expect(y.double().sub(expected).abs().amax().item()).toBeLessThan(2e-6);
    const unbiased = wide.var([0, 2, 3]).mul(0.1).add(0.9);
    expect(layer.runningVar.double().sub(unbiased).abs().amax().item()).toBeLessThan(1e-6);
    expect(layer.runningMean.double().sub(centre.flatten().mul(0.1)).abs().amax().item()).toBeLessThan(1e-6);
  });

  it('is one instruction each way in a captured function, with what comes after it, to the bit', () => {
    const layer = new nn.BatchNorm2d(3);
    const step = (from: Tensor, y: Tensor) => {
      const x = from.detach().requiresGrad_();
      const out = layer.forward(x).add(y).relu();
      return [out.detach(), ...grad(out.sum(), [x, layer.weight, layer.bias]).map((one) => one!)];
    };
    const captured = capture(step);
    const [x, y] = [randn([5, 3, 21, 20]), randn([5, 3, 21, 20])];
    captured(x, y);
    const state = layer.stateDict();
    const before = Object.fromEntries(Object.entries(state).map(([key, value]) => [key, value.clone()]));
    const got = captured(x, y);
    const running = layer.runningVar.clone();
    layer.loadStateDict(before);
    for (const [i, one] of step(x, y).entries()) expectSame(got[i]!, one);
    expectSame(running, layer.runningVar);
    const names = profile(captured, [x, y], { steps: 1 }).instructions.map(({ name }) => name);
    const folds = names.filter((name) => name.startsWith('fold'));
    expect(folds.map((name) => name.split(/[ +]/)[1])).toEqual(['batchNorm', 'batchNormBackward']);
    expect(names.some((name) => /^map .*relu\b/.test(name))).toBe(false);
  });
});

it('normalises by the batch where there are no running values to give', () => {
  const x = tensor([[1], [3]]);
  const expected = nn.functional.batchNorm(x, null, null, null, null, true).toArray();
  expect(nn.functional.batchNorm(x, { training: true }).toArray()).toEqual(expected);
});

it('refuses what does not fit, and changes nothing then', () => {
  const layer = new nn.BatchNorm1d(2);
  expect(() => layer.forward(zeros([1, 2]))).toThrow(ValueError);
  expect(() => layer.forward(zeros([4, 3]))).toThrow(/^BatchNorm1d: expected 2 channels/);
  expect(() => layer.forward(zeros([4]))).toThrow(ShapeError);
  expect(() => new nn.BatchNorm1d(2, -1).forward(zeros([4, 2]))).toThrow(/eps must be above 0/);
  expect(layer.numBatchesTracked.item()).toBe(0);
  expect(() => nn.functional.batchNorm(zeros([4, 2]), null, null)).toThrow(/are needed/);
  expect(() => nn.functional.batchNorm(zeros([4, 2]), zeros([2]), null)).toThrow(/both/);
  expect(() => new nn.GroupNorm(3, 4)).toThrow(/^GroupNorm: 4 channels cannot be divided into 3 groups/);
  expect(() => nn.functional.groupNorm(zeros([4, 2]), 2, zeros([3]))).toThrow(
    /^groupNorm: weight must have shape \[2\]/,
  );

  expect(() => new nn.InstanceNorm1d(2).forward(zeros([3, 3, 4]))).toThrow(
    /^InstanceNorm1d: expected 2 channels in dimension 1/,
  );
  expect(() => new nn.InstanceNorm1d(2).forward(zeros([3, 4]))).toThrow(
    /^InstanceNorm1d: expected 2 channels in dimension 0/,
  );
  expect(() => new nn.InstanceNorm2d(2).forward(zeros([2, 2]))).toThrow(ShapeError);
  const tracking = new nn.InstanceNorm1d(2, { trackRunningStats: true });
  expect(() => tracking.forward(zeros([3, 2, 1]))).toThrow(/^InstanceNorm1d: expected more than 1 value/);
  expect(tracking.runningVar.toArray()).toEqual([1, 1]);
  expect(() => nn.functional.instanceNorm(zeros([1, 2, 3]), { useInputStats: false })).toThrow(/are needed/);
  expect(() => nn.functional.instanceNorm(zeros([1, 2, 3]), zeros([2]))).toThrow(/both/);
  expect(() => nn.functional.localResponseNorm(zeros([4, 2]), 2)).toThrow(ShapeError);
  expect(() => new nn.LocalResponseNorm(0)).toThrow(ValueError);
});

describe('a state without a counter, as older files have it', () => {
  const layers = [
    () => new nn.BatchNorm1d(2),
    () => new nn.BatchNorm2d(2),
    () => new nn.BatchNorm3d(2),
    () => new nn.InstanceNorm1d(2, { trackRunningStats: true, affine: true }),
    () => new SyncBatchNorm(2),
  ];

  it.each(layers)('is taken (%#), and the counter stays', (make: () => nn.Module) => {
    const model = new nn.Sequential(make());
    const { '0.num_batches_tracked': counter, ...rest } = model.stateDict();
    const twos = Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, value.mul(0).add(2)]));
    for (const count of [0, 3]) {
      counter!.fill_(count);
      expect(model.loadStateDict(twos)).toEqual({ missingKeys: [], unexpectedKeys: [] });
      expect(model.stateDict()['0.running_var']!.toArray()).toEqual([2, 2]);
      expect(counter!.item()).toBe(count);
    }
    model.loadStateDict({ ...twos, '0.num_batches_tracked': tensor(5, { dtype: 'int32' }) });
    expect(counter!.item()).toBe(5);
    const { '0.running_mean': mean, ...less } = twos;
    expect(() => model.loadStateDict(less)).toThrow(/^loadStateDict: .*\n {2}missing: 0.running_mean$/);
    expect(mean!.shape).toEqual([2]);
  });

  it('needs none where nothing is tracked', () => {
    const layer = new nn.BatchNorm1d(2, { trackRunningStats: false });
    const counter = { num_batches_tracked: tensor(0) };
    expect(() => layer.loadStateDict({ ...layer.stateDict(), ...counter })).toThrow(/unexpected: num_batches_tracked/);
  });
});
