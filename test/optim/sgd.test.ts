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
    ['a negative rate', () => new optim.SGD([leaf([1])], { lr: -1 }), /lr must be a number of at least 0, .* got -1/],
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

describe('arguments', () => {
  const rates = (sgd: optim.SGD) => {
    const { lr, momentum, dampening, weightDecay, nesterov, maximize } = sgd.paramGroups[0]!;
    return [lr, momentum, dampening, weightDecay, nesterov, maximize];
  };
  const w = () => [leaf([1])];

  it('go by position in the order of PyTorch, by name, and mixed', () => {
    expect(rates(new optim.SGD(w()))).toEqual([0.001, 0, 0, 0, false, false]);
    expect(rates(new optim.SGD(w(), 0.1))).toEqual([0.1, 0, 0, 0, false, false]);
    expect(rates(new optim.SGD(w(), 0.1, 0.9, 0, 0.5, true))).toEqual([0.1, 0.9, 0, 0.5, true, false]);
    expect(rates(new optim.SGD(w(), 0.1, { momentum: 0.9, maximize: true }))).toEqual([0.1, 0.9, 0, 0, false, true]);
    const { lr, betas, eps } = new optim.Adam(w(), 0.1, [0.5, 0.6], { eps: 0.2 }).paramGroups[0]!;
    expect([lr, betas, eps]).toEqual([0.1, [0.5, 0.6], 0.2]);
    const { stepSize, gamma } = new optim.lrScheduler.StepLR(new optim.SGD(w()), 3, { gamma: 0.5 });
    expect([stepSize, gamma]).toEqual([3, 0.5]);
    expect(new optim.lrScheduler.ExponentialLR(new optim.SGD(w()), { gamma: 0.5 }).gamma).toBe(0.5);
  });

  it.each<[string, () => unknown, RegExp]>([
    ['twice', () => new optim.SGD(w(), 0.1, { lr: 0.2 }), /lr is given twice/],
    ['too many', () => new optim.SGD(w(), 0.1, 0, 0, 0, false, true as never), /at most 7 arguments|got 7/],
    ['what only AdamW has not', () => new optim.AdamW(w(), { decoupledWeightDecay: true } as never), /unknown option/],
    [
      'one beta',
      () => new optim.Adam(w(), { betas: [0.9] as never }),
      /betas must be two numbers of at least 0 and below 1/,
    ],
    [
      'betas that are tensors',
      () => new optim.Adam(w(), { betas: [tensor(0.9), tensor(0.999)] as never }),
      /betas must be two numbers; of tensors, pass the values, with .item\(\)/,
    ],
    ['a beta of 1', () => new optim.Adam(w(), { betas: [0.9, 1] }), /betas must be two numbers/],
    [
      'a closure and more',
      () => (new optim.SGD(w()).step as (...args: unknown[]) => unknown)(() => 1, 2),
      /at most 1 arguments/,
    ],
    ['a setToNone that is none', () => new optim.SGD(w()).zeroGrad(1 as never), /setToNone must be true or false/],
    ['of stateDict', () => (new optim.SGD(w()).stateDict as (x: number) => unknown)(1), /no arguments/],
  ])('that are refused: %s', (_, make, message) => {
    expect(make).toThrow(ValueError);
    expect(make).toThrow(message);
  });

  it('zeroGrad fills gradients with zeros where they are, if asked', () => {
    const [v] = w();
    const sgd = new optim.SGD([v!], 0.1);
    v!.mul(3).sum().backward();
    const { grad } = v!;
    sgd.zeroGrad(false);
    expect(v!.grad).toBe(grad);
    expect(grad!.item()).toBe(0);
    sgd.zeroGrad({ setToNone: true });
    expect(v!.grad).toBe(null);
  });
});
