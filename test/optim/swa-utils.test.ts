import { capture, NablaError, nn, noGrad, optim, ShapeError, type Tensor, tensor, ValueError, zeros } from 'nabla';
import { describe, expect, it } from 'vitest';

const { AveragedModel, getEmaAvgFn, getEmaMultiAvgFn, getSwaAvgFn, getSwaMultiAvgFn, updateBn } = optim.swaUtils;

type Options = Partial<optim.swaUtils.AveragedModelOptions>;

/** A layer that changes by a rule. */
function changing(): { model: nn.Linear; change: (step: number) => void } {
  const model = new nn.Linear(2, 1).to('float64');
  model.weight.data = tensor([[0.1, 0.2]], { dtype: 'float64' });
  model.bias.data = tensor([0.3], { dtype: 'float64' });
  const change = (step: number) =>
    noGrad(() => {
      model.weight.mul_(1.5).sub_(0.25);
      model.bias.add_(step / 7);
    });
  return { model, change };
}

const valuesOf = (model: { parameters(): Tensor[] }): number[] =>
  model.parameters().flatMap((p) => [...p.detach().toTypedArray()]);

/** Of PyTorch: weights and bias of the averaged model after six changes. */
const recorded: [string, Options, number[]][] = [
  ['the mean', {}, [-1.578125, -1.05859375, 1.1333333333333333]],
  ['getSwaAvgFn', { avgFn: getSwaAvgFn() }, [-1.578125, -1.05859375, 1.1333333333333333]],
  [
    'getSwaMultiAvgFn',
    { multiAvgFn: getSwaMultiAvgFn() },
    [-1.5781250222679226, -1.058593766700942, 1.1333333455735728],
  ],
  ['getEmaAvgFn', { avgFn: getEmaAvgFn(0.8) }, [-1.5650259999999996, -1.0487694999999997, 1.122445714285714]],
  [
    'getEmaMultiAvgFn',
    { multiAvgFn: getEmaMultiAvgFn(0.8) },
    [-1.5650259999999996, -1.0487694999999997, 1.122445714285714],
  ],
];

