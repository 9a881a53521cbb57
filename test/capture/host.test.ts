import {
  CaptureError,
  capture,
  manualSeed,
  nn,
  ones,
  optim,
  randn,
  type Tensor,
  tensor,
  ValueError,
  zeros,
} from 'nabla';
import { describe, expect, it } from 'vitest';
import { expectSame } from './same.js';

// What a captured function does in JavaScript: steps that optimizers count, schedules, numbers of a step.

interface Setup {
  readonly parameters: Tensor[];
  readonly optimizer: optim.Adam;
  readonly scheduler: optim.lrScheduler.LRScheduler;
  readonly step: (x: Tensor, y: Tensor) => Tensor;
}

const cosine = (epoch: number): number => 0.5 * (1 + Math.cos(epoch / 50));

function setUp(amsgrad = false): Setup {
  manualSeed(3);
  const model = new nn.Sequential(new nn.Linear(4, 5), new nn.Tanh(), new nn.Linear(5, 2));
  const parameters = model.parameters();
  const optimizer = new optim.Adam([{ params: parameters.slice(0, 2) }, { params: parameters.slice(2), lr: 0.02 }], {
    lr: 0.05,
    amsgrad,
  });
  const scheduler = new optim.lrScheduler.LambdaLR(optimizer, [cosine, (epoch) => 1 / (1 + epoch)]);
  const step = (x: Tensor, y: Tensor): Tensor => {
    optimizer.zeroGrad();
    const loss = nn.functional.mseLoss(model.forward(x), y);
    loss.backward();
    nn.utils.clipGradNorm_(parameters, 0.4);
    optimizer.step();
    scheduler.step();
    return loss;
  };
  return { parameters, optimizer, scheduler, step };
}

/** All that steps change, as values. */
function everything({ parameters, optimizer, scheduler }: Setup): unknown {
  return {
    parameters: parameters.map((p) => p.detach().toArray()),
    state: parameters.map((p) => {
      const { step, ...tensors } = optimizer.state.get(p)!;
      return [step, ...Object.values(tensors).map((x) => (x as Tensor).toArray())];
    }),
    rates: optimizer.paramGroups.map(({ lr }) => lr),
    scheduler: scheduler.stateDict(),
  };
}

const ROWS = 24;
const [inputs, targets] = [randn([ROWS, 4]), randn([ROWS, 2])];
const row = (i: number): [Tensor, Tensor] => [inputs.narrow(0, i % ROWS, 1), targets.narrow(0, i % ROWS, 1)];

function afterPlain(steps: number): unknown {
  const one = setUp();
  for (let i = 0; i < steps; i++) one.step(...row(i));
  return everything(one);
}

