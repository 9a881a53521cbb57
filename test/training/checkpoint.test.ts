import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CaptureError,
  capture,
  Generator,
  manualSeed,
  NablaError,
  nn,
  noGrad,
  ones,
  optim,
  rand,
  randn,
  type Tensor,
  tensor,
  ValueError,
  zeros,
} from 'nabla';
import { DataLoader, TensorDataset } from 'nabla/data';
import { encodeSafetensors, loadSafetensors, loadSafetensorsMetadata, saveSafetensors } from 'nabla/io';
import { CheckpointManager, loadCheckpoint, saveCheckpoint } from 'nabla/training';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FormatError } from '../../lib/errors.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nabla-checkpoint-'));
});
afterAll(() => rm(folder, { recursive: true }));

let files = 0;
const fresh = () => join(folder, `${++files}.safetensors`);

const EPOCHS = 4;
const { LinearLR, CosineAnnealingLR, SequentialLR } = optim.lrScheduler;

/** All that takes part in training: dropout and shuffles, one from the default stream and one from its own, Adam, warm-up and cosine. */
function setup(seed = 3) {
  manualSeed(seed);
  const model = new nn.Sequential(
    new nn.Linear(3, 8),
    new nn.BatchNorm1d(8),
    new nn.ReLU(),
    new nn.Dropout(0.3),
    new nn.Linear(8, 1),
  );
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.02, amsgrad: true });
  const schedulers = new SequentialLR(
    optimizer,
    [new LinearLR(optimizer, 0.1, 1, 5), new CosineAnnealingLR(optimizer, 20)],
    [5],
  );
  const x = randn([22, 3], { generator: new Generator(1) });
  const data = new TensorDataset(x, x.sum(1, { keepdim: true }));
  const loader = new DataLoader(data, { batchSize: 4, shuffle: true, generator: new Generator(seed) });
  const noise = new Generator(seed + 1);
  const plain = (x: Tensor, y: Tensor) => {
    optimizer.zeroGrad();
    const loss = nn.functional.mseLoss(model.forward(x.add(rand([1, 3], { generator: noise }))), y);
    loss.backward();
    optimizer.step();
    schedulers.step();
    return loss;
  };
  return { model, optimizer, schedulers, loader, generator: noise, plain, step: capture(plain) };
}

type Setup = ReturnType<typeof setup>;

const partsOf = ({ model, optimizer, schedulers, loader, generator }: Setup) => ({
  model,
  optimizer,
  schedulers,
  loader,
  generator,
});

/** Every number of a training's state, the default stream's included. */
const bitsOf = async (run: Setup): Promise<string> => {
  const path = fresh();
  await saveCheckpoint(path, partsOf(run));
  return createHash('sha1')
    .update(await readFile(path))
    .digest('hex');
};

const isCaptured = [false, true];

