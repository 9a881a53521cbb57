import { type EpochResult, manualSeed, nn, optim, randn, type Tensor, train, ValueError } from 'nabla';
import { describe, expect, it } from 'vitest';

const bits = (model: nn.Module) =>
  Object.values(model.stateDict()).map((x) => Buffer.from(x.toTypedArray().buffer).toString('hex'));

function problem(lr = 0.05) {
  manualSeed(4);
  const model = new nn.Sequential(new nn.Linear(3, 8), new nn.Tanh(), new nn.Dropout(0.1), new nn.Linear(8, 1));
  const optimizer = new optim.SGD(model.parameters(), { lr });
  const data = (rows: number) => {
    const x = randn([rows, 3]);
    return [x, x.sum(1, { keepdim: true }).sin()] as [Tensor, Tensor];
  };
  return { model, optimizer, data: data(200), validation: data(64), loss: nn.functional.mseLoss };
}

describe('train', () => {
  it('trains, measures, and tells', async () => {
    const { model, optimizer, data, validation, loss } = problem();
    const told: EpochResult[] = [];
    const options = {
      loss,
      optimizer,
      validation,
      batchSize: 16,
      epochs: 6,
      onEpoch: (one: EpochResult) => told.push(one),
    };
    const history = await train(model, data, options);
    expect(history).toEqual(told);
    expect(history.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(history.at(-1)!.loss).toBeLessThan(history[0]!.loss);
    expect(history.at(-1)!.validationLoss).toBeLessThan(history[0]!.validationLoss!);
    expect(model.training).toBe(true);
  });

  it('measures every example of the validation data alike, the last, smaller batch too, in the modes that modules were in', async () => {
    const { model, optimizer, data, loss } = problem();
    model[2].eval();
    const [x, y] = [randn([10, 3]), randn([10, 1]).mul(9)];
    const [result] = await train(model, data, { loss, optimizer, validation: [x, y], batchSize: 8 });
    expect(model.modules().map(({ training }) => training)).toEqual([true, true, true, false, true]);
    model.eval();
    expect(result!.validationLoss).toBeCloseTo(loss(model.forward(x), y).item(), 4);
  });

  it('takes validation data that make their own batches', async () => {
    const { model, optimizer, data, loss } = problem();
    const [x, y] = [randn([10, 3]), randn([10, 1])];
    const [result] = await train(model, data, { loss, optimizer, validation: [[x, y]], batchSize: 8 });
    model.eval();
    expect(result!.validationLoss).toBeCloseTo(loss(model.forward(x), y).item(), 4);
  });

  it('stops when nothing gets better, with the best weights', async () => {
    const { model, optimizer, data, validation, loss } = problem();
    const seen: string[][] = [];
    const history = await train(model, data, {
      loss,
      optimizer,
      validation,
      batchSize: 16,
      epochs: 50,
      patience: 3,
      onEpoch: ({ epoch }) => {
        seen.push(bits(model));
        if (epoch === 2) optimizer.paramGroups[0]!.lr = 3;
      },
    });
    const losses = history.map(({ validationLoss }) => validationLoss!);
    const best = losses.indexOf(Math.min(...losses.filter(Number.isFinite)));
    expect(history.length).toBe(best + 1 + 3);
    expect(bits(model)).toEqual(seen[best]);
  });

  describe('trains in training mode', () => {
    /** The bits after two epochs, and the modes then. */
    async function trained(prepare: (model: ReturnType<typeof problem>['model']) => void, wrong = false) {
      const { model, optimizer, data, validation, loss } = problem();
      prepare(model);
      const seen: boolean[] = [];
      const onEpoch = () => {
        seen.push(model.training);
        // Whoever looks at the model between epochs may forget to switch back.
        model.eval();
        if (wrong) throw new Error('wrong');
      };
      const done = train(model, data, { loss, optimizer, validation, batchSize: 16, epochs: 2, onEpoch });
      if (wrong) await expect(done).rejects.toThrow('wrong');
      else await done;
      return { bits: bits(model), modes: model.modules().map(({ training }) => training), seen };
    }

    it('a model that is in evaluation mode, and puts it back', async () => {
      const [plain, switched] = [await trained(() => {}), await trained((model) => model.eval())];
      expect(switched.bits).toEqual(plain.bits);
      expect(switched.modes).toEqual([false, false, false, false, false]);
      expect(switched.seen).toEqual([true, true]);
      expect((await trained((model) => model.eval(), true)).modes).toEqual([false, false, false, false, false]);
    });

    it('but for parts that are in evaluation mode by themselves', async () => {
      const [plain, without] = [await trained(() => {}), await trained((model) => model[2].eval())];
      expect(without.bits).not.toEqual(plain.bits);
      const { model, optimizer, data, validation, loss } = problem();
      model[2].eval();
      await train(model, data, { loss, optimizer, validation, batchSize: 16, epochs: 2 });
      expect(bits(model)).toEqual(without.bits);
      expect(model.modules().map(({ training }) => training)).toEqual([true, true, true, false, true]);
    });
  });

  it('refuses an optimizer of another model, but not one of some parameters, or beside a frozen model', async () => {
    const { model, data, loss } = problem();
    const other = new nn.Linear(1, 1);
    const others = () => new optim.SGD(other.parameters(), { lr: 0.1 });
    await expect(train(model, data, { loss, optimizer: others(), batchSize: 50 })).rejects.toThrow(
      /^train: the optimizer has none of the model's parameters/,
    );
    const head = new optim.SGD(model[3].parameters(), { lr: 0.1 });
    expect(await train(model, data, { loss, optimizer: head, batchSize: 50 })).toHaveLength(1);
    model.requiresGrad_(false);
    const probe = (x: Tensor, y: Tensor) => loss(other.forward(x), y);
    expect(await train(model, data, { loss: probe, optimizer: others(), batchSize: 50 })).toHaveLength(1);
  });

  it('refuses what makes no sense', async () => {
    const { model, optimizer, data, loss } = problem();
    await expect(train(model, data, { loss, optimizer, patience: 2 })).rejects.toThrow(ValueError);
    await expect(train(model, data, undefined as never)).rejects.toThrow(
      /train: loss must be a function, got undefined/,
    );
    await expect(train(model, data, null as never)).rejects.toThrow(ValueError);
    await expect(train(3 as never, data, { loss, optimizer })).rejects.toThrow('train: model must be a Module, got 3');
    await expect(train(model, 3 as never, { loss, optimizer })).rejects.toThrow('train: data must be tensors');
    await expect(train(model, data, { loss, optimizer, progressInterval: 2 ** 31 })).rejects.toThrow(
      /progressInterval/,
    );
    await expect(train(model, data, { loss } as never)).rejects.toThrow(/train: optimizer must be an Optimizer/);
    await expect(train(model, data, { loss, optimizer, epoch: 2 } as never)).rejects.toThrow(/did you mean 'epochs'/);
    await expect(train(model, data, { loss: 3, optimizer } as never)).rejects.toThrow(/train: loss/);
    await expect(train(model, data, { loss, optimizer, batchSize: 0 })).rejects.toThrow(ValueError);
  });
});
