import { capture, manualSeed, nn, optim, randn, type Tensor, tensor, zeros } from 'nabla';
import { DataParallel, init } from 'nabla/distributed';
import { beforeEach, describe, expect, it } from 'vitest';

beforeEach(async () => {
  await init();
  manualSeed(0);
});

const bytes = (tensors: readonly Tensor[]) => tensors.map((one) => [...one.toTypedArray()]);
const gradients = (model: nn.Module) => bytes(model.parameters().map(({ grad }) => grad!));

/** Whether all of two lists of values are equal but for rounding. */
function expectClose(actual: number[][], expected: number[][]): void {
  actual.forEach((row, i) => {
    row.forEach((value, j) => {
      expect(value).toBeCloseTo(expected[i]![j]!, 5);
    });
  });
}

describe('DataParallel', () => {
  const [x, y] = [randn([16, 5]), randn([16, 2])];
  const lossOf = (model: nn.Linear) => (x: Tensor, y: Tensor) => nn.functional.mseLoss(model.forward(x), y);

  it.each([1, 2, 4, 16])('has the gradient of the whole batch with %i shards', (shards) => {
    const model = new nn.Linear(5, 2);
    const loss = lossOf(model)(x, y);
    loss.backward();
    const whole = gradients(model);
    model.zeroGrad();
    const parallel = new DataParallel(model, { shards });
    const mean = parallel.backward(lossOf(model), x, y);
    expect(mean.requiresGrad).toBe(false);
    expect(mean.item()).toBeCloseTo(loss.item(), 5);
    if (shards === 1) expect(gradients(model)).toEqual(whole);
    else expectClose(gradients(model), whole);
  });

  it('adds shards in a tree', () => {
    const model = new nn.Linear(1, 1, { bias: false });
    const parts = [1e8, 1, -1e8, 1];
    new DataParallel(model, { shards: 4 }).backward((x) => model.forward(x).mean(), tensor(parts.map((one) => [one])));
    const [a, b, c, d] = parts.map((one) => Math.fround(one / 4)) as [number, number, number, number];
    const tree = Math.fround(Math.fround(a + b) + Math.fround(c + d));
    expect(model.weight.grad!.item()).toBe(tree);
  });

  it('gives shards every n-th example', () => {
    const model = new nn.Linear(1, 1);
    const seen: unknown[] = [];
    new DataParallel(model, { shards: 2 }).backward(
      (x) => {
        seen.push(x.toArray());
        return model.forward(x).mean();
      },
      tensor([[1], [2], [3], [4]]),
    );
    expect(seen).toEqual([
      [[1], [3]],
      [[2], [4]],
    ]);
  });

  it('accumulates, and leaves gradients that were seen to those who saw them', () => {
    const model = new nn.Linear(5, 2);
    const parallel = new DataParallel(model, { shards: 2 });
    parallel.backward(lossOf(model), x, y);
    const once = gradients(model);
    const seen = model.weight.grad!;
    parallel.backward(lossOf(model), x, y);
    expect(gradients(model)).toEqual(once.map((row) => row.map((one) => Math.fround(one + one))));
    expect(model.weight.grad).toBe(seen);
  });

  it('leaves parameters without gradients alone', () => {
    const [model, unused] = [new nn.Linear(5, 2), new nn.Linear(1, 1)];
    model.bias.requiresGrad = false;
    const both = new nn.ModuleList([model, unused]);
    new DataParallel(both, { shards: 2 }).backward(lossOf(model), x, y);
    expect(model.weight.grad).not.toBeNull();
    expect([model.bias.grad, unused.weight.grad, unused.bias.grad]).toEqual([null, null, null]);
  });

  it('makes running statistics the mean over shards, and counts a step once', () => {
    const model = new nn.BatchNorm1d(1);
    new DataParallel(model, { shards: 2 }).backward(
      (x) => model.forward(x).square().mean(),
      tensor([[1], [10], [3], [30]]),
    );
    const buffers = Object.fromEntries(model.namedBuffers());
    // The means of the shards are 2 and 20, their variances 2 and 200; momentum is 0.1.
    expect(buffers.running_mean!.item()).toBeCloseTo(1.1, 5);
    expect(buffers.running_var!.item()).toBeCloseTo(0.9 + 0.1 * 101, 4);
    expect(buffers.num_batches_tracked!.item()).toBe(1);
  });

  it('draws for each shard from a stream of its own, which it can go back to', () => {
    const model = new nn.Linear(1, 1);
    const parallel = new DataParallel(model, { shards: 2 });
    const draw = () => {
      const drawn: unknown[] = [];
      parallel.backward(
        (x) => {
          drawn.push(randn([2]).toArray());
          return model.forward(x).mean();
        },
        zeros([2, 1]),
      );
      return drawn;
    };
    const before = parallel.stateDict();
    const first = draw();
    expect(first[0]).not.toEqual(first[1]);
    const outside = randn([2]).toArray();
    parallel.loadStateDict(before);
    expect(draw()).toEqual(first);
    manualSeed(0);
    expect(draw()).not.toEqual(first);
    expect(randn([2]).toArray()).not.toEqual(outside);
  });

  it.each([1, 4])('is the same captured, in the background and plain, with %i shards', async (shards) => {
    const trained = async (mode: 'plain' | 'captured' | 'run') => {
      manualSeed(3);
      const [first, last] = [new nn.Linear(5, 8), new nn.Linear(8, 2)];
      const model = new nn.Sequential(first, new nn.BatchNorm1d(8), new nn.Dropout(0.2), last);
      const parallel = new DataParallel(model, { shards });
      const optimizer = new optim.Adam(model.parameters(), { lr: 0.01 });
      const plain = (x: Tensor, y: Tensor) => {
        optimizer.zeroGrad();
        const loss = parallel.backward((x, y) => nn.functional.mseLoss(model.forward(x), y), x, y);
        nn.utils.clipGradNorm_(model.parameters(), 1);
        optimizer.step();
        return loss;
      };
      const step = capture(plain);
      if (mode === 'run') await step.run([x, y], { batchSize: 16, epochs: 6 });
      else for (let i = 0; i < 6; i++) (mode === 'plain' ? plain : step)(x, y);
      return bytes([...model.parameters(), ...model.buffers()]);
    };
    const plain = await trained('plain');
    expect(await trained('captured')).toEqual(plain);
    // With one shard dropout draws from the default stream, of which `run` takes the order of its rows.
    if (shards > 1) expect(await trained('run')).toEqual(plain);
  });

  it('refuses what cannot be, before anything changes', () => {
    const model = new nn.Linear(5, 2);
    const parallel = new DataParallel(model, { shards: 4 });
    const refused = 'DataParallel.backward: ';
    expect(() => parallel.backward(lossOf(model), x.narrow(0, 0, 6), y)).toThrow(
      `${refused}the first dimension of each tensor must be a multiple of the 4 shards of a rank, got shape [6, 5]`,
    );
    expect(() => parallel.backward(() => model.forward(x))).toThrow(`${refused}the loss must have one element`);
    expect(() => parallel.backward(null as never, x)).toThrow(`${refused}loss must be a function`);
    expect(() => parallel.backward(lossOf(model), 1 as never, y)).toThrow(`${refused}batch[0] must be a Tensor`);
    expect(model.weight.grad).toBeNull();
    const state = parallel.stateDict();
    expect(() => parallel.loadStateDict({ ...state, shards: 2 })).toThrow(
      'DataParallel.loadStateDict: the state is of 2 shards, but there are 4: give DataParallel { shards: 2 }',
    );
    expect(() => parallel.loadStateDict({ ...state, generators: zeros([4, 3]) })).toThrow(
      'DataParallel.loadStateDict: generators: ',
    );
    expect(() => parallel.loadStateDict(null as never)).toThrow('expected what stateDict() gives');
    expect(() => new DataParallel(model, { shards: 0 })).toThrow('DataParallel: shards must be');
    expect(() => new DataParallel({} as never)).toThrow('DataParallel: model must be a Module');
  });
});