describe('a checkpoint', () => {
  it.each(isCaptured)('goes on in the middle of an epoch, with the same bits (captured: %s)', async (captured) => {
    const stepOf = (run: Setup) => (captured ? run.step : run.plain);
    const whole = setup();
    for (let epoch = 0; epoch < EPOCHS; epoch++) for (const [x, y] of whole.loader) stepOf(whole)(x!, y!);
    const expected = await bitsOf(whole);

    for (const stop of [1, 5, 6, 8, 12, 13]) {
      const path = fresh();
      const first = setup();
      let done = 0;
      stopping: for (let epoch = 0; epoch < EPOCHS; epoch++) {
        for (const [x, y] of first.loader) {
          stepOf(first)(x!, y!);
          if (++done !== stop) continue;
          await saveCheckpoint(path, { ...partsOf(first), step: done, extra: { epoch } });
          break stopping;
        }
      }
      const second = setup(99);
      const { step, extra } = await loadCheckpoint(path, partsOf(second));
      expect(step).toBe(stop);
      for (let { epoch } = extra as { epoch: number }; epoch < EPOCHS; epoch++) {
        for (const [x, y] of second.loader) stepOf(second)(x!, y!);
      }
      expect(await bitsOf(second)).toBe(expected);
    }
  });

  it('goes on after an epoch of run, and after an aborted one, with the same bits', async () => {
    const whole = setup();
    await whole.step.run(whole.loader, { epochs: EPOCHS });
    const expected = await bitsOf(whole);

    const between = fresh();
    const first = setup();
    await first.step.run(first.loader, { epochs: 2 });
    await saveCheckpoint(between, partsOf(first));
    const second = setup(99);
    await loadCheckpoint(between, partsOf(second));
    await second.step.run(second.loader, { epochs: EPOCHS - 2 });
    expect(await bitsOf(second)).toBe(expected);

    // Batches that come one by one, so that the third can stop it.
    const within = fresh();
    const third = setup();
    const controller = new AbortController();
    const { dataset } = third.loader;
    let asked = 0;
    const gather = (indices: ArrayLike<number>) => {
      if (++asked === 3) controller.abort(new Error('enough'));
      return dataset.gather!(indices as never);
    };
    const source = { length: dataset.length, get: (i: number) => dataset.get(i), gather };
    const generator = new Generator(3);
    const loader = new DataLoader(source as typeof dataset, { batchSize: 4, shuffle: true, generator });
    await expect(third.step.run(loader, { signal: controller.signal })).rejects.toThrow('enough');
    const { visited } = loader.stateDict();
    expect(visited % 4).toBe(0);
    expect(third.schedulers.lastEpoch).toBe(visited / 4);
    await saveCheckpoint(within, { ...partsOf(third), loader });
    const fourth = setup(99);
    await loadCheckpoint(within, partsOf(fourth));
    await fourth.step.run(fourth.loader, { epochs: EPOCHS });
    expect(await bitsOf(fourth)).toBe(expected);
  });

  it('is not taken of a model that is in the background', async () => {
    const path = fresh();
    const { model, step, loader } = setup();
    step(ones([4, 3]), ones([4, 1]));
    const running = step.run(loader, { epochs: 1 });
    await expect(saveCheckpoint(path, { model })).rejects.toThrow(CaptureError);
    await running;
    await saveCheckpoint(path, { model });
  });

  it('holds what there was at the call', async () => {
    const path = fresh();
    const run = setup();
    run.plain(ones([4, 3]), ones([4, 1]));
    const before = await bitsOf(run);
    const saved = saveCheckpoint(path, partsOf(run));
    for (let i = 0; i < 3; i++) run.plain(ones([4, 3]), ones([4, 1]));
    manualSeed(5);
    await saved;
    await loadCheckpoint(path, partsOf(run));
    expect(await bitsOf(run)).toBe(before);
  });

  it('replaces one file, and has the names of the model', async () => {
    const path = fresh();
    const { model } = setup();
    await saveCheckpoint(path, { model: new nn.Linear(1, 1) });
    await saveCheckpoint(path, { model });
    const names = Object.keys(await loadSafetensors(path)).filter((name) => name.startsWith('model.'));
    expect(names.sort()).toEqual(
      Object.keys(model.stateDict())
        .map((name) => `model.${name}`)
        .sort(),
    );
    expect((await readdir(folder)).filter((name) => name.includes('tmp'))).toEqual([]);
  });

  it('takes several of a kind, and has as many', async () => {
    const path = fresh();
    const models = [new nn.Linear(2, 1), new nn.Linear(3, 1)];
    const optimizer = models.map((model) => new optim.SGD(model.parameters(), { lr: 0.1, momentum: 0.5 }));
    const generator = [new Generator(1), new Generator(2)];
    await saveCheckpoint(path, { model: models, optimizer, generator });
    const others = [new nn.Linear(2, 1), new nn.Linear(3, 1)];
    const draws = generator.map((one) => rand([1], { generator: one }).item());
    await loadCheckpoint(path, { model: others, generator });
    expect(others.map((model) => model.weight.toArray())).toEqual(models.map((model) => model.weight.toArray()));
    expect(generator.map((one) => rand([1], { generator: one }).item())).toEqual(draws);
    await expect(loadCheckpoint(path, { model: others[0]! })).rejects.toThrow(
      /2 of model, and is to be loaded into 1$/,
    );
    await expect(loadCheckpoint(path, { optimizer: [] })).resolves.toBeDefined();
  });

  it('leaves the streams alone with generator: null', async () => {
    const path = fresh();
    const model = new nn.Linear(2, 1);
    manualSeed(1);
    await saveCheckpoint(path, { model });
    manualSeed(2);
    const expected = rand([1]).item();
    manualSeed(2);
    await loadCheckpoint(path, { model, generator: null });
    expect(rand([1]).item()).toBe(expected);
    await saveCheckpoint(path, { model, generator: null });
    await expect(loadCheckpoint(path, { model })).rejects.toThrow(
      /has no random, but model; load it with generator: null/,
    );
  });
});

