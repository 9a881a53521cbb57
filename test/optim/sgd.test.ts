import { nn, ones, optim, type Tensor, tensor, ValueError, zeros } from 'nabla';
import { describe, expect, it } from 'vitest';

const leaf = (values: number[]) => tensor(values, { requiresGrad: true });

function descend(parameter: Tensor, sgd: optim.SGD, steps: number): number[] {
  return Array.from({ length: steps }, () => {
    sgd.zeroGrad();
    parameter.mul(parameter).sum().backward();
    sgd.step();
    return parameter.item();
  });
}

describe('SGD', () => {
  it('steps down the gradient', () => {
    const w = leaf([1]);
    expect(descend(w, new optim.SGD([w], { lr: 0.25 }), 3)).toEqual([0.5, 0.25, 0.125]);
  });

  it('keeps momentum: the first buffer is the gradient itself', () => {
    const w = leaf([1]);
    const sgd = new optim.SGD([w], { lr: 0.25, momentum: 0.5, dampening: 0.5 });
    // v = 2, w = 0.5; v = 0.5 * 2 + 0.5 * 1 = 1.5, w = 0.125
    expect(descend(w, sgd, 2)).toEqual([0.5, 0.125]);
    expect(sgd.state.get(w)!.momentumBuffer!.item()).toBe(1.5);
  });

  it('goes up with maximize, and decays with weightDecay', () => {
    const w = leaf([1]);
    expect(descend(w, new optim.SGD([w], { lr: 0.25, maximize: true }), 1)).toEqual([1.5]);
    const v = leaf([1]);
    expect(descend(v, new optim.SGD([v], { lr: 0.25, weightDecay: 1 }), 1)).toEqual([0.25]);
  });

  it('gives groups their own options, and leaves parameters without a gradient alone', () => {
    const [a, b, idle] = [leaf([1]), leaf([1]), leaf([1])];
    const sgd = new optim.SGD([{ params: [a, idle] }, { params: [b], lr: 0.5 }], { lr: 0.25 });
    a.mul(b).sum().backward();
    sgd.step();
    expect([a, b, idle].map((p) => p.item())).toEqual([0.75, 0.5, 1]);
    sgd.paramGroups[0]!.lr = 0;
    sgd.step();
    expect(a.item()).toBe(0.75);
  });

  it('takes a rate from a tensor, and returns what the closure returns', () => {
    const w = leaf([1]);
    const sgd = new optim.SGD([w], { lr: tensor(0.25) });
    const loss = sgd.step(() => {
      sgd.zeroGrad();
      const value = w.mul(w).sum();
      value.backward();
      return value.item();
    });
    expect([loss, w.item()]).toEqual([1, 0.5]);
  });

  it('goes on from a saved state as if it had not stopped', () => {
    const [a, b] = [leaf([1]), leaf([1])];
    const options = { lr: 0.1, momentum: 0.9, nesterov: true };
    const [first, second] = [new optim.SGD([a], options), new optim.SGD([b])];
    descend(a, first, 3);
    b.data = a.detach().clone();
    second.loadStateDict(first.stateDict());
    expect(second.paramGroups[0]!.momentum).toBe(0.9);
    const expected = descend(a, first, 3);
    expect(descend(b, second, 3)).toEqual(expected);
  });

  it('updates views and strided parameters', () => {
    const whole = zeros([2, 2]);
    const column = new nn.Parameter(whole.select(1, 1));
    column.sum().backward();
    new optim.SGD([column], { lr: 1 }).step();
    expect(whole.toArray()).toEqual([
      [0, -1],
      [0, -1],
    ]);
  });

  it('leaves a graph that needs the old values unusable, by name', () => {
    const w = leaf([2]);
    const loss = w.mul(w).sum();
    loss.backward(null, { retainGraph: true });
    new optim.SGD([w], { lr: 0.1 }).step();
    expect(() => loss.backward()).toThrow(/changed in place by SGD.step/);
  });

  const refused: [string, () => unknown, RegExp][] = [
    ['a tensor instead of a list', () => new optim.SGD(leaf([1]) as never), /pass model.parameters\(\)/],
    ['an empty list', () => new optim.SGD([]), /empty list/],
    ['what is no tensor', () => new optim.SGD([1 as never]), /parameter 0 must be a Tensor, got 1/],
    ['the result of an operation', () => new optim.SGD([leaf([1]).mul(2)]), /only leaves/],
    [
      'a parameter twice',
      () => {
        const w = leaf([1]);
        return new optim.SGD([w, w]);
      },
      /more than once/,
    ],
    ['a negative rate', () => new optim.SGD([leaf([1])], { lr: -1 }), /lr must be a number of at least 0, got -1/],
    ['a rate that is NaN', () => new optim.SGD([leaf([1])], { lr: Number.NaN }), /lr must be/],
    ['nesterov without momentum', () => new optim.SGD([leaf([1])], { nesterov: true }), /nesterov needs a momentum/],
    [
      'an unknown option',
      () => new optim.SGD([leaf([1])], { learningRate: 1 } as object),
      /unknown option 'learningRate'/,
    ],
    [
      'an unknown option of a group',
      () => new optim.SGD([{ params: [leaf([1])], weightdecay: 1 } as never]),
      /did you mean 'weightDecay'/,
    ],
    [
      'another number of parameters',
      () => new optim.SGD([leaf([1])]).loadStateDict(new optim.SGD([leaf([1]), leaf([1])]).stateDict()),
      /groups of 1 parameters, got 2/,
    ],
  ];

  it.each(refused)('refuses %s', (_, call, message) => {
    expect(call).toThrow(ValueError);
    expect(call).toThrow(message);
  });

  it('prints its groups', () => {
    expect(String(new optim.SGD([ones([1])], { lr: 0.5 }))).toMatch(/^SGD \(\nParameter Group 0\n {4}lr: 0.5\n/);
  });
});