describe('numbers that change from step to step', () => {
  it('are those of the plain function in replays and in the background', async () => {
    const epochs = 10;
    const [captured, background] = [setUp(), setUp()];
    const replay = capture(captured.step);
    for (let i = 0; i < epochs * ROWS; i++) replay(...row(i));
    expect(replay.stats).toHaveLength(1);
    const run = capture(background.step);
    await run.run([inputs, targets], { batchSize: 1, epochs });
    expect(run.stats).toHaveLength(1);
    const expected = afterPlain(epochs * ROWS);
    expect(everything(captured)).toEqual(expected);
    expect(everything(background)).toEqual(expected);
  });

  it('are computed in tables that are shorter than an epoch', async () => {
    const [x, y] = [randn([1000, 4]), randn([1000, 2])];
    const [plain, background] = [setUp(), setUp()];
    for (let i = 0; i < 1000; i++) plain.step(x.narrow(0, i, 1), y.narrow(0, i, 1));
    await capture(background.step).run([x, y], { batchSize: 1 });
    expect(everything(background)).toEqual(everything(plain));
  });

  it('stand at the step that an abort ends with', async () => {
    for (const limit of [1, 40, 333]) {
      const one = setUp();
      const controller = new AbortController();
      const running = capture(one.step).run([inputs, targets], {
        batchSize: 1,
        epochs: 10_000,
        signal: controller.signal,
        progressInterval: 1,
        onProgress: ({ step }) => {
          if (step >= limit) controller.abort(new Error('enough'));
        },
      });
      await expect(running).rejects.toThrow('enough');
      const { step } = one.optimizer.state.get(one.parameters[0]!)!;
      expect(step).toBeGreaterThanOrEqual(limit);
      expect(one.scheduler.lastEpoch).toBe(step);
      expect(everything(one)).toEqual(afterPlain(step));
    }
  });

  it('are there for progress reports', async () => {
    const one = setUp();
    const seen: [number, number, number][] = [];
    await capture(one.step).run([inputs, targets], {
      batchSize: 1,
      epochs: 200,
      progressInterval: 1,
      onProgress: ({ step }) => {
        seen.push([step, one.scheduler.lastEpoch, one.optimizer.paramGroups[0]!.lr as number]);
      },
    });
    for (const [step, epoch, lr] of seen) expect([epoch, lr]).toEqual([step, 0.05 * cosine(step)]);
    expect(seen.at(-1)![0]).toBe(200 * ROWS);
  });

  it('follow a scheduler that is stepped between calls, too', async () => {
    const [plain, captured] = [false, true].map((isCaptured) => {
      const w = zeros([3], { requiresGrad: true });
      const sgd = new optim.SGD([w], { lr: 0.5, momentum: 0.5 });
      const scheduler = new optim.lrScheduler.StepLR(sgd, 2, 0.3);
      const step = (x: Tensor) => {
        sgd.zeroGrad();
        const loss = w.sub(x).square().sum();
        loss.backward();
        sgd.step();
        return loss;
      };
      const run = isCaptured ? capture(step) : step;
      for (let i = 0; i < 9; i++) {
        run(tensor([1, 2, i]));
        scheduler.step();
      }
      return w;
    });
    expectSame(captured!.detach(), plain!.detach());
  });

  it('are those of each step, where a function takes several, in the order in which it takes them', () => {
    const [plain, captured] = [false, true].map((isCaptured) => {
      const [v, w] = [zeros([2], { requiresGrad: true }), ones([2], { requiresGrad: true })];
      const adam = new optim.Adam([v], { lr: 0.1 });
      const sgd = new optim.SGD([w], { lr: 0.3 });
      const slower = new optim.lrScheduler.ExponentialLR(adam, 0.7);
      const faster = new optim.lrScheduler.ExponentialLR(sgd, 1.1);
      const step = (x: Tensor) => {
        faster.step();
        for (let i = 0; i < 3; i++) {
          v.grad = null;
          w.grad = null;
          v.mul(w).sub(x).square().sum().backward();
          adam.step();
          if (i < 2) slower.step();
          if (i > 0) sgd.step();
        }
        return v.detach().clone();
      };
      const run = isCaptured ? capture(step) : step;
      for (let i = 0; i < 6; i++) run(tensor([i, 1]));
      return [v, w];
    });
    for (let i = 0; i < 2; i++) expectSame(captured![i]!.detach(), plain![i]!.detach());
  });

  it('are apart for parameters that had different numbers of steps', async () => {
    const results = await Promise.all(
      ['plain', 'captured', 'background'].map(async (how) => {
        const [v, w] = [zeros([2], { requiresGrad: true }), zeros([2], { requiresGrad: true })];
        const adam = new optim.Adam([v, w], { lr: 0.1 });
        const early = () => {
          v.grad = ones([2]);
          adam.step();
        };
        for (let i = 0; i < 3; i++) early();
        const step = (x: Tensor) => {
          adam.zeroGrad();
          const loss = v.sub(w).sub(x).square().sum().add(w.sum());
          loss.backward();
          adam.step();
          return loss;
        };
        const rows = randn([20, 2]);
        rows.fill_(0.5);
        const run = how === 'captured' ? capture(step) : step;
        if (how === 'background') await capture(step).run([rows], { batchSize: 1 });
        else for (let i = 0; i < 20; i++) run(rows.narrow(0, i, 1));
        expect([v, w].map((p) => adam.state.get(p)!.step)).toEqual([23, 20]);
        return [v, w].map((p) => p.detach().toArray());
      }),
    );
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
  });
});

/** A function whose third tensor stops it where it is no class of three. */
function stopping(): Setup & { readonly checked: (x: Tensor, y: Tensor, label: Tensor) => Tensor } {
  const one = setUp();
  const checked = (x: Tensor, y: Tensor, label: Tensor): Tensor => {
    const loss = one.step(x, y);
    nn.functional.crossEntropy(ones([1, 3]), label);
    one.scheduler.step();
    return loss;
  };
  return { ...one, checked };
}

const labels = (values: number[]): Tensor => tensor(values, { dtype: 'int32' });

