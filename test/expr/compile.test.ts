import { describe, expect, test } from 'vitest';
import { slotLayout } from '../../lib/backend/program.js';
import { NablaError } from '../../lib/errors.js';
import * as e from '../../lib/expr/index.js';
import { adjoints, compile, type Expr } from '../../lib/expr/index.js';
import { evaluate, type Row, run } from './evaluate.js';
import { dice, randomExpressions, randomRow, type Shape } from './random-expressions.js';

const compiled = (roots: readonly Expr[], { inputs, params }: Pick<Shape, 'inputs' | 'params'>) =>
  compile({ name: 'test', compute: 'float64', inputs, params }, roots);

const [a, b, c] = [0, 1, 2].map((i) => e.input(i, 'element')) as [Expr, Expr, Expr];
const three = { inputs: ['element', 'element', 'element'], params: 0 } as const;
const row: Row = {
  size: 3,
  inputs: [
    [1, -2, 0.5],
    [3, 0.25, -1],
    [-0.5, 2, 4],
  ],
  params: [],
};

/** Both variants compute what the expressions mean, and keep to the rules of programs. */
function expectRight(roots: readonly Expr[], shape: Pick<Shape, 'inputs' | 'params'>, values: Row): void {
  const program = compiled(roots, shape);
  const expected = roots.map((root) => evaluate(root, values));
  expect(run(program, 'resident', values)).toEqual(expected);
  expect(run(program, 'streamed', values)).toEqual(expected);
}

describe('random expressions', () => {
  test('over elements, with several outputs', () => {
    const shape: Shape = { inputs: ['element', 'element', 'element'], params: 2, size: 24 };
    for (let seed = 0; seed < 300; seed++) {
      const nodes = randomExpressions(seed, shape);
      const roll = dice(seed);
      const roots = Array.from({ length: 1 + roll(4) }, () => nodes[nodes.length - 1 - roll(8)]!);
      expectRight(roots, shape, randomRow(seed, shape, 5));
    }
  });

  test('over rows, with folds, row operands and row outputs', () => {
    const shape: Shape = { inputs: ['element', 'row', 'element'], params: 1, size: 26, folds: true };
    for (let seed = 0; seed < 300; seed++) {
      const nodes = randomExpressions(seed, shape);
      const roll = dice(seed);
      const roots = Array.from({ length: 1 + roll(3) }, () => nodes[nodes.length - 1 - roll(6)]!);
      expectRight(roots, shape, randomRow(seed, shape, 5));
    }
  });
});

describe('outputs', () => {
  test.each<[name: string, roots: Expr[]]>([
    ['one value twice', [e.exp(e.add(a, b)), e.exp(e.add(a, b))]],
    ['one value three times, among others', [e.mul(a, b), e.neg(c), e.mul(a, b), e.mul(a, b)]],
    ['an input as it is', [a]],
    ['one input twice', [a, a]],
    ['inputs exchanged', [b, a]],
    ['inputs beside results', [e.neg(a), a, e.add(a, b)]],
    ['a value and what is made of it', [e.mul(a, b), e.add(e.mul(a, b), c)]],
    ['what is made of a value, and the value', [e.add(e.mul(a, b), c), e.mul(a, b)]],
    ['a constant', [e.constant(2)]],
    ['a constant beside an input', [e.constant(2), a]],
    ['the value of a detached input', [e.detach(a), e.detach(e.neg(a))]],
  ])('%s', (_, roots) => {
    expectRight(roots, three, row);
  });

  test('a last instruction writes its output directly', () => {
    const { resident, elementRegisters } = compiled([e.add(a, b)], three);
    expect(resident).toEqual([{ elements: [{ op: 'add', dst: 3, a: 0, b: 1, c: -1 }], folds: [], rows: [] }]);
    expect(elementRegisters).toBe(0);
  });

  test('updates in place read everything before they write: p, v from p, g, v', () => {
    const [p, g, v] = [a, b, c];
    const velocity = e.add(e.mul(0.9, v), g);
    expectRight([e.sub(p, e.mul(0.1, velocity)), velocity], three, row);
  });
});

describe('registers', () => {
  test('are reused: a chain needs one', () => {
    let x = a;
    for (let i = 0; i < 50; i++) x = e.sin(x);
    expect(compiled([x], three).elementRegisters).toBe(1);
  });

  test('a long sum of products needs two', () => {
    let sum = e.mul(a, b);
    for (let i = 0; i < 30; i++) sum = e.add(sum, e.mul(e.add(a, i), b));
    expect(compiled([sum], three).elementRegisters).toBe(2);
  });

  test('a balanced tree needs one per level', () => {
    const tree = (depth: number, from: number): Expr =>
      depth === 0 ? e.sin(e.add(a, from)) : e.mul(tree(depth - 1, from), tree(depth - 1, from + 2 ** (depth - 1)));
    const program = compiled([tree(5, 0)], three);
    expect(program.elementRegisters).toBeLessThanOrEqual(6);
    expectRight([tree(5, 0)], three, row);
  });

  test('values that live long keep theirs', () => {
    const early = e.exp(a);
    let late = e.sin(b);
    for (let i = 0; i < 10; i++) late = e.cos(e.mul(late, late));
    expectRight([e.add(late, early)], three, row);
  });
});

