import { describe } from '../describe.js';
import { ValueError } from '../errors.js';
import { isTensor, type Tensor } from '../tensor/tensor.js';
import { checkState } from './checks.js';
import { checkNames, type Full, type Group, isGroup, isObject } from './groups.js';
import type { Kept, Rule } from './rule.js';
import type { State } from './step.js';

/** A group with its parameters as numbers. */
type SavedGroup<O> = Omit<Group<O>, 'params' | 'names'> & { params: number[] };

/** What an optimizer keeps per parameter, by the parameter's number in order of groups. */
export interface OptimizerState<O, S> {
  readonly state: Record<number, S>;
  readonly paramGroups: SavedGroup<O>[];
}

/**
 * The options of groups and the states of parameters in what was saved, if all of it fits an optimizer.
 *
 * @param own its groups
 * @param check refuses values of options
 */
export function checkSaved<O extends object>(
  where: string,
  saved: unknown,
  own: readonly Group<O>[],
  rule: Rule<O>,
  check: (where: string, options: Full<O>) => void,
): { groups: Full<O>[]; states: Map<Tensor, State> } {
  const groups: unknown = isObject(saved) ? Reflect.get(saved, 'paramGroups') : undefined;
  if (!isObject(saved) || !Array.isArray(groups) || !groups.every(isGroup)) {
    throw new ValueError(`${where}: expected { state, paramGroups } as stateDict() gives it, got ${describe(saved)}`);
  }
  const sizes = (of: readonly { params: readonly unknown[] }[]) => of.map((group) => group.params.length).join(', ');
  if (sizes(groups) !== sizes(own)) {
    throw new ValueError(`${where}: expected groups of ${sizes(own)} parameters, got ${sizes(groups)}`);
  }
  const options = groups.map(({ params, ...options }, i) => {
    checkNames(`${where}: group ${i}`, options, rule);
    check(`${where}: group ${i}`, options as Full<O>);
    return options as Full<O>;
  });
  const numbers = groups.flatMap((group) => group.params);
  const parameters = own.flatMap((group) => group.params);
  return { groups: options, states: statesOf(where, Reflect.get(saved, 'state'), numbers, parameters, rule) };
}

/** The saved states by the parameters that they are for: those in the same place of the same group. */
function statesOf(
  where: string,
  states: unknown,
  numbers: readonly unknown[],
  parameters: readonly Tensor[],
  rule: Kept,
): Map<Tensor, State> {
  const byNumber = new Map(numbers.map((number, i) => [number, parameters[i]!]));
  if (
    byNumber.size !== parameters.length ||
    !numbers.every((number) => Number.isSafeInteger(number) && Number(number) >= 0)
  ) {
    throw new ValueError(`${where}: params must number the parameters, each once, got [${numbers.join(', ')}]`);
  }
  if (!isObject(states)) {
    throw new ValueError(`${where}: state must be an object by parameter numbers, got ${describe(states)}`);
  }
  return new Map(
    Object.entries(states).map(([key, state]) => {
      const parameter = String(Number(key)) === key ? byNumber.get(Number(key)) : undefined;
      if (parameter === undefined) {
        throw new ValueError(
          `${where}: there is a state of parameter ${key}, but the parameters are ${numbers.join(', ')}`,
        );
      }
      const counted = withNumbers(isObject(state) ? (rule.unpack?.(state) ?? state) : state, rule);
      checkState(`${where}: parameter ${key}`, counted, parameter, rule, 'it is the state of another model');
      return [parameter, counted as State];
    }),
  );
}

/** A state with numbers for its counters, which PyTorch keeps in tensors of one element. */
function withNumbers(state: unknown, { counters }: Kept): unknown {
  if (!isObject(state)) return state;
  const numbers = Object.entries(state).flatMap(([name, value]): [string, number][] =>
    Object.hasOwn(counters, name) && isTensor(value) && value.numel() === 1 ? [[name, value.item()]] : [],
  );
  return numbers.length === 0 ? state : { ...state, ...Object.fromEntries(numbers) };
}

/** The same properties, tensors among them (and in lists) copied. */
export const copyOf = <T extends object>(values: T): T =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [key, copied(value)])) as T;

function copied(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copied);
  return isTensor(value) ? value.detach().clone() : value;
}
