import { NablaError, rand, type Tensor } from 'nabla';
import { Finding } from './property.js';
import { evaluate } from './script.js';
import { differenceOf, gradientOf, type Snapshot, snapshot, snapshots } from './snapshot.js';
import { codeOf, type World } from './world.js';

export type Fn = (...args: unknown[]) => unknown;

interface Made {
  readonly fn: Fn;
  readonly calls: readonly ((f: Fn) => unknown)[];
  readonly state: readonly Tensor[];
}

/** What can be seen after a call; null for what cannot be read. */
type Seen = Map<string, Snapshot | null>;

/** What was seen after each call, until one was refused. */
export interface History {
  readonly seen: Seen[];
  readonly results: unknown[];
  readonly refused?: NablaError;
  /** Whether something outside became part of a graph, which a captured function leaves out: what is computed from it then is another matter. */
  readonly leavesGraph?: boolean;
}

/** Which tensors outside have got a history. */
export function watchGraphs(state: readonly Tensor[]): () => boolean {
  const plain = state.filter((x) => !x.requiresGrad);
  return () => plain.some((x) => x.requiresGrad);
}

/** Makes a world, and calls its function, or what is made of it, until a call is refused. */
export function run(world: World, wrap: (fn: Fn) => Fn = (fn) => fn): History {
  const { fn, calls, state } = evaluate<() => Made>(`${codeOf(world)}; return world;`)();
  const f = wrap(fn);
  const history = { seen: [] as Seen[], results: [] as unknown[] };
  const leavesGraph = watchGraphs(state);
  for (const [i, call] of calls.entries()) {
    try {
      const result = call(f);
      history.results.push(result);
      history.seen.push(look(result, world.calls[i]!.look || i === calls.length - 1 ? state : []));
    } catch (error) {
      if (!(error instanceof NablaError)) throw error;
      return { ...history, refused: error, leavesGraph: leavesGraph() };
    }
    if (leavesGraph()) return { ...history, leavesGraph: true };
  }
  // Where the stream of random numbers is afterwards.
  history.seen.push(new Map([['the next draw', snapshot(rand([1]))]]));
  return history;
}

function look(result: unknown, state: readonly Tensor[]): Seen {
  const seen: Seen = snapshots(result);
  for (const [i, x] of state.entries()) {
    seen.set(`state ${i}`, snapshot(x));
    const gradient = gradientOf(x);
    if (gradient !== null) seen.set(`gradient ${i}`, gradient === undefined ? null : snapshot(gradient));
  }
  return seen;
}

/** @throws Finding where two histories part */
export function compare(actual: Seen, expected: Seen, when: string): void {
  for (const [where, value] of expected) {
    const other = actual.get(where);
    if (other === null || value === null) continue;
    const difference = other === undefined ? 'is missing' : differenceOf(other, value);
    if (difference !== undefined) throw new Finding(`${when}: ${where} ${difference}`);
  }
  for (const [where, value] of actual) {
    if (value !== null && !expected.has(where)) throw new Finding(`${when}: ${where} should not be there`);
  }
}