describe('what is kept beside', () => {
  it('comes back as it was', async () => {
    const path = fresh();
    const extra = {
      numbers: [0, -0, 1e-320, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2 ** 53],
      nothing: null,
      nested: [[], {}, { 'a.b': tensor([1, 2]), a: { b: tensor([3]) } }],
      $number: 'a text',
      $: { $tensor: 1 },
      ['__proto__']: 3,
      texts: ['', 'ü\0\n"\\', '\ud800'],
      scalar: tensor(4, { dtype: 'int32' }),
      empty: zeros([0, 3]),
      strided: tensor([
        [1, 2],
        [3, 4],
      ]).t(),
    };
    await saveCheckpoint(path, { extra });
    const loaded = (await loadCheckpoint(path)).extra;
    const shown = (value: unknown): unknown =>
      JSON.stringify(value, (_, one: unknown) =>
        Object.is(one, -0) || (typeof one === 'number' && !Number.isFinite(one))
          ? `number ${Object.is(one, -0) ? '-0' : String(one)}`
          : one,
      );
    const plain = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(plain);
      if (value instanceof tensor(0).constructor)
        return { dtype: (value as Tensor).dtype, values: (value as Tensor).toArray() };
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)]));
    };
    expect(shown(plain(loaded))).toBe(shown(plain(extra)));
    expect(Object.hasOwn(loaded as object, '__proto__')).toBe(true);
  });

  const loop: unknown[] = [];
  loop.push({ loop });
  let deep: unknown = 1;
  for (let i = 0; i < 5000; i++) deep = [deep];

  it.each([
    [new Map(), /^saveCheckpoint: extra must be plain data .* got a Map$/],
    [{ a: [1, new Date(0)] }, /extra\.a\.1 must be plain data .* got a Date/],
    [{ a: undefined }, /extra\.a must be plain data .* got undefined/],
    [new Array(3), /extra\.0 must be plain data/],
    [() => 1, /extra must be plain data .* got a function/],
    [3n, /got the BigInt 3n/],
    [new Float32Array(2), /got a Float32Array/],
    [new nn.Linear(1, 1), /got a Linear/],
    [loop, /extra\.0\.loop contains itself/],
    [deep, /is within more than 200 others/],
  ])('is refused where it is no data: %#', async (extra, message) => {
    const path = fresh();
    await saveCheckpoint(path, { extra: 1 });
    await expect(saveCheckpoint(path, { extra })).rejects.toThrow(message);
    expect((await loadCheckpoint(path)).extra).toBe(1);
  });
});

