import { describe, expect, it } from 'vitest';
import {
  autograd,
  capture,
  type FunctionContext,
  grad,
  gradcheck,
  gradgradcheck,
  manualSeed,
  ones,
  randn,
  type Tensor,
  tensor,
  ValueError,
  zeros,
} from '../../lib/index.js';
import { nodeOf } from '../../lib/tensor/tensor.js';

class Exp extends autograd.Function {
  static override forward(ctx: FunctionContext, x: Tensor): Tensor {
    const y = x.exp();
    ctx.saveForBackward(y);
    return y;
  }
  static override backward(ctx: FunctionContext, g: Tensor): Tensor {
    return g.mul(ctx.savedTensors[0]!);
  }
}

/** k x y and x + y. */
class Two extends autograd.Function {
  static override forward(ctx: FunctionContext, x: Tensor, y: Tensor, k: number): [Tensor, Tensor] {
    ctx.saveForBackward(x, y);
    ctx.k = k;
    return [x.mul(y).mul(k), x.add(y)];
  }
  static override backward(ctx: FunctionContext, a: Tensor, b: Tensor): (Tensor | null)[] {
    const [x, y] = ctx.savedTensors as [Tensor, Tensor];
    const k = ctx.k as number;
    return [a.mul(y).mul(k).add(b), a.mul(x).mul(k).add(b), null];
  }
}

const leaf = (values: number[]) => tensor(values, { requiresGrad: true });
const double = (values: number[]) => tensor(values, { dtype: 'float64', requiresGrad: true });

