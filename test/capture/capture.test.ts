import {
  type Captured,
  CaptureError,
  capture,
  cat,
  Generator,
  grad,
  manualSeed,
  nn,
  noGrad,
  ones,
  optim,
  rand,
  randn,
  stack,
  type Tensor,
  tensor,
  ValueError,
  where,
  zeros,
} from 'nabla';
import { describe, expect, it } from 'vitest';
import { expectSame } from './same.js';

const int = (values: number[]) => tensor(values, { dtype: 'int32' });

interface Training {
  readonly model: nn.Module;
  readonly step: (x: Tensor, y: Tensor) => Tensor;
}

interface TrainingOptions {
  readonly layers?: () => nn.Layer[];
  readonly sgd?: Partial<optim.SGDOptions>;
  readonly loss?: (output: Tensor, target: Tensor) => Tensor;
}

function training({ layers, sgd = { lr: 0.1 }, loss = nn.functional.mseLoss }: TrainingOptions = {}): Training {
  manualSeed(1);
  const model = new nn.Sequential(
    ...(layers?.() ?? [new nn.Linear(4, 5), new nn.Tanh(), new nn.Linear(5, 2), new nn.Sigmoid()]),
  );
  const optimizer = new optim.SGD(model.parameters(), sgd);
  const step = (x: Tensor, y: Tensor): Tensor => {
    const value = loss(model.forward(x), y);
    optimizer.zeroGrad();
    value.backward();
    optimizer.step();
    return value;
  };
  return { model, step };
}

/** Trains twice, once captured, on batches of which the last is smaller; everything must agree to the bit. */
function expectSameTraining(make: () => Training, batch = (size: number) => [randn([size, 4]), rand([size, 2])]): void {
  const losses = [false, true].map((captured) => {
    const { model, step } = make();
    const run = captured ? capture(step) : step;
    manualSeed(2);
    const values: Tensor[] = [];
    for (let i = 0; i < 12; i++) {
      const [x, y] = batch(i % 4 === 3 ? 3 : 7) as [Tensor, Tensor];
      values.push(run(x, y));
    }
    return [...values, ...Object.values(model.stateDict()), rand([3])];
  });
  losses[0]!.forEach((value, i) => {
    expectSame(losses[1]![i]!, value);
  });
}

it('replays passes that leave gradients on tensors made inside, such as that of a gradient penalty', () => {
  const layer = new nn.Linear(2, 1);
  const step = (x: Tensor) => {
    layer.zeroGrad();
    const input = x.detach().requiresGrad_();
    const [slope] = grad(layer.forward(input).square().sum(), input, { createGraph: true });
    slope!.square().sum().backward();
    return [layer.weight.grad!.clone(), input.grad!.clone()];
  };
  const captured = capture(step);
  for (let i = 0; i < 4; i++) {
    const x = randn([3, 2]);
    for (const [j, found] of captured(x).entries()) expectSame(found, step(x)[j]!);
  }
  expect(captured.stats).toHaveLength(1);
});

describe('a captured step', () => {
  it('trains as the eager one does', () => {
    expectSameTraining(() => training());
  });

  it.each([
    { lr: 0.05, momentum: 0.9 },
    { lr: 0.05, momentum: 0.9, dampening: 0.3, weightDecay: 0.01 },
    { lr: 0.05, momentum: 0.9, nesterov: true, maximize: true },
    { lr: tensor(0.03), weightDecay: 0.1 },
  ])('trains as the eager one does with SGD %j', (sgd) => {
    expectSameTraining(() => training({ sgd }));
  });

  it('draws what the eager one draws', () => {
    const layers = () => [new nn.Linear(4, 64), new nn.Dropout(0.4), new nn.ReLU(), new nn.Linear(64, 2)];
    expectSameTraining(() => training({ layers }));
  });

  it('keeps to the mode that modules are in', () => {
    const model = new nn.Sequential(new nn.Linear(3, 40), new nn.Dropout(0.5));
    const forward = capture((x: Tensor) => model.forward(x));
    const x = randn([2, 3]);
    for (const mode of [true, false, true, false]) {
      model.train(mode);
      const state = new Generator().getState();
      manualSeed(3).setState(state);
      const captured = forward(x);
      manualSeed(3).setState(state);
      expectSame(captured, model.forward(x).detach());
    }
    expect(forward.stats).toHaveLength(2);
  });

  it('follows rates that change, without being recorded again', () => {
    const { model } = training();
    const optimizer = new optim.SGD(model.parameters(), { lr: 0.5 });
    const update = capture((x: Tensor) => {
      optimizer.zeroGrad();
      const loss = model.forward(x as never) as Tensor;
      loss.sum().backward();
      optimizer.step();
      return loss;
    });
    const x = randn([3, 4]);
    update(x);
    optimizer.paramGroups[0]!.lr = 0;
    const before = model.parameters().map((p) => p.detach().clone());
    update(x);
    model.parameters().forEach((p, i) => {
      expectSame(p.detach(), before[i]!);
    });
    expect(update.stats).toHaveLength(1);
  });

  it('takes targets of classes, and counts those that are ignored again', () => {
    const layers = () => [new nn.Linear(4, 6), new nn.ReLU(), new nn.Linear(6, 3)];
    const loss = (output: Tensor, target: Tensor) => nn.functional.crossEntropy(output, target);
    const classes = (size: number) => {
      const drawn = rand([size]).mul(4).floor().sub(1);
      return [randn([size, 4]), where(drawn.lt(0), -100, drawn).to('int32')];
    };
    expectSameTraining(() => training({ layers, loss }), classes);
  });
});

