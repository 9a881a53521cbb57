import { type Expr, withArgs } from './expr.js';

/**
 * Every node that `roots` need, operands before users.
 *
 * @param argsOf what a node needs, if not all of its operands
 */
export function topological(
  roots: readonly Expr[],
  argsOf: (node: Expr) => readonly Expr[] = (node) => node.args,
): Expr[] {
  const order: Expr[] = [];
  const seen = new Set<Expr>();
  // No recursion: an expression may be deeper than the stack.
  const path: Expr[] = [];
  const next: number[] = [];
  const enter = (node: Expr): void => {
    if (seen.has(node)) return;
    seen.add(node);
    if (argsOf(node).length === 0) order.push(node);
    else next[path.push(node) - 1] = 0;
  };
  for (const root of roots) {
    enter(root);
    while (path.length > 0) {
      const last = path.length - 1;
      const arg = argsOf(path[last]!)[next[last]!++];
      if (arg !== undefined) enter(arg);
      else order.push(path.pop()!);
    }
  }
  return order;
}

/** Rebuilds `roots` bottom-up: `replace` may stand another node in for one (its operands are rebuilt already). */
export function rewrite(roots: readonly Expr[], replace: (original: Expr, rebuilt: Expr) => Expr): Expr[] {
  const rebuilt = new Map<Expr, Expr>();
  // In the order of `topological`.
  const path: Expr[] = [];
  for (const root of roots) {
    path.push(root);
    while (path.length > 0) {
      const node = path[path.length - 1]!;
      const next = rebuilt.has(node) ? undefined : node.args.find((arg) => !rebuilt.has(arg));
      if (next !== undefined) {
        path.push(next);
        continue;
      }
      path.pop();
      if (!rebuilt.has(node)) rebuilt.set(node, replace(node, withRebuilt(node, rebuilt)));
    }
  }
  return roots.map((root) => rebuilt.get(root)!);
}

/** The node over what has become of its operands; as it is if they are the same. */
function withRebuilt(node: Expr, rebuilt: ReadonlyMap<Expr, Expr>): Expr {
  const { args } = node;
  let changed: Expr[] | null = null;
  for (let i = 0; i < args.length; i++) {
    const arg = rebuilt.get(args[i]!)!;
    if (arg === args[i]) continue;
    changed ??= args.slice();
    changed[i] = arg;
  }
  return changed === null ? node : withArgs(node, changed);
}

/** Makes equal subexpressions one node. */
export function shareCommon(roots: readonly Expr[]): Expr[] {
  const nodes = new Map<string, Expr>();
  const ids = new Map<Expr, number>();
  return rewrite(roots, (_, node) => {
    const key = textOf(node, ids);
    const known = nodes.get(key);
    if (known !== undefined) return known;
    nodes.set(key, node);
    ids.set(node, ids.size);
    return node;
  });
}

/** The same text for expressions that are made in the same way, and for no others. */
export function structureOf(roots: readonly Expr[]): string {
  const ids = new Map<Expr, number>();
  const lines = topological(roots).map((node) => {
    ids.set(node, ids.size);
    return textOf(node, ids);
  });
  return `${lines.join('\n')}\n${roots.map((root) => ids.get(root)).join(' ')}`;
}

/** A node by the numbers of its operands. */
function textOf({ op, value, rate, args }: Expr, ids: ReadonlyMap<Expr, number>): string {
  let text = `${op} ${Object.is(value, -0) ? '-0' : value} ${rate}`;
  for (const arg of args) text += ` ${ids.get(arg)}`;
  return text;
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

/** Whether `roots` speak of rows at all: anything else is a map. */
export const hasRows = (roots: readonly Expr[]): boolean => roots.some((root) => root.hasRows);

/** How many stages a program that computes `roots` has. */
export const stageCount = (roots: readonly Expr[]): number => 1 + Math.max(...roots.map((root) => root.stage));
