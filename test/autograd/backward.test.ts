import { describe, expect, it, test } from 'vitest';
import {
  AutogradError,
  backward,
  enableGrad,
  grad,
  isGradEnabled,
  noGrad,
  ones,
  ShapeError,
  stack,
  type Tensor,
  tensor,
  ValueError,
  zeros,
} from '../../lib/index.js';

const leaf = (values: number | number[] | number[][]): Tensor => tensor(values, { requiresGrad: true });

describe('backward', () => {
  test('the documented examples', () => {
    const x = leaf([1, 2]);
    backward([x.sum(), x.mul(x).sum()]);
    expect(x.grad!.toArray()).toEqual([3, 5]);
    const y = leaf([1, 2, 3]);
    y.mul(y).sum().backward();
    expect(y.grad!.toArray()).toEqual([2, 4, 6]);
  });

  test('adds to the gradient that is there, in the same tensor', () => {
    const x = leaf([1, 2]);
    x.sum().backward();
    const { grad } = x;
    x.mul(x).sum().backward();
    expect(x.grad).toBe(grad);
    expect(grad!.toArray()).toEqual([3, 5]);
  });

  test('a leaf that is used often collects from every use', () => {
    const x = leaf(2);
    let y = x.mul(x);
    for (let i = 0; i < 5; i++) y = y.add(x);
    y.backward();
    expect(x.grad!.item()).toBe(9);
  });

  test('a diamond: paths that part and meet again', () => {
    const x = leaf(3);
    const y = x.mul(2);
    y.exp().mul(0).add(y.mul(y)).sub(y).backward();
    expect(x.grad!.item()).toBe(2 * 2 * 6 - 2);
  });

  test('with a gradient of its own for a tensor of many elements', () => {
    const x = leaf([1, 2]);
    const flowing = tensor([10, 20]);
    x.mul(x).backward(flowing);
    expect(x.grad!.toArray()).toEqual([20, 80]);
    expect(flowing.toArray()).toEqual([10, 20]);
  });

  test('takes nothing of the caller’s as gradient', () => {
    const x = leaf([1, 2]);
    const flowing = ones([2]);
    x.clone().backward(flowing);
    x.grad!.mul_(5);
    expect(flowing.toArray()).toEqual([1, 1]);
  });

  test('gives leaves gradients of their own, though the same flows into several', () => {
    const [a, b] = [leaf([1, 2]), leaf([3, 4])];
    a.add(b).backward(ones([2]));
    a.grad!.mul_(5);
    expect(b.grad!.toArray()).toEqual([1, 1]);
  });

  test('the implied gradient of a scalar is never handed out', () => {
    const spoil = (gradient: Tensor | null) => gradient!.mul_(100);
    const x = leaf(3);
    x.backward();
    spoil(x.grad);
    const y = leaf(1);
    y.add(1).backward(null, { createGraph: true });
    noGrad(() => spoil(y.grad));
    const z = leaf(1).mul(1);
    spoil(grad(z, z)[0]!);
    const w = leaf(2);
    w.mul(3).backward();
    expect(w.grad!.item()).toBe(3);
  });

  test('a leaf that is a root of the pass itself', () => {
    const x = leaf([1, 2]);
    x.backward(tensor([3, 4]));
    expect(x.grad!.toArray()).toEqual([3, 4]);
  });

  test('casts gradients to the type of what they belong to', () => {
    const x = leaf([1, 2]);
    const y = tensor([3, 4], { dtype: 'float64', requiresGrad: true });
    x.mul(y).sum().backward();
    expect([x.grad!.dtype, y.grad!.dtype]).toEqual(['float32', 'float64']);
    expect(x.grad!.toArray()).toEqual([3, 4]);
  });

  test('reduces gradients to the shape of what they belong to', () => {
    const bias = leaf(5.5);
    const row = leaf([[1, 2, 3]]);
    zeros([4, 3]).add(row).add(bias).sum().backward();
    expect(bias.grad!.shape).toEqual([]);
    expect(bias.grad!.item()).toBe(12);
    expect(row.grad!.toArray()).toEqual([[4, 4, 4]]);
  });

  test('walks graphs that are deeper than the call stack', () => {
    const x = leaf(1);
    let y = x.add(0);
    for (let i = 0; i < 50_000; i++) y = y.add(1);
    y.backward();
    expect(x.grad!.item()).toBe(1);
  });

  test('leaves alone what needs no gradient', () => {
    const [x, c] = [leaf([1, 2]), tensor([3, 4])];
    x.mul(c).sum().backward();
    expect(c.grad).toBeNull();
    expect(x.mul(c).grad).toBeNull();
  });

  test('conditions and integers end the flow', () => {
    const x = leaf([-1.5, 2.5]);
    for (const out of [x.gt(0), x.isnan(), x.int(), x.bool(), x.argmax(), x.logicalNot(), x.eq(x), x.any()]) {
      expect(out.requiresGrad).toBe(false);
    }
    x.mul(x.gt(0)).sum().backward();
    expect(x.grad!.toArray()).toEqual([0, 1]);
  });
});

