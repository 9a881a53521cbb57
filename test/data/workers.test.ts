import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { capture, manualSeed, nn, optim, rand, randint, type Tensor, tensor } from 'nabla';
import { DataLoader, type Dataset, getWorkerInfo, importDataset, randomSplit, Subset } from 'nabla/data';
import { describe, expect, it } from 'vitest';

const imported = new URL('./imported.mjs', import.meta.url);

// biome-ignore lint/suspicious/noExplicitAny: every data set of the module has items of its own kind.
type Any = any;

const load = async (name: string, ...args: unknown[]): Promise<Dataset<Any, Any>> =>
  (await importDataset(imported, name, { args })) as Dataset<Any, Any>;

async function gathered(loader: AsyncIterable<unknown>): Promise<unknown[]> {
  const batches: unknown[] = [];
  for await (const batch of loader) batches.push(plain(batch));
  return batches;
}

function plain(value: unknown): unknown {
  if (value !== null && typeof value === 'object' && 'toTypedArray' in value) {
    const { dtype, shape } = value as Tensor;
    return { dtype, shape: [...shape], values: [...(value as Tensor).toTypedArray()] };
  }
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, plain(one)]));
}

describe('workers of a DataLoader', () => {
  it.each([1, 3])('%d: give what a loader without gives, in its order', async (numWorkers) => {
    const squares = await load('Squares', 23);
    for (const options of [
      { batchSize: 4 },
      { batchSize: 5, shuffle: true, dropLast: true },
      { sampler: [3, 1, 22] },
    ]) {
      manualSeed(7);
      const without = [...new DataLoader(squares, options)].map(plain);
      const next = rand([1]).item();
      manualSeed(7);
      expect(await gathered(new DataLoader(squares, { ...options, numWorkers }))).toEqual(without);
      expect(rand([1]).item()).toBe(next);
    }
  });

  it('take parts of a data set, gather, and leave a collate of your own to this thread', async () => {
    const squares = await load('Squares', 20);
    const [part] = randomSplit(squares, [9, 11]);
    const inner = new Subset(part!, [8, 0, 3]);
    for (const one of [part!, inner]) {
      const without = [...new DataLoader(one, { batchSize: 2 })].map(plain);
      expect(await gathered(new DataLoader(one, { batchSize: 2, numWorkers: 2 }))).toEqual(without);
    }
    const gathering = await load('gathering');
    expect(await gathered(new DataLoader(gathering, { batchSize: 4, numWorkers: 2 }))).toEqual(
      [...new DataLoader(gathering, { batchSize: 4 })].map(plain),
    );
    const batchSampler = [[3, 1], [2], [19, 0, 4]];
    expect(await gathered(new DataLoader(squares, { batchSampler, numWorkers: 2 }))).toEqual(
      [...new DataLoader(squares, { batchSampler })].map(plain),
    );
    let here = 0;
    const collate = (items: { label: Tensor; name: string }[]) => {
      here++;
      return [items.map(({ name }) => name).join(), items.reduce((sum, { label }) => sum + label.item(), 0)];
    };
    expect(await gathered(new DataLoader(squares, { batchSize: 10, collateFn: collate, numWorkers: 2 }))).toEqual([
      [Array.from({ length: 10 }, (_, i) => `item ${i}`).join(), 45],
      [Array.from({ length: 10 }, (_, i) => `item ${i + 10}`).join(), 145],
    ]);
    expect(here).toBe(2);
  });

  it('have seeds of their own, counted from what the epoch draws', async () => {
    const random = await load('random');
    manualSeed(3);
    const seed = randint(-(2 ** 31), 2 ** 31, [1]).item() + 2 ** 31;
    const expected = [0, 1].map((id) => {
      manualSeed((seed + id) % 2 ** 32);
      return [rand([3]), rand([3])].map((x) => [...x.toTypedArray()]);
    });
    manualSeed(3);
    const batches = (await gathered(new DataLoader(random, { batchSize: 2, numWorkers: 2 }))) as { values: number[] }[];
    // Worker 0 makes batches 0 and 2.
    expect(batches[0]!.values).toEqual(expected[0]!.flat());
    expect(batches[1]!.values).toEqual(expected[1]!.flat());
    expect(new Set(batches.map(({ values }) => values.join())).size).toBe(4);
  });

  it('are told who they are, begin as they are told, and stay if they shall', async () => {
    const whereabouts = await load('whereabouts');
    expect(getWorkerInfo()).toBeNull();
    const collate = (items: unknown[][]) => items;
    for (const persistentWorkers of [false, true]) {
      const loader = new DataLoader(whereabouts, {
        collateFn: collate,
        numWorkers: 2,
        workerInit: 'begin',
        persistentWorkers,
      });
      const epochs = [await gathered(loader), await gathered(loader)] as [number, number, { id: number }][][][];
      const items = epochs.flat(2);
      expect(items).toHaveLength(12);
      expect(new Set(items.map(([thread]) => thread)).size).toBe(persistentWorkers ? 2 : 4);
      for (const [, began, info] of items) {
        expect(info).toMatchObject({ id: began, numWorkers: 2, seed: expect.any(Number) });
      }
      expect(epochs[0]!.flat().map(([, began]) => began)).toEqual([0, 1, 0, 1, 0, 1]);
    }
  });

  it('share a stream, each batch from one of them', async () => {
    const stream = (await load('stream', 11)) as never as Iterable<number>;
    const values = async (options: object) => {
      const batches = await gathered(new DataLoader(stream, { batchSize: 2, ...options }));
      return (batches as { values: number[] }[]).map(({ values }) => values);
    };
    expect(await values({})).toEqual([[0, 1], [2, 3], [4, 5], [6, 7], [8, 9], [10]]);
    expect(await values({ numWorkers: 2 })).toEqual([[0, 2], [1, 3], [4, 6], [5, 7], [8, 10], [9]]);
    expect(await values({ numWorkers: 2, dropLast: true })).toEqual([
      [0, 2],
      [1, 3],
      [4, 6],
      [5, 7],
      [8, 10],
    ]);
    expect(await values({ numWorkers: 4, batchSize: 1 })).toHaveLength(11);
  });

  it('pass on what a data set throws, when its batch is asked for', async () => {
    const failing = await load('failing', 5);
    for (const persistentWorkers of [false, true]) {
      const loader = new DataLoader(failing, { batchSize: 2, numWorkers: 2, persistentWorkers });
      const batches: unknown[] = [];
      const all = (async () => {
        for await (const batch of loader) batches.push(plain(batch));
      })();
      await expect(all).rejects.toThrow('DataLoader: worker 0: RangeError: no item 5 today');
      await expect(all).rejects.toMatchObject({
        code: 'ERR_NABLA_WORKER',
        cause: expect.stringContaining('imported.mjs'),
      });
      expect(batches).toHaveLength(2);
      expect(await loader[Symbol.asyncIterator]().next()).toMatchObject({ done: false });
    }
    const attached = new DataLoader(await load('attached'), { numWorkers: 1 });
    await expect(gathered(attached)).rejects.toThrow('worker 0: ValueError: a tensor that requires a gradient');
    await expect(gathered(new DataLoader(await load('exiting'), { batchSize: 2, numWorkers: 1 }))).rejects.toThrow(
      'DataLoader: worker 0: it ended, with exit code 3',
    );
    const beyond = new DataLoader(failing, { batchSampler: [[0], [10]], numWorkers: 1 });
    await expect(gathered(beyond)).rejects.toThrow('DataLoader: batchSampler: batch 1: index 10 is not one of');
    const unknown = new DataLoader(failing, { numWorkers: 1, workerInit: 'start' });
    await expect(gathered(unknown)).rejects.toThrow('exports no start; it exports');
  });

  it('feed run, with the losses of a loader without', async () => {
    const pairs = await load('pairs');
    const losses = async (numWorkers: number, epochs: number) => {
      manualSeed(1);
      const model = new nn.Linear(3, 1);
      const sgd = new optim.SGD(model.parameters(), { lr: 0.1 });
      const step = capture((x: Tensor, y: Tensor) => {
        sgd.zeroGrad();
        const loss = nn.functional.mseLoss(model.forward(x), y);
        loss.backward();
        sgd.step();
        return loss;
      });
      return [...(await step.run(new DataLoader(pairs, { batchSize: 8, shuffle: true, numWorkers }), { epochs }))];
    };
    expect(await losses(2, 2)).toEqual(await losses(0, 2));
  });

  it('end when a run is aborted in the middle of an item, and go on from a state', async () => {
    const tasks = () => (process.platform === 'linux' ? readdirSync('/proc/self/task').length : 0);
    const slow = await load('slow', 30_000);
    const before = tasks();
    const loader = new DataLoader(slow, { batchSize: 4, numWorkers: 2 });
    const controller = new AbortController();
    const running = capture((x: Tensor) => x.sum()).run(loader, { signal: controller.signal });
    setTimeout(() => controller.abort(new Error('enough')), 300);
    await expect(running).rejects.toThrow('enough');
    for (let i = 0; i < 100 && tasks() > before + 1; i++) await sleep(100);
    expect(tasks()).toBeLessThanOrEqual(before + 1);

    const pairs = await load('pairs');
    const shuffled = new DataLoader(pairs, { batchSize: 8, shuffle: true, numWorkers: 2 });
    const seen: unknown[] = [];
    for await (const batch of shuffled) if (seen.push(plain(batch)) === 3) break;
    const state = shuffled.stateDict();
    expect(state.visited).toBe(24);
    shuffled.loadStateDict(state);
    const rest = await gathered(shuffled);
    const order = [...state.order!.toTypedArray()];
    expect([...seen, ...rest]).toEqual([...new DataLoader(pairs, { batchSize: 8, sampler: order })].map(plain));
    expect(shuffled.stateDict().order).toBeNull();
  });

  it.each(['break', 'persistent', 'held', 'exit'])('do not keep the process: %s', (how) => {
    const app = fileURLToPath(new URL('./workers-app.mjs', import.meta.url));
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, [app, how], {
      encoding: 'utf8',
      timeout: 50_000,
    });
    expect({ status, signal, stderr, stdout }).toEqual({
      status: 0,
      signal: null,
      stderr: '',
      stdout: how === 'exit' ? '' : 'left\n',
    });
  });

  it('a file that is no module is refused', () => {
    // Node's own import, which tests do not have.
    const data = new URL('../../dist/data/index.js', import.meta.url);
    const text = fileURLToPath(new URL('../../LICENSE', import.meta.url));
    const code = `import { importDataset } from '${data}'; await importDataset(${JSON.stringify(text)}).catch(({ message }) => console.log(message));`;
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });
    expect(stdout).toMatch(/^importDataset: Node cannot import .*LICENSE/);
  });

  it('are refused where they cannot be', async () => {
    const own = { length: 3, get: (i: number) => tensor(i) };
    expect(() => new DataLoader(own, { numWorkers: 2 })).toThrow(/functions do not travel.*importDataset/);
    for (const [name, value] of Object.entries({ workerInit: 'x', prefetchFactor: 2, persistentWorkers: true })) {
      expect(() => new DataLoader(own, { [name]: value })).toThrow(`DataLoader: ${name} is for loaders with workers`);
    }
    const loader = new DataLoader(await load('pairs'), { numWorkers: 1 });
    expect(() => [...loader]).toThrow('for await (const batch of loader)');
    await expect(load('missing')).rejects.toThrow(/exports no missing; it exports .*Squares/);
    await expect(load('nothing')).rejects.toThrow('must be or make a data set');
    await expect(importDataset(new URL('./absent.mjs', import.meta.url))).rejects.toThrow('absent.mjs');
    await expect(load('failing', () => {})).rejects.toThrow('importDataset: args must be what threads can send');
  });
});
