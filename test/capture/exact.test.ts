import {
  CaptureError,
  capture,
  elementwise,
  grad,
  manualSeed,
  nn,
  noGrad,
  ones,
  optim,
  rand,
  randn,
  type Tensor,
  tensor,
  train,
  where,
  zeros,
} from 'nabla';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { expectSame } from './same.js';

const int = (values: number[]) => tensor(values, { dtype: 'int32' });

/** Calls both on copies of the same state, again and again; results and state must agree to the bit. */
function expectSameAsPlain(
  fn: (...args: Tensor[]) => Tensor | Tensor[],
  make: () => Tensor[],
  { calls = 4 } = {},
): void {
  const captured = capture(fn);
  manualSeed(5);
  for (let i = 0; i < calls; i++) {
    const plainArgs = make();
    const capturedArgs = plainArgs.map((x) => copyAsItLies(x));
    const [expected, got] = [[fn(...plainArgs)].flat(), [captured(...capturedArgs)].flat()];
    expected.forEach((value, k) => {
      expectSame(got[k]!.detach(), value.detach());
    });
    plainArgs.forEach((value, k) => {
      expectSame(capturedArgs[k]!, value);
    });
  }
  expect(captured.stats.length).toBeGreaterThan(0);
}

/** A copy with the same strides: of a transposed matrix, a transposed one. */
const copyAsItLies = (x: Tensor): Tensor => (x.isContiguous() || x.ndim !== 2 ? x.clone() : x.t().clone().t());

describe('memory that is read and then written', () => {
  const sizes = [3, 40, 1500];

  it.each(sizes)('by a reduction, then in place (%i columns)', (n) => {
    const both = () => [randn([5, n])];
    expectSameAsPlain((x) => [x!.mean(0), x!.exp_()], both);
    expectSameAsPlain((x) => [x!.sum(1), x!.mul_(2)], both);
    expectSameAsPlain((x) => [x!.sum(), x!.sub_(x!.mean())], both);
    expectSameAsPlain((x) => [x!.softmax(1), x!.tanh_()], both);
    expectSameAsPlain((x) => [x!.max(), x!.argmax(1), x!.neg_()], both);
    expectSameAsPlain((x) => [x!.var(0), x!.copy_(x!.sub(x!.mean(1, { keepdim: true })))], both);
  });

  it('by statistics of parameters, before and after an update', () => {
    const make = () => {
      manualSeed(3);
      const model = new nn.Linear(20, 30);
      const sgd = new optim.SGD(model.parameters(), { lr: 0.1, momentum: 0.9 });
      return (x: Tensor) => {
        sgd.zeroGrad();
        const loss = model.forward(x).square().mean();
        loss.backward();
        const before = noGrad(() => [
          model.weight.square().sum(),
          model.weight.mean(0),
          model.weight.grad!.abs().max(),
        ]);
        sgd.step();
        const after = noGrad(() => [model.weight.square().sum(), model.weight.mean(1)]);
        return [loss, ...before, ...after];
      };
    };
    const [plain, captured] = [make(), capture(make())];
    for (let i = 0; i < 5; i++) {
      const x = randn([7, 20]);
      const got = captured(x);
      for (const [k, value] of plain(x).entries()) expectSame(got[k]!.detach(), value.detach());
    }
  });

  it.each([2, 17, 130])('by a product that is written over its operands (%i)', (n) => {
    const a = randn([n, n]);
    const square = () => [randn([n, n])];
    expectSameAsPlain((w) => w!.copy_(a.matmul(w!)), square);
    expectSameAsPlain((w) => w!.copy_(w!.matmul(a)), square);
    expectSameAsPlain((w) => w!.add_(w!.matmul(w!).mul(0.1)), square);
    expectSameAsPlain((w) => w!.copy_(w!.t().matmul(w!).tanh()), square);
  });

  it('by the state of a recurrence', () => {
    const [wx, wh, b] = [randn([6, 9]), randn([9, 9]), randn([9])];
    const make = (h: Tensor) => (x: Tensor) => h.copy_(x.matmul(wx).add(h.matmul(wh)).add(b).tanh()).clone();
    const [plain, captured] = [make(zeros([4, 9])), capture(make(zeros([4, 9])))];
    for (let i = 0; i < 5; i++) {
      const x = randn([4, 6]);
      expectSame(captured(x), plain(x));
    }
  });
});

describe('gradients through views and indices', () => {
  const [rows, columns] = [100, 120];
  const cases: Record<string, (y: Tensor) => Tensor> = {
    narrow: (y) => y.narrow(0, 3, 5),
    slice: (y) => y.slice(1, 2, 90, 3),
    select: (y) => y.select(1, 7),
    split: (y) => y.split(30)[1]!,
    chunk: (y) => y.chunk(7, 1)[2]!,
    unbind: (y) => y.unbind(0)[99]!,
    gather: (y) => y.gather(1, int([0, 5, 5]).expand([100, 3])),
    indexSelect: (y) => y.indexSelect(0, int([1, 1, 40])),
    'max(dim)': (y) => y.max(1).values,
    'min(dim)': (y) => y.min(0).values,
  };

  it.each(Object.entries(cases))('of %s, in replays too', (_, pick) => {
    const w = randn([rows, columns]).requiresGrad_();
    const fn = (x: Tensor) => grad(pick(w.mul(x)).square().sum(), w)[0]!;
    expectSameAsPlain(
      (x) => fn(x!),
      () => [randn([rows, columns])],
    );
  });
});