describe('the graph', () => {
  test('is freed by the first pass', () => {
    const x = leaf([1, 2]);
    const y = x.mul(x).sum();
    y.backward();
    expect(() => y.backward()).toThrow(AutogradError);
    expect(() => y.backward()).toThrow(
      /^backward: the graph at \w+ was already used and its saved tensors were freed; pass \{ retainGraph: true \}/,
    );
  });

  test('is there for another pass where it saved nothing', () => {
    const x = leaf([1, 2]);
    const y = x.add(1).expand([3, 2]).sum();
    y.backward();
    y.backward();
    expect(x.grad!.toArray()).toEqual([6, 6]);
  });

  test('is kept when asked, and the last pass frees it', () => {
    const x = leaf([1, 2]);
    const y = x.mul(x).sum();
    y.backward(null, { retainGraph: true });
    y.backward();
    expect(x.grad!.toArray()).toEqual([4, 8]);
    expect(() => y.backward()).toThrow('already used');
  });

  test('a part that two losses share must be kept by the first', () => {
    const x = leaf([1, 2]);
    const shared = x.exp();
    const [a, b] = [shared.sum(), shared.mean()];
    a.backward();
    expect(() => b.backward()).toThrow('already used');
  });

  test('is recorded again for second derivatives', () => {
    const x = leaf([1, 2]);
    x.pow(3).sum().backward(null, { createGraph: true });
    expect(x.grad!.requiresGrad).toBe(true);
    expect(x.grad!.toArray()).toEqual([3, 12]);
    const first = x.grad!;
    x.grad = null;
    first.sum().backward();
    expect(x.grad!.toArray()).toEqual([6, 12]);
  });

  test('with createGraph, gradients add up in new tensors, with their history', () => {
    const x = leaf(2);
    x.pow(2).backward(null, { createGraph: true });
    const before = x.grad!;
    x.pow(3).backward(null, { createGraph: true });
    expect(x.grad).not.toBe(before);
    expect(before.item()).toBe(4);
    expect(x.grad!.item()).toBe(16);
    expect(grad(x.grad!, x)[0]!.item()).toBe(2 + 12);
  });

  test('a failed pass leaves no gradients behind in it', () => {
    const x = leaf([1, 2]);
    const middle = x.mul(1);
    const saved = middle.exp();
    const out = saved.add(middle.mul(middle)).sum();
    noGrad(() => saved.add_(1));
    expect(() => out.backward()).toThrow('changed in place');
    noGrad(() => saved.sub_(1));
    const again = middle.mul(3).sum();
    x.grad = null;
    again.backward(null, { retainGraph: true });
    expect(x.grad!.toArray()).toEqual([3, 3]);
  });

  test('is not held by a detached tensor', () => {
    const x = leaf([1, 2]);
    const y = x.mul(2).detach();
    expect([y.requiresGrad, y.isLeaf]).toEqual([false, true]);
    expect(x.mul(2).isLeaf).toBe(false);
  });
});

