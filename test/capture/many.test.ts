import { setMaxListeners } from 'node:events';
import { readdirSync } from 'node:fs';
import v8 from 'node:v8';
import vm from 'node:vm';
import {
  backendName,
  capture,
  Generator,
  getNumThreads,
  manualSeed,
  nn,
  ones,
  optim,
  randn,
  setNumThreads,
  type Tensor,
} from 'nabla';
import { DataLoader, TensorDataset } from 'nabla/data';
import { afterEach, describe, expect, it } from 'vitest';

const isNative = backendName() === 'native';

/** A small model of its own, and a step that trains it. */
function tenant(seed: number) {
  manualSeed(seed);
  const model = new nn.Sequential(new nn.Linear(8, 32), new nn.ReLU(), new nn.Linear(32, 1));
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.01 });
  const step = capture((x: Tensor, y: Tensor) => {
    optimizer.zeroGrad();
    const loss = nn.functional.mseLoss(model.forward(x), y);
    loss.backward();
    optimizer.step();
    return loss;
  });
  const generator = new Generator(seed);
  return { model, step, data: [randn([64, 8], { generator }), randn([64, 1], { generator })] };
}

type Tenant = ReturnType<typeof tenant>;

const tenants = (count: number) => Array.from({ length: count }, (_, i) => tenant(i));

const train = ({ step, data }: Tenant, seed: number, epochs = 2) =>
  step.run(data, { batchSize: 20, epochs, shuffle: true, generator: new Generator(seed) });

describe('many runs at once', () => {
  const threads = getNumThreads();
  afterEach(() => setNumThreads(threads));

  it('each give the bits that they give alone', async () => {
    const alone: number[][] = [];
    for (const [i, one] of tenants(6).entries()) alone.push([...(await train(one, i))]);
    for (const count of [1, 3]) {
      setNumThreads(count);
      const together = await Promise.all(tenants(6).map((one, i) => train(one, i)));
      expect(together.map((losses) => [...losses])).toEqual(alone);
    }
  });

  it('share one thread fairly: when one is done, none is far behind', async () => {
    setNumThreads(1);
    const steps = isNative ? 8000 : 600;
    const controller = new AbortController();
    const done = [0, 0, 0, 0];
    const sampler = Array.from({ length: 16 * steps }, (_, i) => i % 64);
    const runs = tenants(4).map(({ step, data }, i) => {
      return step.run(new DataLoader(new TensorDataset(...data), { batchSize: 16, sampler }), {
        signal: controller.signal,
        progressInterval: 1e6,
        onProgress: ({ step }) => {
          done[i] = step;
        },
      });
    });
    await Promise.race(runs);
    controller.abort();
    await Promise.allSettled(runs);
    expect(Math.max(...done)).toBe(steps);
    // One after the other, all but the first would hardly have begun.
    expect(Math.min(...done)).toBeGreaterThan(steps / 4);
  });

  it.skipIf(!isNative || process.platform !== 'linux')('take no thread each', async () => {
    setNumThreads(2);
    const all = tenants(24);
    await Promise.all(all.map((one, i) => train(one, i, 1)));
    const before = readdirSync('/proc/self/task').length;
    const runs = all.map((one, i) => train(one, i, 5));
    const during = readdirSync('/proc/self/task').length;
    await Promise.all(runs);
    expect(during).toBeLessThanOrEqual(before + 1);
  });

  it('end when they are aborted, those that never had a turn too', async () => {
    setNumThreads(1);
    const controller = new AbortController();
    setMaxListeners(20, controller.signal);
    const runs = tenants(20).map(({ step, data }) =>
      step.run(data, { batchSize: 20, epochs: 1e6, signal: controller.signal }),
    );
    setTimeout(() => controller.abort(new Error('enough')), 20);
    for (const outcome of await Promise.allSettled(runs)) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { message: 'enough' } });
    }
  });
});

/** Collects garbage until nothing keeps an object, or for a while. */
async function collected(held: WeakRef<object>): Promise<boolean> {
  v8.setFlagsFromString('--expose-gc');
  const gc = vm.runInNewContext('gc') as () => void;
  for (let i = 0; i < 10 && held.deref() !== undefined; i++) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    gc();
  }
  return held.deref() === undefined;
}

it('a captured function keeps no model that only existed when it was recorded', async () => {
  let bystander: Tenant | null = tenant(1);
  const held = new WeakRef(bystander.model);
  const kept = tenant(2);
  for (let i = 0; i < 3; i++) kept.step(...(kept.data as [Tensor, Tensor]));
  bystander = null;
  expect(await collected(held)).toBe(true);
  expect(kept.step(...(kept.data as [Tensor, Tensor])).item()).toBeGreaterThan(0);
});

it('a captured function keeps no arguments of calls and runs that are over', async () => {
  const total = capture((x: Tensor) => x.sum());
  const givenTo = async (use: (x: Tensor) => unknown): Promise<WeakRef<object>> => {
    const x = ones([4, 3]);
    await use(x);
    return new WeakRef(x);
  };
  total(ones([4, 3]));
  expect(await collected(await givenTo((x) => total(x)))).toBe(true);
  expect(await collected(await givenTo((x) => total.run([[x], [x]])))).toBe(true);
});
