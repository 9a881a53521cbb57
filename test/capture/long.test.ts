import { capture, cat, grad, manualSeed, nn, optim, randn, type Tensor, zeros } from 'nabla';
import { describe, expect, it, vi } from 'vitest';
import { topological } from '../../lib/expr/index.js';
import { expectSame } from './same.js';

// Functions of thousands of instructions give the plain bits, and what it takes to record them grows as they do.

/** What merging has looked at: pairs of nests, and nodes of expressions that were written again. */
const work = { pairs: 0, nodes: 0 };

vi.mock('../../lib/capture/merge.js', async (original) => {
  const module = await original<typeof import('../../lib/capture/merge.js')>();
  const merge: typeof module.merge = (...args) => {
    work.pairs++;
    return module.merge(...args);
  };
  return { ...module, merge };
});

vi.mock('../../lib/capture/nest.js', async (original) => {
  const module = await original<typeof import('../../lib/capture/nest.js')>();
  const relocate: typeof module.relocate = (roots, ...how) => {
    work.nodes += topological(roots).length;
    return module.relocate(roots, ...how);
  };
  return { ...module, relocate };
});

type Fn = (...args: Tensor[]) => Tensor | Tensor[];

/** Both on the same arguments: the recording call, and a replay. Returns how many instructions were recorded, and to how many they came. */
function expectSameAsPlain(fn: Fn, args: readonly Tensor[]) {
  const captured = capture(fn);
  const expected = [fn(...args)].flat();
  for (const results of [captured(...args), captured(...args)]) {
    [results].flat().forEach((result, i) => {
      expectSame(result, expected[i]!);
    });
  }
  return captured.stats[0]!;
}

const times = <T>(count: number, value: T, next: (value: T, i: number) => T): T => {
  let last = value;
  for (let i = 0; i < count; i++) last = next(last, i);
  return last;
};

const chain = (length: number) => (x: Tensor) => times(length, x, (y, i) => (i % 2 === 0 ? y.add(0.5) : y.mul(0.75)));

/** Some 35 instructions a step, forward and backward, and the update of SGD. */
function recurrent(steps: number): Fn {
  const [inputs, hidden, batch] = [3, 4, 2];
  const leaf = (shape: number[]) => randn(shape).mul(0.3).requiresGrad_();
  const weights = leaf([inputs + hidden, 4 * hidden]);
  const bias = leaf([4 * hidden]);
  const gate = (all: Tensor, i: number) => all.narrow(1, i * hidden, hidden);
  const sgd = new optim.SGD([weights, bias], { lr: 0.1 });
  return (x, y) => {
    sgd.zeroGrad();
    const start: [Tensor, Tensor] = [zeros([batch, hidden]), zeros([batch, hidden])];
    const [h] = times(steps, start, ([h, c], t) => {
      const gates = cat([x!.select(0, t), h], 1)
        .matmul(weights)
        .add(bias);
      const [input, forget, output] = [0, 1, 2].map((i) => gate(gates, i).sigmoid()) as [Tensor, Tensor, Tensor];
      const cell = forget.mul(c).add(input.mul(gate(gates, 3).tanh()));
      return [output.mul(cell.tanh()), cell];
    });
    const loss = nn.functional.mseLoss(h, y!);
    loss.backward();
    const gradients = [weights.grad!.clone(), bias.grad!.clone()];
    sgd.step();
    return [loss.detach(), ...gradients, weights.detach().clone()];
  };
}

/** The same weights whenever it is made. */
function seeded(make: () => Fn): Fn {
  manualSeed(3);
  return make();
}

describe('long functions', () => {
  it('a chain of 10,000 operations', () => {
    const { recorded, instructions } = expectSameAsPlain(chain(10_000), [randn([5])]);
    expect(recorded).toBe(10_000);
    expect(instructions).toBeLessThan(20);
  });

  it('the gradient of a chain of 2,000', () => {
    const fn = (x: Tensor) => {
      const leaf = x.detach().requiresGrad_();
      return grad(times(1000, leaf, (y) => y.mul(1.001).tanh()).sum(), [leaf]) as Tensor[];
    };
    expect(expectSameAsPlain(fn, [randn([5])]).instructions).toBeLessThan(100);
  });

  it('1,000 writes in place', () => {
    const fn = (x: Tensor) => times(1000, x.clone(), (y, i) => (i % 2 === 0 ? y.add_(0.5) : y.mul_(0.75)));
    expect(expectSameAsPlain(fn, [randn([5])]).instructions).toBeLessThan(5);
  });

  it('1,500 folds one after another, with what is between them', () => {
    const fn = (x: Tensor) => times(500, x, (y) => y.sub(y.mean(1, { keepdim: true })).softmax(1));
    const { recorded, instructions } = expectSameAsPlain(fn, [randn([2, 3])]);
    expect(recorded).toBe(1500);
    expect(instructions).toBeLessThan(100);
  });

  it('1,000 results', () => {
    const fn = (x: Tensor) => Array.from({ length: 1000 }, (_, i) => x.mul(i));
    expect(expectSameAsPlain(fn, [randn([5])]).instructions).toBeLessThan(40);
  });

  it('a recurrent step with its gradients and update', () => {
    const args = [randn([300, 2, 3]), randn([2, 4])];
    const [plain, captured] = [seeded(() => recurrent(300)), capture(seeded(() => recurrent(300)))];
    for (let i = 0; i < 3; i++) {
      const expected = plain(...args) as Tensor[];
      [captured(...args)].flat().forEach((result, k) => {
        expectSame(result, expected[k]!);
      });
    }
    expect(captured.stats[0]!.recorded).toBeGreaterThan(9000);
  });
});

describe('what merging looks at grows with the number of instructions', () => {
  const perInstruction = (fn: Fn, args: readonly Tensor[]) => {
    Object.assign(work, { pairs: 0, nodes: 0 });
    const captured = capture(fn);
    captured(...args);
    const { recorded } = captured.stats[0]!;
    return { pairs: work.pairs / recorded, nodes: work.nodes / recorded };
  };

  it.each<[string, (length: number) => [Fn, readonly Tensor[]]]>([
    ['a chain', (length) => [chain(length), [randn([5])]]],
    ['a recurrent step', (length) => [recurrent(length / 30), [randn([length / 30, 2, 3]), randn([2, 4])]]],
    ['many results', (length) => [(x) => Array.from({ length }, (_, i) => x.mul(i)), [randn([5])]]],
    ['many sums of one tensor', (length) => [(x) => Array.from({ length }, (_, i) => x.mul(i).sum()), [randn([5])]]],
    [
      'one tensor in many shapes',
      (length) => [
        (x) =>
          Array.from({ length: length / 2 }, (_, i) =>
            x
              .expand([1 + (i % 50), 5])
              .mul(i)
              .sum(0),
          ),
        [randn([5])],
      ],
    ],
    [
      'tensors by themselves',
      (length) => [(...xs) => xs.map((x) => x.tanh().sum()), Array.from({ length: length / 2 }, () => randn([5]))],
    ],
  ])('%s', (_, make) => {
    const [few, many] = [perInstruction(...make(300)), perInstruction(...make(3000))];
    expect(many.pairs).toBeLessThan(1.5 * few.pairs + 1);
    expect(many.nodes).toBeLessThan(1.5 * few.nodes + 1);
    expect(few.nodes).toBeGreaterThan(0);
  });
});
