import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { CaptureError, capture, manualSeed, noGrad, optim, randn, type Tensor, tensor } from '../../lib/index.js';

// Steps that are alike are done in one call from the fifth on: with the bits of steps that a new optimizer does each, one by one.

type Params = readonly Tensor[];
type Optimizer = InstanceType<typeof optim.Optimizer>;

const makers: Record<string, (params: Params) => Optimizer> = {
  SGD: (params) => new optim.SGD(params, { lr: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.01 }),
  'SGD without a state': (params) => new optim.SGD(params, { lr: 0.1 }),
  Adam: (params) => new optim.Adam(params, { lr: 0.1, amsgrad: true }),
  AdamW: (params) => new optim.AdamW(params, { lr: 0.1 }),
  RMSprop: (params) => new optim.RMSprop(params, { lr: 0.1, momentum: 0.5, centered: true }),
  Adagrad: (params) => new optim.Adagrad(params, { lr: 0.1 }),
  Adadelta: (params) => new optim.Adadelta(params),
  Rprop: (params) => new optim.Rprop(params),
  ASGD: (params) => new optim.ASGD(params),
  'Muon, several instructions': (params) => new optim.Muon(params.filter((x) => x.ndim === 2)),
  groups: ([first, ...others]) =>
    new optim.Adam([
      { params: [first!], lr: 0.01 },
      { params: others, betas: [0.5, 0.9] },
    ]),
};

const parameters = (): Tensor[] => {
  manualSeed(1);
  return [[3, 5], [5], [40, 17]].map((shape) => randn(shape, { requiresGrad: true }));
};

/** What may happen before a step; most leave all where it is. */
type Event = (params: Tensor[], optimizer: Optimizer) => void;

const events: Record<string, Event> = {
  nothing: () => {},
  'data are replaced': ([x]) => {
    x!.data = x!.detach().mul(2);
  },
  'data are replaced by a transposed view': ([x]) => {
    x!.data = x!.detach().t().clone().t();
  },
  'a gradient lies transposed': ([x]) => {
    x!.grad = x!.grad!.t().clone().t();
  },
  'two parameters have one gradient in turn': (params) => {
    const whole = randn([3 * 5 + 5]);
    params[0]!.grad = whole.narrow(0, 5, 15).view([3, 5]);
    params[1]!.grad = whole.narrow(0, 0, 5);
  },
  'one has no gradient': (params) => {
    params[2]!.grad = null;
  },
  'an option is set': (_, optimizer) => {
    Object.assign(optimizer.paramGroups[0]!, { lr: 0.02 });
  },
  'the state is loaded': (_, optimizer) => optimizer.loadStateDict(optimizer.stateDict()),
  'the state is changed in place': ([x], optimizer) => {
    for (const one of Object.values(optimizer.state.get(x!) ?? {})) {
      if (typeof one === 'object') noGrad(() => (one as Tensor).mul_(0.5));
    }
  },
  'data of the state are replaced': ([x], optimizer) => {
    for (const one of Object.values(optimizer.state.get(x!) ?? {})) {
      if (typeof one === 'object') (one as Tensor).data = (one as Tensor).detach().clone();
    }
  },
};

/** The parameters and the state after steps, one by one by new optimizers or by one. */
function trained(make: (params: Params) => Optimizer, event: Event, isRenewed: boolean): unknown {
  const params = parameters();
  let optimizer = make(params);
  for (let step = 0; step < 14; step++) {
    manualSeed(100 + step);
    for (const x of params) x.grad = randn(x.shape);
    if (step === 8) event(params, optimizer);
    optimizer.step();
    if (!isRenewed) continue;
    const renewed = make(params);
    renewed.loadStateDict(optimizer.stateDict());
    optimizer = renewed;
  }
  const states = params.map((x) => Object.entries(optimizer.state.get(x) ?? {}));
  const plain = (value: unknown) => (typeof value === 'object' && value !== null ? (value as Tensor).toArray() : value);
  return [params.map(plain), states.map((state) => state.map(([name, value]) => [name, plain(value)]))];
}

describe.each(Object.entries(makers))('steps of %s', (_, make) => {
  test.each(Object.entries(events))('have the bits of single ones when %s', (_, event) => {
    expect(trained(make, event, false)).toEqual(trained(make, event, true));
  });
});

test('count as writes in place', () => {
  const x = tensor([1, 2], { requiresGrad: true });
  const optimizer = new optim.SGD([x], { lr: 0.1 });
  for (let i = 0; i < 8; i++) {
    const loss = x.mul(x).sum();
    loss.backward({ retainGraph: true });
    optimizer.step();
    expect(() => loss.backward()).toThrow('SGD.step');
  }
});

test('are refused while a run has the parameters, and go on after it', async () => {
  const weight = tensor([1, 2], { requiresGrad: true });
  const optimizer = new optim.SGD([weight], { lr: 0.1, momentum: 0.9 });
  weight.grad = tensor([1, 1]);
  for (let i = 0; i < 6; i++) optimizer.step();
  const decay = capture((x: Tensor) => {
    noGrad(() => weight.mul_(0.999));
    return x.sum();
  });
  const stop = new AbortController();
  const running = decay.run([randn([4, 2])], { batchSize: 4, epochs: 1e6, signal: stop.signal });
  await setImmediate();
  expect(() => optimizer.step()).toThrow(CaptureError);
  stop.abort();
  await expect(running).rejects.toThrow();
  const before = weight.detach().clone();
  optimizer.step();
  expect(before.equal(weight)).toBe(false);
});
