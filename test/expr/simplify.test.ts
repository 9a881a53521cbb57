import { describe, expect, test } from 'vitest';
import { type MicroOp, microOpNames, microOps } from '../../lib/backend/micro-ops.js';
import * as e from '../../lib/expr/index.js';
import { Expr, type ExprLike } from '../../lib/expr/index.js';
import { evaluate } from './evaluate.js';

const a = e.input(0, 'element');
const b = e.input(1, 'element');

const VALUES = [0, -0, 1, -1, 0.5, -2, 3, Infinity, -Infinity, Number.NaN];

/** NaN alike, zeros by sign. */
const same = (x: number, y: number) => Object.is(x, y);

describe('what is built has the value of the operation, bit for bit', () => {
  const ops = microOpNames.filter((op) => op !== 'position' && op !== 'pow');

  test.each(ops)('%s', (op) => {
    const operands: ExprLike[] = [a, b, e.neg(a), e.neg(b), ...VALUES];
    const { arity, apply } = microOps[op];
    const combinations = (count: number): ExprLike[][] =>
      count === 0 ? [[]] : combinations(count - 1).flatMap((rest) => operands.map((operand) => [operand, ...rest]));
    const wrong: unknown[] = [];
    for (const args of combinations(Math.min(arity, 2))) {
      const all = arity === 3 ? [...args, b] : args;
      const built = e.apply(op, all);
      for (const x of VALUES) {
        for (const y of [0, -0, 2, Number.NaN]) {
          const row = { size: 1, inputs: [[x], [y]], params: [] };
          const values = all.map((arg) => evaluate(e.toExpr(arg), row)[0]!);
          const expected = apply(values[0] ?? Number.NaN, values[1] ?? Number.NaN, values[2] ?? Number.NaN);
          const actual = evaluate(built, row)[0]!;
          if (!same(actual, expected)) wrong.push({ op, values, actual, expected });
        }
      }
    }
    expect(wrong).toEqual([]);
  });
});

describe('rewrites', () => {
  test.each<[name: string, built: Expr, expected: Expr]>([
    ['x · 1', e.mul(a, 1), a],
    ['1 · x', e.mul(1, a), a],
    ['x / 1', e.div(a, 1), a],
    ['x - 0', e.sub(a, 0), a],
    ['-(-x)', e.neg(e.neg(a)), a],
    ['where with equal sides', e.where(b, a, a), a],
    ['x to the power of 1', e.pow(a, 1), a],
  ])('%s is x', (_, built, expected) => {
    expect(built).toBe(expected);
  });

  test.each<[name: string, built: Expr, op: Expr['op']]>([
    ['x · -1', e.mul(a, -1), 'neg'],
    ['x + (-y)', e.add(a, e.neg(b)), 'sub'],
    ['x - (-y)', e.sub(a, e.neg(b)), 'add'],
    ['x²', e.pow(a, 2), 'mul'],
    ['√x', e.pow(a, 0.5), 'sqrt'],
    ['1 / √x', e.pow(a, -0.5), 'rsqrt'],
    ['1 / x', e.pow(a, -1), 'div'],
    ['a constant of constants', e.add(2, e.exp(0)), 'constant'],
    ['x + 0, whose -0 it would lose', e.add(a, 0), 'add'],
    ['x · 0, whose NaN it would lose', e.mul(a, 0), 'mul'],
    ['x - x, whose NaN it would lose', e.sub(a, a), 'sub'],
  ])('%s', (_, built, op) => {
    expect(built.op).toBe(op);
  });

  test('constants are folded', () => {
    expect(e.add(2, e.mul(3, 4))).toMatchObject({ op: 'constant', value: 14 });
    expect(e.where(1, 5, 6)).toMatchObject({ op: 'constant', value: 5 });
    expect(e.neg(0).value).toBe(-0);
  });
});

describe('rates', () => {
  const row = e.input(0, 'row');
  test.each<[name: string, built: Expr, rate: Expr['rate']]>([
    ['a constant', e.constant(1), 'call'],
    ['of parameters', e.mul(e.param(0), 2), 'call'],
    ['a row value', e.exp(row), 'row'],
    ['a fold', e.rowSum(a), 'row'],
    ['an element with a row value', e.sub(a, e.rowSum(a)), 'element'],
    ['a row value expanded', e.expand(row), 'element'],
    ['a position', e.position(), 'element'],
    ['a fold of a constant', e.rowSum(1), 'row'],
    ['a detached row value', e.detach(row), 'row'],
  ])('%s', (_, built, rate) => {
    expect(built.rate).toBe(rate);
  });
});

describe('graphs', () => {
  test('topological puts operands before users, each node once', () => {
    const shared = e.mul(a, b);
    const order = e.topological([e.add(shared, e.exp(shared)), shared]);
    expect(order.length).toBe(5);
    order.forEach((node, i) => {
      for (const arg of node.args) expect(order.indexOf(arg)).toBeLessThan(i);
    });
  });

  test('shareCommon makes equal nodes one, and tells -0 from 0', () => {
    const [x, y] = e.shareCommon([e.mul(a, b), e.mul(e.input(0, 'element'), b)]);
    expect(x).toBe(y);
    const [zero, negative] = e.shareCommon([e.constant(0), e.constant(-0)]);
    expect(zero).not.toBe(negative);
    const [rows, elements] = e.shareCommon([e.input(0, 'row'), e.input(0, 'element')]);
    expect(rows).not.toBe(elements);
  });

  test('substitute replaces a node wherever it is, and simplifies on the way', () => {
    const inner = e.exp(a);
    expect(e.substitute(e.mul(inner, e.sin(inner)), inner, b)).toMatchObject({
      op: 'mul',
      args: [b, { op: 'sin', args: [b] }],
    });
    expect(e.substitute(e.mul(inner, b), inner, e.constant(1))).toBe(b);
  });

  test('inputsOf lists what is read, ascending', () => {
    expect(e.inputsOf([e.add(b, e.input(7, 'element')), a])).toEqual([0, 1, 7]);
    expect(e.inputsOf([e.constant(1)])).toEqual([]);
  });
});

test('every micro-operation is covered by an operation of its name, or is internal', () => {
  const internal: MicroOp[] = ['position', 'copy', 'expand', 'where'];
  for (const op of microOpNames) expect(internal.includes(op) || Object.hasOwn({ ...e }, op)).toBe(true);
  expect(a).toBeInstanceOf(Expr);
});
