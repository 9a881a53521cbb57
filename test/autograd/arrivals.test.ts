import { autograd, type FunctionContext, ones, type Tensor } from 'nabla';
import { describe, expect, it } from 'vitest';
import { withArrivals } from '../../lib/autograd/arrivals.js';

const leaf = (): Tensor => ones([3], { requiresGrad: true });

/** The leaves that are told of before the end of a pass, with their gradients then. */
function arrivals(loss: Tensor, leaves: Readonly<Record<string, Tensor>>): Record<string, unknown> {
  const told: Record<string, unknown> = {};
  const tell = (one: Tensor) => {
    const [name] = Object.entries(leaves).find(([, other]) => other === one)!;
    told[name] = one.grad!.toArray();
  };
  withArrivals(tell, () => loss.backward());
  return told;
}

class Twice extends autograd.Function {
  static override forward(_: FunctionContext, x: Tensor): Tensor {
    return x.mul(2);
  }
  static override backward(_: FunctionContext, grad: Tensor): Tensor {
    return grad.mul(2);
  }
}

describe('a leaf is told of', () => {
  it('when all that uses it has passed on its gradient, the last used first', () => {
    const [a, b] = [leaf(), leaf()];
    const told = arrivals(a.mul(2).mul(b).mul(a).sum(), { a, b });
    expect(Object.entries(told)).toEqual([
      ['b', [2, 2, 2]],
      ['a', [4, 4, 4]],
    ]);
  });

  it('where nothing flows to one of its uses', () => {
    const a = leaf();
    expect(arrivals(a.mul(2).sum().add(a.mul(a).detach().sum()), { a })).toEqual({ a: [2, 2, 2] });
  });

  it('not before the end while its gradient is also what others wait for', () => {
    const [a, b] = [leaf(), leaf()];
    // The gradient of both summands is one tensor, which `tanh` needs after `a` has it.
    const told = arrivals(b.tanh().mul(3).add(a).mul(2).sum(), { a, b });
    expect(Object.keys(told)).toEqual(['b']);
    expect(a.grad!.toArray()).toEqual([2, 2, 2]);
  });

  it('not where functions of the user may look at any gradient, or start passes', () => {
    const [a, b] = [leaf(), leaf()];
    expect(arrivals(Twice.apply(a).sum(), { a })).toEqual({});
    const hidden = a.mul(2);
    hidden.registerHook(() => {});
    expect(arrivals(hidden.sum(), { a })).toEqual({});
    b.registerHook((grad) => grad.mul(10));
    expect(arrivals(a.mul(b).sum(), { a, b })).toEqual({ a: [5, 5, 5] });
    expect(b.grad!.toArray()).toEqual([10, 10, 10]);
  });

  it('in the first pass only', () => {
    const a = leaf();
    const told: unknown[] = [];
    withArrivals(
      (one) => told.push(one),
      () => {
        a.mul(2).sum().backward();
        a.mul(3).sum().backward();
      },
    );
    a.mul(4).sum().backward();
    expect(told.length).toBe(1);
    expect(a.grad!.toArray()).toEqual([9, 9, 9]);
  });
});