describe('gradients that others can see', () => {
  it('stay what they were when they were returned', () => {
    const w = randn([200, 200]).requiresGrad_();
    const sgd = new optim.SGD([w], { lr: 0.1 });
    const step = capture((x: Tensor) => {
      sgd.zeroGrad();
      const loss = x.matmul(w).sum();
      loss.backward();
      return { loss, all: [w.grad!, w.grad!.t()] };
    });
    const kept = [64, 64, 64, 32, 16].map((size) => step(randn([size, 200])).all);
    const before = kept.map((all) => all.map((one) => one.clone()));
    for (let i = 0; i < 3; i++) {
      step(randn([8 + i, 200]));
      ones([200, 200]);
    }
    kept.forEach((all, i) => {
      all.forEach((one, k) => {
        expectSame(one, before[i]![k]!);
      });
    });
  });

  it('of two leaves may be one tensor', () => {
    const [v, w] = [randn([200, 200]).requiresGrad_(), randn([200, 200]).requiresGrad_()];
    const step = capture((x: Tensor) => {
      v.grad = null;
      w.grad = null;
      w.mul(x).sum().backward();
      v.grad = w.grad;
      return x.sum();
    });
    for (let i = 0; i < 3; i++) step(ones([200, 200]));
    for (const leaf of [v, w]) new optim.SGD([leaf], { lr: 1 }).zeroGrad();
    const [a, b] = [zeros([200, 200]), ones([200, 200])];
    expect([a.sum().item(), b.sum().item()]).toEqual([0, 40000]);
  });

  it('cannot be dropped while a run accumulates them', async () => {
    const w = randn([200, 200]).requiresGrad_();
    const sgd = new optim.SGD([w], { lr: 0.1 });
    const step = capture((x: Tensor) => {
      const loss = x.matmul(w).tanh().sum();
      loss.backward();
      return loss;
    });
    for (let i = 0; i < 3; i++) step(randn([10, 200]));
    const run = step.run([randn([4000, 200])], { batchSize: 10 });
    expect(() => sgd.zeroGrad()).toThrow(
      /zeroGrad or an assignment to grad: a tensor here belongs to .* running in the background/,
    );
    expect(() => {
      w.grad = null;
    }).toThrow(CaptureError);
    await run;
    sgd.zeroGrad();
    expect(w.grad).toBeNull();
  });

  it('cannot be dropped by a function that is recorded while a run accumulates them', async () => {
    const w = randn([200, 200]).requiresGrad_();
    const sgd = new optim.SGD([w], { lr: 0.1 });
    const step = capture((x: Tensor) => {
      const loss = x.matmul(w).tanh().sum();
      loss.backward();
      return loss;
    });
    for (let i = 0; i < 3; i++) step(randn([10, 200]));
    const run = step.run([randn([4000, 200])], { batchSize: 10 });
    const dropping = capture((x: Tensor) => {
      sgd.zeroGrad();
      return x.sum();
    });
    expect(() => dropping(ones([2]))).toThrow(/running in the background/);
    await run;
    expect(dropping(ones([2])).item()).toBe(2);
  });

  it('may be set to something from outside, not to an argument', () => {
    const w = randn([3]).requiresGrad_();
    const g = tensor([1, 2, 3]);
    const fn = (x: Tensor) => {
      w.grad = g;
      w.mul(x).sum().backward();
      return x.sum();
    };
    const f = capture(fn);
    for (let i = 1; i < 4; i++) {
      w.grad = null;
      g.copy_(tensor([1, 2, 3]));
      f(tensor([i, i, i]));
      expect(w.grad).toBe(g);
      expect(g.toArray()).toEqual([1 + i, 2 + i, 3 + i]);
    }
    const toArgument = capture((x: Tensor) => {
      w.grad = x;
      return x.sum();
    });
    expect(() => toArgument(ones([3]))).toThrow(/gradient of a leaf was set to an argument/);
    w.grad = null;
  });

  it('accumulate in a run that begins without one', async () => {
    const data = randn([12, 5]);
    const setUp = () => {
      manualSeed(8);
      const w = randn([5, 3]).requiresGrad_();
      const step = (x: Tensor) => {
        const loss = x.matmul(w).square().sum();
        loss.backward();
        return loss;
      };
      return { w, step };
    };
    const [plain, background] = [setUp(), setUp()];
    const captured = capture(background.step);
    for (let epoch = 0; epoch < 3; epoch++) {
      plain.w.grad = null;
      background.w.grad = null;
      for (let i = 0; i < 12; i += 2) plain.step(data.narrow(0, i, 2));
      await captured.run([data], { batchSize: 2 });
      expectSame(background.w.grad!, plain.w.grad!);
    }
  });
});

