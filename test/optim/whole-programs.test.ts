import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { ACTIVATIONS, FOLDS, HEADER, header, UPDATES } from '../../scripts/whole-programs.js';
import { grad, nn, randn, stack, type Tensor } from '../../lib/index.js';

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

describe('activations that are compiled as wholes', () => {
  const withGradient = (apply: (x: Tensor) => Tensor, x: Tensor): number[][] => {
    const leaf = x.detach().requiresGrad_();
    const y = apply(leaf);
    return [y, grad([y], [leaf], { gradOutputs: [x.detach()] })[0]!].map((one) => one.toArray() as number[]);
  };

  it.each(ACTIVATIONS)('%s: of many elements, what it is of each by itself, to the bit', (_, apply) => {
    for (const length of [16, 37, 1000, 5000]) {
      const x = randn([length]);
      const many = withGradient(apply, x);
      for (const i of [0, 1, length - 2, length - 1]) {
        const each = withGradient(apply, x.slice(0, i, i + 1).clone());
        expect(many.map((values) => values[i])).toEqual(each.map(([value]) => value));
      }
    }
  });
});

describe('rows that are compiled as wholes', () => {
  it.each(FOLDS)('%s: of elements that are apart, what it is of those that are not, to the bit', (_, apply) => {
    const apart = randn([12, 8]).t();
    const [some, all] = [apart, apart.clone()].map((x) => {
      const leaf = x.detach().requiresGrad_();
      const y = apply(leaf);
      return [y, grad([y], [leaf], { gradOutputs: y.ndim > 0 ? [x] : null })[0]!].map((one) => one.toArray());
    });
    expect(some).toEqual(all);
  });
});

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
