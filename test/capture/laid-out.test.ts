import { capture, manualSeed, nn, noGrad, ones, optim, rand, randn, type Tensor, zeros } from 'nabla';
import { describe, expect, it } from 'vitest';
import { expectSame } from './same.js';

describe('weights that are only read', () => {
  const setUp = () => {
    manualSeed(3);
    const model = new nn.Sequential(new nn.Linear(40, 30), new nn.Tanh(), new nn.Linear(30, 3));
    const plain = (x: Tensor) => noGrad(() => model.forward(x));
    return { model, plain, predict: capture(plain) };
  };

  it('are laid out for small batches, each once for each program, with the same bits', () => {
    const { model, plain, predict } = setUp();
    for (const size of [1, 2, 32, 33, 1, 2, 32, 33]) {
      const x = randn([size, 40]);
      expectSame(predict(x), plain(x));
    }
    const bytes = (40 * 30 + 30 * 3) * 4;
    const kept = predict.stats.map(({ laidOutBytes }) => laidOutBytes);
    expect(kept.slice(0, 3).every((each) => each >= bytes && each < bytes + 128)).toBe(true);
    expect(kept[3]).toBe(0);
    expect(`${predict}`).toMatch(/in0 float32\[1, 40\], Sequential\.0\.weight laid out float32\[40, 30\]/);
    const twice = capture((x: Tensor) => noGrad(() => model[2].forward(x).add(model[2].forward(x.neg()))));
    const x = randn([1, 30]);
    twice(x);
    expectSame(twice(x), model[2].forward(x).add(model[2].forward(x.neg())).detach());
    expect(twice.stats[0]!.laidOutBytes).toBe(384);
  });

  it('may change between calls: in place, by another step, in the background', async () => {
    const { model, plain, predict } = setUp();
    const x = randn([1, 40]);
    const check = () => expectSame(predict(x), plain(x));
    check();
    check();
    noGrad(() => model[0].weight.mul_(2));
    check();
    noGrad(() => model[2].weight.select(0, 1).fill_(0.5));
    check();
    nn.init.xavierUniform_(model[0].weight);
    check();
    model.loadStateDict(new nn.Sequential(new nn.Linear(40, 30), new nn.Tanh(), new nn.Linear(30, 3)).stateDict());
    check();
    const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 });
    const step = (x: Tensor, y: Tensor) => {
      optimizer.zeroGrad();
      const loss = nn.functional.mseLoss(model.forward(x), y);
      loss.backward();
      optimizer.step();
      return loss;
    };
    step(x, ones([1, 3]));
    check();
    const captured = capture(step);
    for (let i = 0; i < 3; i++) {
      captured(x, ones([1, 3]));
      check();
    }
    const running = captured.run([randn([64, 40]), rand([64, 3])], { batchSize: 8, epochs: 2 });
    await running;
    check();
  });

  it('are refused if their data were replaced', () => {
    const { model, predict } = setUp();
    predict(ones([1, 40]));
    predict(ones([1, 40]));
    model[2].weight.data = ones([3, 30]);
    expect(() => predict(ones([1, 40]))).toThrow(/the data of Sequential\.2\.weight was replaced.*reset\(\)/);
  });
});

describe('weights that several products read before they change', () => {
  const setUp = () => {
    manualSeed(5);
    const cell = new nn.RNNCell(6, 20);
    return { cell, optimizer: new optim.SGD(cell.parameters(), { lr: 0.1 }) };
  };
  const steps =
    ({ cell, optimizer }: ReturnType<typeof setUp>) =>
    (x: Tensor) => {
      optimizer.zeroGrad();
      let h = zeros([x.shape[1]!, 20]);
      for (const part of x.unbind()) h = cell.forward(part, h);
      const loss = h.square().sum();
      loss.backward();
      optimizer.step();
      return loss;
    };
  const laidOut = (text: string) => text.match(/laid out/g)?.length ?? 0;

  it.each([
    [5, 3, 1],
    [5, 32, 1],
    [5, 33, 0],
    [2, 3, 0],
  ])('are laid out once a call, with the same bits: %i steps of %i rows', (time, rows, times) => {
    const [captured, plain] = [capture(steps(setUp())), steps(setUp())];
    for (let i = 0; i < 4; i++) {
      const x = randn([time, rows, 6]);
      expectSame(captured(x), plain(x));
    }
    // Of both weights of a cell.
    expect(laidOut(`${captured}`)).toBe(2 * times);
  });

  it('are laid out again after they were written', () => {
    const changing =
      ({ cell }: ReturnType<typeof setUp>) =>
      (x: Tensor) =>
        noGrad(() => {
          let h = zeros([4, 20]);
          for (const [time, part] of x.unbind().entries()) {
            h = cell.forward(part, h);
            if (time === 3) cell.weightHh.mul_(0.5);
          }
          return h;
        });
    const [captured, plain] = [capture(changing(setUp())), changing(setUp())];
    for (let i = 0; i < 3; i++) {
      const x = randn([8, 4, 6]);
      expectSame(captured(x), plain(x));
    }
    // Four products before and four after; the other weight never changes, and is kept.
    expect(laidOut(`${captured}`.replace(/weight_ih laid out/g, ''))).toBe(2);
  });
});
