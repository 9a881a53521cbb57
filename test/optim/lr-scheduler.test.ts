import { NablaError, optim, type Tensor, tensor, ValueError, zeros } from 'nabla';
import { describe, expect, it } from 'vitest';

const { ExponentialLR, LambdaLR, StepLR } = optim.lrScheduler;
type Scheduler = optim.lrScheduler.LRScheduler;

const parameter = (): Tensor => zeros([1], { requiresGrad: true });
const sgdOf = (...rates: (number | Tensor)[]): optim.SGD =>
  new optim.SGD(rates.map((lr) => ({ params: [parameter()], lr })));

function ratesOf(scheduler: Scheduler, steps: number): number[][] {
  const rates = [scheduler.getLastLr()];
  for (let i = 0; i < steps; i++) {
    scheduler.step();
    rates.push(scheduler.getLastLr());
  }
  return rates;
}

const makers: [string, (optimizer: optim.SGD, lastEpoch?: number) => Scheduler][] = [
  ['ExponentialLR', (optimizer, lastEpoch) => new ExponentialLR(optimizer, 0.7, lastEpoch)],
  ['StepLR', (optimizer, lastEpoch) => new StepLR(optimizer, 3, 0.5, lastEpoch)],
  ['LambdaLR', (optimizer, lastEpoch) => new LambdaLR(optimizer, (epoch) => 1 / (epoch + 1), lastEpoch)],
];

describe('rates', () => {
  it('fall by a factor, at every step or at some', () => {
    expect(ratesOf(new ExponentialLR(sgdOf(1, 8), 0.5), 3)).toEqual([
      [1, 8],
      [0.5, 4],
      [0.25, 2],
      [0.125, 1],
    ]);
    expect(ratesOf(new StepLR(sgdOf(1), 2, 0.5), 5).flat()).toEqual([1, 1, 0.5, 0.5, 0.25, 0.25]);
    expect(new StepLR(sgdOf(1), 2).gamma).toBe(0.1);
  });

  it('are what functions of the epoch say, one for all groups or one for each', () => {
    expect(ratesOf(new LambdaLR(sgdOf(1, 2), (epoch) => epoch + 1), 2)).toEqual([
      [1, 2],
      [2, 4],
      [3, 6],
    ]);
    expect(ratesOf(new LambdaLR(sgdOf(1, 2), [(epoch) => epoch, () => 5]), 1)).toEqual([
      [0, 10],
      [1, 10],
    ]);
  });

  it('are set in the groups, in tensors as well, and can be changed meanwhile', () => {
    const rate = tensor(1);
    const sgd = sgdOf(rate, 1);
    const scheduler = new ExponentialLR(sgd, 0.5);
    scheduler.step();
    expect(sgd.paramGroups[0]!.lr).toBe(rate);
    expect([rate.item(), sgd.paramGroups[1]!.lr]).toEqual([0.5, 0.5]);
    sgd.paramGroups[1]!.lr = 8;
    scheduler.step();
    expect(scheduler.getLastLr()).toEqual([0.25, 4]);
  });

  it('of several schedulers on one optimizer are their product', () => {
    const sgd = sgdOf(1);
    const both = [new ExponentialLR(sgd, 0.5), new StepLR(sgd, 2, 0.1)];
    for (let i = 0; i < 4; i++) for (const one of both) one.step();
    expect(sgd.paramGroups[0]!.lr).toBeCloseTo(0.5 ** 4 * 0.01, 15);
    expect(both.map(({ baseLrs }) => baseLrs)).toEqual([[1], [1]]);
  });

  it('are copies', () => {
    const scheduler = new ExponentialLR(sgdOf(1), 0.5);
    scheduler.getLastLr()[0] = 7;
    expect(scheduler.getLastLr()).toEqual([1]);
  });
});

