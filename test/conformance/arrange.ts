import { NotSupported } from './outcome.js';
import type { Parameter, Signature } from './signatures.js';

export type Named = Readonly<Record<string, unknown>>;

/** Where a tensor lives and who else may see its memory: nothing of that exists in nabla. */
const PLACEMENT = new Set(['device', 'memory_format', 'non_blocking', 'copy']);

/** `reset_running_stats` -> `resetRunningStats`; a trailing underscore (in place) stays. */
export function camelCase(name: string): string {
  return name.replace(/(?<=[^_])_+([a-zA-Z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** What becomes of a value that was given for a parameter. */
export type Convert = (value: unknown, parameter: string) => unknown;

/**
 * The arguments of a nabla call from those of a PyTorch call: the positional part, then one options object with what is left.
 * None is an argument that was not given.
 */
export function arrange(
  overloads: readonly Signature[] | undefined,
  args: readonly unknown[],
  kwargs: Named,
  convert: Convert = (value) => value,
): unknown[] {
  if (kwargs.out !== undefined) throw new NotSupported('out=: results are always new tensors');
  const given = bind(choose(overloads, args, kwargs).parameters, args, kwargs, convert);
  const { parameters, positional } = overloads?.at(-1) ?? unlisted(args.length);
  const byPosition = parameters.slice(0, positional).filter(({ name }) => !PLACEMENT.has(name));
  const list = byPosition.map(({ name }) => take(given, name));
  const options = asOptions(given);
  if (Object.keys(options).length > 0) return [...list, options];
  return list.slice(0, list.findLastIndex((value) => value !== undefined) + 1);
}

/** Parameters for which None is not the same as nothing. */
const NULLABLE = new Set(['momentum']);

/** The options object of what was given by name. */
export function asOptions(given: Iterable<[string, unknown]>): Named {
  const present = [...given].filter(
    ([name, value]) => value !== undefined && (value !== null || NULLABLE.has(name)) && !PLACEMENT.has(name),
  );
  return Object.fromEntries(present.map(([name, value]) => [camelCase(name), value]));
}

function choose(overloads: readonly Signature[] | undefined, args: readonly unknown[], kwargs: Named): Signature {
  const fits = ({ parameters }: Signature) =>
    gathered(parameters, args).length <= parameters.length &&
    parameters.every(({ name, only }, i) => only === undefined || typeof (args[i] ?? kwargs[name]) === only) &&
    Object.keys(kwargs).every((key) => parameters.some(({ name }) => name === key));
  return overloads?.find(fits) ?? overloads?.at(-1) ?? unlisted(args.length);
}

function unlisted(count: number): Signature {
  const parameters = Array.from({ length: count }, (_, i) => ({
    name: `operand${i}`,
    required: true,
    only: undefined,
    gathers: false,
  }));
  return { parameters, positional: count };
}

function bind(
  parameters: readonly Parameter[],
  args: readonly unknown[],
  kwargs: Named,
  convert: Convert,
): Map<string, unknown> {
  const list = gathered(parameters, args);
  if (list.length > parameters.length)
    throw new Error(`signature table: ${list.length} arguments for ${parameters.length}`);
  const byPosition = list.map((value, i): [string, unknown] => [parameters[i]!.name, value]);
  const given = [...byPosition, ...Object.entries(kwargs)];
  // Beside an alpha it is the size of a window.
  const isShape = !parameters.some(({ name }) => name === 'alpha');
  const converted = (name: string, value: unknown) => {
    const result = convert(value, name);
    return isShape ? asShape(name, result) : result;
  };
  return new Map(
    given.map(([name, value]) => [
      name,
      value === null ? (NULLABLE.has(name) ? null : undefined) : converted(name, value),
    ]),
  );
}

/** `sum_to_size(2, 3)`: what Python takes one by one, as an array. */
function gathered(parameters: readonly Parameter[], args: readonly unknown[]): readonly unknown[] {
  const at = parameters.findIndex(({ gathers }) => gathers);
  return at < 0 || typeof args[at] !== 'number' ? args : [...args.slice(0, at), args.slice(at)];
}

/** `rand(3)`: Python takes sizes one by one, nabla as an array. */
function asShape(name: string, value: unknown): unknown {
  return name === 'size' && typeof value === 'number' ? [value] : value;
}

function take(given: Map<string, unknown>, name: string): unknown {
  const value = given.get(name);
  given.delete(name);
  return value;
}
