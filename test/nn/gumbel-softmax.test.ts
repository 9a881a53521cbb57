import { DTypeError, manualSeed, nn, ones, rand, type Tensor, tensor, ValueError } from 'nabla';
import { describe, expect, it } from 'vitest';
import { expectClose } from '../recorded.js';

const { gumbelSoftmax } = nn.functional;
const logits = () =>
  tensor(
    [
      [1, -1, 0.5],
      [0, 2, 0],
    ],
    { requiresGrad: true },
  );

describe('gumbelSoftmax', () => {
  // torch.manual_seed(0); (gumbel_softmax(l, tau=0.7) * torch.tensor([1, 2, 4])).sum().backward()
  it('gives the samples and gradients that PyTorch gives', () => {
    manualSeed(0);
    const l = logits();
    const sample = gumbelSoftmax(l, 0.7);
    sample
      .mul(tensor([1, 2, 4]))
      .sum()
      .backward();
    expectClose(
      sample,
      [
        0.1399398148059845, 0.03590741753578186, 0.8241527080535889, 0.015258286148309708, 0.9543803334236145,
        0.03036135993897915,
      ],
      1e-6,
    );
    expectClose(
      l.grad!,
      [
        -0.5014573931694031, -0.07737358659505844, 0.5788314342498779, -0.02278856746852398, -0.06198634207248688,
        0.08477479219436646,
      ],
      1e-6,
    );
  });

  it('gives one-hot samples with the gradients of soft ones, along any dim', () => {
    manualSeed(1);
    const l = logits();
    const sample = gumbelSoftmax(l, { tau: 0.7, hard: true, dim: 0 });
    const weights: Tensor = tensor([
      [1, 2, 4],
      [3, 1, 0],
    ]);
    sample.mul(weights).sum().backward();
    expectClose(sample, [1, 0, 0, 0, 1, 1], 1e-6);
    expectClose(
      l.grad!,
      [
        -0.12423417717218399, 0.08981290459632874, 1.3502159118652344, 0.1242341473698616, -0.08981282263994217,
        -1.3502159118652344,
      ],
      1e-6,
    );
    expect(rand([1]).item()).toBeCloseTo(0.6826140880584717, 6);
  });

  it('takes vectors, and a generator of its own', () => {
    expect(
      gumbelSoftmax(ones([5]))
        .sum()
        .item(),
    ).toBeCloseTo(1, 6);
    expect(gumbelSoftmax(ones([0, 3])).shape).toEqual([0, 3]);
    expect(gumbelSoftmax(ones([2, 3]).double()).dtype).toBe('float64');
  });

  it('refuses what has no meaning', () => {
    expect(() => gumbelSoftmax(ones([2]), 0)).toThrow(ValueError);
    expect(() => gumbelSoftmax(ones([2]), { tau: -1 })).toThrow('gumbelSoftmax: tau must be');
    expect(() => gumbelSoftmax(ones([2]).int())).toThrow(DTypeError);
    expect(() => gumbelSoftmax(ones([2]), { dim: 1 })).toThrow('gumbelSoftmax');
  });
});