describe('what is outside and changes', () => {
  const setUp = (captured: boolean) => {
    manualSeed(4);
    const model = new nn.Sequential(new nn.Linear(3, 4), new nn.Dropout(0.5), new nn.Linear(4, 1));
    const sgd = new optim.SGD(model.parameters(), { lr: 0.1 });
    const fn = (x: Tensor) => {
      sgd.zeroGrad();
      const loss = model.forward(x).square().mean();
      loss.backward();
      sgd.step();
      return loss;
    };
    return { model, sgd, step: captured ? capture(fn) : fn };
  };

  const expectSameWith = (change: (model: nn.Sequential<[nn.Linear, nn.Dropout, nn.Linear]>, call: number) => void) => {
    const [plain, captured] = [false, true].map((captured) => {
      const { model, step } = setUp(captured);
      manualSeed(6);
      const losses = Array.from({ length: 8 }, (_, i) => {
        change(model, i);
        return step(randn([5, 3]));
      });
      return [...losses, ...model.parameters()].map((x) => x.detach().clone());
    });
    plain!.forEach((value, i) => {
      expectSame(captured![i]!, value);
    });
  };

  it('parameters that are frozen and unfrozen', () => {
    expectSameWith((model, call) => {
      model[0].weight.requiresGrad = call % 4 < 2;
      model[2].requiresGrad_(call !== 5);
    });
  });

  // Those whose numbers depend on how often a parameter was changed, which then differs within a group.
  it.each([
    ['Adam', (of: Tensor[]) => new optim.Adam(of, { lr: 0.1 })],
    ['NAdam', (of: Tensor[]) => new optim.NAdam(of, { lr: 0.1 })],
    ['Adagrad', (of: Tensor[]) => new optim.Adagrad(of, { lr: 0.1, lrDecay: 0.1 })],
    ['ASGD', (of: Tensor[]) => new optim.ASGD(of, { lr: 0.1, lambd: 0.1 })],
    ['Adafactor', (of: Tensor[]) => new optim.Adafactor(of, { lr: 0.1 })],
  ] as const)('parameters of %s that are frozen and unfrozen, one by one and in the background', async (_, make) => {
    const frozen = [[], [0], [], [], [2], [0], [], [2], []];
    const setUp = () => {
      manualSeed(4);
      const model = new nn.Sequential(new nn.Linear(3, 4), new nn.Tanh(), new nn.Linear(4, 1));
      const optimizer = make(model.parameters());
      const step = (x: Tensor) => {
        optimizer.zeroGrad();
        const loss = model.forward(x).square().mean();
        loss.backward();
        optimizer.step();
        return loss;
      };
      const freeze = (call: number) => {
        for (const i of [0, 2] as const) model[i].requiresGrad_(!frozen[call]!.includes(i));
      };
      return { model, step, freeze };
    };
    const data = randn([6, 3]);
    const [plain, replayed, background] = [setUp(), setUp(), setUp()];
    const [step, run] = [capture(replayed.step), capture(background.step)];
    for (let call = 0; call < frozen.length; call++) {
      for (const one of [plain, replayed, background]) one.freeze(call);
      for (let i = 0; i < 6; i += 2) expectSame(step(data.narrow(0, i, 2)), plain.step(data.narrow(0, i, 2)));
      await run.run([data], { batchSize: 2 });
      for (const [i, parameter] of plain.model.parameters().entries()) {
        expectSame(replayed.model.parameters()[i]!.detach(), parameter.detach());
        expectSame(background.model.parameters()[i]!.detach(), parameter.detach());
      }
    }
  });

  it('gradients that are filled with zeros, by an optimizer or a module, inside, outside, and after plain steps', () => {
    const setUp = (captured: boolean) => {
      manualSeed(4);
      const model = new nn.Sequential(new nn.Linear(3, 4), new nn.Tanh(), new nn.Linear(4, 1));
      const adam = new optim.Adam(model.parameters(), { lr: 0.1 });
      const backward = (x: Tensor) => {
        const loss = model.forward(x).square().mean();
        loss.backward();
        adam.step();
        return loss;
      };
      const all = (x: Tensor) => {
        adam.zeroGrad({ setToNone: false });
        return backward(x);
      };
      const through = (x: Tensor) => {
        model.zeroGrad({ setToNone: false });
        return backward(x);
      };
      const [step, byModule, part] = captured
        ? [capture(all), capture(through), capture(backward)]
        : [all, through, backward];
      return { model, adam, all, step, byModule, part };
    };
    const [plain, captured] = [setUp(false), setUp(true)];
    const calls = 'step step plain step byModule byModule part outside part outside part step plain byModule'.split(
      ' ',
    );
    for (const call of calls) {
      const x = randn([5, 3]);
      const [expected, got] = [plain, captured].map((one) => {
        if (call === 'outside') one.adam.zeroGrad({ setToNone: false });
        if (call === 'plain') return one.all(x);
        return call === 'byModule' ? one.byModule(x) : call === 'part' ? one.part(x) : one.step(x);
      });
      expectSame(got!.detach(), expected!.detach());
      for (const [i, parameter] of plain.model.parameters().entries()) {
        expectSame(captured.model.parameters()[i]!.detach(), parameter.detach());
      }
    }
  });

  it('numbers of modules', () => {
    expectSameWith((model, call) => {
      Object.assign(model[1], { p: call < 4 ? 0.5 : 0 });
    });
  });

  it('modes that the function itself sets, and flags', () => {
    const { model } = setUp(false);
    const fn = (x: Tensor) => {
      model.eval();
      for (const p of model[0].parameters()) p.requiresGrad = false;
      const value = model.forward(x);
      model.train();
      for (const p of model[0].parameters()) p.requiresGrad = true;
      return value;
    };
    const f = capture(fn);
    for (let i = 0; i < 3; i++) {
      const x = randn([2, 3]);
      expectSame(f(x).detach(), fn(x).detach());
    }
    expect(f.stats).toHaveLength(1);
    const leaving = capture((x: Tensor) => {
      model.eval();
      return model.forward(x);
    });
    for (let i = 0; i < 3; i++) {
      model.train();
      leaving(randn([2, 3]));
      expect(model[1].training).toBe(false);
    }
    expect(leaving.stats).toHaveLength(1);
  });

  it('in onEpoch of run and of train', async () => {
    const data = [randn([6, 3]), randn([6, 1])];
    const weights = async (background: boolean) => {
      const { model, sgd } = setUp(false);
      for (const layer of model) if (layer instanceof nn.Dropout) layer.eval();
      const [first] = model.parameters();
      first!.requiresGrad = false;
      const seen: Tensor[] = [];
      const onEpoch = ({ epoch }: { epoch: number }) => {
        seen.push(first!.detach().clone());
        if (epoch === 2) first!.requiresGrad = true;
      };
      if (background) {
        await train(model, data, { loss: nn.functional.mseLoss, optimizer: sgd, batchSize: 3, epochs: 4, onEpoch });
      } else {
        for (let epoch = 1; epoch <= 4; epoch++) {
          for (const i of [0, 3]) {
            sgd.zeroGrad();
            nn.functional.mseLoss(model.forward(data[0]!.narrow(0, i, 3)), data[1]!.narrow(0, i, 3)).backward();
            sgd.step();
          }
          onEpoch({ epoch });
        }
      }
      return seen;
    };
    const [plain, background] = [await weights(false), await weights(true)];
    plain.forEach((value, i) => {
      expectSame(background[i]!, value);
    });
    expect(plain[0]!.eq(plain[3]!).all().item()).toBe(false);
  });

  it('requiresGrad that the function only looks at', () => {
    const w = randn([2]).requiresGrad_();
    const f = capture((x: Tensor) => (w.requiresGrad ? x.mul(2) : x.mul(3)));
    for (const flag of [true, false, true]) {
      w.requiresGrad = flag;
      expect(f(ones([1])).item()).toBe(flag ? 2 : 3);
    }
  });

  it('rates that become tensors, and numbers again', () => {
    const make = () => {
      const w = tensor([0]).requiresGrad_();
      const sgd = new optim.SGD([w], { lr: 0.1 });
      const step = () => {
        sgd.zeroGrad();
        const loss = w.mul(1).sum();
        loss.backward();
        sgd.step();
        return loss;
      };
      return { w, sgd, step };
    };
    const [plain, other] = [make(), make()];
    const captured = capture(other.step);
    const rate = tensor(0.5);
    for (const lr of [0.1, 0.1, rate, rate, 0.2, tensor(0.25), rate]) {
      for (const { sgd } of [plain, other]) sgd.paramGroups[0]!.lr = lr;
      plain.step();
      captured();
      expectSame(other.w.detach(), plain.w.detach());
    }
  });

  it('modules without parameters, and what modules keep in arrays and objects', () => {
    class Scaling extends nn.Module {
      scales = [2, 3];
      config = { shift: 1 };
      act: (x: Tensor) => Tensor = (x) => x.tanh();
      bias: Tensor | null = null;
      override forward(x: Tensor): Tensor {
        return this.act(x.mul(this.scales[0]!).add(this.config.shift)).add(this.bias ?? 0);
      }
    }
    const scaling = new nn.Sequential(new Scaling());
    const softmax = new nn.Softmax(1);
    const f = capture((x: Tensor) => softmax.forward(scaling.forward(x)));
    const check = () => {
      for (let i = 0; i < 2; i++) expectSame(f(x), softmax.forward(scaling.forward(x)));
    };
    const x = randn([3, 3]);
    check();
    scaling[0].scales[0] = 5;
    check();
    scaling[0].config.shift = 4;
    check();
    Object.assign(softmax, { dim: 0 });
    check();
    scaling[0].act = (y) => y.sin();
    expect(() => f(x)).toThrow(/was changed.*reset/);
    f.reset();
    check();
    scaling[0].bias = ones([3]);
    expect(() => f(x)).toThrow(/was changed.*reset/);
  });

  it('in modules of any class: without parameters, called by any method, with tensors that are no parameters', () => {
    class Scale extends nn.Module<[Tensor], Tensor> {
      factor = 2;
      by = ones([2]);
      get half(): number {
        return this.factor / 2;
      }
      override forward(x: Tensor): Tensor {
        return x.mul(this.factor);
      }
      twice(x: Tensor): Tensor {
        return this.forward(this.forward(x));
      }
      withTensor(x: Tensor): Tensor {
        return x.mul(this.by);
      }
    }
    class Named extends Scale {}
    const module = new Named();
    const { forward, twice } = Scale.prototype;
    const x = ones([2]);
    const [once, more] = [capture((x: Tensor) => module.forward(x)), capture((x: Tensor) => module.twice(x))];
    const own = new Scale();
    own.forward = (x) => x.div(own.factor);
    const assigned = capture((x: Tensor) => own.forward(x));
    const direct = capture((x: Tensor) => x.mul(module.by));
    const halved = capture((x: Tensor) => x.mul(module.half));
    const method = capture((x: Tensor) => module.withTensor(x));
    for (const factor of [2, 2, 3, 3, 2]) {
      module.factor = factor;
      own.factor = factor;
      expectSame(once(x), module.forward(x));
      expectSame(more(x), module.twice(x));
      expectSame(assigned(x), own.forward(x));
      expectSame(direct(x), x.mul(module.by));
      expectSame(halved(x), x.mul(module.half));
      expectSame(method(x), module.withTensor(x));
    }
    expect(once.stats).toHaveLength(2);
    expect([Scale.prototype.forward, Scale.prototype.twice]).toEqual([forward, twice]);
    module.by = ones([2]).mul(5);
    expect(() => direct(x)).toThrow(/was changed.*reset/);
    expect(() => method(x)).toThrow(/was changed.*reset/);
  });

  it('and whose names are: a part under another name, or a number that became negative zero, is not what it was', () => {
    class Choosing extends nn.Module<[Tensor], Tensor> {
      declare first?: Tensor;
      declare second?: Tensor;
      slope = 0;
      override forward(x: Tensor): Tensor {
        const chosen = 'first' in this ? this.first! : this.second!.neg();
        return x.mul(chosen).div(this.slope);
      }
    }
    const module = new Choosing();
    const part = ones([2]);
    module.first = part;
    const f = capture((x: Tensor) => module.forward(x));
    const x = ones([2]);
    for (let i = 0; i < 2; i++) expectSame(f(x), module.forward(x));
    module.slope = -0;
    for (let i = 0; i < 2; i++) expectSame(f(x), module.forward(x));
    delete module.first;
    module.second = part;
    expect(() => f(x)).toThrow(/was changed.*reset/);
    f.reset();
    expectSame(f(x), module.forward(x));
    // In another order it is the same.
    const { slope } = module;
    Reflect.deleteProperty(module, 'slope');
    module.slope = slope;
    expectSame(f(x), module.forward(x));
  });

  it('but not what is no group of an optimizer that it does not use', () => {
    const unused = new optim.SGD([ones([1]).requiresGrad_()]);
    unused.paramGroups.push(null as never);
    expect(capture((x: Tensor) => x.mul(2))(ones([1])).item()).toBe(2);
    unused.paramGroups.pop();
  });

  it('fields of an optimizer of its own', () => {
    class Slowing extends optim.SGD {
      steps = 0;
      override step(): undefined {
        this.steps++;
        this.paramGroups[0]!.params[0]!.grad!.div_(this.steps);
        super.step();
      }
    }
    const w = ones([2]).requiresGrad_();
    const slowing = new Slowing([w]);
    const f = capture(() => {
      slowing.zeroGrad();
      w.sum().backward();
      slowing.step();
    });
    f();
    expect(() => f()).toThrow(/steps of Slowing was set inside/);
  });

  it('data that are another view of the same memory are refused', () => {
    const w = randn([3, 3]);
    const f = capture((x: Tensor) => x.matmul(w));
    f(ones([1, 3]));
    w.data = w.data.t();
    expect(() => f(ones([1, 3]))).toThrow(/the data of a tensor of shape \[3, 3\] was replaced/);
  });

  it('a gradient that is replaced by another view of the same memory', () => {
    const w = randn([3, 3]).requiresGrad_();
    const f = capture(() => w.grad!.mul(1));
    const g = randn([3, 3]);
    for (const value of [g, g, g.t(), g]) {
      w.grad = value;
      expectSame(f(), value.mul(1));
    }
  });
});