describe('a step that stops at a bad value', () => {
  it('leaves counters and schedules where the plain function leaves them', async () => {
    const bad = 7;
    const outcomes = await Promise.all(
      ['plain', 'captured', 'background'].map(async (how) => {
        const one = stopping();
        const good = labels(Array.from({ length: ROWS }, (_, i) => (i === bad ? 3 : 1)));
        const run = how === 'captured' ? capture(one.checked) : one.checked;
        const steps = async () => {
          if (how === 'background') await capture(one.checked).run([inputs, targets, good], { batchSize: 1 });
          else for (let i = 0; i < ROWS; i++) run(...row(i), good.narrow(0, i, 1));
        };
        await expect(steps()).rejects.toThrow(/target.* is out of range/);
        return everything(one);
      }),
    );
    expect(outcomes[0]).toMatchObject({ scheduler: { lastEpoch: 2 * bad + 1 } });
    expect(outcomes[1]).toEqual(outcomes[0]);
    expect(outcomes[2]).toEqual(outcomes[0]);
  });

  it('changes nothing where options make no sense', async () => {
    const one = setUp();
    const step = capture(one.step);
    for (let i = 0; i < 3; i++) step(...row(i));
    const before = everything(one);
    one.optimizer.paramGroups[1]!.eps = -1;
    expect(() => step(...row(3))).toThrow(/group 1: eps must be at least 0, got -1/);
    await expect(step.run([inputs, targets], { batchSize: 1 })).rejects.toThrow(ValueError);
    expect(everything(one)).toEqual(before);
  });

  it('ends a run at the step whose schedule fails, after those before it', async () => {
    const one = setUp();
    const failing = new optim.lrScheduler.LambdaLR(one.optimizer, (epoch) => (epoch < 10 ? 1 : Number.NaN));
    const step = capture((x: Tensor, y: Tensor) => {
      const loss = one.step(x, y);
      failing.step();
      return loss;
    });
    await expect(step.run([inputs, targets], { batchSize: 1 })).rejects.toThrow(
      /LambdaLR: lrLambda must give a finite number, got NaN for epoch 10/,
    );
    expect(one.optimizer.state.get(one.parameters[0]!)!.step).toBe(9);
    expect(failing.lastEpoch).toBe(9);
  });
});

describe('options that change the formula', () => {
  it('are another case in the middle of a run, whoever changes them', async () => {
    class Momentum extends optim.lrScheduler.LRScheduler {
      protected override next(lr: number): number {
        this.optimizer.paramGroups.forEach((group) => {
          Object.assign(group, { momentum: this.lastEpoch % 7 < 3 ? 0 : 0.5 });
        });
        return lr;
      }
    }
    const outcomes = await Promise.all(
      ['plain', 'captured', 'background'].map(async (how) => {
        const w = zeros([4], { requiresGrad: true });
        const sgd = new optim.SGD([w], { lr: 0.05 });
        const momentum = new Momentum({ optimizer: sgd, lastEpoch: -1 });
        const step = (x: Tensor) => {
          sgd.zeroGrad();
          const loss = w.sub(x).square().sum();
          loss.backward();
          momentum.step();
          sgd.step();
          return loss;
        };
        const captured = capture(step);
        const run = how === 'captured' ? captured : step;
        if (how === 'background') await captured.run([inputs], { batchSize: 1 });
        else for (let i = 0; i < ROWS; i++) run(inputs.narrow(0, i, 1));
        if (how !== 'plain') expect(captured.stats).toHaveLength(2);
        return [w.detach().toArray(), sgd.state.get(w)!.momentumBuffer!.toArray(), momentum.lastEpoch];
      }),
    );
    expect(outcomes[1]).toEqual(outcomes[0]);
    expect(outcomes[2]).toEqual(outcomes[0]);
  });

  it('are refused where JavaScript sets them inside by itself', () => {
    const one = setUp();
    const step = capture((x: Tensor, y: Tensor) => {
      const loss = one.step(x, y);
      one.optimizer.paramGroups[0]!.lr = 0.5;
      return loss;
    });
    expect(() => step(...row(0))).toThrow(CaptureError);
    expect(() => step(...row(0))).toThrow(/lr of Adam's parameter group 0 was set inside.*optim\.lrScheduler/);
  });
});

describe('a rate in a tensor', () => {
  const training = (how: string) => {
    const w = zeros([4], { requiresGrad: true });
    const lr = tensor(0.1, { dtype: 'float64' });
    const adam = new optim.AdamW([w], { lr });
    const scheduler = new optim.lrScheduler.ExponentialLR(adam, 0.8);
    const step = (x: Tensor) => {
      adam.zeroGrad();
      const loss = w.sub(x).square().sum();
      loss.backward();
      adam.step();
      scheduler.step();
      return loss;
    };
    return { w, lr, adam, scheduler, step: how === 'captured' ? capture(step) : step };
  };

  it('is read and scheduled as a number is', async () => {
    const outcomes = await Promise.all(
      ['plain', 'captured', 'background'].map(async (how) => {
        const { w, lr, step } = training(how);
        if (how === 'background') await capture(step).run([inputs], { batchSize: 1 });
        else for (let i = 0; i < ROWS; i++) step(inputs.narrow(0, i, 1));
        return [w.detach().toArray(), lr.item()];
      }),
    );
    expect(outcomes[0]![1]).toBeCloseTo(0.1 * 0.8 ** ROWS, 15);
    expect(outcomes[1]).toEqual(outcomes[0]);
    expect(outcomes[2]).toEqual(outcomes[0]);
  });

  it('is refused where instructions take part', () => {
    const { w, lr, adam } = training('plain');
    const read = capture((x: Tensor) => {
      w.grad = x.mul(lr);
      adam.step();
    });
    const changed = capture((x: Tensor) => {
      w.grad = x.clone();
      adam.step();
      lr.mul_(0.5);
    });
    for (const step of [read, changed]) {
      expect(() => step(ones([4]))).toThrow(/a tensor that holds an optimizer's rate is used by instructions as well/);
    }
  });
});
