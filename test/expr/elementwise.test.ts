import { describe, expect, test } from 'vitest';
import {
  add,
  capture,
  clamp,
  div,
  type Expr,
  elementwise,
  erf,
  exp,
  gradcheck,
  gradgradcheck,
  gt,
  log1p,
  maximum,
  mul,
  neg,
  ones,
  pow,
  relu,
  sigmoid,
  softplus,
  sub,
  type Tensor,
  tanh,
  tensor,
  ValueError,
  where,
} from '../../lib/index.js';
import { pointwiseOf } from '../../lib/tensor/elementwise.js';

const float64 = (values: number[] | number[][], requiresGrad = false): Tensor =>
  tensor(values, { dtype: 'float64', requiresGrad });

const mish = elementwise((x) => mul(x, tanh(softplus(x))));
const smoothL1 = elementwise((input, target, beta) => {
  const difference = sub(input, target);
  const size = maximum(difference, neg(difference));
  return where(gt(beta, size), div(mul(mul(0.5, difference), difference), beta), sub(size, mul(0.5, beta)));
});

describe('elementwise', () => {
  test('the documented example', () => {
    const x = tensor([-1, 0, 1], { requiresGrad: true });
    mish(x).sum().backward();
    expect(String(x.grad)).toBe('tensor([0.0592, 0.6000, 1.0490])');
  });

  test('computes what its parts compute, in one operation', () => {
    const x = float64([-2, -0.5, 0, 1.5]);
    expect(
      mish(x)
        .sub(x.mul(softplus(x).tanh()))
        .abs()
        .max()
        .item(),
    ).toBeLessThan(1e-15);
    expect(mish(float64([1], true)).toString()).toContain('grad_fn=<ElementwiseBackward0>');
  });

  test('is differentiable, any number of times', () => {
    const x = float64([-2, -0.5, 0.3, 1.5], true);
    expect(gradcheck(mish, x)).toBe(true);
    expect(gradgradcheck(mish, x)).toBe(true);
    const third = elementwise((a) => exp(mul(a, a)));
    expect(gradgradcheck((a) => third(a).mul(a), x)).toBe(true);
  });

  test.each<[a: number[], b: number[], c: number[]]>([
    [
      [2, 3],
      [2, 3],
      [2, 3],
    ],
    [[2, 3], [3], []],
    [[2, 1], [1, 3], [1]],
    [[], [2, 2], [2, 1]],
  ])('broadcasts %j, %j and %j, with gradients', (a, b, c) => {
    const size = (shape: number[]) => shape.reduce((product, n) => product * n, 1);
    const filled = (shape: number[], value: (i: number) => number) =>
      float64(Array.from({ length: size(shape) }, (_, i) => value(i)))
        .reshape(shape)
        .requiresGrad_();
    const inputs = [filled(a, (i) => i * 0.7 - 1), filled(b, (i) => 0.3 * i), filled(c, (i) => 1.17 + 0.1 * i)];
    expect(gradcheck(smoothL1, inputs)).toBe(true);
    expect(gradgradcheck(smoothL1, inputs)).toBe(true);
  });

  test('takes numbers for tensors', () => {
    const x = float64([0.2, 3], true);
    expect(smoothL1(x, 0, 1).toArray()).toEqual([0.5 * 0.2 * 0.2, 2.5]);
    expect(gradcheck((a) => smoothL1(a, 0.5, 2), x)).toBe(true);
    expect(smoothL1(1, 0, 1).item()).toBe(0.5);
  });

  test('gradients of arguments that play the same part', () => {
    const joined = elementwise((x, y, z) => exp(add(add(x, y), z)));
    const inputs = [
      [0.1, 0.2],
      [0.3, -0.2],
      [0.5, 0.1],
    ].map((values) => float64(values, true));
    expect(gradcheck(joined, inputs)).toBe(true);
    expect(gradgradcheck(joined, inputs)).toBe(true);
  });

  test('can be a part of another', () => {
    const twice = elementwise((x, y) => add(mish(x), mish(mul(x, y))));
    const inputs = [float64([0.5, -1], true), float64([2, 0.7], true)];
    const [x, y] = inputs as [Tensor, Tensor];
    expect(
      twice(x, y)
        .sub(mish(x).add(mish(x.mul(y))))
        .abs()
        .max()
        .item(),
    ).toBeLessThan(1e-15);
    expect(gradcheck(twice, inputs)).toBe(true);
  });

  test('is built of any function of nabla that works on elements', () => {
    const fn = elementwise((x) => add(clamp(pow(x, 3), -1, 1), mul(relu(x), sub(erf(x), log1p(sigmoid(x))))));
    expect(gradcheck(fn, float64([-1.4, -0.6, 0.4, 1.7], true))).toBe(true);
  });

  test('of integers is float32', () => {
    expect(mish(tensor([1, 2], { dtype: 'int32' })).dtype).toBe('float32');
    expect(elementwise((x) => gt(x, 1))(float64([0, 2])).toArray()).toEqual([0, 1]);
  });

  test('of strided, empty and 0-d tensors', () => {
    const x = float64([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect(mish(x.t()).toArray()).toEqual(mish(x).t().toArray());
    expect(mish(x.narrow(0, 0, 0)).shape).toEqual([0, 3]);
    expect(mish(tensor(1)).shape).toEqual([]);
  });

  test('is called once, however often it is applied', () => {
    let calls = 0;
    const counted = elementwise((x) => {
      calls++;
      return exp(x);
    });
    const x = ones([2], { requiresGrad: true });
    for (let i = 0; i < 3; i++) counted(x).sum().backward();
    expect(calls).toBe(1);
  });

  test('goes by the name of its function', () => {
    const named = elementwise(function gelu(x: Expr) {
      return mul(x, sigmoid(mul(1.702, x)));
    });
    expect(pointwiseOf(named)?.formula.name).toBe('gelu');
    expect(() => Reflect.apply(named, undefined, [ones([2]), ones([3])])).toThrow('gelu: expected 1 operand, got 2');
  });
});

describe('refusals', () => {
  const tensorInside = ones([2]);
  test.each<[call: () => unknown, message: string]>([
    [() => Reflect.apply(elementwise, undefined, [3]), 'elementwise: build must be a function, got 3'],
    [() => elementwise(() => exp(1 as never)), 'elementwise: build must take one or more arguments, but it takes none'],
    [
      () =>
        Reflect.apply(
          elementwise((x) => x),
          undefined,
          ['1'],
        ),
      "operand 0 must be a Tensor or a number, got '1'",
    ],
    [() => smoothL1(ones([2]), ones([3]), 1), 'elementwise: shapes do not broadcast: [2] x [3] (2 != 3)'],
    [() => Reflect.apply(smoothL1, undefined, [ones([2]), 1]), 'elementwise: expected 3 operands, got 2'],
    [
      () => elementwise((x) => Reflect.apply(add, undefined, [x, tensorInside]))(ones([2])),
      'add: cannot mix a Tensor with an expression; make it an argument',
    ],
    [
      () => Reflect.apply(elementwise, undefined, [(_: Expr) => 3])(ones([2])),
      'elementwise: the function must return an expression, but it returned 3',
    ],
    [
      () => Reflect.apply(elementwise, undefined, [(_: Expr) => tensorInside])(ones([2])),
      'elementwise: the function must return an expression, but it returned a Tensor',
    ],
  ])('%s', (call, message) => {
    expect(call).toThrow(message);
  });

  test('are errors of the library', () => {
    expect(() => Reflect.apply(elementwise, undefined, [3])).toThrow(ValueError);
  });
});

describe('an expression is made by the library only', () => {
  const outside = (() => {
    let kept: Expr[] = [];
    elementwise((a, b) => {
      kept = [a, b];
      return add(a, b);
    });
    return kept as [Expr, Expr];
  })();
  const Made = outside[0].constructor as new (...args: unknown[]) => Expr;

  test.each<[name: string, args: unknown[]]>([
    ['a parameter beyond all', ['param', [], 1e6, 'call']],
    ['a fold', ['fold:argmax', [outside[0]], 0, 'row']],
    ['an unknown operation', ['zzz', [outside[0]], 0, 'element']],
    ['an input', ['input', [], 0, 'element']],
    ['with a key', [{}, 'param', [], 1e6, 'call']],
    ['nothing', []],
  ])('not by new: %s', (_, args) => {
    expect(() => new Made(...args)).toThrow(ValueError);
    class Sub extends Made {}
    expect(() => new Sub(...args)).toThrow('Expr: expressions are made by elementwise');
  });

  const imitation = (): Expr =>
    Object.assign(Object.create(Made.prototype), { op: 'param', args: [], value: 1e6, rate: 'call' });
  const cyclic = (): Expr => {
    const x = imitation();
    return Object.assign(x, { op: 'neg', args: [x] });
  };

  test.each<[name: string, build: (x: Expr) => Expr, message: string]>([
    ['an imitation', imitation, 'elementwise: the function must return an expression'],
    ['a cycle', cyclic, 'elementwise: the function must return an expression'],
    ['an operand that is an imitation', (x) => add(x, imitation()), 'is no expression of this library'],
    ['a part of where that is a cycle', (x) => where(x, 1, cyclic()), 'is no expression of this library'],
    ['a proxy', (x) => new Proxy(x, {}), 'elementwise: the function must return an expression'],
    ['an argument of another function', () => outside[0], 'contains an argument of another function'],
    ['one beyond the own', (x) => mul(x, outside[1]), 'contains an argument of another function'],
    ['one of the function around', (x) => elementwise((y) => mul(y, x))(x), 'contains an argument of another function'],
  ])('not from elsewhere: %s', (_, build, message) => {
    expect(() => elementwise((x) => build(x))).toThrow(ValueError);
    expect(() => elementwise((x) => build(x))).toThrow(message);
  });

  test('cannot be changed', () => {
    const sum = add(outside[0], 1);
    expect(() => Object.assign(sum, { value: 1e6 })).toThrow(TypeError);
    expect(() => Object.assign(sum.args, { 0: sum })).toThrow(TypeError);
    expect(sum.args[0]).toBe(outside[0]);
  });

  test('may be deep, up to a limit', () => {
    const chain = (length: number) =>
      elementwise((x) => {
        let y = x;
        for (let i = 0; i < length; i++) y = add(y, 1);
        return y;
      });
    const x = ones([2], { requiresGrad: true });
    const y = chain(400)(x);
    y.sum().backward();
    expect(y.toArray()).toEqual([401, 401]);
    expect(x.grad!.toArray()).toEqual([1, 1]);
    expect(() => chain(401)).toThrow('elementwise: the expression is 401 operations deep');
    expect(() => chain(50_000)).toThrow(ValueError);
  });
});

describe('many arguments', () => {
  /** Σ (i + 1) xᵢ² of so many arguments. */
  function weighted(count: number): (...args: (Tensor | number)[]) => Tensor {
    const names = Array.from({ length: count }, (_, i) => `x${i}`);
    const terms = names.map((name, i) => `mul(mul(${name}, ${name}), ${i + 1})`);
    const sum = terms.reduce((before, term) => `add(${before}, ${term})`);
    return elementwise(new Function('add', 'mul', `return (${names}) => ${sum}`)(add, mul));
  }

  /** Tensors at places that leave `rest` when divided by 3, numbers at the others. */
  const mixed = (count: number, rest: number) =>
    Array.from({ length: count }, (_, i) => (i % 3 === rest ? tensor([i, 1], { requiresGrad: true }) : i));

  test.each([31, 32, 33, 64, 65, 100])('are not taken for each other: %d', (count) => {
    const f = weighted(count);
    for (const rest of [0, 1, 2]) {
      const args = mixed(count, rest);
      const y = f(...args);
      const value = (i: number, at: number) => (i % 3 === rest && at === 1 ? 1 : i);
      const expected = [0, 1].map((at) => args.reduce<number>((sum, _, i) => sum + (i + 1) * value(i, at) ** 2, 0));
      expect(y.toArray()).toEqual(expected);
      y.sum().backward();
      args.forEach((x, i) => {
        if (typeof x !== 'number') expect(x.grad!.toArray()).toEqual([2 * (i + 1) * i, 2 * (i + 1)]);
      });
    }
  });

  test('may need gradients one by one', () => {
    const f = weighted(40);
    const args = Array.from({ length: 40 }, (_, i) => tensor([i, 1], { requiresGrad: i === 7 || i === 39 }));
    f(...args)
      .sum()
      .backward();
    expect(args.map(({ grad }) => grad?.toArray() ?? null)).toEqual(
      args.map((_, i) => (i === 7 || i === 39 ? [2 * (i + 1) * i, 2 * (i + 1)] : null)),
    );
  });

  test('are captured', () => {
    const f = weighted(40);
    const captured = capture((...xs: Tensor[]) => f(...xs.map((x, i) => (i % 2 === 0 ? x : i))));
    const xs = Array.from({ length: 40 }, (_, i) => tensor([i, 1]));
    const plain = f(...xs.map((x, i) => (i % 2 === 0 ? x : i))).toArray();
    for (let call = 0; call < 3; call++) expect(captured(...xs).toArray()).toEqual(plain);
  });

  test('can be tensors up to a limit, which is an error', () => {
    const tensors = (count: number) => Array.from({ length: count }, () => tensor([1], { requiresGrad: true }));
    const args = tensors(43);
    weighted(43)(...args).backward();
    expect(args.map((x) => x.grad!.item())).toEqual(args.map((_, i) => 2 * (i + 1)));
    expect(() => weighted(44)(...tensors(44))).toThrow('elementwise: at most 43 operands can be tensors, got 44');
  });
});