describe('grad', () => {
  test('returns instead of accumulating', () => {
    const x = leaf(3);
    const [dx] = grad(x.pow(2), x, { createGraph: true });
    expect(dx!.item()).toBe(6);
    expect(grad(dx!, x)[0]!.item()).toBe(2);
    expect(x.grad).toBeNull();
  });

  test('goes to any order', () => {
    const x = leaf(2);
    let y = x.pow(5);
    const values: number[] = [];
    for (let order = 1; order <= 6; order++) {
      y = grad(y, x, { createGraph: true, allowUnused: true })[0] ?? zeros([]).mul(x);
      values.push(y.item());
    }
    expect(values).toEqual([80, 160, 240, 240, 120, 0]);
  });

  test('with respect to the result of an operation, without going beyond it', () => {
    const x = leaf([1, 2]);
    const y = x.mul(2);
    const z = y.mul(y).sum();
    expect(grad(z, y, { retainGraph: true })[0]!.toArray()).toEqual([4, 8]);
    expect(grad(z, [x, y]).map((gradient) => gradient!.toArray())).toEqual([
      [8, 16],
      [4, 8],
    ]);
    expect(x.grad).toBeNull();
  });

  test('several outputs, with gradients of their own', () => {
    const x = leaf([1, 2]);
    const gradOutputs = [tensor([1, 10]), null];
    expect(grad([x.mul(x), x.sum()], x, { gradOutputs })[0]!.toArray()).toEqual([3, 41]);
  });

  test('null for what was not reached, if that is allowed', () => {
    const [x, unused] = [leaf([1, 2]), leaf(1)];
    const of = (allowUnused: boolean) => grad(x.sum(), [x, unused], { allowUnused });
    expect(of(true)[1]).toBeNull();
    expect(() => of(false)).toThrow(AutogradError);
    expect(() => of(false)).toThrow(
      'grad: the outputs do not depend on input 1; pass { allowUnused: true } to get null for it',
    );
  });

  test('zeros for what was not reached, if they are asked for', () => {
    const [x, unused] = [leaf([1, 2]), leaf([[3], [4]])];
    const [dx, none] = grad(x.sum(), [x, unused], { materializeGrads: true });
    expect(dx!.toArray()).toEqual([1, 1]);
    expect(none!.toArray()).toEqual([[0], [0]]);
  });

  test('takes outputs and inputs by name, as programs for PyTorch give them', () => {
    const x = leaf([1, 2]);
    const options = { gradOutputs: ones([2]), createGraph: true, retainGraph: true, onlyInputs: true } as const;
    expect(grad({ outputs: x.mul(x), inputs: x, ...options })[0]!.toArray()).toEqual([2, 4]);
    expect(grad(x.mul(x), { inputs: [x], ...options })[0]!.toArray()).toEqual([2, 4]);
    expect(() => Reflect.apply(grad, null, [{ outputs: x.sum() }])).toThrow('grad: inputs must be');
    expect(() => Reflect.apply(grad, null, [x.sum(), x, { onlyInputs: false }])).toThrow(
      'grad: onlyInputs must be true, as gradients are for the inputs alone; leave it out, got false',
    );
  });

  test('the same input twice, and an output as its own input', () => {
    const x = leaf([1, 2]);
    const [a, b] = grad(x.mul(x).sum(), [x, x]);
    expect([a!.toArray(), b!.toArray()]).toEqual([
      [2, 4],
      [2, 4],
    ]);
    const y = x.mul(3);
    expect(grad(y, y, { gradOutputs: tensor([5, 6]) })[0]!.toArray()).toEqual([5, 6]);
  });

  test('a Hessian, row by row', () => {
    const x = leaf([1, 2, 3]);
    const [g] = grad(x.prod(), x, { createGraph: true });
    const rows = [0, 1, 2].map((i) => grad(g!.select(0, i), x, { retainGraph: true })[0]!);
    expect(stack(rows).toArray()).toEqual([
      [0, 3, 2],
      [3, 0, 1],
      [2, 1, 0],
    ]);
  });

  test('gradients with respect to gradOutputs', () => {
    const x = leaf([1, 2]);
    const v = leaf([1, 1]);
    const [g] = grad(x.mul(x), x, { gradOutputs: v, createGraph: true });
    expect(grad(g!.sum(), [x, v]).map((gradient) => gradient!.toArray())).toEqual([
      [2, 2],
      [2, 4],
    ]);
  });
});

describe('recording', () => {
  test('is switched off by noGrad and on by enableGrad, and restored', () => {
    const w = leaf([1, 2]);
    expect(noGrad(() => [isGradEnabled(), w.mul(2).requiresGrad])).toEqual([false, false]);
    expect(noGrad(() => enableGrad(() => [isGradEnabled(), w.mul(2).requiresGrad]))).toEqual([true, true]);
    expect(isGradEnabled()).toBe(true);
  });

  test('is restored when the function throws', () => {
    const fail = () => {
      throw new RangeError('inside');
    };
    expect(() => noGrad(fail)).toThrow(RangeError);
    expect(isGradEnabled()).toBe(true);
    expect(() => noGrad(() => enableGrad(fail))).toThrow(RangeError);
    expect(isGradEnabled()).toBe(true);
  });

  test('cannot be switched for an asynchronous function', () => {
    expect(() => noGrad(async () => 1)).toThrow('noGrad: the function must be synchronous, but it returned a promise');
    expect(() => enableGrad(() => Promise.resolve(1))).toThrow('enableGrad: the function must be synchronous');
    expect(isGradEnabled()).toBe(true);
  });

  test('a leaf made inside noGrad can require gradients all the same', () => {
    const x = noGrad(() => leaf([1]));
    x.mul(2).sum().backward();
    expect(x.grad!.toArray()).toEqual([2]);
  });

  test('a pass works inside noGrad', () => {
    const x = leaf([1, 2]);
    const y = x.mul(x).sum();
    noGrad(() => y.backward());
    expect(x.grad!.toArray()).toEqual([2, 4]);
    expect(x.grad!.requiresGrad).toBe(false);
  });
});

