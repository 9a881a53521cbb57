import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import {
  type EpochResult,
  Generator,
  manualSeed,
  NablaError,
  nn,
  noGrad,
  optim,
  randn,
  type Tensor,
  type TrainOptions,
  tensor,
  train,
  ValueError,
  zeros,
} from 'nabla';
import { DataLoader, TensorDataset } from 'nabla/data';
import {
  Accuracy,
  AUROC,
  CheckpointManager,
  ConsoleLogger,
  CsvLogger,
  F1Score,
  JsonLogger,
  MeanAbsoluteError,
  saveCheckpoint,
} from 'nabla/training';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

let base: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'nabla-train-'));
});
afterAll(() => rm(base, { recursive: true }));

let places = 0;
const place = () => join(base, String(++places));

const { CosineAnnealingLR, StepLR, ReduceLROnPlateau } = optim.lrScheduler;

function problem(seed = 4) {
  manualSeed(seed);
  const model = new nn.Sequential(new nn.Linear(3, 8), new nn.Tanh(), new nn.Dropout(0.2), new nn.Linear(8, 1));
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.02 });
  const generator = new Generator(7);
  const data = (rows: number) => {
    const x = randn([rows, 3], { generator });
    return [x, x.sum(1, { keepdim: true }).sin()] as [Tensor, Tensor];
  };
  return { model, optimizer, data: data(70), validation: data(24), loss: nn.functional.mseLoss };
}

type Problem = ReturnType<typeof problem>;

const bitsOf = ({ model, optimizer }: Pick<Problem, 'model' | 'optimizer'>): string => {
  const hash = createHash('sha1');
  for (const x of Object.values(model.stateDict())) hash.update(x.toTypedArray());
  for (const { expAvg, expAvgSq } of optimizer.state.values())
    hash.update(expAvg.toTypedArray()).update(expAvgSq.toTypedArray());
  return hash.digest('hex');
};