describe('autograd.Function', () => {
  it('gives the result and the gradient by hand', () => {
    const x = leaf([0, 1]);
    const y = Exp.apply(x);
    expect(String(y)).toBe('tensor([1.0000, 2.7183], grad_fn=<ExpBackward>)');
    y.sum().backward();
    expect(x.grad!.eq(x.exp()).all().item()).toBe(true);
  });

  it('has gradients of any order', () => {
    expect(gradcheck((x) => Exp.apply(x!), [double([0.3, -1])])).toBe(true);
    expect(gradgradcheck((x) => Exp.apply(x!), [double([0.3, -1])])).toBe(true);
    const both = (x: Tensor, y: Tensor) => Two.apply(x, y, 2);
    expect(gradcheck((x, y) => both(x!, y!)[0].mul(both(x!, y!)[1]), [double([1, 2]), double([3, 4])])).toBe(true);
    expect(gradgradcheck((x, y) => both(x!, y!)[0].mul(both(x!, y!)[1]), [double([1, 2]), double([3, 4])])).toBe(true);
  });

  it('of several results has the values of PyTorch', () => {
    const [x, y] = [leaf([1, 2]), leaf([3, 4])];
    const [a, b] = Two.apply(x, y, 2);
    const [dx] = grad(a.mul(a).sum().add(b.sum()), x, { createGraph: true });
    expect(dx!.toArray()).toEqual([73, 257]);
    expect(grad(dx!.sum(), [x, y]).map((g) => g!.toArray())).toEqual([
      [72, 128],
      [48, 128],
    ]);
  });

  it('is given zeros for a result that nothing depends on, or null', () => {
    const seen: (Tensor | null)[][] = [];
    class Watched extends autograd.Function {
      static override forward(ctx: FunctionContext, x: Tensor, zeros: boolean): [Tensor, Tensor] {
        ctx.setMaterializeGrads(zeros);
        return [x.mul(2), x.mul(3)];
      }
      static override backward(_: FunctionContext, a: Tensor | null, b: Tensor | null): (Tensor | null)[] {
        seen.push([a, b]);
        return [b, null];
      }
    }
    for (const zeros of [true, false])
      Watched.apply(leaf([1, 2]), zeros)[1]
        .sum()
        .backward();
    expect(seen.map((pair) => pair.map((g) => g?.toArray() ?? null))).toEqual([
      [
        [0, 0],
        [1, 1],
      ],
      [null, [1, 1]],
    ]);
  });

  it('knows which gradients are wanted, and what is not differentiable', () => {
    let wanted: readonly boolean[] = [];
    class Sorted extends autograd.Function {
      static override forward(ctx: FunctionContext, x: Tensor, y: Tensor): [Tensor, Tensor] {
        wanted = ctx.needsInputGrad;
        const second = y.clone();
        ctx.markNonDifferentiable(second);
        return [x.clone(), second];
      }
      static override backward(_: FunctionContext, g: Tensor): (Tensor | null)[] {
        return [g, null];
      }
    }
    const [first, second] = Sorted.apply(leaf([1]), tensor([2]));
    expect([wanted, first.requiresGrad, second.requiresGrad]).toEqual([[true, false], true, false]);
    expect(Sorted.apply(tensor([1]), tensor([1]))[0].requiresGrad).toBe(false);
  });

  it('may return an argument as it is', () => {
    class Same extends autograd.Function {
      static override forward(_: FunctionContext, x: Tensor): Tensor {
        return x;
      }
      static override backward(_: FunctionContext, g: Tensor): Tensor {
        return g.neg();
      }
    }
    const x = leaf([1, 2]);
    const y = Same.apply(x);
    y.sum().backward();
    expect([y === x, x.grad!.toArray()]).toEqual([false, [-1, -1]]);
  });

  it('notices that what it saved was changed in place, and a second pass', () => {
    const x = leaf([1, 2]).mul(1);
    const [y] = Two.apply(x, ones([2]), 1);
    x.add_(1);
    expect(() => y.sum().backward()).toThrow(/changed in place by add_/);
    const z = Exp.apply(leaf([1]));
    z.backward();
    expect(() => z.backward()).toThrow(/already used/);
  });

  it('sums a gradient to the shape of a broadcast argument, and refuses others', () => {
    class Plus extends autograd.Function {
      static override forward(_: FunctionContext, x: Tensor, y: Tensor): Tensor {
        return x.add(y);
      }
      static override backward(_: FunctionContext, g: Tensor): Tensor[] {
        return [g, g];
      }
    }
    const bias = leaf([1, 2]);
    Plus.apply(ones([3, 2]), bias)
      .sum()
      .backward();
    expect(bias.grad!.toArray()).toEqual([3, 3]);
    class Bad extends Plus {
      static override backward(): Tensor[] {
        return [ones([3, 2]), zeros([3])];
      }
    }
    expect(() =>
      Bad.apply(ones([3, 2]), bias)
        .sum()
        .backward(),
    ).toThrow('Bad.backward: gradient 1 has shape [3], but the argument [2]');
  });

  it.each([
    ['too few gradients', () => [null], /Wrong.backward: expected 2 gradients, one per argument of forward, got 1/],
    ['too many', () => [null, null, ones([1])], /expected 2 gradients/],
    ['no tensor', () => [3, null], /gradient 0 must be a Tensor or null, got 3/],
  ])('refuses %s', (_, gradients, message) => {
    class Wrong extends autograd.Function {
      static override forward(_ctx: FunctionContext, x: Tensor, _k: number): Tensor {
        return x.clone();
      }
      static override backward(): unknown {
        return gradients();
      }
    }
    expect(() =>
      Wrong.apply(leaf([1]), 2)
        .sum()
        .backward(),
    ).toThrow(message);
  });

  it('refuses results that are none, and misses nothing of a pass that ended early', () => {
    class Nothing extends autograd.Function {
      static override forward(): unknown {
        return 7;
      }
    }
    expect(() => Nothing.apply()).toThrow('Nothing.forward: expected a tensor or an array of tensors as result, got 7');
    let fails = true;
    const x = leaf([1, 2]);
    const [a, b] = Two.apply(x, ones([2]), 1);
    const handle = b.registerHook(() => {
      if (fails) throw new Error('stop');
    });
    const total = a.mul(1).sum().add(b.sum());
    expect(() => total.backward(null, { retainGraph: true })).toThrow('stop');
    fails = false;
    total.backward(null, { retainGraph: true });
    expect(x.grad!.toArray()).toEqual([2, 2]);
    handle.remove();
  });

  it('shares its rules between applications, and refuses what is no definition', () => {
    const rules = [1, 2].map(() => nodeOf(Exp.apply(leaf([1])))!.rule);
    expect(rules[0]).toBe(rules[1]);
    const pairs = [1, 2].map(() => Two.apply(leaf([1]), leaf([1]), 2).map((result) => nodeOf(result)!.rule));
    expect(pairs[0]![0]).toBe(pairs[1]![1]);
    expect(() => Reflect.apply(Exp.apply, undefined, [leaf([1])])).toThrow(ValueError);
    expect(() => Reflect.apply(Exp.apply, 3, [leaf([1])])).toThrow('it was called on 3');
  });

  it('refuses to keep what is no tensor', () => {
    const refused = (use: (ctx: FunctionContext) => void) => {
      class Using extends autograd.Function {
        static override forward(ctx: FunctionContext, x: Tensor): Tensor {
          use(ctx);
          return x;
        }
      }
      return () => Using.apply(leaf([1]));
    };
    expect(refused((ctx) => ctx.saveForBackward(3 as never))).toThrow(
      'saveForBackward: argument 0 must be a Tensor, got 3',
    );
    expect(refused((ctx) => ctx.markNonDifferentiable(null as never))).toThrow('markNonDifferentiable: argument 0');
    expect(refused((ctx) => ctx.setMaterializeGrads(1 as never))).toThrow(
      'setMaterializeGrads: value must be true or false',
    );
    expect(refused((ctx) => Reflect.apply(ctx.setMaterializeGrads, ctx, [true, 1]))).toThrow(
      'expected 1 argument, got 2',
    );
  });

  it('keeps what it has seen: memory of a pass is not reused then', () => {
    const kept: Tensor[] = [];
    class Spy extends autograd.Function {
      static override forward(_: FunctionContext, x: Tensor): Tensor {
        return x.mul(2);
      }
      static override backward(_: FunctionContext, g: Tensor): Tensor {
        const own = g.mul(2);
        kept.push(g, own);
        return own;
      }
    }
    const x = ones([8192], { requiresGrad: true });
    Spy.apply(x).mul(3).sum().backward();
    for (let i = 0; i < 4; i++) ones([8192], { requiresGrad: true }).mul(5).mul(7).sum().backward();
    expect(kept.map((g) => [g.amin().item(), g.amax().item()])).toEqual([
      [3, 3],
      [6, 6],
    ]);
    x.grad!.zero_();
    expect(kept[1]!.amin().item()).toBe(6);
  });

  it('is part of a captured function', () => {
    const run = () => {
      manualSeed(1);
      const w = randn([5], { requiresGrad: true });
      const step = (x: Tensor): [Tensor, Tensor] => {
        w.grad = null;
        const loss = Two.apply(Exp.apply(w.mul(x)), x, 3)[0].sum();
        loss.backward();
        return [loss, w.grad!.clone()];
      };
      return { step, captured: capture(step) };
    };
    const [plain, other] = [run(), run()];
    for (let i = 0; i < 4; i++) {
      const x = randn([5]);
      const expected = plain.step(x).map((t) => t.toArray());
      expect(other.captured(x).map((t) => t.toArray())).toEqual(expected);
    }
  });
});