describe('what goes in and comes out', () => {
  it('keeps earlier results as they were', () => {
    const double = capture((x: Tensor) => x.mul(2));
    const results = [1, 2, 3].map((value) => double(tensor([value, value])));
    expect(results.map((result) => result.toArray())).toEqual([
      [2, 2],
      [4, 4],
      [6, 6],
    ]);
  });

  it('takes nested arguments and returns nested results, other values being part of the case', () => {
    const f = capture((batch: { x: Tensor[]; scale: number }) => ({
      sum: batch.x[0]!.add(batch.x[1]!),
      n: batch.scale,
    }));
    for (const scale of [1, 2, 1]) {
      const { sum, n } = f({ x: [ones([2]), tensor(scale)], scale });
      expect(sum.toArray()).toEqual([1 + scale, 1 + scale]);
      expect(n).toBe(scale);
    }
    expect(f.stats).toHaveLength(2);
  });

  it('takes views of any layout', () => {
    const f = capture((x: Tensor) => x.mul(3).sum(1));
    for (let i = 0; i < 3; i++) {
      const x = randn([5, 4]).transpose(0, 1);
      expectSame(f(x), x.mul(3).sum(1));
      const y = randn([6, 5]).narrow(0, i, 4);
      expectSame(f(y), y.mul(3).sum(1));
    }
  });

  it('returns arguments, views of them, and outer tensors as they are', () => {
    const outer = ones([2]);
    const f = capture((x: Tensor) => [x, x.narrow(0, 1, 1), outer] as const);
    for (let i = 0; i < 3; i++) {
      const x = tensor([i, i + 1]);
      const [same, part, other] = f(x);
      expect([same.toArray(), part.toArray(), other]).toEqual([[i, i + 1], [i + 1], outer]);
    }
  });

  it('changes arguments in place', () => {
    const f = capture((x: Tensor) => {
      x.add_(1);
    });
    for (let i = 0; i < 3; i++) {
      const x = zeros([3]);
      f(x);
      expect(x.toArray()).toEqual([1, 1, 1]);
    }
    for (const _ of ['recorded', 'replayed']) {
      const whole = zeros([2, 3]);
      f(whole.narrow(1, 1, 1).reshape([2]));
      expect(whole.toArray()).toEqual([
        [0, 1, 0],
        [0, 1, 0],
      ]);
    }
  });

  it('counts as a change of its arguments, and keeps those that it changes apart from others', () => {
    const f = capture((x: Tensor, y: Tensor) => {
      x.add_(y);
      return x.mul(y);
    });
    f(zeros([3]), ones([3]));
    const w = ones([3], { requiresGrad: true });
    const x = zeros([3]);
    const saved = w.mul(x).sum();
    f(x, ones([3]));
    expect(() => saved.backward()).toThrow(/was changed in place by the captured function/);
    const recorded = capture((x: Tensor) => x.add_(1));
    const savedToo = w.mul(x).sum();
    recorded(x);
    expect(() => savedToo.backward()).toThrow(/was changed in place by add_/);
    const whole = zeros([6]);
    expect(f(whole.narrow(0, 0, 3), whole.narrow(0, 3, 3)).toArray()).toEqual([0, 0, 0]);
    expect(() => f(x, x)).toThrow(CaptureError);
    expect(() => f(whole.narrow(0, 0, 3), whole.narrow(0, 2, 3))).toThrow(/shares memory with tensor 1; pass a clone/);
  });

  it('draws from a generator of its own as from the first', () => {
    const draw = () => rand([3], { generator: new Generator(5) });
    const captured = capture(draw);
    for (let i = 0; i < 3; i++) expectSame(captured(), draw());
  });

  it('makes tensors of its own again each time, whatever it does to them', () => {
    const f = capture((x: Tensor) => {
      const sum = zeros([2]);
      sum.add_(x);
      sum.add_(tensor([10, 20]));
      return sum;
    });
    for (let i = 0; i < 3; i++) expect(f(tensor([i, i])).toArray()).toEqual([10 + i, 20 + i]);
  });

  it('changes outer tensors in place, as running statistics do', () => {
    const [mean, other] = [zeros([2]), zeros([2])];
    const update = (into: Tensor) => (x: Tensor) => {
      noGrad(() => into.mul_(0.9).add_(x.mean(0).mul(0.1)));
    };
    const [eager, captured] = [update(mean), capture(update(other))];
    for (let i = 0; i < 4; i++) {
      const x = randn([8, 2]);
      eager(x);
      captured(x);
    }
    expectSame(other, mean);
  });
});