describe('loading', () => {
  /** Parts that do not fit what was saved, each by one thing. */
  const misfits: [string, (run: Setup) => object, RegExp][] = [
    ['a model of another shape', () => ({ model: new nn.Linear(3, 8) }), /cannot take this state/],
    [
      'an optimizer of another kind',
      ({ model }) => ({ optimizer: new optim.SGD(model.parameters(), { lr: 1, momentum: 0.5 }) }),
      /optimizer: group 0/,
    ],
    [
      'an optimizer of other parameters',
      () => ({ optimizer: new optim.Adam(new nn.Linear(3, 8).parameters(), { amsgrad: true }) }),
      /optimizer: expected groups of 2 parameters, got 6/,
    ],
    [
      'another scheduler',
      ({ optimizer }) => ({ schedulers: new optim.lrScheduler.StepLR(optimizer, 3) }),
      /schedulers: .*(stepSize|milestones|schedulers)/,
    ],
    [
      'a loader of other data',
      () => ({ loader: new DataLoader(new TensorDataset(ones([5])), { generator: new Generator(1) }) }),
      /loader: the state is of 22 items, but the data set has 5/,
    ],
    [
      'a loader without a generator',
      ({ loader }) => ({ loader: new DataLoader(loader.dataset, { batchSize: 4, shuffle: true }) }),
      /loader: the state is of a loader with a generator of its own, but this one has none/,
    ],
    [
      'more generators',
      () => ({ generator: [new Generator(1), new Generator(2)] }),
      /1 of generator, and is to be loaded into 2/,
    ],
  ];

  it.each(misfits)('changes nothing for %s', async (_, misfit, message) => {
    const path = fresh();
    const run = setup();
    for (const [x, y] of run.loader) run.plain(x!, y!);
    await saveCheckpoint(path, partsOf(run));
    const other = setup(8);
    other.plain(ones([4, 3]), ones([4, 1]));
    const parts = { ...partsOf(other), ...misfit(other) };
    const before = await bitsOf(other);
    await expect(loadCheckpoint(path, parts)).rejects.toThrow(NablaError);
    await expect(loadCheckpoint(path, parts)).rejects.toThrow(message);
    expect(await bitsOf(other)).toBe(before);
  });

  it('names a part that the file does not have', async () => {
    const path = fresh();
    const { model, optimizer } = setup();
    await saveCheckpoint(path, { model, step: 3 });
    await expect(loadCheckpoint(path, { model, optimizer })).rejects.toThrow(
      `${path} has no optimizer, but model, random; load it without optimizer`,
    );
    await expect(loadCheckpoint(path, { modell: model } as never)).rejects.toThrow(/did you mean 'model'/);
    await expect(saveCheckpoint(path, { step: -1 })).rejects.toThrow(ValueError);
    await expect(saveCheckpoint(path, { model: optimizer as never })).rejects.toThrow(/model must be a Module/);
  });

  it('refuses foreign, damaged and later files', async () => {
    const path = fresh();
    await saveSafetensors(path, { a: ones([2]) });
    await expect(loadCheckpoint(path)).rejects.toThrow(/is no checkpoint of nabla/);
    const load = async (metadata: Record<string, string>) => {
      await writeFile(path, encodeSafetensors({ a: ones([2]) }, { metadata }));
      return loadCheckpoint(path, { generator: null });
    };
    const data = (text: string) => load({ 'nabla.checkpoint': '1', 'nabla.data': text });
    await expect(load({ 'nabla.checkpoint': '2', 'nabla.data': '{}' })).rejects.toThrow(
      /of version '2', and this nabla reads version 1/,
    );
    await expect(data('{"extra":{"$tensor":"a"}}')).resolves.toMatchObject({ step: null });
    for (const [text, message] of [
      ['{', /no JSON/],
      ['[]', /expected data by name/],
      ['{"step":"3"}', /the step is '3'/],
      ['{"extra":{"$tensor":"b"}}', /there is no tensor 'b'/],
      ['{"extra":{"$tensor":"toString"}}', /there is no tensor/],
      ['{"extra":{"$number":"7"}}', /is no number/],
      ['{"extra":{"$entries":[["a"]]}}', /no pairs/],
      ['{"extra":{"$constructor":1}}', /means nothing/],
      [`{"extra":${'['.repeat(3000)}${']'.repeat(3000)}}`, /within more than/],
    ] as const) {
      await expect(data(text)).rejects.toThrow(FormatError);
      await expect(data(text)).rejects.toThrow(message);
    }
    await saveCheckpoint(path, { model: setup().model });
    const bytes = await readFile(path);
    await writeFile(path, bytes.subarray(0, -5));
    await expect(loadCheckpoint(path)).rejects.toThrow(FormatError);
    await expect(loadCheckpoint(join(folder, 'none'))).rejects.toThrow(/ENOENT/);
  });
});

