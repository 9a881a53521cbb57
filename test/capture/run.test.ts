import {
  backendName,
  CaptureError,
  capture,
  defaultGenerator,
  Generator,
  manualSeed,
  nn,
  ones,
  optim,
  rand,
  randn,
  type Tensor,
  ValueError,
} from 'nabla';
import { DataLoader, Subset, TensorDataset } from 'nabla/data';
import { describe, expect, it } from 'vitest';

const bits = (x: Tensor) => Buffer.from(x.toTypedArray().buffer).toString('hex');

function training(sgd: Partial<optim.SGDOptions> = { lr: 0.05, momentum: 0.5 }, dropout = 0.2) {
  manualSeed(1);
  const model = new nn.Sequential(new nn.Linear(4, 8), new nn.ReLU(), new nn.Dropout(dropout), new nn.Linear(8, 2));
  const optimizer = new optim.SGD(model.parameters(), sgd);
  const step = (x: Tensor, y: Tensor): Tensor => {
    optimizer.zeroGrad();
    const loss = nn.functional.mseLoss(model.forward(x), y);
    loss.backward();
    optimizer.step();
    return loss;
  };
  return { model, optimizer, step };
}

function data(rows = 50) {
  const generator = new Generator(3);
  return [randn([rows, 4], { generator }), rand([rows, 2], { generator })] as [Tensor, Tensor];
}

const stateOf = (model: nn.Module) => Object.values(model.stateDict()).map(bits);

/** Epochs of eager steps, as a user writes them. */
function trainEagerly(loader: DataLoader<[Tensor, Tensor], [Tensor, Tensor]>, epochs: number) {
  const { model, step } = training();
  const losses: number[] = [];
  for (let i = 0; i < epochs; i++) for (const [x, y] of loader) losses.push(step(x, y).item());
  return { losses, state: stateOf(model) };
}

