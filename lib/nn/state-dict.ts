import { nearestName } from '../arguments/unknown-name.js';
import { sameShape } from '../backend/view.js';
import { describe } from '../describe.js';
import { NablaError } from '../errors.js';
import { reshape } from '../ops/views.js';
import { show } from '../tensor/shape.js';
import { isTensor, type Tensor } from '../tensor/tensor.js';

/** Tensors by name, as `stateDict` gives them and `loadStateDict` takes them. */
export type StateDict = Record<string, Tensor>;

/** Names that did not match in a `loadStateDict` that was not strict. */
export interface IncompatibleKeys {
  readonly missingKeys: readonly string[];
  readonly unexpectedKeys: readonly string[];
}

/** Which tensor of a module takes which of a state, and what does not match. */
export interface Assignment extends IncompatibleKeys {
  readonly pairs: readonly (readonly [target: Tensor, value: Tensor])[];
}

type Names = Readonly<Record<string, unknown>>;

/**
 * What a state means for a module's own tensors by name.
 *
 * @throws NablaError for shapes that differ and, if `strict`, for names that do
 */
export function assign(model: string, own: readonly [string, Tensor][], state: Names, strict: boolean): Assignment {
  const names = new Set(own.map(([name]) => name));
  const missingKeys = [...names].filter((name) => !Object.hasOwn(state, name));
  const unexpectedKeys = Object.keys(state).filter((name) => !names.has(name));
  const given = own.filter(([name]) => Object.hasOwn(state, name));
  const problems = given.flatMap(([name, target]) => mismatch(name, target, state[name]));
  const all = strict ? [...problems, ...nameProblems(missingKeys, unexpectedKeys, [...names])] : problems;
  if (all.length > 0) {
    throw new NablaError(`loadStateDict: ${model} cannot take this state:\n  ${all.join('\n  ')}`, 'ERR_NABLA_STATE');
  }
  const pairs = given.map(([name, target]) => [target, asNumber(target, state[name] as Tensor)] as const);
  return { missingKeys, unexpectedKeys, pairs };
}

/** Files from before there were tensors without dimensions have a [1] for a number, which PyTorch takes too. */
const asNumber = (target: Tensor, given: Tensor): Tensor =>
  target.ndim === 0 && sameShape(given.shape, [1]) ? reshape(given, []) : given;

function mismatch(name: string, target: Tensor, given: unknown): string[] {
  if (!isTensor(given)) return [`${name}: expected a Tensor, got ${describe(given)}`];
  if (!sameShape(asNumber(target, given).shape, target.shape))
    return [`${name}: expected shape ${show(target.shape)}, got ${show(given.shape)}`];
  return [];
}

function nameProblems(missing: readonly string[], unexpected: readonly string[], names: readonly string[]): string[] {
  const hint = (name: string) => {
    const nearest = nearestName(name, names);
    return nearest === undefined ? '' : `; did you mean '${nearest}'?`;
  };
  return [
    ...listed('missing', missing, shortened),
    ...listed('unexpected', unexpected, (name) => `${shortened(name)}${hint(name)}`),
  ];
}

/** More names than these, or longer ones, help nobody. */
const MOST_NAMES = 20;
const LONGEST_NAME = 200;

const shortened = (name: string): string => (name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME)}…` : name);

function listed(problem: string, names: readonly string[], show: (name: string) => string): string[] {
  const lines = names.slice(0, MOST_NAMES).map((name) => `${problem}: ${show(name)}`);
  return names.length > MOST_NAMES ? [...lines, `${problem}: ${names.length - MOST_NAMES} more`] : lines;
}
