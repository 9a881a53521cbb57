import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CaptureError, capture, Generator, manualSeed, NablaError, nn, optim, randn, type Tensor, tensor } from 'nabla';
import { DataLoader, TensorDataset } from 'nabla/data';
import { findLearningRate } from 'nabla/training';
import { describe, expect, it } from 'vitest';

function problem() {
  manualSeed(2);
  const model = new nn.Sequential(
    new nn.Linear(4, 16),
    new nn.BatchNorm1d(16),
    new nn.Tanh(),
    new nn.Dropout(0.1),
    new nn.Linear(16, 1),
  );
  const x = randn([120, 4]);
  const data: [Tensor, Tensor] = [x, x.sum(1, true)];
  return { model, data, loss: nn.functional.mseLoss };
}

type Problem = ReturnType<typeof problem>;

/** The gradient, or why it cannot be seen. */
function gradOf(parameter: Tensor): unknown {
  try {
    return parameter.grad === null ? null : [...parameter.grad.toTypedArray()];
  } catch (error) {
    return (error as Error).message;
  }
}

/** Everything that a training depends on, as text. */
function everything({ model }: Problem, optimizer: optim.Optimizer<object, object>, generator: Generator): string {
  const shown = (x: unknown): unknown =>
    x !== null && typeof x === 'object' && 'toTypedArray' in x ? [...(x as Tensor).toTypedArray()] : x;
  const parameters = model.parameters();
  return JSON.stringify([
    Object.entries(model.stateDict()).map(([name, x]) => [name, shown(x)]),
    parameters.map(gradOf),
    parameters.map((one) =>
      Object.entries(optimizer.state.get(one) ?? {}).map(([name, value]) => [name, shown(value)]),
    ),
    optimizer.paramGroups.map((group) =>
      Object.entries(group).map(([name, value]) => (name === 'params' ? 0 : [name, shown(value)])),
    ),
    model.modules().map(({ training }) => training),
    [...generator.getState()],
    // The last: it draws from the stream that is compared.
    shown(randn([4])),
  ]);
}

