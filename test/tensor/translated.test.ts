import * as nabla from 'nabla';
import {
  AutogradError,
  atan2,
  clip,
  elementwise,
  greater,
  multiply,
  ones,
  optim,
  subtract,
  Tensor,
  tensor,
  where,
  zeros,
} from 'nabla';
import { describe, expect, it } from 'vitest';

// What programs for PyTorch write, word by word.

describe('second names', () => {
  const SECOND = {
    absolute: 'abs',
    arccos: 'acos',
    arccosh: 'acosh',
    arcsin: 'asin',
    arcsinh: 'asinh',
    arctan: 'atan',
    arctanh: 'atanh',
    negative: 'neg',
    fix: 'trunc',
    multiply: 'mul',
    subtract: 'sub',
    divide: 'div',
    clip: 'clamp',
    greater: 'gt',
    greaterEqual: 'ge',
    less: 'lt',
    lessEqual: 'le',
    notEqual: 'ne',
    arctan2: 'atan2',
  } as const;

  it.each(Object.entries(SECOND))('%s is %s, as a function, a method and in place', (second, first) => {
    const unary = ['absolute', 'negative', 'fix'].includes(second) || second.startsWith('arc');
    const rest = unary && second !== 'arctan2' ? [] : second === 'clip' ? [0.2, 0.6] : [tensor([0.5, 0.5])];
    const call = (name: string, x: Tensor): unknown => Reflect.apply(Reflect.get(x, name) as () => Tensor, x, rest);
    const x = () => tensor([0.25, 0.75]);
    const text = (value: unknown) => (value as Tensor).toString();
    expect(text(call(second, x()))).toBe(text(call(first, x())));
    expect(text(Reflect.apply(Reflect.get(nabla, second) as () => Tensor, null, [x(), ...rest]))).toBe(
      text(call(first, x())),
    );
    const written = x();
    expect(call(`${second}_`, written)).toBe(written);
    expect(text(written)).toBe(text(call(`${first}_`, x())));
  });

  it('take the options of the first, have gradients, and are parts of expressions', () => {
    const x = tensor([-2, 0.5, 3], { requiresGrad: true });
    clip(multiply(x, 2), { max: 2 }).sum().backward();
    expect(x.grad!.toArray()).toEqual([2, 2, 0]);
    expect(subtract(ones([2]), ones([2]), { alpha: 3 }).toArray()).toEqual([-2, -2]);
    expect(elementwise((a) => multiply(a, a))(tensor([3])).toArray()).toEqual([9]);
    expect(greater(tensor([1, 3]), 2).toArray()).toEqual([false, true]);
    expect(
      tensor([1])
        .arctan2(tensor([2]))
        .item(),
    ).toBe(atan2(tensor([1]), tensor([2])).item());
    expect(() => Reflect.apply(clip, null, [ones([1]), { mn: 0 }])).toThrow("clamp: unknown option 'mn'");
  });
});

describe('where', () => {
  const x = tensor([
    [1, -2],
    [-3, 4],
  ]);

  it('as a method chooses between the tensor and another, as in PyTorch', () => {
    expect(x.where(x.gt(0), 0).toArray()).toEqual([
      [1, 0],
      [0, 4],
    ]);
    expect(x.where(x.gt(0), x.neg()).toArray()).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(() => Reflect.apply(x.where, x, [x.gt(0)])).toThrow('where');
    expect(() => Reflect.apply(x.where, x, [x.gt(0), 1, 2])).toThrow('where: expected');
  });

  it('of a condition alone gives indices', () => {
    expect(where(x.gt(0)).map((one) => one.toArray())).toEqual([
      [0, 1],
      [0, 1],
    ]);
    expect(where(zeros([3]))[0]!.shape).toEqual([0]);
    const [rows, columns] = where(x.lt(0));
    expect(x.index([rows!, columns!]).toArray()).toEqual([-2, -3]);
    expect(() => Reflect.apply(where, null, [3])).toThrow('where');
    expect(() => Reflect.apply(where, null, [x, x])).toThrow('where');
  });
});

describe('detach_ and typeAs', () => {
  it('takes a tensor out of its graph', () => {
    const x = ones([2], { requiresGrad: true });
    const y = x.mul(3);
    expect(y.detach_()).toBe(y);
    expect([y.requiresGrad, y.isLeaf]).toEqual([false, true]);
    expect(() => y.sum().backward()).toThrow(AutogradError);
    expect(x.clone().detach_().requiresGrad).toBe(false);
    expect(() => x.mul(1).view([2, 1]).detach_()).toThrow(
      'detach_: a view goes by the tensor that it is of; use detach()',
    );
    x.mul(x).sum().backward();
    expect(x.grad!.detach_().zero_().toArray()).toEqual([0, 0]);
  });

  it('gives the type of another', () => {
    expect(
      tensor([1.5, 0])
        .typeAs(tensor(1, { dtype: 'int32' }))
        .toArray(),
    ).toEqual([1, 0]);
    expect(() => Reflect.apply(Tensor.prototype.typeAs, ones([1]), ['float32'])).toThrow(
      'typeAs: other must be a Tensor',
    );
  });
});

describe('an optimizer of a class without a rule', () => {
  it('is refused in words that help', () => {
    class Own extends (optim.Optimizer as unknown as new (...args: unknown[]) => object) {}
    expect(() => new Own([ones([1])], { lr: 1 })).toThrow('Own: expected a rule before the parameters');
  });
});