describe('gradients', () => {
  const loss = (model: nn.Linear, x: Tensor) => model.forward(x).square().mean();

  it('accumulate over micro-batches and are used outside', () => {
    const [a, b] = [0, 1].map(() => {
      manualSeed(7);
      return new nn.Linear(3, 2);
    }) as [nn.Linear, nn.Linear];
    const accumulate = capture((x: Tensor) => {
      const value = loss(b, x);
      value.backward();
      return value;
    });
    const optimizers = [a, b].map((model) => new optim.SGD(model.parameters(), { lr: 0.1 }));
    for (let i = 0; i < 3; i++) {
      for (let j = 0; j < 3; j++) {
        const x = randn([4, 3]);
        loss(a, x).backward();
        accumulate(x);
        expectSame(b.weight.grad!, a.weight.grad!);
      }
      for (const optimizer of optimizers) {
        optimizer.step();
        optimizer.zeroGrad();
      }
      expectSame(b.weight.detach(), a.weight.detach());
    }
  });

  it('that a step used up say so', () => {
    const { model, step } = training();
    const captured = capture(step);
    for (let i = 0; i < 3; i++) {
      captured(randn([2, 4]), rand([2, 2]));
      const [weight] = model.parameters();
      expect(() => weight!.grad).toThrow(/captured function/);
      if (i === 1) step(randn([2, 4]), rand([2, 2]));
      if (i === 1) expect(weight!.grad).not.toBeNull();
    }
  });

  it('can be returned', () => {
    const w = tensor([1, 2], { requiresGrad: true });
    const f = capture((x: Tensor) => {
      const value = w.mul(x).square().sum();
      return grad(value, w)[0]!;
    });
    for (let i = 0; i < 3; i++) {
      const x = randn([2]);
      expectSame(f(x), grad(w.mul(x).square().sum(), w)[0]!);
    }
  });

  it('are clipped and used within', () => {
    const clip = (parameters: readonly Tensor[], most: number) => {
      const norms = parameters.map((p) => p.grad!.square().sum());
      const total = norms.reduce((sum, one) => sum.add(one)).sqrt();
      const scale = where(total.gt(most), tensor(most).div(total), 1);
      for (const p of parameters) p.grad!.mul_(scale);
    };
    expectSameTraining(() => {
      manualSeed(9);
      const model = new nn.Linear(4, 2);
      const optimizer = new optim.SGD(model.parameters(), { lr: 0.1, momentum: 0.5 });
      const step = (x: Tensor, y: Tensor) => {
        optimizer.zeroGrad();
        const value = nn.functional.mseLoss(model.forward(x), y);
        value.backward();
        noGrad(() => clip(model.parameters(), 0.1));
        optimizer.step();
        return value;
      };
      return { model, step };
    });
  });
});

