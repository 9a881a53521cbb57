import type { Fold, MicroOp } from '../backend/micro-ops.js';
import { derivatives, foldDerivatives } from './derivatives.js';
import { add, type Expr, type ExprLike, isConstant, isFold, rowSum, toExpr } from './expr.js';
import { topological } from './graph.js';

/**
 * Reverse-mode differentiation of an expression, as an expression: when `seed` flows into `root`, what flows into each of
 * `targets` (null: nothing). A row value that is used per element collects a sum over its row.
 */
export function adjoints<const T extends readonly Expr[]>(
  root: Expr,
  seed: Expr,
  targets: T,
): { [K in keyof T]: Expr | null } {
  const order = topological([root]);
  const relevant = dependents(order, targets);
  const flowing = new Map<Expr, Expr>([[root, seed]]);
  for (const node of order.reverse()) {
    const g = flowing.get(node);
    if (g === undefined || node.args.length === 0 || !relevant.has(node)) continue;
    contributions(node, g).forEach((contribution, i) => {
      const arg = node.args[i];
      if (contribution === null || arg === undefined || !relevant.has(arg)) return;
      const received = collect(toExpr(contribution), node, arg);
      if (isConstant(received, 0)) return;
      const before = flowing.get(arg);
      flowing.set(arg, before === undefined ? received : add(before, received));
    });
  }
  return targets.map((target) => flowing.get(target) ?? null) as { [K in keyof T]: Expr | null };
}

function dependents(order: readonly Expr[], targets: readonly Expr[]): Set<Expr> {
  const found = new Set(targets);
  for (const node of order) if (node.op !== 'detach' && node.args.some((arg) => found.has(arg))) found.add(node);
  return found;
}

function contributions(node: Expr, g: Expr): readonly (ExprLike | null)[] {
  const [a, b, c] = node.args as [Expr, Expr, Expr];
  if (isFold(node)) return [foldDerivatives[node.op.slice('fold:'.length) as Fold](g, node, a)];
  return derivatives[node.op as MicroOp](g, node, a, b, c);
}

/** A row operand of an element operation or a fold is used once per element: its contributions are summed over the row. */
function collect(contribution: Expr, user: Expr, arg: Expr): Expr {
  const perElement = user.rate === 'element' || isFold(user);
  return arg.rate === 'row' && perElement ? rowSum(contribution) : contribution;
}