describe('arguments other than tensors', () => {
  it('may be changed in place: typed arrays, maps, sets, dates, objects of classes', () => {
    class Scale {
      by = 2;
      readonly nested = { also: [1] };
    }
    const bag = {
      array: new Float32Array([1, 2]),
      map: new Map([['k', 3]]),
      set: new Set([1, 2]),
      date: new Date(5),
      scale: new Scale(),
    };
    const fn = (x: Tensor, { array, map, set, date, scale }: typeof bag) =>
      x
        .add(tensor(array).sum())
        .mul(map.get('k')!)
        .add(set.size)
        .add(date.getTime())
        .mul(scale.by)
        .add(scale.nested.also[0]!);
    const f = capture(fn);
    const changes = [
      () => {},
      () => bag.array.fill(7),
      () => bag.map.set('k', 5),
      () => bag.set.add(9),
      () => bag.date.setTime(8),
      () => {
        bag.scale.by = 3;
      },
      () => bag.scale.nested.also.fill(4),
    ];
    for (const change of changes) {
      change();
      expectSame(f(ones([2]), bag), fn(ones([2]), bag));
      expectSame(f(ones([2]), bag), fn(ones([2]), bag));
    }
    expect(f.stats).toHaveLength(changes.length);
  });

  it('may go by the order of names', () => {
    const fn = (o: Record<string, Tensor>) => Object.values(o).reduce((p, q) => p.mul(2).add(q));
    const f = capture(fn);
    const [a, b] = [tensor([1]), tensor([2])];
    for (const o of [
      { a, b },
      { b, a },
      { a, b },
    ])
      expectSame(f(o), fn(o));
  });

  it('may have holes', () => {
    const f = capture((list: (number | undefined)[], x: Tensor) => x.mul(list.length));
    const holes = new Array<number>(3);
    for (let i = 0; i < 3; i++) expect(f(holes, ones([1])).item()).toBe(3);
    expect(f.stats).toHaveLength(1);
  });

  it('may have tensors in maps and sets, and come back in them', () => {
    const fn = (batch: Map<string, Tensor>) =>
      new Map([['sum', batch.get('a')!.add([...new Set(batch.values())][1]!)]]);
    const f = capture(fn);
    for (let i = 0; i < 3; i++) {
      const batch = new Map([
        ['a', tensor([i])],
        ['b', tensor([10 * i])],
      ]);
      expect(f(batch).get('sum')!.toArray()).toEqual([11 * i]);
    }
    expect(f.stats).toHaveLength(1);
  });

  it('that the function itself changes are refused', () => {
    const refused = (fn: (batch: { x: Tensor; list: number[]; bytes: Uint8Array }) => unknown) =>
      expect(() => capture(fn)({ x: ones([2]), list: [1], bytes: new Uint8Array(2) })).toThrow(
        /changed its arguments by JavaScript/,
      );
    refused((batch) => batch.list.push(2));
    refused((batch) => {
      batch.x = batch.x.mul(2);
    });
    refused((batch) => batch.bytes.fill(1));
  });

  it('lie as they lie: a view of a transposed tensor is refused as by the plain function', () => {
    const f = capture((x: Tensor) => x.view([-1]).mul(2));
    const x = randn([3, 4]).t();
    expect(() => f(x)).toThrow(/view: /);
    expect(f(x.contiguous()).shape).toEqual([12]);
    expect(() => f(x)).toThrow(/view: /);
    expectSameAsPlain(
      (y) => [y!.sum(0), y!.mean(1), y!.matmul(y!.t())],
      () => [randn([40, 70]).t()],
    );
    expectSameAsPlain(
      (y) => y!.mul_(3),
      () => [randn([4, 5]).t()],
    );
  });

  it('cannot come to require a gradient, whatever their layout', () => {
    const w = randn([2, 2]).requiresGrad_();
    const writes: ((x: Tensor) => unknown)[] = [
      (x) => x.mul_(w),
      (x) => x.select(-1, 0).sub_(w.square().sum()),
      (x) => x.unsqueeze(0).copy_(w),
      (x) => x.requiresGrad_(),
    ];
    for (const write of writes) {
      for (const x of [randn([2, 2]), randn([4, 2]).slice(0, 0, 4, 2), randn([2, 2]).t()]) {
        expect(() => capture((x: Tensor) => [write(x)].length)(x)).toThrow(
          /tensor 0 of the arguments came to require a gradient inside/,
        );
        expect(x.requiresGrad).toBe(false);
      }
    }
    const f = capture((x: Tensor) => noGrad(() => x.select(-1, 0).sub_(w.square().sum())));
    for (let i = 0; i < 3; i++) {
      const x = randn([4, 2]).slice(0, 0, 4, 2);
      const expected = x.select(-1, 0).sub(w.square().sum().detach());
      expectSame(f(x), expected);
    }
  });

  it('share no memory with what is changed', () => {
    const w = ones([3]);
    const refused = (fn: (x: Tensor, y: Tensor) => unknown, x: Tensor, y: Tensor) => {
      const f = capture(fn);
      expect(() => f(x, y)).toThrow(CaptureError);
      f(ones([3]), ones([3]));
      expect(() => f(x, y)).toThrow(CaptureError);
    };
    refused((x) => [x.add_(1), w.mul(2)], w.detach(), ones([3]));
    refused((x) => [x.mul(2), w.add_(1)], w.narrow(0, 0, 3), ones([3]));
    const both = ones([6]);
    refused((x, y) => [x.add_(1), y.mul(2)], both.narrow(0, 0, 3), both.narrow(0, 2, 3));
    const stepped = ones([3, 2]);
    refused((x, y) => [x.add_(1), y.mul(2)], stepped.select(1, 0), stepped.select(1, 1));
  });

  it('are not held on to for ever: the program used least lately is dropped, with one warning', () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const f = capture((x: Tensor, k: number) => x.mul(k), { name: 'scaled', maxPrograms: 4 });
    for (let k = 0; k < 20; k++) {
      expect(f(ones([2]), k).toArray()).toEqual([k, k]);
      expect(f(ones([2]), 0).toArray()).toEqual([0, 0]);
    }
    expect(f.stats).toHaveLength(4);
    expect(warned).toHaveBeenCalledTimes(1);
    expect(warned.mock.calls[0]![0]).toMatch(/captured scaled: more than 4 programs .*tensor\(k\)/);
  });

  afterEach(() => {
    vi.restoreAllMocks();
  });
});

