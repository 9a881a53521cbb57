import { manualSeed, nn, randn, type Tensor } from 'nabla';
import { DataParallel, init, SyncBatchNorm } from 'nabla/distributed';
import { beforeAll, describe, expect, it } from 'vitest';

beforeAll(async () => {
  await init();
});

describe('SyncBatchNorm of one rank', () => {
  it.each([[[6, 3]], [[4, 3, 5]], [[2, 3, 4, 2]], [[2, 3, 2, 2, 2]]])('is BatchNorm, for %j', (shape) => {
    const x = randn(shape);
    const [sync, plain] = [new SyncBatchNorm(3), new nn.BatchNorm1d(3)];
    if (shape.length < 4) expect(sync.forward(x).toArray()).toEqual(plain.forward(x).toArray());
    expect(sync.eval().forward(x).shape).toEqual(shape);
    expect(() => sync.forward(randn([2, 4]))).toThrow('SyncBatchNorm: expected 3 channels in dimension 1');
  });

  it('prints and names its state as PyTorch does', () => {
    const sync = new SyncBatchNorm(3, { momentum: null });
    expect(`${sync}`).toBe(
      'SyncBatchNorm(3, eps=1e-05, momentum=None, affine=True, bias=True, track_running_stats=True)',
    );
    expect(Object.keys(sync.stateDict())).toEqual(Object.keys(new nn.BatchNorm1d(3).stateDict()));
  });

  it('goes with as many shards as ranks', () => {
    const model = new nn.Sequential(new nn.Linear(2, 2), new SyncBatchNorm(2));
    expect(() => new DataParallel(model, { shards: 2 })).toThrow(
      'DataParallel: SyncBatchNorm normalises by all shards at once, so each of the 1 ranks must have one, got 2 shards',
    );
    new DataParallel(model);
  });
});

class Net extends nn.Module<[Tensor], Tensor> {
  first = new nn.Sequential(new nn.Linear(2, 3), new nn.BatchNorm1d(3));
  norms = new nn.ModuleDict({ a: new nn.BatchNorm1d(3, { affine: false }), b: this.first[1] });
  last = new nn.BatchNorm1d(3, { trackRunningStats: false, momentum: 0.3 }).eval();

  forward(x: Tensor): Tensor {
    return this.last.forward(this.norms.get('a').forward(this.first.forward(x)));
  }
}

describe('convertSyncBatchnorm', () => {
  it('replaces layers wherever they are, and keeps all that they have', () => {
    manualSeed(1);
    const model = new Net();
    model.first[1].forward(randn([4, 3]));
    const [state, names] = [model.stateDict(), model.namedParameters().map(([name]) => name)];
    const { weight } = model.first[1];
    expect(SyncBatchNorm.convertSyncBatchnorm(model)).toBe(model);
    const kinds = model.modules().map((one) => one.constructor.name);
    expect(kinds).toEqual([
      'Net',
      'Sequential',
      'Linear',
      'SyncBatchNorm',
      'ModuleDict',
      'SyncBatchNorm',
      'SyncBatchNorm',
    ]);
    expect(model.first[1].weight).toBe(weight);
    expect(model.norms.get('b')).toBe(model.first[1]);
    expect([model.norms.get('a').weight, model.last.runningMean, model.last.momentum]).toEqual([null, null, 0.3]);
    expect(model.last.training).toBe(false);
    expect(model.namedParameters().map(([name]) => name)).toEqual(names);
    for (const [name, one] of Object.entries(model.stateDict())) expect(one.toArray()).toEqual(state[name]!.toArray());
  });

  it('gives a layer in the place of one, and leaves others', () => {
    expect(SyncBatchNorm.convertSyncBatchnorm(new nn.BatchNorm2d(3))).toBeInstanceOf(SyncBatchNorm);
    const linear = new nn.Linear(1, 1);
    expect(SyncBatchNorm.convertSyncBatchnorm(linear)).toBe(linear);
    expect(() => SyncBatchNorm.convertSyncBatchnorm(1 as never)).toThrow('module must be a Module, got 1');
  });
});