describe('the program', () => {
  it('is fused: the seed program takes eleven instructions', () => {
    manualSeed(0);
    const model = new nn.Sequential(
      new nn.Linear(4, 3),
      new nn.Sigmoid(),
      new nn.Linear(3, 2),
      new nn.Sigmoid(),
      new nn.Linear(2, 1),
      new nn.Sigmoid(),
    );
    for (const layer of [model[0], model[2], model[4]]) layer.bias.data = tensor(5.5);
    const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 });
    const step = capture((x: Tensor, y: Tensor) => {
      const loss = nn.functional.mseLoss(model.forward(x), y);
      optimizer.zeroGrad();
      loss.backward();
      optimizer.step();
      return loss;
    });
    step(randn([100, 4]), rand([100, 1]));
    const [stats] = step.stats;
    expect(stats).toMatchObject({ recorded: 25, instructions: 11 });
    expect(stats!.arenaBytes).toBeLessThan(stats!.temporaryBytes);
    expect(`${step}`).toMatch(/matmul addBias\+sigmoid +in0 float32\[100, 4\], Sequential.0.weight/);
  });

  it('writes what cat and stack join where it belongs', () => {
    const parts = (x: Tensor): Tensor[] => [x.sin(), x.exp().mul(2), x];
    for (const join of [
      (x: Tensor) => cat(parts(x)),
      (x: Tensor) => cat(parts(x), 1),
      (x: Tensor) => stack(parts(x)),
      (x: Tensor) => stack(parts(x), 2),
      (x: Tensor) => stack([...parts(x), cat(parts(x), 1).sum(1, true).expand([4, 6])], 1),
    ]) {
      const f = capture(join);
      for (let i = 0; i < 3; i++) {
        const x = randn([4, 6]);
        expectSame(f(x), join(x));
      }
      expect(f.stats[0]!.instructions).toBeLessThanOrEqual(3);
    }
    const joined = capture((x: Tensor) => cat(parts(x), 1));
    for (let i = 0; i < 2; i++) joined(randn([4, 6]));
    expect(joined.stats[0]).toMatchObject({ instructions: 1 });
  });

  it('takes bias and activation along with a convolution, to the same bits', () => {
    const layer = new nn.Conv2d(3, 5, 3, { padding: 1 });
    const forward = (x: Tensor) => layer.forward(x).relu().mul(2);
    const f = capture(forward);
    const x = randn([2, 3, 9, 7]);
    f(x);
    expect(f(x).equal(forward(x))).toBe(true);
    expect(f.stats[0]).toMatchObject({ recorded: 3, instructions: 1 });
    expect(`${f}`).toMatch(/convolve convolve\+bias\+relu\+mul +in0 float32\[2, 3, 9, 7\], Conv2d.weight/);
  });

  it('does not let a convolution write what it reads', () => {
    const w = randn([3, 3, 3, 3]);
    const step = (x: Tensor) => x.copy_(nn.functional.conv2d(x, w, { padding: 1 }).tanh());
    const [mine, captured] = [randn([2, 3, 8, 8]), zeros([2, 3, 8, 8])];
    captured.copy_(mine);
    const f = capture(() => step(captured).clone());
    for (let i = 0; i < 3; i++) expect(f().equal(step(mine))).toBe(true);
  });

  it('does not compute what nobody sees', () => {
    const f = capture((x: Tensor) => {
      x.exp().sum();
      return x.neg();
    });
    f(ones([2]));
    expect(f.stats[0]).toMatchObject({ recorded: 3, instructions: 1 });
  });
});