describe('CheckpointManager', () => {
  const managed = async (options: object = {}) => new CheckpointManager(join(folder, `run-${++files}`), options);
  const steps = async (manager: CheckpointManager) => (await manager.list()).map(({ step }) => step);
  const model = new nn.Linear(2, 1);

  it('keeps the newest and the best', async () => {
    const manager = await managed({ keepLast: 2 });
    expect(await manager.list()).toEqual([]);
    expect(await manager.latest()).toBeNull();
    expect(await manager.best()).toBeNull();
    expect(await manager.load({ model })).toBeNull();
    const metrics = [5, 2, 3, 2, 4, 6];
    for (const [i, metric] of metrics.entries()) await manager.save({ model, step: 10 * (i + 1), metric });
    expect(await steps(manager)).toEqual([20, 50, 60]);
    expect(await manager.best()).toMatchObject({ step: 20, metric: 2 });
    expect(await manager.latest()).toMatchObject({ step: 60, metric: 6 });
    // Another process finds the same.
    const again = new CheckpointManager(manager.folder, { keepLast: 2 });
    await again.save({ model, step: 70, metric: 1 });
    expect(await steps(again)).toEqual([60, 70]);
    const high = await managed({ keepLast: 1, mode: 'max' });
    for (const [i, metric] of [1, Number.POSITIVE_INFINITY, 3].entries()) await high.save({ model, step: i, metric });
    expect(await steps(high)).toEqual([1, 2]);
    const none = await managed({ keepLast: 1 });
    for (const step of [1, 2, 3]) await none.save({ model, step });
    expect(await steps(none)).toEqual([3]);
  });

  it('passes over what a crash left, and leaves other files alone', async () => {
    const manager = await managed();
    const saved = new nn.Linear(2, 1);
    const path = await manager.save({ model: saved, step: 1, extra: 'whole' });
    const bytes = await readFile(path);
    await writeFile(path.replace('1.safetensors', '2.safetensors'), bytes.subarray(0, -1));
    await writeFile(path.replace('1.safetensors', '3.safetensors'), '');
    await writeFile(join(manager.folder, 'notes.txt'), 'mine');
    const loaded = await manager.load({ model });
    expect(loaded).toEqual({ path, step: 1, extra: 'whole' });
    expect(model.weight.toArray()).toEqual(saved.weight.toArray());
    // The next save of such a step takes its place.
    await manager.save({ model, step: 2 });
    expect(await steps(manager)).toEqual([1, 2]);
    expect(await readdir(manager.folder)).toContain('notes.txt');
  });

  it('refuses to go behind a later step, and parts that do not fit', async () => {
    const manager = await managed();
    await manager.save({ model, step: 5 });
    await expect(manager.save({ model, step: 4 })).rejects.toThrow(
      /has a checkpoint of step 5, which is later than step 4/,
    );
    expect(await steps(manager)).toEqual([5]);
    await manager.save({ model, step: 5, extra: 'again' });
    expect((await manager.load({ model }))?.extra).toBe('again');
    await expect(manager.load({ model: new nn.Linear(3, 1) })).rejects.toThrow(/expected shape/);
    await expect(manager.save({ model } as never)).rejects.toThrow(/step must be an integer/);
    await expect(manager.save({ model, step: 6, metric: Number.NaN })).rejects.toThrow(/metric must be a number/);
    expect(() => new CheckpointManager('x', { keepLast: 0 })).toThrow(ValueError);
    expect(() => new CheckpointManager('x', { keep: 3 } as never)).toThrow(/no option|keepLast/);
  });

  it('saves one after the other what there is at each call', async () => {
    const manager = await managed({ keepLast: 9 });
    const changing = new nn.Linear(1, 1, { bias: false });
    const saves = [1, 2, 3].map((step) => {
      noGrad(() => changing.weight.fill_(step));
      return manager.save({ model: changing, step });
    });
    const paths = await Promise.all(saves);
    const values = await Promise.all(paths.map(async (path) => (await loadSafetensors(path))['model.weight']!.item()));
    expect(values).toEqual([1, 2, 3]);
    expect((await loadSafetensorsMetadata(paths[0]!))['nabla.checkpoint']).toBe('1');
  });
});
