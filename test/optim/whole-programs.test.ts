import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { HEADER, header, UPDATES } from '../../scripts/whole-programs.js';
import { capture, cat, nn, randn, stack, type Tensor } from '../../lib/index.js';

describe('programs that are compiled as wholes', () => {
  it('are those that optimizers, activations and rows come to (npm run whole-programs)', async () => {
    expect(header()).toBe(await readFile(HEADER, 'utf8'));
  });

  // One element is not enough for a vector, and goes by single instructions.
  it.each(UPDATES)('%s: of many elements, what it is of each by itself, to the bit', (_, make) => {
    for (const length of [16, 37, 1000, 5000]) {
      const [values, gradients] = [randn([length]), [randn([length]), randn([length]), randn([length])]];
      const many = afterSteps(values.clone(), gradients, make);
      const some = [0, 1, length - 2, length - 1];
      const each = some.map((i) =>
        afterSteps(
          values.slice(0, i, i + 1).clone(),
          gradients.map((g) => g.slice(0, i, i + 1)),
          make,
        ),
      );
      expect(stack(some.map((i) => many.slice(0, i, i + 1))).toArray()).toEqual(stack(each).toArray());
    }
  });

  it.each(UPDATES)('%s: of elements that are apart, the same', (_, make) => {
    const [values, gradients] = [randn([300, 2]), [randn([300, 2]), randn([300, 2]), randn([300, 2])]];
    const dense = afterSteps(
      values.select(1, 1).clone(),
      gradients.map((g) => g.select(1, 1).clone()),
      make,
    );
    const apart = afterSteps(
      values.clone().select(1, 1),
      gradients.map((g) => g.select(1, 1)),
      make,
    );
    expect(apart.toArray()).toEqual(dense.toArray());
  });
});

describe('cells of recurrences that are compiled as wholes', () => {
  const layers = {
    LSTM: (hidden: number) => {
      const layer = new nn.LSTM(5, hidden, 2);
      return { layer, forward: (x: Tensor) => layer.forward(x)[0] };
    },
    GRU: (hidden: number) => {
      const layer = new nn.GRU(5, hidden, 2);
      return { layer, forward: (x: Tensor) => layer.forward(x)[0] };
    },
  };

  it.each([
    ['LSTM', 37],
    ['LSTM', 64],
    ['GRU', 37],
    ['GRU', 64],
  ] as const)('%s of %i: what the operations come to one by one, to the bit', (name, hidden) => {
    const { layer, forward } = layers[name](hidden);
    const step = (x: Tensor): Tensor[] => {
      layer.zeroGrad();
      const output = forward(x);
      output.square().sum().backward();
      return [output.detach(), ...[...layer.parameters()].map((one) => one.grad!.clone())];
    };
    const captured = capture(step);
    for (let i = 0; i < 3; i++) {
      const x = randn([6, 9, 5]);
      expect(captured(x).map((one) => one.toArray())).toEqual(step(x).map((one) => one.toArray()));
    }
  });
});

describe('what is compiled as a whole is what its operations come to one by one, to the bit', () => {
  const { functional } = nn;
  it.each([
    ['gelu', (x: Tensor) => functional.gelu(x), (x: Tensor) => x.mul(0.5).mul(x.mul(Math.SQRT1_2).erf().add(1))],
    ['silu', (x: Tensor) => functional.silu(x), (x: Tensor) => x.mul(x.sigmoid())],
    ['softmax', (x: Tensor) => x.softmax(-1), softmaxByParts],
    ['mseLoss', (x: Tensor) => functional.mseLoss(x, x.neg()), (x: Tensor) => meanOf(x.sub(x.neg()).square())],
    ['l1Loss', (x: Tensor) => functional.l1Loss(x, x.neg()), (x: Tensor) => meanOf(x.sub(x.neg()).abs())],
  ])('%s', (_, whole, parts) => {
    for (const shape of [
      [8, 12],
      [3, 700],
      [1, 5000],
      [300, 40],
    ]) {
      const x = randn(shape);
      expect(whole(x).toArray()).toEqual(parts(x).toArray());
      expect(whole(x.t().clone().t()).toArray()).toEqual(parts(x).toArray());
    }
  });

  it.each([1, 7, 8, 15, 16, 17, 31, 32, 40, 64, 191, 192, 200])('in rows of %i that are apart', (width) => {
    const wide = randn([37, 3 * width + 5]);
    const part = wide.narrow(1, width, width);
    for (const [whole, parts] of [
      [functional.gelu, (x: Tensor) => x.mul(0.5).mul(x.mul(Math.SQRT1_2).erf().add(1))],
      [functional.silu, (x: Tensor) => x.mul(x.sigmoid())],
    ] as const) {
      expect(whole(part).toArray()).toEqual(parts(part.clone()).toArray());
      const joined = capture((x: Tensor) => cat([x, whole(x.narrow(1, width, width)), x], 1));
      for (let i = 0; i < 2; i++)
        expect(
          joined(wide)
            .narrow(1, 3 * width + 5, width)
            .toArray(),
        ).toEqual(parts(part).toArray());
      expect(
        joined(wide)
          .narrow(1, 0, 3 * width + 5)
          .toArray(),
      ).toEqual(wide.toArray());
    }
  });
});

function softmaxByParts(x: Tensor): Tensor {
  const powers = x.sub(x.amax(-1, true)).exp();
  return powers.mul(powers.sum(-1, true).reciprocal());
}

const meanOf = (x: Tensor): Tensor => x.sum().div(x.numel());

type Make = (typeof UPDATES)[number][1];

/** What steps make of `values`, in place. */
function afterSteps(values: Tensor, gradients: readonly Tensor[], make: Make): Tensor {
  const parameter = new nn.Parameter(values.detach());
  const optimizer = make([parameter]);
  for (const gradient of gradients) {
    parameter.grad = gradient;
    optimizer.step();
  }
  return parameter.detach().clone();
}