describe('train', () => {
  it('does what a plain loop does: schedulers, clipping, parts of batches', async () => {
    const rates: number[] = [];
    const one = problem();
    const history = await train(one.model, one.data, {
      loss: one.loss,
      optimizer: one.optimizer,
      schedulers: new CosineAnnealingLR(one.optimizer, 30),
      epochSchedulers: [new StepLR(one.optimizer, 1, 0.5)],
      clipNorm: 0.5,
      clipValue: 0.05,
      accumulate: 3,
      batchSize: 16,
      shuffle: true,
      epochs: 3,
      onEpoch: () => rates.push(one.optimizer.paramGroups[0]!.lr as number),
    });

    const two = problem();
    const steps = new CosineAnnealingLR(two.optimizer, 30);
    const epochs = new StepLR(two.optimizer, 1, 0.5);
    const loader = new DataLoader(new TensorDataset(...two.data), { batchSize: 16, shuffle: true });
    const [losses, expected]: [number[], number[]] = [[], []];
    for (let epoch = 0; epoch < 3; epoch++) {
      let sum = 0;
      for (const [x, y] of loader) {
        two.optimizer.zeroGrad();
        let total: Tensor = tensor(0);
        const ys = y!.chunk(3);
        x!.chunk(3).forEach((part, i) => {
          const value = two.loss(two.model.forward(part), ys[i]!).mul(part.shape[0]! / x!.shape[0]!);
          value.backward();
          total = i === 0 ? value.detach() : total.add(value.detach());
        });
        nn.utils.clipGradNorm_(two.model.parameters(), 0.5);
        nn.utils.clipGradValue_(two.model.parameters(), 0.05);
        two.optimizer.step();
        steps.step();
        sum += total.item();
      }
      epochs.step();
      losses.push(sum / loader.length);
      expected.push(two.optimizer.paramGroups[0]!.lr as number);
    }
    expect(bitsOf(one)).toBe(bitsOf(two));
    expect(history.map(({ loss }) => loss)).toEqual(losses);
    expect(rates).toEqual(expected);
  });

  it('computes a batch in parts as the whole one', async () => {
    const weights = [1, 4, 100].map(async (accumulate) => {
      const { model, optimizer, data, loss } = problem();
      model[2].eval();
      await train(model, data, {
        loss,
        optimizer: new optim.SGD(model.parameters(), { lr: 0.1 }),
        accumulate,
        batchSize: 30,
      });
      expect(optimizer.state.size).toBe(0);
      return model[0].weight.detach();
    });
    const [whole, ...parts] = await Promise.all(weights);
    for (const part of parts) expect(part.sub(whole!).abs().max().item()).toBeLessThan(1e-6);
  });

  it('measures metrics on the validation data, those too that no captured function can update', async () => {
    manualSeed(2);
    const [x, y] = [randn([50, 4]), tensor(Int32Array.from({ length: 50 }, (_, i) => i % 2))];
    const model = new nn.Sequential(new nn.Linear(4, 2), new nn.Dropout(0.5));
    const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 });
    const accuracy = new Accuracy();
    const f1 = new F1Score({ numClasses: 2, average: 'none' });
    accuracy.update(randn([50, 2]), y); // What was there before counts for nothing.
    const options = { loss: nn.functional.crossEntropy, optimizer, batchSize: 16, epochs: 2 };
    const history = await train(model, [x, y], {
      ...options,
      validation: [x, y],
      metrics: { accuracy, f1 },
      monitor: 'accuracy',
      mode: 'max',
    });
    model.eval();
    // The model has the weights of the best epoch.
    const best = Math.max(...history.map(({ metrics }) => metrics!.accuracy as number));
    const fresh = new Accuracy();
    fresh.update(
      noGrad(() => model.forward(x)),
      y,
    );
    expect(fresh.compute()).toBe(best);
    expect(history[1]!.metrics!.f1).toHaveLength(2);

    const auc = new AUROC();
    const binary = new nn.Sequential(new nn.Linear(4, 1), new nn.Flatten(0));
    const loss = (out: Tensor, target: Tensor) => nn.functional.binaryCrossEntropyWithLogits(out, target);
    const [ranked] = await train(binary, [x, y.float()], {
      loss,
      optimizer: new optim.SGD(binary.parameters(), { lr: 0.1 }),
      batchSize: 16,
      validation: [x, y.float()],
      metrics: { auc },
    });
    const whole = new AUROC();
    whole.update(
      noGrad(() => binary.forward(x)),
      y.float(),
    );
    expect(ranked!.metrics!.auc).toBe(whole.compute());
    expect(ranked!.validationLoss).toBeCloseTo(noGrad(() => loss(binary.forward(x), y.float())).item(), 5);
  });

  it('reduces rates on a plateau, and stops where onEpoch says so', async () => {
    const { model, optimizer, data, validation, loss } = problem();
    const plateau = new ReduceLROnPlateau(optimizer, { patience: 0, threshold: 1e9, factor: 0.5 });
    const history = await train(model, data, {
      loss,
      optimizer,
      validation,
      epochSchedulers: plateau,
      batchSize: 35,
      epochs: 9,
      onEpoch: ({ epoch }) => epoch < 4,
    });
    expect(history).toHaveLength(4);
    expect(plateau.lastEpoch).toBe(4);
    expect(optimizer.paramGroups[0]!.lr).toBeLessThan(0.02);
  });

  it('tells loggers, and shows progress', async () => {
    const { model, optimizer, data, validation, loss } = problem();
    const [json, csv] = [place(), place()];
    const printed: string[] = [];
    const log = vi.spyOn(console, 'log').mockImplementation((line: string) => void printed.push(line));
    const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => printed.push(String(text)) > 0);
    let history: EpochResult[];
    try {
      history = await train(model, data, {
        loss,
        optimizer,
        validation,
        metrics: { error: new MeanAbsoluteError() },
        loggers: [new JsonLogger(json), new CsvLogger(csv), new ConsoleLogger()],
        progress: true,
        batchSize: 16,
        epochs: 2,
      });
    } finally {
      log.mockRestore();
      write.mockRestore();
    }
    expect(
      (await readFile(json, 'utf8'))
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual(history);
    const rows = (await readFile(csv, 'utf8')).trim().split('\n');
    expect(rows[0]).toBe('epoch,loss,validationLoss,metrics.error');
    expect(rows[2]!.split(',').map(Number)).toEqual([
      2,
      history[1]!.loss,
      history[1]!.validationLoss,
      history[1]!.metrics!.error,
    ]);
    const all = printed.join('\n');
    expect(all).toContain(`epoch 1  loss ${history[0]!.loss.toPrecision(5)}  validationLoss`);
    expect(all).toMatch(/epoch 2\/2.* {2}100 %|epoch 2\/2: 100 %/);
  });

  describe('goes on with the same bits after an abort', () => {
    const settings = (one: Problem) => ({
      loss: one.loss,
      optimizer: one.optimizer,
      schedulers: new CosineAnnealingLR(one.optimizer, 40),
      validation: one.validation,
      metrics: { error: new MeanAbsoluteError() },
      batchSize: 10,
      shuffle: true,
      epochs: 4,
      patience: 3,
    });

    /** Trains again and again until it is over; `prepare` sees to it that it is aborted, and gives what undoes that. */
    async function again(prepare: (one: Problem, abort: () => void, time: number) => () => void): Promise<number[]> {
      const whole = problem();
      const expected = await train(whole.model, whole.data, { ...settings(whole), checkpoints: place() });
      const checkpoints = place();
      const stops: number[] = [];
      for (let time = 0; time < 60; time++) {
        // Where there is something to go on from, all else may be what it will.
        const isFirst = (await new CheckpointManager(checkpoints).latest()) === null;
        const one = problem(isFirst ? 4 : 1000 + time);
        const controller = new AbortController();
        const undo = prepare(one, () => controller.abort(new Error('enough')), time);
        const trained = train(one.model, one.data, {
          ...settings(one),
          checkpoints,
          resume: true,
          signal: controller.signal,
        });
        const outcome = await trained.catch((error: Error) => error.message);
        undo();
        if (outcome !== 'enough') {
          expect(outcome).toEqual(expected);
          expect(bitsOf(one)).toBe(bitsOf(whole));
          return stops;
        }
        stops.push((await new CheckpointManager(checkpoints).latest())?.step ?? 0);
      }
      throw new Error('it never came to its end');
    }

    it('at any moment', async () => {
      await again((_, abort, time) => {
        const timer = time < 15 ? setTimeout(abort, 2 + 3 * time) : undefined;
        return () => clearTimeout(timer);
      });
    });

    /** Aborts in a certain call of the loss while training, or while measuring: these are calls that are recorded, or before that. */
    const inCall = (which: number, training: boolean) => (one: Problem, abort: () => void, time: number) => {
      const { loss } = one;
      let calls = 0;
      one.loss = ((a, b) => {
        if (one.model.training === training && ++calls === which && time < 3) abort();
        return loss(a, b);
      }) as typeof loss;
      return () => {};
    };

    it('in the middle of an epoch', async () => {
      expect(await again(inCall(1, true))).toEqual([1, 2, 3]);
    });

    it('while it measures', async () => {
      expect(await again(inCall(1, false))).toEqual([7, 7, 7]);
    });
  });

  describe('saves every few steps, and goes on from each with the same bits', () => {
    /** Items that are made when they are asked for. */
    const single = ([x, y]: [Tensor, Tensor]) => ({
      length: x.shape[0]!,
      get: (i: number) => [x.select(0, i).mul(2), y.select(0, i)] as [Tensor, Tensor],
    });
    const sources = {
      'of tensors': (one: Problem) => ({ data: one.data, batchSize: 10, shuffle: true }),
      'of a data set of single items': (one: Problem) => ({
        data: new DataLoader(single(one.data), { batchSize: 10, shuffle: true, generator: new Generator(3) }),
      }),
    };

    it.each(Object.keys(sources) as (keyof typeof sources)[])('%s', async (name) => {
      const run = async (one: Problem, checkpoints: CheckpointManager, extra: object = {}) => {
        const { data, ...given } = sources[name](one);
        return train(one.model, data, {
          ...given,
          loss: one.loss,
          optimizer: one.optimizer,
          schedulers: new CosineAnnealingLR(one.optimizer, 40),
          validation: one.validation,
          epochs: 3,
          checkpoints,
          checkpointEvery: 3,
          ...extra,
        });
      };
      const whole = problem();
      const manager = new CheckpointManager(place(), { keepLast: 100 });
      const expected = await run(whole, manager);
      const files = await manager.list();
      expect(files.map(({ step }) => step)).toEqual([3, 6, 7, 9, 12, 14, 15, 18, 21]);
      if (name === 'of tensors') {
        const plain = problem();
        const history = await run(plain, new CheckpointManager(place()), { checkpointEvery: null });
        expect([history, bitsOf(plain)]).toEqual([expected, bitsOf(whole)]);
      }
      for (const { path } of files) {
        const folder = place();
        await mkdir(folder);
        await copyFile(path, join(folder, basename(path)));
        const one = problem(99);
        expect(await run(one, new CheckpointManager(folder), { resume: true })).toEqual(expected);
        expect(bitsOf(one)).toBe(bitsOf(whole));
      }
    });

    it('asks a source for no batch more than it needs', async () => {
      const { model, optimizer, data, loss } = problem();
      const asked: number[] = [];
      const items = {
        length: 4,
        get: (i: number) => {
          asked.push(i);
          return data.map((x) => x.select(0, i)) as [Tensor, Tensor];
        },
      };
      const checkpoints = place();
      await train(model, new DataLoader(items), { loss, optimizer, checkpoints, checkpointEvery: 1 });
      expect(asked).toEqual([0, 1, 2, 3]);
    });

    it('says what it needs', async () => {
      const { model, optimizer, data, loss } = problem();
      const given = { loss, optimizer, checkpointEvery: 2 };
      await expect(train(model, data, given)).rejects.toThrow(/checkpointEvery needs checkpoints/);
      await expect(train(model, [data], { ...given, checkpoints: place() })).rejects.toThrow(
        /checkpointEvery needs tensors, a data set or a loader of one/,
      );
      await expect(train(model, data, { ...given, checkpoints: place(), checkpointEvery: 0 })).rejects.toThrow(
        NablaError,
      );
    });
  });

  it('is over after the last epoch, and early stopping stays', async () => {
    const checkpoints = place();
    const run = async (epochs: number, extra: object = {}) => {
      const { model, optimizer, data, validation, loss } = problem();
      const options = { loss, optimizer, validation, batchSize: 35, epochs, checkpoints, resume: true, ...extra };
      return train(model, data, options);
    };
    const first = await run(2);
    expect(await run(2)).toEqual(first);
    const more = await run(3);
    expect(more).toHaveLength(3);
    expect(more.slice(0, 2)).toEqual(first);
    const { model, optimizer, data, loss } = problem();
    await expect(train(model, data, { loss, optimizer, batchSize: 35, checkpoints })).rejects.toThrow(
      /resume: true, or use another folder/,
    );
    const manager = new CheckpointManager(place());
    const other = await manager.save({ model, optimizer, loader: new DataLoader(new TensorDataset(...data)), step: 1 });
    await expect(train(model, data, { loss, optimizer, checkpoints: manager, resume: true })).rejects.toThrow(
      `${other} is no checkpoint of train`,
    );
    await saveCheckpoint(other, { model });
  });

  it('looks at all that it kept before anything changes', async () => {
    const best = { epoch: 1, value: 0.5, weights: null };
    const whole = { history: [{ epoch: 1, loss: 0.5 }], losses: zeros([0]), isOver: false, steps: 4, best };
    const damaged = [
      { ...whole, history: [{ epoch: '1', loss: 0.5 }] },
      { ...whole, losses: [0.5] },
      { ...whole, isOver: 1 },
      { ...whole, steps: null },
      { ...whole, best: null },
      { ...whole, best: { ...best, weights: { weight: 1 } } },
    ];
    for (const train_ of damaged) {
      const { model, optimizer, data, loss } = problem();
      const manager = new CheckpointManager(place());
      const before = model.parameters().map((one) => one.toArray());
      const other = problem().model;
      for (const one of other.parameters()) noGrad(() => one.fill_(9));
      const parts = {
        model: other,
        optimizer: problem().optimizer,
        loader: new DataLoader(new TensorDataset(...data)),
      };
      await manager.save({ ...parts, step: 1, extra: { train: train_ } });
      await expect(train(model, data, { loss, optimizer, checkpoints: manager, resume: true })).rejects.toThrow(
        'what train keeps of its epochs is not as train writes it',
      );
      expect(model.parameters().map((one) => one.toArray())).toEqual(before);
    }
  });

  it('saves whole epochs of an iterable', async () => {
    const one = problem();
    const batches = Array.from({ length: 4 }, (_, i) => one.data.map((x) => x.narrow(0, 10 * i, 10)));
    const checkpoints = new CheckpointManager(place());
    const controller = new AbortController();
    let given = 0;
    const source = {
      *[Symbol.iterator]() {
        for (const batch of batches) {
          if (++given === 7) controller.abort(new Error('enough'));
          yield batch;
        }
      },
    };
    const options = { loss: one.loss, optimizer: one.optimizer, checkpoints, epochs: 3 };
    await expect(train(one.model, source, { ...options, signal: controller.signal })).rejects.toThrow('enough');
    expect((await checkpoints.latest())?.step).toBe(4);
    await expect(train(one.model, source, { ...options, resume: true, progress: true })).rejects.toThrow(
      /progress needs a source/,
    );
    expect(await train(one.model, source, { ...options, resume: true })).toHaveLength(3);
  });

  it('takes a loader of a stream', async () => {
    const { model, optimizer, data, loss } = problem();
    const items = new TensorDataset(...data);
    const stream = {
      *[Symbol.iterator]() {
        for (let i = 0; i < 20; i++) yield items.get(i);
      },
    };
    const loader = new DataLoader(stream, { batchSize: 5 });
    const checkpoints = new CheckpointManager(place());
    expect(await train(model, loader, { loss, optimizer, checkpoints, epochs: 2 })).toHaveLength(2);
    expect((await checkpoints.latest())?.step).toBe(8);
  });

  it('refuses what makes no sense together', async () => {
    const { model, optimizer, data, validation, loss } = problem();
    const refused = (options: Partial<TrainOptions>, message: RegExp) =>
      expect(train(model, data, { loss, optimizer, ...options })).rejects.toThrow(message);
    const error = new MeanAbsoluteError();
    await refused({ metrics: { error } }, /metrics need validation data/);
    await refused({ validation, metrics: { loss: error } }, /cannot be called 'loss'/);
    await refused(
      { validation, metrics: { error }, monitor: 'eror' },
      /monitor must be 'loss' or the name of a metric \(error\), got 'eror'/,
    );
    await refused({ resume: true }, /resume needs checkpoints/);
    await refused({ validation, mode: 'max', checkpoints: new CheckpointManager(place()) }, /keeps the 'min'/);
    await refused({ schedulers: new ReduceLROnPlateau(optimizer) }, /among epochSchedulers/);
    await refused({ metrics: { error: 3 as never }, validation }, /metrics.error must be a Metric/);
    await refused({ loggers: [{} as never] }, /loggers\[0\] must be a Logger/);
    await refused({ clipNorm: 0 }, /clipNorm must be above 0/);
    const loader = new DataLoader(new TensorDataset(...data), { batchSize: 10 });
    await expect(train(model, loader, { loss, optimizer, batchSize: 3 })).rejects.toThrow(
      /batchSize is for tensors and data sets/,
    );
    await expect(train(model, loader, { loss, optimizer, validation, batchSize: 3 })).resolves.toHaveLength(1);
  });
});

describe('loggers', () => {
  it('end a line that was cut off, and keep to the columns of the file', async () => {
    const [json, csv] = [place(), join(place(), 'within', 'log.csv')];
    await writeFile(json, '{"epoch":1}\n{"epo');
    await new JsonLogger(json).log({ epoch: 2, loss: Number.NaN, list: [1, Number.POSITIVE_INFINITY] });
    expect(await readFile(json, 'utf8')).toBe('{"epoch":1}\n{"epo\n{"epoch":2,"loss":"NaN","list":[1,"Infinity"]}\n');
    const logger = new CsvLogger(csv);
    await Promise.all([logger.log({ epoch: 1, 'a,b': 'say "x"' }), logger.log({ epoch: 2, 'a,b': [1, 2] })]);
    await new CsvLogger(csv).log({ epoch: 3, 'a,b': Number.NaN });
    expect(await readFile(csv, 'utf8')).toBe('epoch,"a,b"\n1,"say ""x"""\n2,"[1,2]"\n3,NaN\n');
    await expect(new CsvLogger(csv).log({ epoch: 4 })).rejects.toThrow(
      /has the columns epoch,"a,b", but the record has epoch/,
    );
    await expect(logger.log(3 as never)).rejects.toThrow(ValueError);
  });
});
