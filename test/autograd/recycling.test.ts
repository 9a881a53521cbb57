import { describe, expect, test } from 'vitest';
import { backward, grad, manualSeed, nn, noGrad, optim, randn, type Tensor } from '../../lib/index.js';

// Memory of what only the library has seen is reused at once. Whatever a program can still reach must keep its values: everything here
// is large enough to be pooled, and compared with a copy of the values (plain arrays) taken when it was made.

const SIZE = [96, 128];

/** Remembers tensors with the values they had, to find out later whether any has changed. */
class Witness {
  readonly #seen: { name: string; tensor: Tensor; values: ArrayLike<number> }[] = [];

  see<T extends Tensor | null>(name: string, tensor: T): T {
    if (tensor !== null) this.#seen.push({ name, tensor, values: tensor.toTypedArray() });
    return tensor;
  }

  changed(): string[] {
    const same = (a: ArrayLike<number>, b: ArrayLike<number>) => Buffer.compare(bytes(a), bytes(b)) === 0;
    return this.#seen.filter(({ tensor, values }) => !same(tensor.toTypedArray(), values)).map(({ name }) => name);
  }
}

const bytes = (values: ArrayLike<number>): Buffer => {
  const { buffer, byteOffset, byteLength } = values as Float32Array;
  return Buffer.from(buffer, byteOffset, byteLength);
};

const large = (): Tensor => randn(SIZE, { requiresGrad: true });

describe('tensors a program can reach keep their values', () => {
  test('gradients and intermediates of many passes', () => {
    manualSeed(0);
    const witness = new Witness();
    for (let step = 0; step < 30; step++) {
      const [x, y] = [large(), large()];
      const product = witness.see('product', x.mul(y));
      const shifted = witness.see('shifted', product.sigmoid().add(y.exp()));
      const normalised = witness.see('normalised', shifted.logSoftmax(1));
      normalised.mul(product).mean().backward();
      witness.see('x.grad', x.grad);
      witness.see('y.grad', y.grad);
      expect(witness.changed()).toEqual([]);
    }
  });

  test('gradients that several leaves and views share', () => {
    manualSeed(1);
    const witness = new Witness();
    for (let step = 0; step < 20; step++) {
      const [a, b, c] = [large(), large(), large()];
      a.add(b)
        .add(c.t().reshape(SIZE))
        .sub(a.narrow(0, 0, 1))
        .square()
        .sum()
        .backward();
      for (const [name, leaf] of Object.entries({ a, b, c })) witness.see(`${name}.grad`, leaf.grad);
      expect(witness.changed()).toEqual([]);
    }
  });

  test('what grad() returns, with respect to leaves and to results', () => {
    manualSeed(2);
    const witness = new Witness();
    for (let step = 0; step < 20; step++) {
      const [x, y] = [large(), large()];
      const z = x.mul(y);
      const w = z.tanh();
      const flowing = witness.see('flowing', randn(SIZE));
      for (const gradient of grad(w, [x, y, z, w], { gradOutputs: flowing })) witness.see('gradient', gradient);
      expect(witness.changed()).toEqual([]);
    }
  });

  test('a graph that is kept for another pass', () => {
    manualSeed(3);
    const [x, y] = [large(), large()];
    const loss = x.mul(y).exp().sum();
    const first = grad(loss, [x, y], { retainGraph: true }).map((gradient) => gradient!.toTypedArray());
    for (let step = 0; step < 10; step++) {
      const again = grad(loss, [x, y], { retainGraph: true }).map((gradient) => gradient!.toTypedArray());
      expect(again).toEqual(first);
      large().sin().sum().backward();
    }
  });

  test('first gradients that second ones were taken of', () => {
    manualSeed(4);
    const witness = new Witness();
    for (let step = 0; step < 10; step++) {
      const x = large();
      const [dx] = grad(x.pow(3).sum(), x, { createGraph: true });
      witness.see('dx', dx!);
      dx!.sum().backward();
      witness.see('second', x.grad);
      expect(witness.changed()).toEqual([]);
    }
  });

  test('a gradient that was read before it was dropped', () => {
    manualSeed(5);
    const witness = new Witness();
    const model = new nn.Sequential(new nn.Linear(128, 96), new nn.Tanh(), new nn.Linear(96, 64));
    const sgd = new optim.SGD(model.parameters(), { lr: 0.01, momentum: 0.9 });
    const x = randn([64, 128]);
    for (let step = 0; step < 20; step++) {
      const output = witness.see('output', model.forward(x));
      sgd.zeroGrad();
      output.square().mean().backward();
      for (const [name, parameter] of model.namedParameters()) witness.see(`${name}.grad`, parameter.grad);
      sgd.step();
      expect(witness.changed()).toEqual([]);
    }
  });

  test('a gradient held by a view or an alias alone', () => {
    manualSeed(6);
    const witness = new Witness();
    for (let step = 0; step < 10; step++) {
      const x = large();
      x.square().sum().backward();
      witness.see('row', x.grad!.select(0, 3));
      witness.see('alias', x.grad!.detach());
      x.grad = null;
      large().exp().sum().backward();
      expect(witness.changed()).toEqual([]);
    }
  });

  test('gradients accumulated over several passes, and those of several roots', () => {
    manualSeed(7);
    const witness = new Witness();
    const x = large();
    let expected = new Float64Array(x.numel());
    for (let step = 0; step < 10; step++) {
      const weights = witness.see('weights', randn(SIZE));
      backward([x.mul(weights).sum(), x.mul(weights).sum()]);
      const added = weights.toTypedArray();
      expected = expected.map((value, i) => Math.fround(value + 2 * added[i]!));
      expect(witness.changed()).toEqual([]);
    }
    const errors = Array.from(x.grad!.toTypedArray(), (value, i) => Math.abs(value - expected[i]!));
    expect(Math.max(...errors)).toBeLessThan(1e-5);
  });

  test('a gradient passed in, read back after other passes', () => {
    manualSeed(8);
    const witness = new Witness();
    for (let step = 0; step < 10; step++) {
      const x = large();
      const flowing = witness.see('flowing', randn(SIZE));
      x.clone().backward(flowing);
      noGrad(() => x.grad!.mul_(2));
      large().square().sum().backward();
      expect(witness.changed()).toEqual([]);
    }
  });
});

test('training with unread gradients, whose memory is reused, goes as with read ones', () => {
  const train = (read: boolean) => {
    manualSeed(9);
    const model = new nn.Sequential(new nn.Linear(128, 96), new nn.Sigmoid(), new nn.Linear(96, 96));
    const sgd = new optim.SGD(model.parameters(), { lr: 0.5, momentum: 0.9, nesterov: true, weightDecay: 1e-3 });
    const [x, y] = [randn([64, 128]), randn([64, 96])];
    const kept: unknown[] = [];
    for (let step = 0; step < 15; step++) {
      sgd.zeroGrad();
      nn.functional.mseLoss(model.forward(x), y).backward();
      if (read) for (const parameter of model.parameters()) kept.push(parameter.grad);
      sgd.step();
    }
    return [...model.parameters()].map((parameter) => parameter.toTypedArray());
  };
  expect(train(false)).toEqual(train(true));
});
