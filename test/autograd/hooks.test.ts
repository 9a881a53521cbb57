import { describe, expect, it } from 'vitest';
import { autograd, capture, enableGrad, grad, ones, type Tensor, tensor } from '../../lib/index.js';

const leaf = (values: number[]) => tensor(values, { requiresGrad: true });

describe('registerHook', () => {
  it('sees and replaces the gradient of a leaf and of a result', () => {
    const x = leaf([1, 2]);
    const seen: unknown[] = [];
    x.registerHook((g) => {
      seen.push(g.toArray());
      return g.mul(10);
    });
    const y = x.mul(3);
    y.registerHook((g) => {
      seen.push(g.toArray());
      return g.add(1);
    });
    y.sum().backward();
    expect(seen).toEqual([
      [1, 1],
      [6, 6],
    ]);
    expect(x.grad!.toArray()).toEqual([60, 60]);
  });

  it('is called once a pass with the whole gradient of a leaf, in the order of registration', () => {
    const x = leaf([1]);
    const seen: unknown[] = [];
    x.registerHook((g) => {
      seen.push(['first', g.item()]);
      return g.add(1);
    });
    x.registerHook((g) => {
      seen.push(['second', g.item()]);
    });
    x.mul(2).add(x.mul(3)).backward();
    expect(seen).toEqual([
      ['first', 5],
      ['second', 6],
    ]);
    expect(x.grad!.item()).toBe(6);
  });

  it('is called for grad too, and can be removed', () => {
    const x = leaf([1]);
    const handle = x.registerHook((g) => g.mul(2));
    expect(grad(x.mul(3), x)[0]!.item()).toBe(6);
    handle.remove();
    handle.remove();
    expect(grad(x.mul(3), x)[0]!.item()).toBe(3);
  });

  it('takes part in gradients of gradients', () => {
    const x = leaf([2]);
    const y = x.mul(x);
    y.registerHook((g) => g.mul(x));
    const [dx] = grad(y, x, { createGraph: true });
    expect(dx!.item()).toBe(8);
    expect(grad(dx!, x)[0]!.item()).toBe(8);
  });

  it('keeps what it has seen', () => {
    const kept: Tensor[] = [];
    const x = ones([8192], { requiresGrad: true });
    const y = x.mul(2);
    y.registerHook((g) => {
      kept.push(g);
    });
    x.registerHook((g) => {
      kept.push(g);
    });
    y.mul(3).sum().backward();
    for (let i = 0; i < 4; i++) ones([8192], { requiresGrad: true }).mul(5).mul(7).sum().backward();
    expect(kept.map((g) => [g.amin().item(), g.amax().item()])).toEqual([
      [3, 3],
      [6, 6],
    ]);
    x.grad!.zero_();
    expect(kept[1]!.amin().item()).toBe(6);
  });

  it('may run a pass of its own', () => {
    const x = leaf([1, 2]);
    const other = leaf([3]);
    x.registerHook((g) => {
      enableGrad(() => other.mul(2).backward());
      return g;
    });
    x.mul(5).sum().backward();
    expect([x.grad!.toArray(), other.grad!.toArray()]).toEqual([[5, 5], [2]]);
  });

  it.each([
    [
      'what requires no gradient',
      () => ones([1]).registerHook((g) => g),
      /registerHook: the tensor does not require a gradient/,
    ],
    ['what is no function', () => leaf([1]).registerHook(3 as never), /registerHook: hook must be a function, got 3/],
    [
      'a result of another shape',
      () => {
        const x = leaf([1]);
        x.registerHook(() => ones([2]));
        x.mul(1).backward();
      },
      /given a gradient of shape \[1\] and returned one of shape \[2\]/,
    ],
    [
      'a result that is no tensor',
      () => {
        const x = leaf([1]);
        x.registerHook(() => 3 as never);
        x.mul(1).backward();
      },
      /must return a gradient, or nothing, got 3/,
    ],
    [
      'a captured function',
      () => capture((x: Tensor) => x.requiresGrad_().registerHook((g) => g) && x.mul(1))(ones([1])),
      /registerHook: a captured function does not call hooks/,
    ],
    [
      'the result of an operation',
      () =>
        leaf([1])
          .mul(1)
          .registerPostAccumulateGradHook(() => {}),
      /which accumulates nothing/,
    ],
  ])('refuses %s', (_, call, message) => {
    expect(call).toThrow(message);
  });

  it('is not overlooked by a captured function, whenever it was registered', () => {
    const w = leaf([1, 2]);
    const step = capture((x: Tensor) => {
      w.grad = null;
      w.mul(x).sum().backward();
      return w.grad!.clone();
    });
    expect([step(ones([2])), step(ones([2]))].map((g) => g.toArray())).toEqual([
      [1, 1],
      [1, 1],
    ]);
    const handle = w.registerHook((g) => g.mul(2));
    expect(() => step(ones([2]))).toThrow(/backward: a captured function does not call hooks/);
    handle.remove();
    expect(step(ones([2])).toArray()).toEqual([1, 1]);
  });
});

