import { CaptureError, capture, NablaError, optim, type Tensor, tensor, ValueError, zeros } from 'nabla';
import { describe, expect, it } from 'vitest';

const { ExponentialLR, LambdaLR, StepLR, CosineAnnealingLR, CosineAnnealingWarmRestarts, CyclicLR } = optim.lrScheduler;
const { ChainedScheduler, ConstantLR, LinearLR, MultiplicativeLR, MultiStepLR, OneCycleLR } = optim.lrScheduler;
const { PolynomialLR, ReduceLROnPlateau, SequentialLR, SWALR } = optim.lrScheduler;
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
});

describe('a group that was added', () => {
  const added = (make: (optimizer: optim.SGD) => Scheduler) => {
    const sgd = new optim.SGD([parameter()], { lr: 0.5 });
    const scheduler = make(sgd);
    scheduler.step();
    scheduler.step();
    sgd.addParamGroup({ params: [parameter()], lr: 0.2 });
    return scheduler;
  };

  // Recorded from PyTorch 2.13.
  it.each<[string, (optimizer: optim.SGD) => Scheduler, number[]]>([
    ['StepLR', (sgd) => new StepLR(sgd, 2, 0.5), [0.2, 0.1, 0.1, 0.05]],
    ['MultiStepLR', (sgd) => new MultiStepLR(sgd, [2, 3], 0.5), [0.1, 0.1, 0.1, 0.1]],
    ['ConstantLR', (sgd) => new ConstantLR(sgd, 0.5, 3), [0.4, 0.4, 0.4, 0.4]],
    ['LinearLR', (sgd) => new LinearLR(sgd, 0.25, 1, 4), [0.26, 0.32, 0.32, 0.32]],
    ['ExponentialLR', (sgd) => new ExponentialLR(sgd, 0.5), [0.1, 0.05, 0.025, 0.0125]],
    ['PolynomialLR', (sgd) => new PolynomialLR(sgd, 5), [0.13333, 0.06667, 0, 0]],
    [
      'ChainedScheduler',
      (sgd) => new ChainedScheduler([new ConstantLR(sgd, 0.1, 2), new ExponentialLR(sgd, 0.9)]),
      [0.18, 0.162, 0.1458, 0.13122],
    ],
  ])('goes on with what multiplies rates: %s', (_, make, expected) => {
    const scheduler = added(make);
    const rates = expected.map(() => {
      scheduler.step();
      return scheduler.getLastLr()[1]!;
    });
    rates.forEach((rate, i) => {
      expect(rate).toBeCloseTo(expected[i]!, 5);
    });
  });

  it('is refused where the rule goes by the rate at first, or by the group', () => {
    const scheduler = added((sgd) => new LambdaLR(sgd, (epoch) => 1 / (epoch + 1)));
    expect(() => scheduler.step()).toThrow(/the optimizer has 2 parameter groups, but had 1/);
    expect(scheduler.lastEpoch).toBe(2);
  });

  it('comes back with a state', () => {
    const first = added((sgd) => new StepLR(sgd, 2, 0.5));
    first.step();
    const second = added((sgd) => new StepLR(sgd, 2, 0.5));
    second.step();
    const saved = JSON.parse(JSON.stringify([first.optimizer.stateDict(), first.stateDict()]));
    const expected = ratesOf(first, 3);
    second.optimizer.loadStateDict(saved[0]);
    second.loadStateDict(saved[1]);
    expect(ratesOf(second, 3)).toEqual(expected);
  });
});

