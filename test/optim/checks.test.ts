import {
  AutogradError,
  capture,
  DTypeError,
  NablaError,
  nn,
  ones,
  optim,
  ShapeError,
  type Tensor,
  tensor,
  ValueError,
  zeros,
} from 'nabla';
import { describe, expect, it } from 'vitest';

/** Above what shares a slab, so that a write beyond would reach foreign memory. */
const SIZE = 5000;
const parameter = (size = SIZE) => ones([size], { requiresGrad: true });

interface Training {
  readonly weights: Tensor[];
  readonly sgd: optim.SGD;
  readonly step: () => unknown;
}

/** Two parameters after two steps, whose first is in order whatever is done to the second. */
function training(
  captured: boolean,
  options: Partial<optim.SGDOptions> = { lr: 0.1, momentum: 0.9, dampening: 0.5 },
): Training {
  const weights = [parameter(), parameter()];
  const sgd = new optim.SGD([{ params: [weights[0]!] }, { params: [weights[1]!] }], options);
  const step = () => {
    sgd.zeroGrad();
    const loss = weights[0]!.square().sum().add(weights[1]!.square().sum());
    loss.backward();
    sgd.step();
    return loss;
  };
  const run = captured ? capture(step) : step;
  for (let i = 0; i < 3; i++) run();
  return { weights, sgd, step: run };
}

const valuesOf = ({ weights, sgd }: Training) =>
  [...weights, ...weights.map((w) => sgd.state.get(w)?.momentumBuffer ?? tensor(0))].map((x) => x.toTypedArray());

/** Runs `act`, which must throw `error`, without any parameter or buffer changing. */
function expectRefusal(one: Training, act: () => unknown, error: typeof NablaError, message: RegExp): void {
  const before = valuesOf(one);
  expect(act).toThrow(error as never);
  expect(act).toThrow(message);
  expect(valuesOf(one)).toEqual(before);
}