describe('refusals', () => {
  const refused = (fn: () => unknown, message: RegExp) => {
    let error: unknown;
    try {
      fn();
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(CaptureError);
    expect((error as CaptureError).code).toBe('ERR_NABLA_CAPTURE');
    expect((error as CaptureError).message).toMatch(message);
  };

  it.each<[string, (x: Tensor) => unknown]>([
    ['item', (x) => x.sum().item()],
    ['toArray', (x) => x.toArray()],
    ['toTypedArray', (x) => x.toTypedArray()],
    ['toString', (x) => `${x}`],
  ])('of reading a value: %s', (name, fn) => {
    refused(() => capture(fn, { name: 'peek' })(ones([1])), new RegExp(`^${name}: .*captured peek.*where\\(\\)`));
  });

  it('leave everything as it was', () => {
    const f = capture((x: Tensor) => x.item());
    refused(() => f(ones([1])), /item/);
    expect(ones([2]).sum().item()).toBe(2);
    refused(() => f(ones([1])), /item/);
  });

  it('of a function that is not one, of options that do not exist, of a promise', () => {
    expect(() => capture(3 as never)).toThrow('capture: fn must be a function, got 3');
    expect(() => capture((x: Tensor) => x, null as never)).toThrow(ValueError);
    expect(() => capture((x: Tensor) => x, { maxPrograms: 0 })).toThrow(
      'capture: maxPrograms must be an integer, at least 1',
    );
    expect(() => Reflect.apply(capture((x: Tensor) => x).reset, undefined, [1])).toThrow(
      'reset: expected no arguments',
    );
    expect(() => capture((x: Tensor) => x, { nam: 'x' } as never)).toThrow(ValueError);
    refused(() => capture(async (x: Tensor) => x)(ones([1])), /synchronous/);
  });

  it('of nesting', () => {
    const inner = capture((x: Tensor) => x.mul(2), { name: 'inner' });
    inner(ones([1]));
    refused(() => capture((x: Tensor) => inner(x))(ones([1])), /captured inner was called inside another/);
    refused(() => capture((x: Tensor) => capture((y: Tensor) => y)(x))(ones([1])), /inside another/);
  });

  it('of a tensor from inside another', () => {
    let inside = zeros([1]);
    const f = capture(
      (x: Tensor) => {
        inside = x.mul(2);
        return inside.add(1);
      },
      { name: 'f' },
    );
    f(ones([1]));
    refused(
      () => capture((x: Tensor) => x.add(inside), { name: 'g' })(ones([1])),
      /captured g: a tensor from inside captured f/,
    );
    expect(inside.item()).toBe(2);
  });

  it('of seeding within', () => {
    refused(() => capture(() => manualSeed(1))(), /manualSeed/);
  });

  it('of arguments that require gradients', () => {
    refused(() => capture((x: Tensor) => x.sum())(ones([1], { requiresGrad: true })), /detach/);
  });

  const changed = (change: (model: nn.Sequential<[nn.Linear, nn.Tanh]>, step: Captured<[Tensor], Tensor>) => void) => {
    const model = new nn.Sequential(new nn.Linear(3, 2), new nn.Tanh());
    const optimizer = new optim.SGD(model.parameters());
    const step = capture((x: Tensor) => {
      optimizer.zeroGrad();
      const loss = model.forward(x).sum();
      loss.backward();
      optimizer.step();
      return loss;
    });
    step(ones([1, 3]));
    step(ones([1, 3]));
    change(model, step);
    return { model, optimizer, step };
  };

  it('of a parameter that was replaced', () => {
    const { step } = changed((model) => {
      model[0].weight = new nn.Parameter(ones([2, 3]));
    });
    refused(() => step(ones([1, 3])), /Sequential\.0 was changed.*reset\(\)/);
  });

  it('of data that were replaced, until it is reset', () => {
    const { step, model } = changed((model) => {
      model[0].weight.data = ones([2, 3]);
    });
    refused(() => step(ones([1, 3])), /the data of Sequential\.0\.weight was replaced.*reset\(\)/);
    step.reset();
    step(ones([1, 3]));
    step(ones([1, 3]));
    expect(model[0].weight.eq(1).all().item()).toBe(false);
  });

  it('of data that were replaced behind a view', () => {
    const views = [(w: Tensor) => w.t(), (w: Tensor) => w.detach().t(), (w: Tensor) => w.narrow(0, 0, 2).t()];
    for (const view of views) {
      const w = rand([2, 3]);
      const f = capture((x: Tensor) => x.matmul(view(w)));
      f(ones([1, 3]));
      f(ones([1, 3]));
      w.data = ones([2, 3]);
      refused(() => f(ones([1, 3])), /the data of a tensor of shape \[2, 3\] was replaced.*reset\(\)/);
    }
  });

  it('of another number of parameters', () => {
    const { step, optimizer } = changed(() => {});
    optimizer.addParamGroup({ params: [zeros([1], { requiresGrad: true })] });
    refused(() => step(ones([1, 3])), /the parameters of SGD.*reset\(\)/);
    const added = changed((model) => {
      Object.assign(model[0], { extra: new nn.Parameter(ones([1])) });
    });
    refused(() => added.step(ones([1, 3])), /Sequential\.0 was changed/);
  });

  it('of values that a check refuses, in a replay too', () => {
    const f = capture((x: Tensor, y: Tensor) => nn.functional.crossEntropy(x, y));
    f(ones([2, 3]), int([0, 2]));
    expect(() => f(ones([2, 3]), int([0, 3]))).toThrow(/crossEntropy: a target is out of range for 3 classes/);
    expect(f(ones([2, 3]), int([0, 1])).item()).toBeCloseTo(Math.log(3), 6);
    const g = capture((x: Tensor, i: Tensor) => x.indexSelect(0, i));
    g(ones([2, 3]), int([0, 1]));
    expect(() => g(ones([2, 3]), int([0, 2]))).toThrow(/gather: the index at position 3 is out of range/);
  });
});