describe('registerPostAccumulateGradHook', () => {
  it('is called with the leaf, when its gradient is there', () => {
    const x = leaf([1, 2]);
    const seen: unknown[] = [];
    x.registerPostAccumulateGradHook((own) => {
      seen.push(own.grad!.toArray());
      own.grad = null;
    });
    for (let i = 0; i < 2; i++) x.mul(3).sum().backward();
    expect([seen, x.grad]).toEqual([
      [
        [3, 3],
        [3, 3],
      ],
      null,
    ]);
  });
});

describe('retainGrad', () => {
  it('keeps the gradient of a result, and accumulates', () => {
    const x = leaf([1, 2]);
    const y = x.mul(3);
    y.retainGrad();
    y.retainGrad();
    const loss = y.mul(y).sum();
    loss.backward(null, { retainGraph: true });
    expect(y.grad!.toArray()).toEqual([6, 12]);
    loss.backward();
    expect([y.grad!.toArray(), x.grad!.toArray()]).toEqual([
      [12, 24],
      [36, 72],
    ]);
    expect(() => ones([1]).retainGrad()).toThrow(/does not require a gradient/);
  });
});

describe('detectAnomaly', () => {
  it('names the operation whose gradient is NaN, and where it was called', () => {
    const x = leaf([0, 1]);
    const bornHere = () => x.mul(0).div(x);
    expect(() => autograd.detectAnomaly(() => bornHere().sum().backward())).toThrow(
      /the gradient of input \d of Div is NaN; called here:[\s\S]*hooks\.test\.ts/,
    );
    expect(autograd.isAnomalyDetected()).toBe(false);
    expect(() => bornHere().sum().backward()).not.toThrow();
  });

  it('leaves what is sound alone, and is refused where it cannot work', () => {
    const x = leaf([1, 2]);
    expect(autograd.detectAnomaly(() => x.mul(2).sum().item())).toBe(6);
    expect(() => autograd.detectAnomaly(3 as never)).toThrow(/detectAnomaly: fn must be a function, got 3/);
    expect(() => autograd.detectAnomaly(async () => {})).toThrow(/must be synchronous/);
    expect(() => capture((y: Tensor) => autograd.detectAnomaly(() => y.mul(2)))(ones([1]))).toThrow(
      /detectAnomaly: a captured/,
    );
    const twice = capture((y: Tensor) => y.mul(2));
    const message = /detectAnomaly does not see into a captured function; call the plain function there/;
    expect(() => autograd.detectAnomaly(() => twice(ones([1])))).toThrow(message);
    twice(ones([1]));
    expect(() => autograd.detectAnomaly(() => twice(ones([1])))).toThrow(message);
  });
});