describe('run', () => {
  const loaderOf = (dropLast = false) =>
    new DataLoader(new TensorDataset(...data()), { batchSize: 8, shuffle: true, dropLast });

  it.each([false, true])(
    'gives the bits of an eager loop, smaller last batch and all (dropLast %s)',
    async (dropLast) => {
      const eager = trainEagerly(loaderOf(dropLast), 3);
      const { model, step } = training();
      const losses = await capture(step).run(loaderOf(dropLast), { epochs: 3 });
      expect([...losses]).toEqual(eager.losses);
      expect(stateOf(model)).toEqual(eager.state);
      expect(rand([1]).item()).toBeGreaterThan(0);
    },
  );

  it('takes tensors, data sets and parts of them', async () => {
    const [x, y] = data();
    const options = { batchSize: 8, shuffle: true, generator: new Generator(5) };
    const rows = training();
    await capture(rows.step).run([x, y], { ...options, generator: new Generator(5) });
    const { model, step } = training();
    await capture(step).run(new TensorDataset(x, y), options);
    expect(stateOf(rows.model)).toEqual(stateOf(model));

    const indices = [...Array(20).keys()].map((i) => 2 * i);
    const part = new Subset(new TensorDataset(x, y), indices);
    const eager = training();
    for (const [a, b] of new DataLoader(part, { batchSize: 6 })) eager.step(a, b);
    const other = training();
    await capture(other.step).run(part as never, { batchSize: 6 });
    expect(stateOf(other.model)).toEqual(stateOf(eager.model));
  });

  it('takes batches that come one by one, asking for one ahead', async () => {
    const batches = Array.from({ length: 10 }, (_, i) => data(i === 9 ? 3 : 8));
    const eager = training();
    const expected = batches.map(([x, y]) => eager.step(x, y).item());
    const { model, step } = training();
    const asked: number[] = [];
    const captured = capture(step);
    async function* source() {
      for (const [i, batch] of batches.entries()) {
        asked.push(i);
        await new Promise((resolve) => setTimeout(resolve, 1));
        yield batch;
      }
    }
    const losses = await captured.run(source());
    expect([...losses]).toEqual(expected);
    expect(stateOf(model)).toEqual(stateOf(eager.model));
    expect(asked).toHaveLength(10);
  });

  it('leaves the event loop free', async () => {
    const { step } = training();
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    await capture(step).run(data(4000), { batchSize: 4, epochs: 3 });
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(0);
  });

  it('tells how far it is', async () => {
    const { step } = training();
    const reports: { step: number; epoch: number; loss: number; examplesPerSecond: number }[] = [];
    const ends: number[] = [];
    const losses = await capture(step).run(data(2000), {
      batchSize: 8,
      epochs: 4,
      progressInterval: 1,
      onProgress: (progress) => reports.push(progress),
      onEpoch: ({ epoch, losses }) => {
        ends.push(epoch, losses.length);
      },
    });
    const last = reports.at(-1)!;
    expect(last).toMatchObject({ step: 1000, epoch: 4, loss: losses.at(-1) });
    expect(reports.every(({ examplesPerSecond }) => examplesPerSecond >= 0)).toBe(true);
    expect(ends).toEqual([1, 250, 2, 250, 3, 250, 4, 250]);
  });

  it('takes rates that change between epochs, and stops when it is told to', async () => {
    const { step, optimizer, model } = training({ lr: 0.1 });
    let before: string[] = [];
    const losses = await capture(step).run(data(), {
      batchSize: 10,
      epochs: 9,
      onEpoch: async ({ epoch }) => {
        await Promise.resolve();
        if (epoch === 2) expect(stateOf(model)).toEqual(before);
        before = stateOf(model);
        optimizer.paramGroups[0]!.lr = 0;
        return epoch < 2;
      },
    });
    expect(losses).toHaveLength(10);
  });

  it('stops at a signal, after a whole step', async () => {
    const { step, model } = training({ lr: 0.01 }, 0);
    const controller = new AbortController();
    const captured = capture(step);
    let steps = 0;
    const running = captured.run(data(5000), {
      batchSize: 1,
      epochs: 100,
      signal: controller.signal,
      progressInterval: 1,
      onProgress: (progress) => {
        steps = progress.step;
        if (steps > 100) controller.abort(new Error('enough'));
      },
    });
    await expect(running).rejects.toThrow('enough');
    const again = training({ lr: 0.01 }, 0);
    const eager = again.step;
    const [x, y] = data(5000);
    for (let i = 0; i < steps; i++) eager(x.narrow(0, i % 5000, 1), y.narrow(0, i % 5000, 1));
    expect(stateOf(model)).toEqual(stateOf(again.model));
    await expect(captured.run(data(), { signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow('before');
  });

  it('keeps others from what it uses', async () => {
    const { step, model, optimizer } = training({ lr: 0.01 }, 0);
    const captured = capture(step, { name: 'step' });
    const [x, y] = data(3000);
    const running = captured.run([x, y], { batchSize: 2, epochs: 2 });
    const [weight] = model.parameters();
    expect(() => weight!.toArray()).toThrow(CaptureError);
    expect(() => weight!.mul(2)).toThrow(/mul: a tensor here belongs to captured step, which is running/);
    expect(() => optimizer.step()).toThrow();
    expect(() => x.add_(1)).toThrow(CaptureError);
    expect(x.mul(2).shape).toEqual([3000, 4]);
    expect(() => captured(x.narrow(0, 0, 2), y.narrow(0, 0, 2))).toThrow(CaptureError);
    expect(ones([2]).add(1).toArray()).toEqual([2, 2]);
    await running;
    expect(weight!.mul(2).shape).toEqual([8, 4]);
  });

  // Without threads a run blocks: nobody can reach for its stream.
  if (backendName() === 'native') {
    it('keeps its stream of random numbers to itself', async () => {
      const { step } = training();
      const running = capture(step).run(data(3000), { batchSize: 2, epochs: 2 });
      const before = defaultGenerator.initialSeed();
      expect(() => manualSeed(3)).toThrow(CaptureError);
      expect(defaultGenerator.initialSeed()).toBe(before);
      await running;
      expect(manualSeed(3).initialSeed()).toBe(3);
    });
  }

  it('runs beside another', async () => {
    const pair = [0, 1].map(() => {
      manualSeed(1);
      const model = new nn.Linear(4, 2);
      const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 });
      const step = capture((x: Tensor, y: Tensor) => {
        optimizer.zeroGrad();
        const loss = nn.functional.mseLoss(model.forward(x), y);
        loss.backward();
        optimizer.step();
        return loss;
      });
      return { model, step };
    });
    await Promise.all(pair.map(({ step }) => step.run(data(500), { batchSize: 4, epochs: 3 })));
    expect(stateOf(pair[0]!.model)).toEqual(stateOf(pair[1]!.model));
  });

  it('is rejected by what goes wrong in a step, and leaves all usable', async () => {
    const model = new nn.Linear(4, 3);
    const step = capture((x: Tensor, y: Tensor) => nn.functional.crossEntropy(model.forward(x), y));
    const x = randn([20, 4]);
    const y = rand([20]).mul(3).floor().to('int32');
    await step.run([x, y], { batchSize: 5 });
    y.narrow(0, 13, 1).fill_(7);
    await expect(step.run([x, y], { batchSize: 5 })).rejects.toThrow(/crossEntropy: a target is out of range/);
    expect(model.weight.mul(1).shape).toEqual([3, 4]);
  });

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('in onProgress');
      },
    ],
    ['is rejected', () => Promise.reject(new Error('in onProgress'))],
  ])('is rejected by a callback that %s, when a step is done', async (_, onProgress) => {
    for (const progressInterval of [1, 60_000]) {
      const { step, model } = training();
      const captured = capture(step);
      const running = captured.run(data(3000), { batchSize: 1, epochs: 2, progressInterval, onProgress });
      await expect(running).rejects.toThrow('in onProgress');
      expect(stateOf(model)).toHaveLength(4);
      await captured.run(data(), { batchSize: 10 });
    }
  });

  it('keeps its arguments to itself too', async () => {
    const adding = () =>
      capture((x: Tensor) => {
        for (let i = 0; i < 10; i++) x.add_(1);
        return x.sum();
      });
    const [f, g] = [adding(), adding()];
    const x = ones([1000, 1000]);
    f(x);
    g(x);
    const running = f.run([[x], [x]]);
    await new Promise((resolve) => setImmediate(resolve));
    const clashes = [() => x.fill_(0), () => x.toTypedArray(), () => g(x), () => f(ones([1000, 1000]))];
    for (const clash of clashes) expect(clash).toThrow(/running in the background/);
    await running;
    expect(x.amin().item()).toBe(41);
    expect(x.amax().item()).toBe(41);
  });

  it('refuses a source that fills one tensor again and again, but takes one that makes new ones', async () => {
    const step = capture((x: Tensor) => x.sum());
    const buffer = ones([2, 3]);
    function* reusing() {
      for (let i = 0; i < 5; i++) {
        buffer.fill_(i);
        yield [buffer];
      }
    }
    await step.run([[ones([2, 3])]]);
    await expect(step.run(reusing())).rejects.toThrow(/running in the background/);
    function* making() {
      for (let i = 0; i < 5; i++) yield [ones([2, 3]).mul(i)];
    }
    expect([...(await step.run(making()))]).toEqual([0, 6, 12, 18, 24]);
  });

  it('is rejected if what it trains was replaced meanwhile', async () => {
    const { step, model } = training();
    const running = capture(step).run(data(4000), { batchSize: 4, epochs: 2 });
    await new Promise((resolve) => setImmediate(resolve));
    const [weight] = model.parameters();
    weight!.data = ones([8, 4]);
    await expect(running).rejects.toThrow(/data of .* was replaced/);
  });

  it('does not wait for a source that is stalled when it is stopped, by a signal or by an error', async () => {
    const { step } = training();
    const [x, y] = data(8);
    async function* stalled() {
      yield [x, y];
      await new Promise(() => {});
    }
    const controller = new AbortController();
    const running = capture(step).run(stalled(), { signal: controller.signal });
    setTimeout(() => controller.abort(new Error('no more')), 20);
    await expect(running).rejects.toThrow('no more');
    const failing = capture((_: Tensor): Tensor => {
      throw new Error('in a step');
    });
    await expect(failing.run(stalled())).rejects.toThrow('in a step');
  });

  it('is rejected by a signal in the last onEpoch, and by an error in it', async () => {
    const { step } = training();
    const controller = new AbortController();
    const options = { batchSize: 10, epochs: 2, signal: controller.signal };
    const onEpoch = ({ epoch }: { epoch: number }) => {
      if (epoch === 2) controller.abort(new Error('at last'));
    };
    await expect(capture(step).run(data(), { ...options, onEpoch })).rejects.toThrow('at last');
    const failing = () => {
      throw new Error('in onEpoch');
    };
    await expect(capture(step).run(data(), { batchSize: 10, onEpoch: failing })).rejects.toThrow('in onEpoch');
  });

  it('refuses what it cannot run', async () => {
    const { step } = training();
    const captured = capture(step);
    await expect(captured.run(3 as never)).rejects.toThrow(/run: source must be tensors, a TensorDataset, .*, got 3/);
    await expect(captured.run(data(), null as never)).rejects.toThrow(ValueError);
    await expect(captured.run(data(), { signal: {} } as never)).rejects.toThrow(/signal must be an AbortSignal/);
    await expect(captured.run(data(), { batchsize: 3 } as never)).rejects.toThrow(/did you mean 'batchSize'/);
    await expect(captured.run([data()], { batchSize: 3 })).rejects.toThrow(/makes its own batches/);
    await expect(captured.run(data(), { epochs: 0 })).rejects.toThrow(/epochs/);
    await expect(captured.run(data(), { onProgress: 5 } as never)).rejects.toThrow(/onProgress must be a function/);
    await expect(captured.run([])).rejects.toThrow(/no batches/);
    const silent = capture((x: Tensor) => {
      x.sum();
    });
    await expect(silent.run([ones([4, 2])], { batchSize: 2 })).rejects.toThrow(/return the loss/);
  });
});