describe.each([false, true])('a step checks everything before it changes anything (captured: %s)', (captured) => {
  const rates: [string, unknown, RegExp][] = [
    ['lr', undefined, /group 1: lr must be a number of at least 0, or a tensor of one, got undefined/],
    ['lr', 'abc', /lr must be .* got 'abc'/],
    ['lr', null, /lr must be .* got null/],
    ['lr', Number.NaN, /lr must be .* got NaN/],
    ['lr', tensor([1, 2, 3]), /lr must be .* got a float32 tensor of shape \[3\]/],
    ['lr', [0.1], /lr must be .* got an array of 1/],
    ['momentum', '0.9', /momentum must be at least 0, got '0.9'/],
    ['momentum', tensor(0.9), /momentum must be at least 0, got a Tensor/],
    ['dampening', undefined, /dampening must be a number, got undefined/],
    ['weightDecay', Number.NaN, /weightDecay must be at least 0, got NaN/],
    ['nesterov', 'yes', /nesterov must be true or false, got 'yes'/],
    ['maximize', 1, /maximize must be true or false, got 1/],
    ['lr', -1, /lr must be a number of at least 0, .* got -1/],
    ['momentum', -0.5, /momentum must be at least 0, got -0.5/],
    ['weightDecay', Number.NEGATIVE_INFINITY, /weightDecay must be at least 0, got -Infinity/],
  ];
  it.each(rates)('%s set to %s', (name, value, message) => {
    const one = training(captured);
    Object.assign(one.sgd.paramGroups[1]!, { [name]: value });
    expectRefusal(one, one.step, ValueError, message);
  });

  it('a negative number beside a rate in a tensor', () => {
    const one = training(captured, { lr: tensor(0.1), momentum: 0.9 });
    one.sgd.paramGroups[1]!.momentum = -1;
    expectRefusal(one, one.step, ValueError, /momentum must be at least 0, got -1/);
  });

  const states: [string, (w: Tensor) => unknown, typeof NablaError, RegExp][] = [
    [
      'a smaller buffer',
      () => ({ momentumBuffer: ones([4]) }),
      ShapeError,
      /parameter 1 has shape \[5000\], but its momentumBuffer \[4\]/,
    ],
    ['a buffer of a column', () => ({ momentumBuffer: ones([SIZE, 1]) }), ShapeError, /momentumBuffer \[5000, 1\]/],
    [
      'a float64 buffer',
      () => ({ momentumBuffer: ones([SIZE], { dtype: 'float64' }) }),
      DTypeError,
      /is float32, but its momentumBuffer float64/,
    ],
    ['a bool buffer', () => ({ momentumBuffer: ones([SIZE], { dtype: 'bool' }) }), DTypeError, /momentumBuffer bool/],
    [
      'an expanded buffer',
      () => ({ momentumBuffer: ones([1]).expand([SIZE]) }),
      ValueError,
      /momentumBuffer is an expanded tensor/,
    ],
    [
      'a buffer that is no tensor',
      () => ({ momentumBuffer: 'abc' }),
      ValueError,
      /momentumBuffer must be a Tensor or null, got 'abc'/,
    ],
    [
      'an unknown entry',
      () => ({ momentum_buffer: ones([SIZE]) }),
      ValueError,
      /unknown entry 'momentum_buffer'; did you mean 'momentumBuffer'/,
    ],
    ['a state that is no object', () => 7, ValueError, /its state must be an object, got 7/],
  ];
  it.each(states)('%s, put into the map', (_, make, error, message) => {
    const one = training(captured);
    one.sgd.state.set(one.weights[1]!, make(one.weights[1]!) as optim.SGDState);
    const [w, before] = [one.weights[0]!, one.weights[0]!.toTypedArray()];
    expect(one.step).toThrow(error as never);
    expect(one.step).toThrow(message);
    expect(w.toTypedArray()).toEqual(before);
  });

  it.each(states.slice(0, 6))('%s, put into the object that was there', (_, make, error, message) => {
    const one = training(captured);
    Object.assign(one.sgd.state.get(one.weights[1]!)!, make(one.weights[1]!));
    const [w, before] = [one.weights[0]!, one.weights[0]!.toTypedArray()];
    expect(one.step).toThrow(error as never);
    expect(one.step).toThrow(message);
    expect(w.toTypedArray()).toEqual(before);
  });

  it('a buffer whose data were replaced', () => {
    const one = training(captured);
    one.sgd.state.get(one.weights[1]!)!.momentumBuffer!.data = ones([4]);
    expectRefusal(
      one,
      one.step,
      NablaError,
      captured ? /data of a tensor .* was replaced/ : /but its momentumBuffer \[4\]/,
    );
  });

  it('data of another shape, with the state of the old', () => {
    const one = training(captured);
    one.weights[1]!.data = ones([3 * SIZE]);
    expectRefusal(
      one,
      one.step,
      NablaError,
      captured ? /data of a tensor .* was replaced/ : /but its momentumBuffer \[5000\]/,
    );
  });

  it('groups that are none', () => {
    const one = training(captured);
    one.sgd.paramGroups[1] = 5 as never;
    expect(() => one.sgd.step()).toThrow(/group 1 must be \{ params, … \}, got 5/);
  });

  it('a rate in a tensor keeps working, of one element and any float type', () => {
    for (const lr of [tensor(0.1), tensor([0.1], { dtype: 'float64' })]) {
      const one = training(captured, { lr });
      expect(one.weights[0]!.select(0, 7).item()).toBeCloseTo(0.8 ** 3, 5);
      lr.fill_(0);
      one.step();
      expect(one.weights[0]!.select(0, 7).item()).toBeCloseTo(0.8 ** 3, 5);
    }
  });
});

describe('zeroGrad', () => {
  const groups: [string, unknown, RegExp][] = [
    ['null', null, /SGD.zeroGrad: group 1 must be \{ params, … \}, got null/],
    ['a number', 5, /group 1 must be .* got 5/],
    ['a group without parameters', { lr: 1 }, /group 1 must be/],
    ['a group of a string', { params: ['a'] }, /SGD.zeroGrad: parameter 1 must be a Tensor, got 'a'/],
    ['a group of null', { params: [null] }, /parameter 1 must be a Tensor, got null/],
  ];
  it.each(groups)('of %s is refused before any gradient is forgotten', (_, group, message) => {
    const w = parameter(2);
    const sgd = new optim.SGD([w], { lr: 1 });
    w.sum().backward();
    sgd.paramGroups.push(group as never);
    expect(() => sgd.zeroGrad()).toThrow(ValueError);
    expect(() => sgd.zeroGrad()).toThrow(message);
    sgd.paramGroups.pop();
    expect(w.grad!.toArray()).toEqual([1, 1]);
  });
});