describe('what is refused by name', () => {
  const model = new nn.Linear(2, 1);
  const sgd = new optim.SGD(model.parameters(), { lr: 0.1 });
  const training = (x: Tensor) => {
    sgd.zeroGrad();
    const loss = model.forward(x).sum();
    loss.backward();
    sgd.step();
    return loss;
  };

  it('a rate that is set inside, even if it is set back', () => {
    let calls = 0;
    const setting = capture((x: Tensor) => {
      sgd.paramGroups[0]!.lr = 0.1 * 0.5 ** ++calls;
      return training(x);
    });
    expect(() => setting(ones([1, 2]))).toThrow(/lr of SGD's parameter group 0 was set inside.*onEpoch/);
    sgd.paramGroups[0]!.lr = 0.1;
    const around = capture((x: Tensor) => {
      sgd.paramGroups[0]!.lr = 0.2;
      const loss = training(x);
      sgd.paramGroups[0]!.lr = 0.1;
      return loss;
    });
    expect(() => around(ones([1, 2]))).toThrow(/lr of SGD's parameter group 0 was set inside/);
    sgd.paramGroups[0]!.lr = 0.1;
    const scheduler = capture((x: Tensor) => {
      const loss = training(x);
      for (const group of sgd.paramGroups) group.momentum += 0.1;
      return loss;
    });
    expect(() => scheduler(ones([1, 2]))).toThrow(/momentum of SGD/);
    sgd.paramGroups[0]!.momentum = 0;
  });

  it('modules and data that are changed inside', () => {
    class Counting extends nn.Module {
      calls = 0;
      last: Tensor | null = null;
      forward(x: Tensor): Tensor {
        this.calls++;
        return x.mul(this.calls);
      }
    }
    const counting = new Counting();
    const count = capture((x: Tensor) => counting.forward(x));
    expect(count(ones([1])).item()).toBe(1);
    expect(() => count(ones([1]))).toThrow(/calls of Counting was set inside/);
    const keeping = capture((x: Tensor) => {
      counting.last = x.mul(2);
      return counting.last;
    });
    keeping(ones([1]));
    expect(() => keeping(ones([1]))).toThrow(/last of Counting was set inside/);
    const w = ones([2]);
    const replacing = capture((x: Tensor) => {
      w.data = w.add(x);
      return w.sum();
    });
    expect(() => replacing(ones([2]))).toThrow(/data of a tensor of shape \[2\] from outside were replaced inside/);
  });

  it('but not what a module makes once and keeps', () => {
    class Masked extends nn.Module {
      mask: Tensor | null = null;
      forward(x: Tensor): Tensor {
        this.mask ??= x.gt(0).detach();
        return x.mul(this.mask);
      }
    }
    const [plain, masked] = [new Masked(), new Masked()];
    const f = capture((x: Tensor) => masked.forward(x));
    for (let i = 0; i < 4; i++) {
      const x = randn([6]);
      expectSame(f(x), plain.forward(x));
    }
    expect(f.stats).toHaveLength(1);
  });

  it('errors that are caught inside', () => {
    const x = ones([2, 3]);
    const caught = (fn: (i: Tensor) => Tensor) => {
      const f = capture((i: Tensor) => {
        try {
          return fn(i);
        } catch {
          return x.neg();
        }
      });
      expect(() => f(int([0, 7]))).toThrow(CaptureError);
      expect(f(int([0, 1])).ndim).toBeGreaterThanOrEqual(0);
    };
    caught((i) => x.indexSelect(1, i));
    caught((i) => nn.functional.crossEntropy(x, i));
    const reading = capture((y: Tensor) => {
      try {
        return y.mul(y.sum().item());
      } catch {
        return y;
      }
    });
    expect(() => reading(ones([2]))).toThrow(/item: a value was read/);
  });

  it('results in objects of classes', () => {
    class Output {
      constructor(readonly loss: Tensor) {}
    }
    expect(() => capture((x: Tensor) => new Output(x.sum()))(ones([1]))).toThrow(
      /returned an object of the class Output/,
    );
  });

  it('arguments in themselves', () => {
    const loop: unknown[] = [];
    loop.push(loop);
    expect(() => capture((x: unknown) => x)(loop)).toThrow(CaptureError);
  });
});

describe('errors of values', () => {
  it('leave what is outside as the plain function does', () => {
    const make = () => {
      manualSeed(2);
      const model = new nn.Sequential(new nn.Linear(4, 5), new nn.ReLU(), new nn.Linear(5, 3));
      const sgd = new optim.SGD(model.parameters(), { lr: 0.5 });
      const seen = zeros([]);
      const step = (x: Tensor, y: Tensor, i: Tensor) => {
        noGrad(() => seen.add_(x.sum()));
        sgd.zeroGrad();
        const loss = nn.functional.crossEntropy(model.forward(x), y);
        loss.backward();
        const picked = x.indexSelect(0, i);
        sgd.step();
        return [loss, picked.sum()];
      };
      return { model, seen, step };
    };
    const [plain, other] = [make(), make()];
    const captured = capture(other.step);
    const [good, bad] = [int([0, 2]), int([0, 3])];
    const calls: [Tensor, Tensor][] = [
      [good, int([0])],
      [good, int([1])],
      [bad, int([0])],
      [good, int([9])],
      [good, int([0])],
    ];
    for (const [y, i] of calls) {
      const x = rand([2, 4]);
      const outcomes = [plain.step, captured].map((fn) => {
        try {
          return fn(x, y, i).length;
        } catch {
          return 'refused';
        }
      });
      expect(outcomes[1]).toBe(outcomes[0]);
      expectSame(other.seen, plain.seen);
      for (const [k, p] of plain.model.parameters().entries())
        expectSame(other.model.parameters()[k]!.detach(), p.detach());
    }
  });

  it('are raised for indices of which nothing is used', () => {
    const f = capture((x: Tensor, i: Tensor) => {
      x.indexSelect(0, i);
      return x.mul(2);
    });
    f(ones([3]), int([1]));
    expect(() => f(ones([3]), int([5]))).toThrow(/out of range/);
  });

  it('are raised for integers that do not fit, before anything outside is changed', () => {
    const w = ones([4]);
    const f = capture((x: Tensor, i: Tensor) => {
      const product = i.mul(i);
      i.mul(2).mul(i);
      noGrad(() => w.add_(x.mul(i)));
      return product.sum();
    });
    const x = ones([4]);
    f(x, int([1, 2, 3, 4]));
    f(x, int([1, 2, 3, 4]));
    const before = w.clone();
    expect(() => f(x, int([1, 2, 3, 65536]))).toThrow(/int32/);
    expectSame(w, before);
    expect(() => f(x, int([1, 2, 3, 40000]))).toThrow(/int32/);
    expectSame(w, before);
  });

  it('count as a change of what was written before', () => {
    const w = ones([3]);
    const f = capture((x: Tensor, i: Tensor) => {
      w.add_(1);
      return x.indexSelect(0, i);
    });
    f(ones([3]), int([1]));
    const leaf = ones([3], { requiresGrad: true });
    const saved = leaf.mul(w).sum();
    expect(() => f(ones([3]), int([5]))).toThrow(/out of range/);
    expect(() => saved.backward()).toThrow(/changed in place/);
  });
});

describe('values chosen with where', () => {
  it('follow the arguments', () => {
    expectSameAsPlain(
      (x) => where(x!.gt(0), x!.sqrt(), x!.neg()),
      () => [randn([30])],
    );
  });

  it('are one for each element, even if they turn out to be the same for all of a row', () => {
    const one = elementwise((x) => where(x, 1, 1));
    expectSameAsPlain(
      (x) => [x.sum(1), where(x.gt(0), one(x), one(x))],
      () => [randn([3, 4])],
    );
    expectSameAsPlain(
      (x) => {
        const sum = x.sum(1, { keepdim: true });
        return [where(x.gt(0), sum.mul(2), sum.mul(2))];
      },
      () => [randn([3, 4])],
    );
  });
});

describe('operations that cancel each other once they are merged', () => {
  it.each(['SGD', 'Adam', 'AdamW', 'RMSprop', 'Adagrad'] as const)('%s that maximizes a difference', (name) => {
    const make = () => {
      manualSeed(2);
      const [w, target] = [randn([3, 5]).requiresGrad_(), randn([3, 5])];
      const optimizer = new optim[name]([w], { lr: 0.1, maximize: true });
      return () => {
        optimizer.zeroGrad();
        const loss = target.sub(w).sum();
        loss.backward();
        optimizer.step();
        return w.detach().clone();
      };
    };
    const [plain, captured] = [make(), capture(make())];
    for (let i = 0; i < 4; i++) expectSame(captured(), plain());
  });

  it.each<[string, (x: Tensor, y: Tensor) => Tensor]>([
    ['negations', (x, y) => y.neg().lerp(x, 0.25).neg()],
    ['factors of -1', (x, y) => x.mul(-1).mul(y.add(0.5)).mul(-1).add(x)],
    ['a difference and its negation', (x, y) => x.sub(y).neg().neg().mul(y).add(x)],
  ])('%s', (_, fn) =>
    expectSameAsPlain(
      (x, y) => fn(x!, y!),
      () => [randn([5, 9]), randn([5, 9])],
    ),
  );
});