describe('findLearningRate', () => {
  it('tries rates in equal ratios, and stops where the loss diverges', async () => {
    const one = problem();
    const optimizer = new optim.SGD(one.model.parameters(), { lr: 0.1 });
    const { rates, losses, smoothed, suggestion } = await findLearningRate(one.model, one.data, {
      loss: one.loss,
      optimizer,
      batchSize: 30,
      startLr: 1e-5,
      endLr: 1000,
      steps: 65,
      smoothing: 0.5,
    });
    expect(rates[0]).toBe(1e-5);
    for (let i = 1; i < rates.length; i++) expect(rates[i]! / rates[i - 1]!).toBeCloseTo(10 ** (8 / 64), 10);
    expect(rates.length).toBeLessThan(65);
    expect(losses).toHaveLength(rates.length);
    let average = 0;
    for (const [i, loss] of losses.entries()) {
      average = 0.5 * average + 0.5 * loss;
      expect(smoothed[i]).toBeCloseTo(average / (1 - 0.5 ** (i + 1)), 10);
    }
    const best = Math.min(...smoothed);
    expect(smoothed.at(-1)!).toBeGreaterThan(4 * best);
    expect(Math.max(...smoothed.slice(0, -1))).toBeLessThanOrEqual(
      4 * Math.max(...smoothed.slice(0, -1).map((_, i) => Math.min(...smoothed.slice(0, i + 1)))),
    );
    expect(rates).toContain(suggestion);
    expect(suggestion!).toBeGreaterThan(1e-3);
    expect(suggestion!).toBeLessThan(rates.at(-1)!);
  });

  it('does the steps that a plain loop does', async () => {
    const [one, two] = [problem(), problem()];
    const sgd = (p: Problem) =>
      new optim.SGD(
        [
          { params: p.model[0].parameters(), lr: 0.2 },
          { params: p.model[4].parameters(), lr: 0.1 },
        ],
        { lr: 1, momentum: 0.9 },
      );
    const given = { loss: one.loss, startLr: 0.01, endLr: 0.04, steps: 3, batchSize: 50 };
    manualSeed(9);
    const { losses } = await findLearningRate(one.model, one.data, { ...given, optimizer: sgd(one) });
    manualSeed(9);
    const optimizer = sgd(two);
    const loader = new DataLoader(new TensorDataset(...two.data), { batchSize: 50 });
    const expected = [...loader].map(([x, y], i) => {
      optimizer.paramGroups[0]!.lr = [0.01, 0.02, 0.04][i]!;
      optimizer.paramGroups[1]!.lr = [0.01, 0.02, 0.04][i]! / 2;
      optimizer.zeroGrad();
      const loss = two.loss(two.model.forward(x!), y!);
      loss.backward();
      optimizer.step();
      return loss.item();
    });
    expect(losses).toHaveLength(3);
    for (const [i, loss] of losses.entries()) expect(loss).toBeCloseTo(expected[i]!, 6);
  });

  it.each(['new', 'used', 'with a tensor as rate'])('leaves all as it was: an optimizer that is %s', async (how) => {
    const one = problem();
    const rate = tensor(0.01, { dtype: 'float64' });
    const optimizer = new optim.Adam(one.model.parameters(), {
      lr: how === 'with a tensor as rate' ? rate : 0.01,
      amsgrad: true,
    });
    const [x, y] = one.data;
    const step = capture(() => {
      optimizer.zeroGrad();
      const value = one.loss(one.model.forward(x), y);
      value.backward();
      optimizer.step();
      return value;
    });
    if (how !== 'new') for (let i = 0; i < 3; i++) step();
    one.model[0].weight.grad = randn([16, 4]);
    one.model[2].eval();
    const generator = new Generator(4);
    manualSeed(8);
    const before = everything(one, optimizer, generator);
    manualSeed(8);
    const given = { loss: one.loss, optimizer, batchSize: 16, shuffle: true, generator };
    await findLearningRate(one.model, one.data, { ...given, steps: 12 });
    expect(everything(one, optimizer, generator)).toBe(before);
    manualSeed(8);
    await expect(
      findLearningRate(one.model, one.data, {
        ...given,
        loss: () => {
          throw new Error('no loss');
        },
      }),
    ).rejects.toThrow('no loss');
    expect(everything(one, optimizer, generator)).toBe(before);
    if (how === 'with a tensor as rate') expect(optimizer.paramGroups[0]!.lr).toBe(rate);
    if (how === 'used') {
      const { length } = step.stats;
      optimizer.zeroGrad();
      step();
      step();
      expect(step.stats.length).toBeLessThanOrEqual(length + 1);
    }
  });

  it.each([
    ['Adam', (p: Tensor[]) => new optim.Adam(p, { lr: 0.01 })],
    ['SGD', (p: Tensor[]) => new optim.SGD(p, { lr: 0.01, momentum: 0.9 })],
    ['Adafactor', (p: Tensor[]) => new optim.Adafactor(p)],
    ['Rprop', (p: Tensor[]) => new optim.Rprop(p)],
  ] as const)('lets plain steps go on as if nothing had been: %s', async (_, make) => {
    const weights = async (before: number, finds: boolean) => {
      const { model, data, loss } = problem();
      const optimizer = make(model.parameters());
      const step = () => {
        optimizer.zeroGrad();
        loss(model.forward(data[0]), data[1]).backward();
        optimizer.step();
      };
      for (let i = 0; i < before; i++) step();
      if (finds) await findLearningRate(model, data, { loss, optimizer, batchSize: 24, shuffle: true, steps: 8 });
      for (let i = 0; i < 4; i++) step();
      return Object.values(model.stateDict()).map((x) => [...x.toTypedArray()]);
    };
    for (const before of [0, 3]) expect(await weights(before, true)).toEqual(await weights(before, false));
  });

  it('goes on where a loader was, and begins short data again', async () => {
    const one = problem();
    const optimizer = new optim.SGD(one.model.parameters());
    const loader = new DataLoader(new TensorDataset(...one.data), {
      batchSize: 40,
      shuffle: true,
      generator: new Generator(1),
    });
    for (const _ of loader) break;
    const before = loader.stateDict();
    const { rates } = await findLearningRate(one.model, loader, { loss: one.loss, optimizer, steps: 11, endLr: 1e-3 });
    expect(rates).toHaveLength(11);
    const after = loader.stateDict();
    expect([after.visited, after.order!.toArray(), after.generator!.toArray()]).toEqual([
      before.visited,
      before.order!.toArray(),
      before.generator!.toArray(),
    ]);
  });

  it('draws its picture', async () => {
    const one = problem();
    const optimizer = new optim.SGD(one.model.parameters());
    const found = await findLearningRate(one.model, one.data, { loss: one.loss, optimizer, batchSize: 30 });
    const svg = found.toSvg();
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" viewBox="0 0 720 420"/);
    const lines = [...svg.matchAll(/<polyline [^>]*points="([^"]*)"/g)].map(([, points]) => points!.split(' '));
    expect(lines.map(({ length }) => length)).toEqual([found.rates.length, found.rates.length]);
    for (const point of lines.flat()) {
      const [x, y] = point.split(',').map(Number);
      expect(x).toBeGreaterThanOrEqual(64);
      expect(x).toBeLessThanOrEqual(700);
      expect(y).toBeGreaterThanOrEqual(40);
      expect(y).toBeLessThanOrEqual(368);
    }
    for (const label of ['1e-7', '1e-4', '0.01', '1']) expect(svg).toContain(`>${label}</text>`);
    expect(svg).toContain(`>${Number(found.suggestion!.toPrecision(3))}</text>`);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    const path = join(mkdtempSync(join(tmpdir(), 'nabla-rates-')), 'rates.svg');
    await found.saveSvg(path);
    expect(readFileSync(path, 'utf8')).toBe(svg);
    const text = String(found).split('\n');
    expect(text).toHaveLength(15);
    expect(text.join('').match(/o/g)!.length).toBeGreaterThan(0);
    expect(text.at(-1)).toBe(`loss by learning rate; suggestion: ${found.suggestion!.toPrecision(3)}`);
  });

  it('suggests nothing where no rate lowers the loss', async () => {
    const one = problem();
    const optimizer = new optim.SGD(one.model.parameters(), { maximize: true });
    const flat = await findLearningRate(one.model, [one.data], {
      loss: (a, b) => one.loss(a, b).mul(0),
      optimizer,
      steps: 8,
    });
    expect([flat.suggestion, flat.rates.length]).toEqual([null, 8]);
    expect(String(flat)).toContain('the loss falls nowhere');
    expect(flat.toSvg()).not.toMatch(/NaN|Infinity|undefined/);
  });

  it('refuses what makes no sense, and leaves all as it was', async () => {
    const { model, data, loss } = problem();
    const optimizer = new optim.SGD(model.parameters(), { lr: 0.5 });
    const given = { loss, optimizer };
    const tries: [source: unknown, options: object, message: RegExp][] = [
      [data, { ...given, startLr: 1, endLr: 0.1 }, /startLr must be below endLr, got 1 and 0.1/],
      [data, { ...given, startLr: 0 }, /startLr must be a finite number above 0/],
      [data, { ...given, endLr: Number.POSITIVE_INFINITY }, /endLr must be a finite number above 0/],
      [data, { ...given, smoothing: 1 }, /smoothing must be a number of at least 0 and below 1/],
      [data, { ...given, steps: 1 }, /steps/],
      [data, { loss }, /optimizer/],
      [[data], { ...given, batchSize: 3 }, /batchSize is for tensors and data sets/],
      [[], given, /gave no batches/],
      [
        data,
        { ...given, optimizer: new optim.SGD(new nn.Linear(1, 1).parameters()) },
        /findLearningRate: the optimizer has none of the model's parameters/,
      ],
      [
        data,
        { ...given, loss: (a: Tensor, b: Tensor) => loss(a, b).mul(Number.NaN), batchSize: 8 },
        /the first loss is no number/,
      ],
      [data, { ...given, signal: AbortSignal.abort(new Error('enough')) }, /enough/],
    ];
    for (const [source, options, message] of tries) {
      await expect(findLearningRate(model, source as typeof data, options as typeof given)).rejects.toThrow(message);
    }
    expect(optimizer.paramGroups[0]!.lr).toBe(0.5);
    expect(optimizer.state.size).toBe(0);
    let inside: Promise<unknown> = Promise.resolve();
    expect(() =>
      capture((x: Tensor) => {
        inside = findLearningRate(model, data, given);
        inside.catch(() => {});
        return x;
      })(data[0]),
    ).toThrow(CaptureError);
    await expect(inside).rejects.toThrow(NablaError);
  });
});

it('tries a model that is in evaluation mode in training mode', async () => {
  const losses = async (mode: boolean) => {
    const { model, data, loss } = problem();
    model.train(mode);
    const optimizer = new optim.SGD(model.parameters(), { lr: 0.5 });
    const found = await findLearningRate(model, data, { loss, optimizer, batchSize: 8, steps: 5 });
    expect(model.modules().every(({ training }) => training === mode)).toBe(true);
    return found.losses;
  };
  expect(await losses(false)).toEqual(await losses(true));
});