describe('rows that a run gathers', () => {
  const step = () => {
    const model = new nn.Linear(4, 1);
    return capture((x: Tensor, y: Tensor) => nn.functional.mseLoss(model.forward(x), y));
  };
  const dataset = () => new TensorDataset(ones([10, 4]), ones([10, 1]));

  it.each([100_000_000, 10, -1, 0.5, 2 ** 32, Number.NaN])('are those of the tensors: not %d', async (index) => {
    const loader = new DataLoader(dataset(), { batchSize: 2, sampler: [0, 1, 2, 3, 4, 5, 6, 7, index, 5] });
    await expect(step().run(loader, { epochs: 2 })).rejects.toThrow(
      `DataLoader: sampler: index ${index} is not one of a data set of 10 items; it is at position 8`,
    );
  });

  it('are looked up again in a subset whose indices were written to', async () => {
    const subset = new Subset(dataset(), [0, 1, 2, 3, 4, 5, 6, 7]);
    subset.indices[6] = 1e9;
    const running = step().run(new DataLoader(subset, { batchSize: 2 }));
    await expect(running).rejects.toThrow('Subset: indices: index 1000000000 is not one of a data set of 10 items');
  });

  it('are those that tensors still have', async () => {
    const data = dataset();
    for (const tensor of data.tensors) tensor.data = tensor.narrow(0, 0, 4).clone();
    await expect(step().run(data, { batchSize: 2 })).rejects.toThrow(
      /run: rows: index 4 is not one of a data set of 4/,
    );
  });
});