describe.each(makers)('%s', (_, make) => {
  it('goes on from a saved state as if it had not stopped', () => {
    const first = sgdOf(1, 3);
    const scheduler = make(first);
    ratesOf(scheduler, 4);
    const saved = JSON.parse(JSON.stringify([first.stateDict(), scheduler.stateDict()]));
    const expected = ratesOf(scheduler, 5);
    const second = sgdOf(7, 7);
    const other = make(second);
    second.loadStateDict(saved[0]);
    other.loadStateDict(saved[1]);
    expect(other.lastEpoch).toBe(4);
    expect(ratesOf(other, 5)).toEqual(expected);
  });

  it('goes on from an epoch where the optimizer has the rates of before', () => {
    const sgd = sgdOf(1, 3);
    const before = make(sgd);
    ratesOf(before, 4);
    const expected = ratesOf(make(sgdOf(1, 3)), 9).slice(5);
    // As in PyTorch, to begin at epoch 4 is the step to epoch 5, which leaves rates that are multiplied as they are.
    const after = make(sgd, 4);
    expect(after.lastEpoch).toBe(5);
    expect(after.baseLrs).toEqual([1, 3]);
    const rates = ratesOf(after, 4);
    if (after instanceof ExponentialLR)
      expect(rates.map(([rate]) => rate! * 0.7)).toEqual(expected.map(([rate]) => expect.closeTo(rate!, 12)));
    else expect(rates.slice(0, -1)).toEqual(expected.slice(0, rates.length - 1));
  });

  it('changes nothing for a state that is none', () => {
    const scheduler = make(sgdOf(1));
    const state = scheduler.stateDict();
    const cases: [unknown, RegExp][] = [
      [null, /expected an object as stateDict\(\) gives it, got null/],
      [7, /got 7/],
      [{ ...state, gamma_: 1 }, /unknown entry 'gamma_'/],
      [{ ...state, lastEpoch: undefined }, /lastEpoch must be a number, got undefined/],
      [{ ...state, baseLrs: [1, 2] }, /baseLrs must be an array of 1 like 1, got an array of 2/],
      [{ ...state, baseLrs: ['a'] }, /baseLrs must be/],
      [{ ...state, lastEpoch: Number.NaN }, /lastEpoch must be a number, got NaN/],
    ];
    for (const [saved, message] of cases) {
      expect(() => scheduler.loadStateDict(saved as never)).toThrow(ValueError);
      expect(() => scheduler.loadStateDict(saved as never)).toThrow(message);
      expect(scheduler.stateDict()).toEqual(state);
    }
  });

  it('refuses an optimizer with another number of groups than before', () => {
    const sgd = sgdOf(1);
    const scheduler = make(sgd);
    sgd.addParamGroup({ params: [parameter()] });
    expect(() => scheduler.step()).toThrow(/the optimizer has 2 parameter groups, but had 1/);
  });
});

describe('what is refused', () => {
  const cases: [string, () => unknown, RegExp][] = [
    [
      'what is no optimizer',
      () => new ExponentialLR({} as never, 0.5),
      /ExponentialLR: optimizer must be an Optimizer, got/,
    ],
    ['null for an optimizer', () => new LambdaLR(null as never, () => 1), /optimizer must be an Optimizer, got null/],
    ['a gamma that is none', () => new ExponentialLR(sgdOf(1), 'a' as never), /gamma must be a finite number, got 'a'/],
    ['no gamma', () => new (ExponentialLR as never as new (o: unknown) => unknown)(sgdOf(1)), /gamma/],
    ['a stepSize of 0', () => new StepLR(sgdOf(1), 0), /stepSize/],
    ['a stepSize that is no integer', () => new StepLR(sgdOf(1), 1.5), /stepSize/],
    ['an epoch below -1', () => new StepLR(sgdOf(1), 1, 0.1, -2), /lastEpoch/],
    [
      'to go on from nothing',
      () => new StepLR(sgdOf(1), 1, 0.1, 3),
      /group 0 has no initialLr to go on from at epoch 3/,
    ],
    [
      'what is no function',
      () => new LambdaLR(sgdOf(1), 3 as never),
      /lrLambda must be a function, or an array of functions, got 3/,
    ],
    [
      'too few functions',
      () => new LambdaLR(sgdOf(1, 2), [() => 1]),
      /expected 2 functions, one for each parameter group, got 1/,
    ],
    ['a factor that is none', () => new LambdaLR(sgdOf(1), () => undefined as never), /got undefined for epoch 0/],
  ];
  it.each(cases)('%s', (_, make, message) => {
    expect(make).toThrow(NablaError);
    expect(make).toThrow(message);
  });

  it('an initialLr that is no number', () => {
    const sgd = sgdOf(1);
    Object.assign(sgd.paramGroups[0]!, { initialLr: 'a' });
    expect(() => sgd.step()).toThrow(/group 0: initialLr must be a number, got 'a'/);
  });
});