describe('common subexpressions', () => {
  test('are computed once', () => {
    const product = () => e.mul(a, b);
    const { resident } = compiled([e.add(e.sin(product()), e.cos(product()))], three);
    expect(resident[0]!.elements.map(({ op }) => op)).toEqual(['mul', 'sin', 'cos', 'add']);
  });

  test('folds too', () => {
    const centred = () => e.sub(a, e.rowSum(a));
    const { resident } = compiled([e.mul(centred(), e.rowSum(e.square(centred())))], three);
    expect(resident.flatMap(({ folds }) => folds).length).toBe(2);
  });
});

describe('constants', () => {
  test('are listed once each, -0 apart from 0', () => {
    const root = e.add(e.add(e.mul(a, 0), e.mul(b, -0)), e.add(e.mul(c, 0), e.max(a, Number.NaN)));
    const { constants } = compiled([e.add(root, e.max(b, Number.NaN))], three);
    expect(constants).toEqual([0, -0, Number.NaN]);
  });

  test('-0 keeps its sign', () => {
    expectRight([e.where(e.lt(a, 0), e.constant(-0), e.constant(0))], three, row);
  });

  test('and parameters can be folded', () => {
    const shape = { inputs: ['element'], params: 1 } as const;
    const roots = [e.add(e.rowSum(e.param(0)), e.rowMax(a)), e.rowSum(e.constant(1))];
    expectRight(roots, shape, { size: 4, inputs: [[1, 2, 3, 4]], params: [2.5] });
  });
});

describe('stages', () => {
  const stages = (root: Expr) => compiled([root], three).resident.length;

  test('end where a fold is needed by elements', () => {
    expect(stages(e.exp(a))).toBe(1);
    expect(stages(e.rowSum(a))).toBe(1);
    expect(stages(e.sub(a, e.rowMax(a)))).toBe(2);
    const shifted = e.exp(e.sub(a, e.rowMax(a)));
    expect(stages(e.div(shifted, e.rowSum(shifted)))).toBe(3);
  });

  test('hold every fold that can be computed in them', () => {
    const { resident } = compiled([e.add(e.sub(a, e.rowSum(a)), e.sub(b, e.rowMax(b)))], three);
    expect(resident.map(({ folds }) => folds.length)).toEqual([2, 0]);
  });

  test('a row value made of folds needs none of its own', () => {
    expect(stages(e.div(e.rowSum(e.mul(a, b)), e.rowSum(b)))).toBe(1);
  });

  test('streamed ones compute elements again', () => {
    const shifted = e.exp(e.sub(a, e.rowMax(a)));
    const { resident, streamed } = compiled([e.div(shifted, e.rowSum(shifted))], three);
    const count = (variant: typeof resident) =>
      variant.map(({ elements }) => elements.filter(({ op }) => op === 'exp').length);
    expect([count(resident), count(streamed)]).toEqual([
      [0, 1, 0],
      [0, 1, 1],
    ]);
  });

  test('both variants fit the registers that the program names', () => {
    const shape: Shape = { inputs: ['element', 'row'], params: 1, size: 30, folds: true };
    for (let seed = 0; seed < 50; seed++) {
      const program = compiled([randomExpressions(seed, shape).at(-1)!], shape);
      const { count } = slotLayout(program);
      const slots = [...program.resident, ...program.streamed].flatMap(({ elements, folds, rows }) => [
        ...[...elements, ...rows].flatMap(({ dst, a: x, b: y, c: z }) => [dst, x, y, z]),
        ...folds.flatMap(({ src, dst }) => [src, dst]),
      ]);
      expect(Math.max(...slots)).toBeLessThan(count);
    }
  });
});

test('an expression may be deeper than the stack', () => {
  const depth = 5000;
  const p = e.param(0);
  let chain: Expr = a;
  for (let i = 0; i < depth; i++) chain = e.add(e.mul(chain, p), i % 3);
  // A row value of such an expression, and one that is made of the row value.
  const deepRow = e.rowSum(chain);
  let rows: Expr = deepRow;
  for (let i = 0; i < depth; i++) rows = e.sub(rows, p);
  const values = { ...row, params: [0.25] };
  expectRight([e.mul(chain, rows), deepRow], { ...three, params: 1 }, values);
  const [gradient] = adjoints(chain, e.constant(1), [a]);
  expectRight([gradient!], { ...three, params: 1 }, values);
});

test('the position counts along the row', () => {
  expectRight(
    [e.rowSum(e.mul(e.position(), a)), e.eq(e.position(), e.rowArgmax(a))],
    { inputs: ['element'], params: 0 },
    {
      size: 4,
      inputs: [[3, 9, 1, 9]],
      params: [],
    },
  );
});

describe('a leaf beyond the signature is refused before the core sees it', () => {
  test.each<[root: Expr, message: string]>([
    [e.add(a, e.param(2)), 'reads param 2, but there are 2'],
    [e.rowSum(e.mul(e.param(1e6), a)), 'reads param 1000000, but there are 2'],
    [e.input(3, 'element'), 'reads input 3, but there are 3'],
    [e.add(e.input(-1, 'element'), a), 'reads input -1, but there are 3'],
    [e.param(0.5), 'reads param 0.5, but there are 2'],
  ])('%#', (root, message) => {
    const signature = { inputs: ['element', 'element', 'element'] as const, params: 2 };
    expect(() => compiled([root], signature)).toThrow(NablaError);
    expect(() => compiled([root], signature)).toThrow(message);
  });
});