describe('a gradient that is assigned', () => {
  const cases: [string, (w: Tensor) => unknown, typeof NablaError, RegExp][] = [
    [
      'of another shape',
      () => ones([2]),
      ShapeError,
      /grad: a tensor of shape \[5000\] cannot have a gradient of shape \[2\]/,
    ],
    ['0-d', () => tensor(1), ShapeError, /gradient of shape \[\]/],
    ['of more dimensions', () => ones([1, SIZE]), ShapeError, /gradient of shape \[1, 5000\]/],
    [
      'of another type',
      () => ones([SIZE], { dtype: 'float64' }),
      DTypeError,
      /a float32 tensor cannot have a float64 gradient/,
    ],
    ['of integers', () => ones([SIZE], { dtype: 'int32' }), DTypeError, /int32 gradient/],
    ['a number', () => 5, ValueError, /grad: expected a Tensor or null, got 5/],
    ['undefined', () => undefined, ValueError, /got undefined/],
    ['the tensor itself', (w) => w, ValueError, /its own gradient/],
  ];
  it.each(cases)('%s is refused', (_, make, error, message) => {
    for (const run of [(fn: () => void) => fn(), (fn: () => void) => capture(fn)()]) {
      const w = parameter();
      const kept = ones([SIZE]);
      w.grad = kept;
      const assign = () => {
        w.grad = make(w) as Tensor;
      };
      expect(() => run(assign)).toThrow(error as never);
      expect(() => run(assign)).toThrow(message);
      expect(w.grad).toBe(kept);
    }
  });

  it('can be strided, expanded, of float64, or null', () => {
    const w = ones([2, 3], { dtype: 'float64', requiresGrad: true });
    w.grad = ones([3, 2], { dtype: 'float64' }).t();
    w.grad = ones([1, 3], { dtype: 'float64' }).expand([2, 3]);
    new optim.SGD([w], { lr: 1 }).step();
    expect(w.sum().item()).toBe(0);
    w.grad = null;
    expect(w.grad).toBe(null);
  });
});

describe('data that are replaced', () => {
  it('by others of another shape: the gradient from before is not stepped with, nor added to', () => {
    const w = parameter(2);
    w.sum().backward();
    w.data = ones([SIZE]);
    expect(() => new optim.SGD([w]).step()).toThrow(/has shape \[5000\], but its gradient \[2\]; call zeroGrad/);
    expect(() => w.sum().backward()).toThrow(/from before its data were replaced; call zeroGrad\(\) first/);
    w.grad = null;
    w.sum().backward();
    new optim.SGD([w], { lr: 0.5 }).step();
    expect(w.eq(0.5).all().item()).toBe(true);
  });

  it('by a scalar: a gradient of the old shape is not broadcast into', () => {
    const b = parameter(3);
    b.sum().backward();
    b.data = tensor(5.5);
    expect(() => b.mul(1).backward()).toThrow(ShapeError);
  });

  it.each([
    ['logsumexp', (w: Tensor) => w.logsumexp(0)],
    ['mul', (w: Tensor) => w.mul(w).sum()],
    [
      'matmul',
      (w: Tensor) =>
        w
          .view([1, SIZE])
          .matmul(w.view([SIZE, 1]))
          .sum(),
    ],
    ['a loss', (w: Tensor) => nn.functional.mseLoss(w, zeros([SIZE]))],
  ])('between forward and backward of %s', (_, forward) => {
    const w = parameter();
    const loss = forward(w);
    w.data = ones([2]);
    expect(() => loss.backward()).toThrow(NablaError);
    expect(w.grad).toBe(null);
  });

  it('by the same shape elsewhere, between forward and backward, where values were saved', () => {
    const w = parameter();
    const loss = w.square().sum();
    w.data = zeros([SIZE]);
    const backward = () => loss.backward(null, { retainGraph: true });
    expect(backward).toThrow(AutogradError);
    expect(backward).toThrow(/a tensor of shape \[5000\] that \w+ saved was given other data or another shape/);
  });

  it('of a base, before a write through a view of it', () => {
    const base = parameter(10).mul(1);
    const end = base.narrow(0, 5, 5);
    base.data = base.data.narrow(0, 0, 2);
    expect(() => end.mul_(2)).toThrow(AutogradError);
  });

  it('by an expanded tensor are not stepped', () => {
    const w = parameter();
    const sgd = new optim.SGD([w], { lr: 1 });
    w.data = ones([1]).expand([SIZE]);
    w.sum().backward();
    expect(() => sgd.step()).toThrow(/parameter 0 is an expanded tensor/);
  });

  it('of a module in another type, with their gradients', () => {
    const layer = new nn.Linear(3, 2);
    const sgd = new optim.SGD(layer.parameters(), { lr: 0.1 });
    layer
      .forward(ones([1, 3]))
      .sum()
      .backward();
    layer.double();
    expect(layer.weight.grad!.dtype).toBe('float64');
    sgd.step();
    layer
      .forward(ones([1, 3], { dtype: 'float64' }))
      .sum()
      .backward();
    expect(layer.weight.grad!.toArray()).toEqual([
      [2, 2, 2],
      [2, 2, 2],
    ]);
  });
});

