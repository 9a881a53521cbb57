import type { Kind } from '../../lib/backend/program.js';
import type { Expr } from '../../lib/expr/index.js';
import * as e from '../../lib/expr/index.js';

/** A small generator of its own, so that a failing case comes back by its number. */
export function dice(seed: number): (below: number) => number {
  let state = (seed * 2654435761 + 12345) >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const bounded = [e.neg, e.sin, e.cos, e.tanh, e.sigmoid, e.erf, e.atan, e.asinh];
const unary = [...bounded, e.abs, e.square, e.expm1, e.floor];
const damped = (x: Expr, y: Expr): Expr => e.mul(e.sin(x), e.tanh(y));
const binary = [e.mul, e.add, e.sub, e.min, e.max, e.lt, e.ge, e.eq];
const folds = [e.rowSum, e.rowProd, e.rowMin, e.rowMax];

export interface Shape {
  readonly inputs: readonly Kind[];
  readonly params: number;
  readonly size: number;
  /** Operations that a row is folded by; none in a map. */
  readonly folds?: boolean;
  /** Only what has a derivative everywhere, and does not grow beyond what finite differences can tell. */
  readonly smooth?: boolean;
}

/** A random expression graph: nodes are reused, so that values are shared; all of them, the last being the largest. */
export function randomExpressions(seed: number, shape: Shape): Expr[] {
  const roll = dice(seed);
  const nodes: Expr[] = [
    ...shape.inputs.map((kind, i) => e.input(i, kind)),
    ...Array.from({ length: shape.params }, (_, i) => e.param(i)),
    e.constant(0.5),
    e.constant(-1.25),
  ];
  const pick = () => nodes[Math.max(roll(nodes.length), roll(nodes.length))]!;
  while (nodes.length < shape.size) nodes.push(e.shareCommon([next(roll, pick, shape)])[0]!);
  return nodes;
}

function next(roll: (below: number) => number, pick: () => Expr, { folds: rows = false, smooth = false }: Shape): Expr {
  const kind = roll(rows ? 9 : 7);
  const ops = smooth ? bounded : unary;
  if (kind < 3) return ops[roll(ops.length)]!(pick());
  if (kind < 6) return (smooth ? [e.add, e.sub, damped][roll(3)]! : binary[roll(binary.length)]!)(pick(), pick());
  if (kind === 6)
    return smooth ? e.div(pick(), e.add(2, e.square(e.sin(pick())))) : e.where(e.gt(pick(), pick()), pick(), pick());
  const perElement = pick();
  const fold = smooth ? e.rowSum : folds[roll(folds.length)]!;
  return kind === 7 && perElement.rate === 'row' ? e.tanh(perElement) : e.tanh(fold(e.sin(perElement)));
}

/** Values for the inputs and parameters, all different and of both signs. */
export function randomRow(seed: number, { inputs, params }: Shape, size: number) {
  const roll = dice(seed + 7919);
  const value = () => (roll(4001) - 2000) / 1000 + 1e-4;
  return {
    size,
    inputs: inputs.map((kind) => Array.from({ length: kind === 'element' ? size : 1 }, value)),
    params: Array.from({ length: params }, value),
  };
}
