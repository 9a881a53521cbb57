import {
  capture,
  chunk,
  grad,
  gradcheck,
  gradgradcheck,
  manualSeed,
  nn,
  randn,
  split,
  type Tensor,
  tensor,
  unbind,
} from 'nabla';
import { describe, expect, it } from 'vitest';

const leaf = (...shape: number[]) => randn(shape, { dtype: 'float64', requiresGrad: true });

/** Gradients of parts meet at one node, which puts them together. */
describe('the gradients of split, chunk and unbind', () => {
  const cases: [string, (x: Tensor) => Tensor[]][] = [
    ['split', (x) => split(x, [1, 0, 3], 1)],
    ['chunk', (x) => chunk(x, 3, 1)],
    ['unbind', (x) => unbind(x, -1)],
    ['unbind of what is transposed', (x) => unbind(x.transpose(0, 1))],
    ['chunk of chunks', (x) => chunk(x, 2, 1).flatMap((part) => chunk(part, 2, 0))],
  ];
  it.each(cases)('%s: of all parts, of some, and of gradients', (_, apart) => {
    manualSeed(1);
    const sum = (parts: Tensor[]) => parts.map((part, i) => part.pow(i + 2).sum()).reduce((a, b) => a.add(b));
    expect(gradcheck((x) => sum(apart(x!)), [leaf(3, 4)])).toBe(true);
    expect(gradgradcheck((x) => sum(apart(x!)), [leaf(3, 4)])).toBe(true);
    expect(gradcheck((x) => sum(apart(x!).slice(1)), [leaf(3, 4)])).toBe(true);
    expect(gradgradcheck((x) => sum(apart(x!).slice(-1)), [leaf(3, 4)])).toBe(true);
  });

  it('start over in every pass, also after one that failed', () => {
    const x = tensor([1, 2, 3], { requiresGrad: true });
    const [a, b, c] = unbind(x);
    const y = a!.mul(b!).mul(c!);
    expect(grad(y, x, { retainGraph: true })[0]!.toArray()).toEqual([6, 3, 2]);
    const remove = a!.registerHook(() => {
      throw new Error('not now');
    });
    expect(() => grad(y, x, { retainGraph: true })).toThrow('not now');
    remove.remove();
    expect(grad(y, x, { retainGraph: true })[0]!.toArray()).toEqual([6, 3, 2]);
    expect(grad(a!.mul(2), x)[0]!.toArray()).toEqual([2, 0, 0]);
    expect(grad(y, b!)[0]!.item()).toBe(3);
  });

  it('follow writes into a part, and into the whole', () => {
    const x = tensor([1, 2, 3, 4], { requiresGrad: true });
    const whole = x.mul(1);
    const [first, second] = chunk(whole, 2);
    first!.mul_(10);
    expect(grad(whole.sum(), x, { retainGraph: true })[0]!.toArray()).toEqual([10, 10, 1, 1]);
    expect(grad(second!.sum(), x, { retainGraph: true })[0]!.toArray()).toEqual([0, 0, 1, 1]);
    whole.mul_(2);
    expect(grad(first!.sum().add(second!.sum()), x)[0]!.toArray()).toEqual([20, 20, 2, 2]);
  });

  it('are the same bits in a captured function', () => {
    manualSeed(2);
    const x = randn([4, 6]);
    const step = (x: Tensor) => {
      const own = x.detach().requiresGrad_();
      const [a, , c] = chunk(own, 3, 1);
      return grad(
        unbind(a!.mul(c!)).reduce((sum, row, i) => sum.add(row.mul(i).sin().sum()), own.sum()),
        own,
      )[0]!;
    };
    expect(capture(step)(x).toArray()).toEqual(step(x).toArray());
  });
});

describe('the gradients of a recurrent layer', () => {
  it.each(['RNN', 'LSTM', 'GRU'] as const)('%s: where some parameters want none, and of gradients', (name) => {
    manualSeed(3);
    const options = { inputSize: 2, hiddenSize: 3, dtype: 'float64', bidirectional: true } as const;
    const layer: nn.Module<[Tensor], readonly [Tensor, ...unknown[]]> = Reflect.construct(nn[name], [options]);
    const x = randn([4, 2, 2], { dtype: 'float64' });
    const y = layer.forward(x)[0];
    const parameters = layer.parameters();
    const whole = grad(y.sin().sum(), parameters);
    for (const [i, parameter] of parameters.entries()) {
      parameter.requiresGrad = false;
      const others = parameters.filter((other) => other !== parameter);
      const fewer = grad(layer.forward(x)[0].sin().sum(), others);
      const expected = whole.filter((_, j) => j !== i);
      for (const [j, g] of fewer.entries()) {
        expect(g!.sub(expected[j]!).abs().max().item()).toBeLessThan(1e-13);
      }
      parameter.requiresGrad = true;
    }
    const step = 1e-6;
    const [dx] = grad(layer.forward(x)[0].sin().sum(), [parameters[1]!], { createGraph: true });
    const second = grad(dx!.square().sum(), parameters[1]!)[0]!;
    const at = (shift: number) => {
      const weight = parameters[1]!.detach();
      weight.select(0, 0).select(0, 1).add_(shift);
      const value = grad(layer.forward(x)[0].sin().sum(), [parameters[1]!])[0]!.square().sum().item();
      weight.select(0, 0).select(0, 1).sub_(shift);
      return value;
    };
    const slope = (at(step) - at(-step)) / (2 * step);
    expect(Math.abs(second.index([0, 1]).item() - slope)).toBeLessThan(1e-6 * Math.max(1, Math.abs(slope)));
  });
});

it('refuses to split a 0-d tensor', () => {
  expect(() => tensor(1).split(1)).toThrow(/^split: cannot be applied to a 0-d tensor/);
});