describe('loadStateDict of an optimizer', () => {
  const saved = () => training(false).sgd.stateDict();
  type Saved = ReturnType<typeof saved>;
  const changed = (change: (one: Saved) => unknown) => () => {
    const one = structuredState(saved());
    change(one);
    return one;
  };
  const replaced = (change: (one: Saved) => unknown) => () => change(saved());
  /** A copy whose objects may be changed. */
  const structuredState = ({ state, paramGroups }: Saved): Saved => ({
    state: Object.fromEntries(Object.entries(state).map(([i, s]) => [i, { ...s }])),
    paramGroups: paramGroups.map((group) => ({ ...group, params: [...group.params] })),
  });

  const cases: [string, () => unknown, RegExp][] = [
    ['null', () => null, /expected \{ state, paramGroups \} as stateDict\(\) gives it, got null/],
    ['a number', () => 5, /got 5/],
    ['an empty object', () => ({}), /expected \{ state, paramGroups \}/],
    ['groups that are no array', replaced((s) => ({ ...s, paramGroups: {} })), /expected \{ state, paramGroups \}/],
    [
      'a group that is null',
      replaced((s) => ({ ...s, paramGroups: [null, null] })),
      /expected \{ state, paramGroups \}/,
    ],
    [
      'no state',
      replaced(({ paramGroups }) => ({ paramGroups })),
      /state must be an object by parameter numbers, got undefined/,
    ],
    ['more parameters', changed((s) => s.paramGroups[0]!.params.push(2)), /groups of 1, 1 parameters, got 2, 1/],
    [
      'the same number twice',
      changed((s) => Object.assign(s.paramGroups[1]!, { params: [0] })),
      /each once, got \[0, 0\]/,
    ],
    [
      'a number that is none',
      changed((s) => Object.assign(s.paramGroups[1]!, { params: ['1'] })),
      /params must number/,
    ],
    [
      'an unknown parameter',
      changed((s) => Object.assign(s.state, { 7: { momentumBuffer: ones([SIZE]) } })),
      /state of parameter 7, but the parameters are 0, 1/,
    ],
    ['a name for a parameter', changed((s) => Object.assign(s.state, { weight: {} })), /state of parameter weight/],
    [
      'a smaller buffer',
      changed((s) => Object.assign(s.state[1]!, { momentumBuffer: ones([4]) })),
      /parameter 1 has shape \[5000\], but its momentumBuffer \[4\]/,
    ],
    [
      'a float64 buffer',
      changed((s) => Object.assign(s.state[1]!, { momentumBuffer: ones([SIZE], { dtype: 'float64' }) })),
      /its momentumBuffer float64/,
    ],
    [
      'a buffer that is no tensor',
      changed((s) => Object.assign(s.state[1]!, { momentumBuffer: [1] })),
      /must be a Tensor or null/,
    ],
    [
      'another optimizer’s entries',
      changed((s) => Object.assign(s.state, { 1: { expAvg: ones([SIZE]) } })),
      /unknown entry 'expAvg'/,
    ],
    ['a state that is null', changed((s) => Object.assign(s.state, { 1: null })), /state must be an object, got null/],
    [
      'a rate that is no number',
      changed((s) => Object.assign(s.paramGroups[1]!, { lr: 'abc' })),
      /group 1: lr must be .* got 'abc'/,
    ],
    [
      'a negative rate',
      changed((s) => Object.assign(s.paramGroups[1]!, { lr: -1 })),
      /lr must be a number of at least 0, .* got -1/,
    ],
    [
      'a missing option',
      changed((s) => Reflect.deleteProperty(s.paramGroups[1]!, 'momentum')),
      /momentum must be at least 0, got undefined/,
    ],
    [
      'an unknown option',
      changed((s) => Object.assign(s.paramGroups[1]!, { weight_decay: 0 })),
      /unknown option 'weight_decay'; did you mean 'weightDecay'/,
    ],
  ];
  it.each(cases)('refuses %s, and changes nothing', (_, make, message) => {
    const one = training(false);
    const groups = one.sgd.paramGroups.map((group) => ({ ...group }));
    const given = make() as Saved;
    const load = () => one.sgd.loadStateDict(given);
    expectRefusal(one, load, NablaError, message);
    expect(one.sgd.paramGroups.map((group) => ({ ...group }))).toEqual(groups);
    one.step();
  });

  it('copies tensors: of the state, and rates', () => {
    const given = saved();
    given.paramGroups[0]!.lr = tensor(0.25);
    const one = training(false);
    one.sgd.loadStateDict(given);
    given.state[0]!.momentumBuffer!.fill_(7);
    (given.paramGroups[0]!.lr as Tensor).fill_(7);
    expect(one.sgd.state.get(one.weights[0]!)!.momentumBuffer!.eq(7).any().item()).toBe(false);
    expect(String(one.sgd.paramGroups[0]!.lr)).toBe('tensor(0.2500)');
  });

  it('finds states by their place in the groups, whatever numbers they were saved under', () => {
    const given = structuredState(saved());
    const [first, second] = [zeros([SIZE]), ones([SIZE])];
    given.paramGroups.forEach((group, i) => {
      group.params = [10 - i];
    });
    const one = training(false);
    one.sgd.loadStateDict({ ...given, state: { 10: { momentumBuffer: first }, 9: { momentumBuffer: second } } });
    const buffers = one.weights.map((w) => one.sgd.state.get(w)!.momentumBuffer!.mean().item());
    expect(buffers).toEqual([0, 1]);
  });
});