describe('what is refused', () => {
  const cases: [string, () => unknown, RegExp][] = [
    [
      'what is no optimizer',
      () => new ExponentialLR({} as never, 0.5),
      /ExponentialLR: optimizer must be an Optimizer, got/,
    ],
    [
      'an epoch for a step',
      () => (new StepLR(sgdOf(1), 1) as unknown as { step(epoch: number): void }).step(5),
      /step: expected no arg/,
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
    ['milestones that are none', () => new MultiStepLR(sgdOf(1), [1, 2.5]), /milestones must be an array of integers/],
    ['a factor above 1', () => new ConstantLR(sgdOf(1), 1.5), /factor must be in \[0, 1\], got 1.5/],
    ['a startFactor of 0', () => new LinearLR(sgdOf(1), 0), /startFactor must be above 0 and at most 1, got 0/],
    ['no steps to go', () => new PolynomialLR(sgdOf(1), 0), /totalIters must be an integer, at least 1, got 0/],
    ['half a period', () => new CosineAnnealingLR(sgdOf(1), 2.5), /TMax must be an integer/],
    ['a period of 0', () => new CosineAnnealingWarmRestarts(sgdOf(1), 0), /T0 must be an integer, at least 1/],
    ['an epoch below 0', () => new CosineAnnealingWarmRestarts(sgdOf(1), 2).step(-1), /epoch must be at least 0/],
    ['an unknown mode', () => new CyclicLR(sgdOf(1), 0, 1, { mode: 'triangle' as never }), /unknown mode 'triangle'/],
    [
      'a rate too many',
      () => new CyclicLR(sgdOf(1), [0, 0], 1),
      /expected 1 numbers for baseLr, one for each parameter/,
    ],
    ['no end', () => new OneCycleLR(sgdOf(1), 1), /expected totalSteps, or epochs and stepsPerEpoch/],
    ['a rise of a single step', () => new OneCycleLR(sgdOf(1), 1, 4, { pctStart: 0.25 }), /give another pctStart/],
    [
      'a rate that is none',
      () => new SWALR(sgdOf(1), Number.NaN),
      /swaLr must be a finite number, or an array of them/,
    ],
    ['a factor of 1', () => new ReduceLROnPlateau(sgdOf(1), 'min', 1), /factor must be a finite number below 1, got 1/],
    [
      'no metric',
      () => Reflect.apply(ReduceLROnPlateau.prototype.step, new ReduceLROnPlateau(sgdOf(1)), []),
      /metrics/,
    ],
    ['no schedulers', () => new ChainedScheduler([]), /schedulers must be at least one scheduler, got an empty array/],
    ['what is no scheduler', () => new ChainedScheduler([sgdOf(1) as never]), /schedulers\[0\] must be a scheduler/],
    [
      'one of several that needs a metric',
      () => new ChainedScheduler([new ReduceLROnPlateau(sgdOf(1)) as never]),
      /which steps by a metric and cannot be one of several/,
    ],
    [
      'schedulers of two optimizers',
      () => new SequentialLR(sgdOf(1), [new StepLR(sgdOf(1), 1)], []),
      /schedulers\[0\], a StepLR, is of another optimizer/,
    ],
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

describe('a momentum', () => {
  it('is refused where the optimizer has none', () => {
    const adagrad = new optim.Adagrad([parameter()], { lr: 0.5 });
    expect(() => new OneCycleLR(adagrad, 1, 10)).toThrow(/Adagrad has no momentum and no betas to change/);
    expect(adagrad.paramGroups[0]).toMatchObject({ lr: 0.5 });
    expect(adagrad.paramGroups[0]).not.toHaveProperty('initialLr');
    expect(new OneCycleLR(adagrad, 1, 10, { cycleMomentum: false }).getLastLr()).toEqual([expect.closeTo(0.04, 14)]);
  });

  it('is set in betas, the second of which stays', () => {
    const adam = new optim.Adam([parameter()], { betas: [0.5, 0.99] });
    const scheduler = new CyclicLR(adam, 0.1, 0.2, 2, { baseMomentum: 0.6, maxMomentum: 0.8 });
    expect(adam.paramGroups[0]!.betas).toEqual([0.8, 0.99]);
    scheduler.step();
    expect(adam.paramGroups[0]!.betas).toEqual([expect.closeTo(0.7, 14), 0.99]);
  });
});

describe('several schedulers of one optimizer', () => {
  it('take milestones that part them, in order, and nothing that cannot start over', () => {
    const sgd = sgdOf(1);
    const step = () => new StepLR(sgd, 1);
    expect(() => new SequentialLR(sgd, [step(), step()], [])).toThrow(
      /expected 1 milestones between 2 schedulers, got 0/,
    );
    expect(() => new SequentialLR(sgd, [step(), step(), step()], [4, 2])).toThrow(/must not fall, got \[4, 2\]/);
    const late = new ChainedScheduler([step()]);
    expect(() => new SequentialLR(sgd, [step(), late], [4])).toThrow(
      /schedulers\[1\] is a ChainedScheduler, which cannot/,
    );
  });

  it('are loaded together or not at all', () => {
    const make = (gamma: number) => {
      const sgd = sgdOf(1);
      return new ChainedScheduler([new StepLR(sgd, 2, gamma), new ExponentialLR(sgd, 0.5)]);
    };
    const [first, second] = [make(0.5), make(0.25)];
    ratesOf(first, 3);
    const saved = first.stateDict();
    const before = second.stateDict();
    const [one, other] = saved.schedulers as Record<string, unknown>[];
    for (const schedulers of [[one], [one, { ...other, gamma: 'a' }], 7, [one, null]]) {
      expect(() => second.loadStateDict({ ...saved, schedulers })).toThrow(ValueError);
      expect(second.stateDict()).toEqual(before);
    }
    second.loadStateDict(saved);
    expect(second.stateDict()).toEqual(saved);
  });
});

describe('a scheduler that cannot begin', () => {
  it('leaves its optimizer alone', () => {
    const failing = () => Number.NaN;
    const makers: ((sgd: optim.SGD) => unknown)[] = [
      (sgd) => new LambdaLR(sgd, failing),
      (sgd) => new CyclicLR(sgd, 0.1, 0.2, { scaleFn: failing }),
      (sgd) => new OneCycleLR(sgd, [1, 2, 3], 10),
      (sgd) => new StepLR(sgd, 1, 0.1, 5),
    ];
    for (const make of makers) {
      const sgd = sgdOf(1, 2);
      const before = sgd.stateDict();
      expect(() => make(sgd)).toThrow(ValueError);
      expect(sgd.stateDict()).toEqual(before);
    }
  });
});

describe('a step that fails', () => {
  it('changes nothing', () => {
    const sgd = sgdOf(1);
    const failing = (epoch: number) => (epoch < 2 ? 0.5 : Number.NaN);
    const chained = new ChainedScheduler([new ExponentialLR(sgd, 0.5), new MultiplicativeLR(sgd, failing)]);
    chained.step();
    const before = [chained.stateDict(), sgd.paramGroups[0]!.lr];
    expect(() => chained.step()).toThrow(/must give a finite number, got NaN for epoch 2/);
    expect([chained.stateDict(), sgd.paramGroups[0]!.lr]).toEqual(before);
  });

  it('is the one after the last of OneCycleLR', async () => {
    const make = () => {
      const [sgd, x] = [sgdOf(1), parameter()];
      return { sgd, x, scheduler: new OneCycleLR(sgd, 1, 3) };
    };
    const plain = make();
    ratesOf(plain.scheduler, 3);
    const before = [plain.scheduler.stateDict(), plain.sgd.paramGroups];
    expect(() => plain.scheduler.step()).toThrow(/step 4 of 3; there are no more/);
    expect([plain.scheduler.stateDict(), plain.sgd.paramGroups]).toEqual(before);
    const { scheduler, x } = make();
    const step = capture((row: Tensor) => {
      scheduler.step();
      return row.mul(x.detach()).sum();
    });
    await expect(step.run([zeros([5, 1])], { batchSize: 1 })).rejects.toThrow(/step 4 of 3/);
    expect(scheduler.lastEpoch).toBe(3);
  });
});

describe('CosineAnnealingWarmRestarts', () => {
  /** Of CosineAnnealingWarmRestarts(optimizer, 3, 2, 0.1) in PyTorch: rate, last_epoch, T_cur, T_i. */
  const recorded = [
    [0.9397114317029974, 0, 0.5, 3],
    [0.11533337816991932, 2, 2.75, 3],
    [1, 3, 0, 6],
    [0.9070090031310558, 4, 1.25, 6],
    [1, 9, 0, 12],
    [0.11533337816991932, 8, 5.5, 6],
    [0.9990365154573716, 21, 0.5, 24],
    [0.9913533761814537, 22, 1.5, 24],
  ];

  it('goes to an epoch, and on from there, as PyTorch does', () => {
    const scheduler = new CosineAnnealingWarmRestarts(sgdOf(1), 3, 2, 0.1);
    const seen = [0.5, 2.75, 3, 4.25, 9, 8.5, 21.5, undefined].map((epoch) => {
      scheduler.step(epoch);
      return [...scheduler.getLastLr(), scheduler.lastEpoch, scheduler.TCur, scheduler.TI];
    });
    expect(seen).toEqual(recorded.map(([rate, ...rest]) => [expect.closeTo(rate!, 14), ...rest]));
  });
});

describe('ReduceLROnPlateau', () => {
  it('takes a metric in a tensor, and none in a captured function', () => {
    const scheduler = new ReduceLROnPlateau(sgdOf(1), 'min', 0.5, 0);
    scheduler.step(tensor([1]));
    scheduler.step(tensor(2));
    expect(scheduler.getLastLr()).toEqual([0.5]);
    expect(scheduler.best).toBe(1);
    expect(() => scheduler.step(zeros([2]))).toThrow(NablaError);
    const step = capture((x: Tensor) => {
      scheduler.step(x.sum());
      return x;
    });
    expect(() => step(tensor([1]))).toThrow(CaptureError);
    expect(scheduler.lastEpoch).toBe(2);
  });

  it('follows groups that are added, unless each has its own least rate', () => {
    const [sgd, other] = [sgdOf(1), sgdOf(1)];
    const scheduler = new ReduceLROnPlateau(sgd, { patience: 0 });
    const own = new ReduceLROnPlateau(other, { patience: 0, minLr: [0.1] });
    for (const one of [sgd, other]) one.addParamGroup({ params: [parameter()], lr: 3 });
    scheduler.step(1);
    scheduler.step(1);
    expect(scheduler.getLastLr()).toEqual([0.1, expect.closeTo(0.3, 14)]);
    expect(() => own.step(1)).toThrow(/expected 2 numbers for minLr/);
    expect(own.lastEpoch).toBe(0);
  });
});

describe('a rate that a schedule takes below 0 by a rounding', () => {
  const falling = () => {
    const w = tensor([1], { requiresGrad: true });
    const sgd = new optim.SGD([w], { lr: 0.1, momentum: 0.9 });
    const scheduler = new LinearLR(sgd, 0.1, 0, 5);
    const step = () => {
      sgd.zeroGrad();
      const loss = w.mul(w).sum();
      loss.backward();
      sgd.step();
      return loss;
    };
    return { w, sgd, scheduler, step };
  };

  it('is stepped with, as in PyTorch, captured too', () => {
    const values = [false, true].map((isCaptured) => {
      const { w, sgd, scheduler, step } = falling();
      const call = isCaptured ? capture(step) : step;
      for (let i = 0; i < 8; i++) {
        call();
        scheduler.step();
      }
      expect(sgd.paramGroups[0]!.lr).toBeLessThan(0);
      expect(sgd.paramGroups[0]!.lr).toBeGreaterThan(-1e-17);
      return w.item();
    });
    expect(values[1]).toBe(values[0]);
  });

  it('is in states that load, and is refused where no schedule made it', () => {
    const { sgd, scheduler, step } = falling();
    for (let i = 0; i < 6; i++) scheduler.step();
    const other = falling().sgd;
    other.loadStateDict(sgd.stateDict());
    expect(other.paramGroups[0]!.lr).toBe(sgd.paramGroups[0]!.lr);
    step();
    const plain = sgdOf(1);
    plain.paramGroups[0]!.lr = -1;
    expect(() => plain.step()).toThrow('lr must be a number of at least 0');
  });
});

it('ConstantLR of no steps leaves rates multiplied, as in PyTorch', () => {
  expect(ratesOf(new ConstantLR(sgdOf(1), 0.5, 0), 3).flat()).toEqual([0.5, 0.5, 0.5, 0.5]);
  expect(() => new ConstantLR(sgdOf(1), 0.5, -1)).toThrow('totalIters must be an integer, at least 0, got -1');
});