describe('AveragedModel', () => {
  it.each(recorded)('averages by %s as PyTorch does', (_, options, expected) => {
    const { model, change } = changing();
    const averaged = new AveragedModel(model, options);
    for (let i = 0; i < 6; i++) {
      change(i);
      averaged.updateParameters(model);
      if (i === 0) expect(valuesOf(averaged)).toEqual(valuesOf(model));
    }
    expect(valuesOf(averaged)).toEqual(expected.map((x) => expect.closeTo(x, 13)));
    expect(averaged.nAveraged.item()).toBe(6);
    const x = tensor([[1, 2]], { dtype: 'float64' });
    expect(averaged.forward(x).item()).toBeCloseTo(expected[0]! + 2 * expected[1]! + expected[2]!, 7);
  });

  it.each(recorded)('averages by %s in captured steps and in the background to the same bits', async (_, options) => {
    const make = () => {
      const model = new nn.Linear(2, 1);
      model.weight.data = tensor([[0.1, 0.2]]);
      model.bias.data = tensor([0.3]);
      const averaged = new AveragedModel(model, options);
      const sgd = new optim.SGD(model.parameters(), { lr: 0.1, momentum: 0.9 });
      const step = (x: Tensor): Tensor => {
        sgd.zeroGrad();
        const loss = model.forward(x).square().mean();
        loss.backward();
        sgd.step();
        averaged.updateParameters(model);
        return loss;
      };
      return { averaged, step };
    };
    const [plain, captured, background] = [make(), make(), make()];
    const step = capture(captured.step);
    const inputs = tensor([
      [1, 2],
      [3, -1],
      [0.5, 1],
      [2, 2],
      [1, -1],
    ]);
    for (let i = 0; i < 5; i++) {
      plain.step(inputs.narrow(0, i, 1));
      step(inputs.narrow(0, i, 1));
    }
    await capture(background.step).run([inputs], { batchSize: 1 });
    for (const { averaged } of [captured, background]) {
      expect(valuesOf(averaged)).toEqual(valuesOf(plain.averaged));
      expect(averaged.nAveraged.item()).toBe(5);
    }
  });

  it('takes buffers from the model, or averages them too', () => {
    class Counting extends nn.Module<[Tensor], Tensor> {
      readonly weight = new nn.Parameter(tensor([1]));
      declare readonly seen: Tensor;

      constructor() {
        super();
        this.registerBuffer('seen', tensor([0]));
      }

      forward(x: Tensor): Tensor {
        return x.mul(this.weight);
      }
    }
    for (const useBuffers of [false, true]) {
      const model = new Counting();
      const averaged = new AveragedModel(model, { useBuffers });
      for (const value of [1, 2, 6]) {
        model.seen.fill_(value);
        averaged.updateParameters(model);
      }
      expect(averaged.module.seen.item()).toBeCloseTo(useBuffers ? 3 : 6, 6);
    }
  });

  it('is a copy that is saved under its names', () => {
    const model = new nn.Linear(2, 1);
    const averaged = new AveragedModel(model);
    expect(Object.keys(averaged.stateDict()).sort()).toEqual(['module.bias', 'module.weight', 'n_averaged']);
    expect(averaged.module.weight).not.toBe(model.weight);
    averaged.updateParameters(model);
    const other = new AveragedModel(new nn.Linear(2, 1));
    other.loadStateDict(averaged.stateDict());
    expect(other.nAveraged.item()).toBe(1);
    expect(valuesOf(other)).toEqual(valuesOf(averaged));
  });

  it('refuses other models, and changes nothing', () => {
    const model = new nn.Linear(2, 1);
    const averaged = new AveragedModel(model);
    averaged.updateParameters(model);
    const before = valuesOf(averaged);
    for (const other of [new nn.Linear(3, 1), new nn.Linear(2, 1, { bias: false }), new nn.Sequential(model)]) {
      expect(() => averaged.updateParameters(other)).toThrow(/expected a model with the parameters of the one/);
    }
    expect(() => averaged.updateParameters(7 as never)).toThrow(ValueError);
    expect(valuesOf(averaged)).toEqual(before);
    expect(averaged.nAveraged.item()).toBe(1);
    const both = { avgFn: getSwaAvgFn(), multiAvgFn: getSwaMultiAvgFn() };
    expect(() => new AveragedModel(model, both)).toThrow(/expected avgFn or multiAvgFn, got both/);
    expect(() => new AveragedModel({} as never)).toThrow(NablaError);
    expect(() => getEmaAvgFn(1.5)).toThrow(/getEmaAvgFn: decay must be in \[0, 1\], got 1.5/);
  });
});

/** As batch normalization keeps means: by its momentum, or those of all it saw. */
class Averaging extends nn.Module<[Tensor], Tensor> {
  momentum: number | null = 0.1;
  #count = 0;
  declare readonly runningMean: Tensor;

  constructor() {
    super();
    this.registerBuffer('runningMean', zeros([1]));
  }

  resetRunningStats(): void {
    this.#count = 0;
    this.runningMean.zero_();
  }

  forward(x: Tensor): Tensor {
    if (this.training) {
      this.#count++;
      const share = this.momentum ?? 1 / this.#count;
      this.runningMean.mul_(1 - share).add_(x.mean().mul(share));
    }
    return x.sub(this.runningMean);
  }
}