describe('what an optimizer is made of', () => {
  it.each([
    ['an expanded parameter', () => new optim.SGD([ones([1]).expand([3]).requiresGrad_()]), /expanded tensor/],
    ['no options', () => new optim.SGD([parameter()], null as never), /lr must be .*got null/],
    ['a rate of three elements', () => new optim.SGD([parameter()], { lr: tensor([1, 2, 3]) }), /lr must be/],
    [
      'a flag that is none',
      () => new optim.SGD([parameter()], { nesterov: 1 as never, momentum: 1 }),
      /nesterov must be true or false/,
    ],
    [
      'a group that is none',
      () => new optim.SGD([parameter()]).addParamGroup(null as never),
      /addParamGroup: expected/,
    ],
    [
      'a closure that is none',
      () => new optim.SGD([parameter()]).step(5 as never),
      /SGD.step: closure must be a function, or null, got 5/,
    ],
  ])('%s is refused', (_, make, message) => {
    expect(make).toThrow(ValueError);
    expect(make).toThrow(message);
  });
});

describe('loadStateDict of a module', () => {
  it.each([null, undefined, 5, 'abc', [], [ones([1])], ones([1]), new Map()])('refuses %s', (state) => {
    const layer = new nn.Linear(2, 1);
    expect(() => layer.loadStateDict(state as never)).toThrow(ValueError);
    expect(() => layer.loadStateDict(state as never)).toThrow(/loadStateDict: state must be tensors by name/);
  });

  it('refuses options that are none', () => {
    const layer = new nn.Linear(2, 1);
    expect(() => layer.loadStateDict(layer.stateDict(), null as never)).toThrow(
      /strict must be true or false, got null/,
    );
    expect(() => layer.loadStateDict(layer.stateDict(), { strict: 'no' as never })).toThrow(
      /strict must be true or false/,
    );
  });
});

describe('a state as PyTorch keeps it', () => {
  it('has what it counts in tensors of one element', () => {
    const make = (): [optim.NAdam, Tensor] => {
      const w = ones([2]).requiresGrad_();
      return [new optim.NAdam([w], { lr: 0.1 }), w];
    };
    const step = ([optimizer, w]: [optim.NAdam, Tensor]): Tensor => {
      w.grad = ones([2]);
      optimizer.step();
      return w.detach().clone();
    };
    const [first, second] = [make(), make()];
    step(first);
    const saved = first[0].stateDict();
    const { step: steps, muProduct, ...rest } = saved.state[0]!;
    const state = { ...rest, step: tensor(steps), muProduct: tensor([muProduct]) } as object as optim.NAdamState;
    second[0].loadStateDict({ ...saved, state: { 0: state } });
    second[1].data = first[1].detach().clone();
    expect(step(second).toArray()).toEqual(step(first).toArray());
    expect(second[0].state.get(second[1])).toMatchObject({ step: 2 });
    const wrong = { ...rest, step: zeros([2]), muProduct } as object as optim.NAdamState;
    expect(() => second[0].loadStateDict({ ...saved, state: { 0: wrong } })).toThrow(
      /its step must be a finite number/,
    );
  });
});