describe('refusals', () => {
  test.each<[call: () => unknown, error: new (message: string) => Error, message: string]>([
    [
      () => tensor([1]).backward(),
      AutogradError,
      'backward: the tensor does not require a gradient and nothing recorded made it',
    ],
    [() => noGrad(() => leaf([1]).mul(2)).backward(), AutogradError, 'compute it outside noGrad'],
    [
      () => leaf([1, 2]).mul(2).backward(),
      AutogradError,
      'a gradient is implied only for a tensor of one element, but this one has shape [2]',
    ],
    [
      () =>
        leaf([1, 2])
          .mul(2)
          .backward(ones([3])),
      ShapeError,
      'backward: the gradient has shape [3], but the tensor [2]',
    ],
    [
      () => leaf(1).backward(null, { retain_graph: true } as object),
      ValueError,
      "backward: unknown option 'retain_graph'; did you mean 'retainGraph'?",
    ],
    [() => grad(leaf(1).mul(2), tensor(1)), AutogradError, 'grad: input 0 does not require a gradient'],
    [() => grad(tensor(1), leaf(1)), AutogradError, 'grad: the tensor does not require a gradient'],
    [
      () => grad(leaf(1), leaf(1), { gradOutput: 1 } as object),
      ValueError,
      "grad: unknown option 'gradOutput'; did you mean 'gradOutputs'?",
    ],
    [
      () => tensor([1], { dtype: 'int32', requiresGrad: true }),
      Error,
      'only float32 and float64 tensors can require gradients, got int32',
    ],
    [() => leaf(1).mul(2).requiresGrad_(false), AutogradError, 'cannot be switched off; use detach()'],
  ])('%s', (call, error, message) => {
    expect(call).toThrow(error);
    expect(call).toThrow(message);
  });
});

describe('arguments', () => {
  const x = leaf([1, 2]);
  const call = (fn: unknown, ...args: readonly unknown[]) => Reflect.apply(fn as () => unknown, undefined, args);

  it('come in the order of PyTorch, or by name', () => {
    const y = x.mul(x).sum();
    const graph = (dx: Tensor | null): boolean => dx!.requiresGrad;
    expect(grad(y, x, null, true)[0]!.requiresGrad).toBe(false);
    expect(graph(grad(y, x, null, null, true)[0]!)).toBe(true);
    expect(graph(grad(y, x, null, { createGraph: true })[0]!)).toBe(true);
    expect(grad(y, [x, leaf([1])], null, true, false, true)[1]).toBeNull();
    backward(y, tensor(2), true);
    y.backward(tensor(2), true);
    y.backward({ gradient: tensor(3), retainGraph: true });
    expect(x.grad!.toArray()).toEqual([14, 28]);
    y.backward();
    expect(() => y.backward()).toThrow('pass { retainGraph: true }');
  });

  test.each<[fn: unknown, args: unknown[], message: string]>([
    [backward, [], 'backward: tensors must be a Tensor or an array of tensors, got undefined'],
    [backward, [[x, 1]], 'backward: tensors[1] must be a Tensor, got 1'],
    [backward, [x, [x, 1]], 'backward: gradTensors[1] must be a Tensor, or null, got 1'],
    [backward, [x, null, 1], 'backward: retainGraph must be true or false, or null, got 1'],
    [
      backward,
      [x, { retain: true }],
      "backward: unknown option 'retain'; known: gradTensors, retainGraph, createGraph",
    ],
    [backward, [x, null, true, true, true], 'backward: expected at most 4 arguments'],
    [grad, [x], 'grad: inputs must be a Tensor or an array of tensors, got undefined'],
    [grad, [x, x, { allowUnused: 1 }], 'grad: allowUnused must be true or false, got 1'],
    [noGrad, [], 'noGrad: fn must be a function, got undefined'],
    [enableGrad, [() => 1, { a: 1 }], "enableGrad: unknown option 'a'; there are none"],
    [isGradEnabled, [1], 'isGradEnabled: expected no arguments, got 1'],
    [(...args: []) => x.backward(...args), [{ gradTensors: x }], "backward: unknown option 'gradTensors'"],
  ])('%#: are refused', (fn, args, message) => {
    expect(() => call(fn, ...args)).toThrow(ValueError);
    expect(() => call(fn, ...args)).toThrow(message);
  });
});
