import { type Expr, tensor } from 'nabla';
import { describe, expect, expectTypeOf, it } from 'vitest';
import * as e from '../../lib/expr/index.js';
import { Pointwise } from '../../lib/tensor/elementwise.js';
import { Formula } from '../../lib/tensor/formula.js';
import type { Operand } from '../../lib/tensor/promotion.js';

describe('Formula', () => {
  const scaling = new Formula('scaling', (x, factor) => e.mul(x, factor), {
    gradient: (g, _, x, factor) => [e.mul(g, factor), e.mul(g, x)],
  });

  it('takes as many operands as its expression has arguments, by type', () => {
    expectTypeOf(scaling).toEqualTypeOf<Formula<[x: Expr, factor: Expr]>>();
    expectTypeOf(scaling.call).parameter(0).toEqualTypeOf<readonly [Operand, Operand]>();
    expect(scaling.call([tensor([1, 2]), 3], 'float32').toArray()).toEqual([3, 6]);
    // @ts-expect-error one operand is missing
    void (() => scaling.call([tensor([1, 2])], 'float32'));
  });

  it('has a gradient for each argument, by type', () => {
    void new Formula('scaling', (x, factor) => e.mul(x, factor), {
      // @ts-expect-error two arguments, one gradient
      gradient: (g, _, __, factor) => [e.mul(g, factor)],
    });
  });
});

describe('Pointwise', () => {
  const blending = new Pointwise('blending', (x, y, weight) => e.add(x, e.mul(weight, e.sub(y, x))));

  it('takes as many operands as its expression has arguments, by type', () => {
    expectTypeOf(blending.apply).parameter(0).toEqualTypeOf<readonly [Operand, Operand, Operand]>();
    expectTypeOf(blending.applyInPlace).parameter(1).toEqualTypeOf<readonly [Operand, Operand]>();
    expect(blending.arity).toBe(3);
    expect(blending.apply([tensor([0, 2]), tensor([4, 4]), 0.5]).toArray()).toEqual([2, 3]);
  });

  it('counts what JavaScript gives it', () => {
    const apply = blending.apply.bind(blending) as (args: readonly Operand[]) => unknown;
    expect(() => apply([tensor([0]), 1])).toThrow('blending: expected 3 operands, got 2');
  });
});
