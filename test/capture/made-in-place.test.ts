import { capture, cat, manualSeed, nn, noGrad, randn, stack, type Tensor, tensor, zeros } from 'nabla';
import { describe, expect, it } from 'vitest';
import { expectSame } from './same.js';

/** Rows that a product reads, so that each has memory of its own when they are joined. */
const rows = (x: Tensor, w: Tensor, count: number): Tensor[] => {
  const parts: Tensor[] = [];
  for (let h = x; parts.length < count; ) {
    h = h.matmul(w).tanh();
    parts.push(h);
  }
  return parts;
};

const [x, w] = [randn([8, 16]), randn([16, 16])];

/** The same bits as plain, in every call. */
function checked(fn: (x: Tensor) => Tensor): void {
  const captured = capture((x: Tensor) => noGrad(() => fn(x)));
  for (let i = 0; i < 3; i++) {
    const input = randn(x.shape);
    expectSame(
      captured(input),
      noGrad(() => fn(input)),
    );
  }
}

describe('what is copied to its place in something larger', () => {
  it('is made there, also if others read it before', () => {
    manualSeed(1);
    const layer = new nn.LSTM(4, 8);
    const step = capture((x: Tensor) => {
      layer.zeroGrad();
      layer.forward(x)[0].square().sum().backward();
      return [...layer.parameters()].map((one) => one.grad!.clone());
    });
    const x = randn([12, 3, 4]);
    step(x);
    // The hidden states and the gradients of all steps, that are joined for the gradient of the weight.
    expect(`${step}`.match(/^.* map clone.*$/gm)?.length ?? 0).toBeLessThan(12);
    checked((x) => cat(rows(x, w, 5)).matmul(w));
    checked((x) => stack(rows(x, w, 5)).sum(0));
  });

  it('is copied if it is changed afterwards, or its place is', () => {
    checked((x) => {
      const [a, b] = rows(x, w, 2) as [Tensor, Tensor];
      const joined = cat([a, b]);
      a.add_(1);
      return joined.add(cat([b, a]));
    });
    checked((x) => {
      const parts = rows(x, w, 3);
      const joined = cat(parts);
      joined.narrow(0, 8, 8).mul_(2);
      return joined.add(cat(parts)).matmul(w);
    });
    checked((x) => {
      const parts = rows(x, w, 3);
      const joined = cat(parts);
      joined.zero_();
      return joined.add(cat(parts));
    });
  });

  it('is copied if its place is read or written before', () => {
    checked((x) => {
      const place = zeros([16, 16]);
      const [a, b] = rows(x, w, 2) as [Tensor, Tensor];
      const before = place.sum(0);
      place.narrow(0, 0, 8).copy_(a);
      const between = place.matmul(w);
      place.narrow(0, 0, 8).copy_(b);
      return place.matmul(w).add(between).add(before);
    });
    checked((x) => {
      const [a, b] = rows(x, w, 2) as [Tensor, Tensor];
      const place = cat([a, a]);
      const first = place.matmul(w);
      place.narrow(0, 8, 8).copy_(b);
      return first.add(place).add(cat([b, a]));
    });
  });

  it('is copied if more of it is used than was copied', () => {
    checked((x) => {
      const y = x.flatten().narrow(0, 0, 4).cumsum(0);
      return stack([0, 3, 2, 1].map((i) => y.narrow(0, i, 1))).cumsum(0);
    });
    checked((x) => {
      const y = x.flatten().narrow(0, 0, 100).cumsum(0);
      const joined = cat([y.narrow(0, 0, 97), x.flatten().narrow(0, 0, 50)]).cumsum(0);
      return cat([joined, y.cumsum(0)]);
    });
    const [x, w] = [randn([3, 5]), randn([5, 5])];
    const few = (x: Tensor): Tensor => {
      const parts = rows(x, w, 4);
      return cat([...parts, ...parts.map((part) => part.narrow(0, 0, 2))]).matmul(w);
    };
    const captured = capture((x: Tensor) => noGrad(() => few(x)));
    for (let i = 0; i < 3; i++) expectSame(captured(x), few(x));
  });

  it('may have two places, parts of parts, and places that do not begin where lines do', () => {
    checked((x) => {
      const parts = rows(x, w, 3);
      return cat(parts)
        .add(cat([...parts].reverse()))
        .matmul(w);
    });
    checked((x) => {
      const [a, b, c] = rows(x, w, 3) as [Tensor, Tensor, Tensor];
      return cat([cat([a, b]), c]).matmul(w);
    });
    checked((x) => {
      const [a, b] = rows(x, w, 2) as [Tensor, Tensor];
      return cat([a.sum(1), b.flatten(), a.flatten()]).exp();
    });
    checked((x) => cat([x.sum(), x.mean()].map((one) => one.reshape([1]))).mul(tensor([2, 3])));
  });
});