describe('updateBn', () => {
  it('makes statistics the means of all batches, and leaves all else as it was', () => {
    const layer = new Averaging();
    const frozen = new nn.Dropout(0.5);
    const model = new nn.Sequential(layer, frozen);
    model.train();
    frozen.eval();
    layer.runningMean.fill_(100);
    updateBn([tensor([1, 2]), [tensor([3]), tensor([9])], tensor([6])], model);
    expect(layer.runningMean.item()).toBeCloseTo(3.5, 6);
    expect([layer.momentum, layer.training, frozen.training]).toEqual([0.1, true, false]);
  });

  it('counts what batch normalization saw anew, to the values of PyTorch', () => {
    const layer = new nn.BatchNorm1d(2);
    const averaged = new AveragedModel(new nn.Sequential(layer));
    const own = averaged.module[0];
    layer.forward(
      tensor([
        [5, 5],
        [7, 9],
      ]),
    );
    averaged.updateParameters(new nn.Sequential(layer));
    expect(own.numBatchesTracked.item()).toBe(1);
    updateBn(
      [
        [
          tensor([
            [1, 2],
            [3, 6],
          ]),
        ],
        tensor([
          [3, 0],
          [9, 2],
        ]),
      ],
      averaged,
    );
    expect(own.runningMean.toArray()).toEqual([4, 2.5]);
    expect(own.runningVar.toArray()).toEqual([10, 5]);
    expect([own.numBatchesTracked.item(), own.momentum]).toEqual([2, 0.1]);
    own.resetRunningStats();
    expect([own.runningMean.toArray(), own.runningVar.toArray(), own.numBatchesTracked.item()]).toEqual([
      [0, 0],
      [1, 1],
      0,
    ]);
    new nn.BatchNorm2d(2, { trackRunningStats: false }).resetRunningStats();
  });

  it('puts modes and momenta back where a batch fails, and refuses what is no loader', () => {
    const model = new nn.Sequential(new Averaging());
    model.eval();
    expect(() => updateBn([7 as never], model)).toThrow();
    expect([model[0].momentum, model[0].training]).toEqual([0.1, false]);
    expect(() => updateBn(7 as never, model)).toThrow(/loader must be an iterable of batches, got 7/);
  });
});

describe('vectors of parameters', () => {
  const { getTotalNorm, parametersToVector, vectorToParameters } = nn.utils;

  it('have a gradient to each, and give their values back', () => {
    const [w, b] = [
      tensor(
        [
          [1, 2],
          [3, 4],
        ],
        { requiresGrad: true },
      ),
      tensor(5, { requiresGrad: true }),
    ];
    const turned = w.detach().t();
    const vec = parametersToVector([w, b]);
    expect(vec.toArray()).toEqual([1, 2, 3, 4, 5]);
    expect(parametersToVector([turned]).toArray()).toEqual([1, 3, 2, 4]);
    vec
      .mul(tensor([1, 2, 3, 4, 5]))
      .sum()
      .backward();
    expect([w.grad!.toArray(), b.grad!.item()]).toEqual([
      [
        [1, 2],
        [3, 4],
      ],
      5,
    ]);
    vectorToParameters(vec.detach().mul(2), [w, b]);
    expect([w.detach().toArray(), b.item(), w.requiresGrad]).toEqual([
      [
        [2, 4],
        [6, 8],
      ],
      10,
      true,
    ]);
    vectorToParameters(tensor([1, 2, 3, 4]), turned);
    expect(w.detach().toArray()).toEqual([
      [1, 3],
      [2, 4],
    ]);
  });

  it('are as long as the parameters', () => {
    const w = zeros([2, 2]);
    for (const vec of [zeros([3]), zeros([5]), zeros([2, 2]), zeros([])]) {
      expect(() => vectorToParameters(vec, [w])).toThrow(ShapeError);
    }
    expect(() => parametersToVector([])).toThrow(/expected at least one parameter, got none/);
    expect(() => parametersToVector([w, 7 as never])).toThrow(/parameter 1 must be a Tensor, got 7/);
    expect(w.sum().item()).toBe(0);
  });

  it('have a norm together, which may be refused', () => {
    expect(getTotalNorm([]).item()).toBe(0);
    expect(getTotalNorm(tensor([3, 4])).item()).toBe(5);
    expect(getTotalNorm([tensor([3, -4]), tensor(2)], 1).item()).toBe(9);
    const bad = [tensor([1, Number.NaN])];
    expect(getTotalNorm(bad).item()).toBeNaN();
    expect(() => getTotalNorm(bad, 2, true)).toThrow(/getTotalNorm: the norm of the tensors is NaN or infinite/);
    const w = tensor([1, 1], { requiresGrad: true });
    w.grad = tensor([3, 4]);
    nn.utils.clipGradsWithNorm_(w, 1, tensor(10));
    expect(w.grad.toArray()).toEqual([expect.closeTo(0.3, 6), expect.closeTo(0.4, 6)]);
  });
});
