import { type Expr, isFold, withArgs } from './expr.js';

/** Every node that `roots` need, operands before users. */
export function topological(roots: readonly Expr[]): Expr[] {
  const order: Expr[] = [];
  const seen = new Set<Expr>();
  // No recursion: an expression may be deeper than the stack.
  const path: { readonly node: Expr; next: number }[] = [];
  const enter = (node: Expr): void => {
    if (seen.has(node)) return;
    seen.add(node);
    path.push({ node, next: 0 });
  };
  for (const root of roots) {
    enter(root);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const arg = top.node.args[top.next++];
      if (arg !== undefined) enter(arg);
      else order.push(path.pop()!.node);
    }
  }
  return order;
}

/** The length of the longest way from `root` down to a leaf. */
export function depthOf(root: Expr): number {
  const depths = new Map<Expr, number>();
  for (const node of topological([root])) {
    depths.set(
      node,
      node.args.reduce((depth, arg) => Math.max(depth, depths.get(arg)! + 1), 0),
    );
  }
  return depths.get(root)!;
}

/** Rebuilds `roots` bottom-up: `replace` may stand another node in for one (its operands are rebuilt already). */
export function rewrite(roots: readonly Expr[], replace: (original: Expr, rebuilt: Expr) => Expr): Expr[] {
  const rebuilt = new Map<Expr, Expr>();
  for (const node of topological(roots)) {
    const args = node.args.map((arg) => rebuilt.get(arg)!);
    const same = args.every((arg, i) => arg === node.args[i]);
    rebuilt.set(node, replace(node, same ? node : withArgs(node, args)));
  }
  return roots.map((root) => rebuilt.get(root)!);
}

/** Makes equal subexpressions one node. */
export function shareCommon(roots: readonly Expr[]): Expr[] {
  const nodes = new Map<string, Expr>();
  const ids = new Map<Expr, number>();
  return rewrite(roots, (_, node) => {
    const value = Object.is(node.value, -0) ? '-0' : node.value;
    const key = `${node.op} ${value} ${node.rate} ${node.args.map((arg) => ids.get(arg)).join(' ')}`;
    const known = nodes.get(key);
    if (known !== undefined) return known;
    nodes.set(key, node);
    ids.set(node, ids.size);
    return node;
  });
}

export const substitute = (root: Expr, from: Expr, to: Expr): Expr =>
  rewrite([root], (original, rebuilt) => (original === from ? to : rebuilt))[0]!;

/** The numbers of the inputs that `roots` read, ascending. */
export function inputsOf(roots: readonly Expr[]): number[] {
  const found = new Set(
    topological(roots)
      .filter((node) => node.op === 'input')
      .map((node) => node.value),
  );
  return [...found].sort((a, b) => a - b);
}

/** Whether `roots` speak of rows at all: by a fold, or by a position in one. Anything else is a map. */
export const hasRows = (roots: readonly Expr[]): boolean =>
  topological(roots).some((node) => isFold(node) || node.op === 'position');
