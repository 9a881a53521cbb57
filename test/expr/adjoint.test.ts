import { describe, expect, test } from 'vitest';
import * as e from '../../lib/expr/index.js';
import { adjoints, type Expr } from '../../lib/expr/index.js';
import { evaluate, type Row } from './evaluate.js';
import { randomExpressions, randomRow, type Shape } from './random-expressions.js';

/** What `seed` times the values of `root`, summed over the row, changes by as one operand value is moved. */
function differences(root: Expr, seed: readonly number[], row: Row, input: number): number[] {
  const total = (inputs: Row['inputs']) =>
    evaluate(root, { ...row, inputs }).reduce(
      (sum, value, i) => sum + value * (seed.length === 1 ? seed[0]! / row.size : seed[i]!),
      0,
    );
  return row.inputs[input]!.map((value, i) => {
    const eps = 1e-6;
    const moved = (by: number) => total(row.inputs.with(input, row.inputs[input]!.with(i, value + by)));
    return (moved(eps) - moved(-eps)) / (2 * eps);
  });
}

function expectClose(actual: readonly number[], expected: readonly number[]): void {
  const wrong = expected.filter((value, i) => !(Math.abs(actual[i]! - value) <= 1e-5 + 1e-4 * Math.abs(value)));
  expect({ wrong, actual, expected }).toEqual({ wrong: [], actual, expected });
}

/** Gradients of `root` for every input, beside finite differences. */
function expectGradients(root: Expr, shape: Shape, row: Row): void {
  const kind = root.rate === 'element' ? 'element' : 'row';
  const g = e.input(shape.inputs.length, kind);
  const seed = Array.from({ length: kind === 'element' ? row.size : 1 }, (_, i) => 1 + i / 2);
  const withSeed = { ...row, inputs: [...row.inputs, seed] };
  const inputs = shape.inputs.map(
    (k, i) => e.topological([root]).find((node) => node.op === 'input' && node.value === i) ?? e.input(i, k),
  );
  adjoints(root, g, inputs).forEach((gradient, i) => {
    const values = gradient === null ? row.inputs[i]!.map(() => 0) : evaluate(gradient, withSeed);
    expectClose(values.slice(0, row.inputs[i]!.length), differences(root, seed, row, i));
  });
}

describe('random expressions agree with finite differences', () => {
  test('over elements', () => {
    const shape: Shape = { inputs: ['element', 'element'], params: 1, size: 18, smooth: true };
    for (let seed = 0; seed < 150; seed++) {
      expectGradients(randomExpressions(seed, shape).at(-1)!, shape, randomRow(seed, shape, 3));
    }
  });

  test('over rows: what a row operand gets is summed over its row', () => {
    const shape: Shape = { inputs: ['element', 'row', 'element'], params: 1, size: 20, folds: true, smooth: true };
    for (let seed = 0; seed < 150; seed++) {
      expectGradients(randomExpressions(seed, shape).at(-1)!, shape, randomRow(seed, shape, 4));
    }
  });
});

describe('adjoints', () => {
  const [a, b] = [e.input(0, 'element'), e.input(1, 'element')];
  const g = e.input(2, 'element');

  test('are null where nothing flows', () => {
    expect(adjoints(e.sin(a), g, [b])).toEqual([null]);
    expect(adjoints(e.floor(a), g, [a])).toEqual([null]);
    expect(adjoints(e.lt(a, b), g, [a, b])).toEqual([null, null]);
    expect(adjoints(e.mul(e.detach(a), b), g, [a, b])[0]).toBeNull();
    expect(adjoints(e.where(a, b, 0), g, [a])).toEqual([null]);
    expect(adjoints(e.rowArgmax(a), g, [a])).toEqual([null]);
  });

  test('are what flows in, for what is passed on', () => {
    expect(adjoints(e.add(a, b), g, [a, b])).toEqual([g, g]);
    expect(adjoints(a, g, [a])).toEqual([g]);
  });

  test('add up over several uses', () => {
    const [sum] = adjoints(e.add(a, a), g, [a]);
    expect(evaluate(sum!, { size: 1, inputs: [[5], [0], [3]], params: [] })).toEqual([6]);
  });

  test('reuse results: the derivative of exp is exp', () => {
    const root = e.exp(a);
    const [gradient] = adjoints(root, g, [a]);
    expect(e.topological([gradient!])).toContain(root);
  });

  test('do not mention what has no part in them', () => {
    const [gradient] = adjoints(e.add(e.sin(a), e.exp(b)), g, [a]);
    expect(e.inputsOf([gradient!])).toEqual([0, 2]);
  });
});
