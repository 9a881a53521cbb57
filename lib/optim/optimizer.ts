import { noGrad } from '../autograd/mode.js';
import { recording } from '../backend/index.js';
import { isRepeated } from '../backend/view.js';
import { describe } from '../describe.js';
import { ValueError } from '../errors.js';
import { zeros } from '../ops/creation.js';
import { select } from '../ops/views.js';
import { checkOptions } from '../options.js';
import { dropGrad, peekGrad, Tensor, viewOf } from '../tensor/tensor.js';
import { uncloneable } from '../uncloneable.js';
import { checkLike, checkOptionTypes, checkParameter, checkState, isLike, type StateEntries } from './checks.js';
import { livingOptimizers } from './living.js';

/** Parameters with options of their own; what is not given is the optimizer's. */
export type ParamGroup<O> = { params: Iterable<Tensor> | Iterable<[string, Tensor]> } & Partial<O>;

/** What an optimizer takes: parameters, named parameters, or groups of them. */
export type Params<O> = Iterable<Tensor> | Iterable<[string, Tensor]> | readonly ParamGroup<O>[];

/** A group as the optimizer keeps it: every option is there and can be changed between steps. */
export type Group<O> = { params: Tensor[]; names?: string[] } & O;

/** A group with its parameters as numbers. */
type Saved<O> = Omit<Group<O>, 'params' | 'names'> & { params: number[] };

/** What an optimizer keeps per parameter, by the parameter's number in order of groups. */
export interface OptimizerState<O, S> {
  readonly state: Record<number, S>;
  readonly paramGroups: Saved<O>[];
}

/** The numbers of a group in memory, and each of them as a 0-d tensor. */
interface Scalars {
  readonly values: Tensor;
  readonly slots: readonly Tensor[];
  /** Those given as tensors themselves, the others in their slots. */
  readonly tensors: Tensor[];
}

function sameItems(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** A state as an object and what is in it, which users can change. */
interface Snapshot {
  readonly state: object | undefined;
  readonly names: readonly string[];
  readonly values: readonly unknown[];
}

const snapshotOf = (state: object | undefined): Snapshot => ({
  state,
  names: Object.keys(state ?? {}),
  values: Object.values(state ?? {}),
});

function isAsIn({ state, names, values }: Snapshot, now: object | undefined): boolean {
  if (now !== state) return false;
  for (let i = 0; i < names.length; i++) if (Reflect.get(now!, names[i]!) !== values[i]) return false;
  return true;
}

const UNCLONEABLE = uncloneable('Optimizer', 'send the values of its stateDict()');

/**
 * The base of all optimizers: parameter groups, state per parameter, `step` and `zeroGrad`.
 *
 * @see https://pytorch.org/docs/stable/optim.html
 */
export abstract class Optimizer<O extends object, S extends object> {
  /** @internal */
  readonly uncloneable = UNCLONEABLE;
  readonly paramGroups: Group<O>[] = [];
  /** Per parameter, what the steps so far left. */
  readonly state = new Map<Tensor, S>();
  readonly #name: string;
  readonly #defaults: O;
  /** What options are where nobody gives any. */
  readonly #builtIn: O;
  readonly #entries: StateEntries<S>;
  readonly #entryCount: number;
  readonly #scalars = new WeakMap<Group<O>, Scalars>();

  /** @param entries what a state consists of */
  constructor(name: string, params: Params<O>, options: Partial<O>, defaults: O, entries: StateEntries<S>) {
    this.#name = name;
    this.#builtIn = defaults;
    this.#entries = entries;
    this.#entryCount = Object.keys(entries).length;
    checkOptions(name, options, Object.keys(defaults));
    this.#defaults = { ...defaults, ...options };
    checkOptionTypes(() => name, this.#defaults, defaults);
    this.checkOptions(this.#defaults);
    for (const group of groupsOf(name, params)) this.addParamGroup(group);
    livingOptimizers.add(this);
  }

  /** Refuses values that make no sense, before anything is stored. That they are numbers or booleans as their defaults is known. */
  protected abstract checkOptions(options: O): void;

  /** The numbers of an update: they may change from step to step, and reach `update` as 0-d tensors. */
  protected abstract numbersOf(group: Group<O>): readonly (number | Tensor)[];

  /** What of a group decides which formula an update is, rather than with which numbers. */
  protected abstract variantOf(group: Group<O>): string;

  /**
   * Changes one parameter that has a gradient. The gradient is not to be kept: its memory may be used again after `zeroGrad`.
   *
   * @param numbers those of the group, float64 and 0-d
   */
  protected abstract update(parameter: Tensor, gradient: Tensor, group: Group<O>, numbers: readonly Tensor[]): void;

  /** Adds parameters, with options of their own. */
  addParamGroup(group: ParamGroup<O>): void {
    if (typeof group !== 'object' || group === null) {
      throw new ValueError(`${this.#name}: addParamGroup: expected { params, … }, got ${describe(group)}`);
    }
    const { params, ...own } = group;
    checkOptions(`${this.#name}: parameter group`, own, Object.keys(this.#defaults));
    const options = { ...this.#defaults, ...own } as O;
    checkOptionTypes(() => this.#name, options, this.#defaults);
    this.checkOptions(options);
    const { names, tensors } = this.#tensorsOf(params);
    const named = this.paramGroups.some((known) => known.names !== undefined);
    if (this.paramGroups.length > 0 && named !== (names !== null)) {
      throw new ValueError(`${this.#name}: parameter groups must be all with names or all without`);
    }
    const added = { ...options, params: tensors, ...(names === null ? {} : { names }) };
    this.paramGroups.push(added);
    this.#scalarsOf(added);
  }

  #tensorsOf(params: unknown): { names: string[] | null; tensors: Tensor[] } {
    const list = params instanceof Tensor ? [params] : entriesOf(this.#name, params);
    const named = list.length > 0 && list.every(isNamed);
    const tensors = named ? list.map((entry) => (entry as [string, Tensor])[1]) : list;
    const known = new Set(this.paramGroups.flatMap((group) => group.params));
    return {
      names: named ? list.map((entry) => (entry as [string, Tensor])[0]) : null,
      tensors: tensors.map((tensor, i) => this.#checked(tensor, i, known)),
    };
  }

  #checked(tensor: unknown, i: number, known: Set<Tensor>): Tensor {
    checkParameter(`${this.#name}: parameter ${i}`, tensor);
    if (known.has(tensor)) throw new ValueError(`${this.#name}: parameter ${i} appears more than once`);
    known.add(tensor);
    return tensor;
  }

  /**
   * Changes every parameter that has a gradient. Everything is checked before anything is changed.
   *
   * @throws ValueError for an option that is no number (or boolean) any more, or that the constructor would refuse; ShapeError or
   *   DTypeError for a gradient or a state of another shape or type than its parameter
   * @param closure computes the loss again (zeroGrad, forward, backward) before the step; its result is returned
   */
  step(): undefined;
  step<T>(closure: () => T): T;
  step<T>(closure?: () => T): T | undefined {
    if (closure !== undefined && typeof closure !== 'function') {
      throw new ValueError(`${this.#name}.step: expected a function, got ${describe(closure)}`);
    }
    const loss = closure?.();
    this.#checkOptions();
    this.#checkParameters();
    if (recording === null) this.#refreshScalars();
    else {
      recording.optionsRead(this);
      recording.refresh(() => {
        this.#checkOptions();
        this.#refreshScalars();
      });
    }
    noGrad(() => {
      for (const group of this.paramGroups) this.#stepGroup(group);
    });
    this.#report();
    return loss;
  }

  #checkParameters(): void {
    let number = 0;
    for (const { params } of this.paramGroups) {
      for (const parameter of params) {
        if (!this.#isInOrder(parameter)) this.#checkParameter(parameter, number);
        number++;
      }
    }
  }

  #checkOptions(): void {
    for (let i = 0; i < this.paramGroups.length; i++) {
      const group = this.#groupAt(i, 'step');
      checkOptionTypes(() => `${this.#name}.step: group ${i}`, group, this.#defaults);
      this.checkOptions(this.#withoutTensors(group));
    }
  }

  /** A rate in a tensor is not read: in a captured step it is not known yet. */
  #withoutTensors(group: Group<O>): O {
    const lr: unknown = Reflect.get(group, 'lr');
    return lr instanceof Tensor ? { ...group, lr: Reflect.get(this.#builtIn, 'lr') } : group;
  }

  #groupAt(i: number, op: string): Group<O> {
    const group: unknown = this.paramGroups[i];
    if (isGroup(group)) return group as Group<O>;
    throw new ValueError(`${this.#name}.${op}: group ${i} must be { params, … }, got ${describe(group)}`);
  }

  /** The usual case of what is checked next, without the words for an error. */
  #isInOrder(parameter: Tensor): boolean {
    if (!(parameter instanceof Tensor) || !parameter.isLeaf || isRepeated(viewOf(parameter))) return false;
    const gradient = peekGrad(parameter);
    if (gradient === null) return true;
    if (!isLike(gradient, parameter)) return false;
    const state = this.state.get(parameter);
    if (state === undefined) return true;
    let entries = 0;
    for (const name in state) {
      const value: unknown = state[name];
      if (!Object.hasOwn(this.#entries, name) || !(value instanceof Tensor) || !isLike(value, parameter)) return false;
      if (isRepeated(viewOf(value))) return false;
      entries++;
    }
    return entries === this.#entryCount;
  }

  #checkParameter(parameter: Tensor, number: number): void {
    const where = `${this.#name}.step: parameter ${number}`;
    checkParameter(where, parameter);
    const gradient = peekGrad(parameter);
    if (gradient === null) return;
    checkLike(where, 'gradient', gradient, parameter, 'call zeroGrad() when the data of a parameter are replaced');
    const state = this.state.get(parameter);
    if (state === undefined) return;
    const wayOut = 'make a new optimizer, or state.delete() the parameter, when its data are replaced';
    checkState(where, state, parameter, this.#entries, wayOut);
  }

  #stepGroup(group: Group<O>): void {
    const { tensors } = this.#scalarsOf(group);
    for (const parameter of group.params) {
      const gradient = peekGrad(parameter);
      if (gradient === null) continue;
      this.update(parameter, gradient, group, tensors);
      recording?.consumed(parameter);
    }
  }

  /** Where the numbers of a group are kept for instructions to read. */
  #scalarsOf(group: Group<O>): Scalars {
    let scalars = this.#scalars.get(group);
    if (scalars === undefined) {
      const numbers = this.numbersOf(group);
      const values = zeros([numbers.length], { dtype: 'float64' });
      const slots = numbers.map((_, i) => select(values, 0, i));
      scalars = { values, slots, tensors: [...slots] };
      this.#scalars.set(group, scalars);
    }
    return scalars;
  }

  #refreshScalars(): void {
    for (const group of this.paramGroups) {
      const { values, slots, tensors } = this.#scalarsOf(group);
      const { storage, offset } = viewOf(values);
      const array = storage.array('float64');
      const numbers = this.numbersOf(group);
      for (let i = 0; i < numbers.length; i++) {
        const x = numbers[i]!;
        tensors[i] = typeof x === 'number' ? slots[i]! : x;
        if (typeof x === 'number') array[offset + i] = x;
      }
    }
  }

  /** Tells a captured function what this step depended on. */
  #report(): void {
    if (recording === null) return;
    const groups = this.paramGroups.map((group) => ({
      group,
      params: [...group.params],
      variant: this.variantOf(group),
      tensors: this.#tensorsAmongNumbers(group),
      states: group.params.map((parameter) => snapshotOf(this.state.get(parameter))),
    }));
    recording.demand(
      () =>
        groups.length === this.paramGroups.length &&
        groups.every(({ group, params }, i) => group === this.paramGroups[i] && sameItems(group.params, params)),
      `the parameters of ${this.#name} are not those that it had`,
    );
    recording.assume(() =>
      groups.every(
        ({ group, params, variant, tensors, states }) =>
          this.variantOf(group) === variant &&
          params.every((parameter, i) => isAsIn(states[i]!, this.state.get(parameter))) &&
          sameItems(this.#tensorsAmongNumbers(group), tensors),
      ),
    );
  }

  /** Those numbers that are tensors, which instructions read where they are; null for the others. */
  #tensorsAmongNumbers(group: Group<O>): (Tensor | null)[] {
    return this.numbersOf(group).map((x) => (x instanceof Tensor ? x : null));
  }

  /**
   * Forgets the gradients of all parameters.
   *
   * @throws ValueError, before any is forgotten, for a group or a parameter that is none any more
   */
  zeroGrad(): void {
    let number = 0;
    for (let i = 0; i < this.paramGroups.length; i++) {
      for (const parameter of this.#groupAt(i, 'zeroGrad').params) {
        if (!(parameter instanceof Tensor)) checkParameter(`${this.#name}.zeroGrad: parameter ${number}`, parameter);
        number++;
      }
    }
    for (const { params } of this.paramGroups) for (const parameter of params) dropGrad(parameter);
  }

  /** Options and state, the parameters being numbered in order of groups; tensors share their storage with the optimizer. */
  stateDict(): OptimizerState<O, S> {
    const order = this.paramGroups.flatMap((group) => group.params);
    const state = Object.fromEntries(
      order.flatMap((p, i) => (this.state.has(p) ? [[i, { ...this.state.get(p)! }]] : [])),
    );
    const paramGroups = this.paramGroups.map(({ params, names, ...options }) => ({
      ...options,
      params: params.map((p) => order.indexOf(p)),
    }));
    return { state, paramGroups: paramGroups as OptimizerState<O, S>['paramGroups'] };
  }

  /**
   * Takes options and state from `stateDict` of an optimizer with the same groups. Tensors are copied; everything is checked before anything
   * is changed.
   *
   * @throws ValueError if the groups differ in number or size, for options and entries of a state that are unknown, missing or no numbers, and for
   *   the state of a parameter that no group has; ShapeError or DTypeError for a state of another shape or type than its parameter
   */
  loadStateDict(saved: OptimizerState<O, S>): void {
    const where = `${this.#name}: loadStateDict`;
    const groups = this.#checkGroups(where, saved);
    const states = this.#checkStates(where, saved, groups);
    this.state.clear();
    for (const [parameter, state] of states) this.state.set(parameter, copyOf(state));
    groups.forEach(({ params: _, ...options }, i) => {
      Object.assign(this.paramGroups[i]!, copyOf(options));
    });
  }

  #checkGroups(where: string, saved: unknown): readonly Saved<O>[] {
    const groups: unknown = isObject(saved) ? Reflect.get(saved, 'paramGroups') : undefined;
    const isList = (list: unknown): list is Saved<O>[] => Array.isArray(list) && list.every(isGroup);
    if (!isList(groups)) {
      throw new ValueError(`${where}: expected { state, paramGroups } as stateDict() gives it, got ${describe(saved)}`);
    }
    const sizes = (of: readonly { params: readonly unknown[] }[]) => of.map((group) => group.params.length).join(', ');
    if (sizes(groups) !== sizes(this.paramGroups)) {
      throw new ValueError(`${where}: expected groups of ${sizes(this.paramGroups)} parameters, got ${sizes(groups)}`);
    }
    const known = Object.keys(this.#defaults);
    groups.forEach(({ params, ...options }, i) => {
      checkOptions(`${where}: group ${i}`, options, known);
      checkOptionTypes(() => `${where}: group ${i}`, options, this.#defaults);
      this.checkOptions(options as object as O);
    });
    return groups;
  }

  /** The saved states by the parameters that they are for: those in the same place of the same group. */
  #checkStates(
    where: string,
    saved: { state: unknown },
    groups: readonly { params: readonly number[] }[],
  ): Map<Tensor, S> {
    const own = this.paramGroups.flatMap((group) => group.params);
    const numbers = groups.flatMap((group) => group.params);
    const byNumber = new Map(numbers.map((number, i) => [number, own[i]!]));
    if (byNumber.size !== own.length || !numbers.every((number) => Number.isSafeInteger(number) && number >= 0)) {
      throw new ValueError(`${where}: params must number the parameters, each once, got [${numbers.join(', ')}]`);
    }
    if (!isObject(saved.state)) {
      throw new ValueError(`${where}: state must be an object by parameter numbers, got ${describe(saved.state)}`);
    }
    return new Map(
      Object.entries(saved.state).map(([key, state]) => {
        const parameter = String(Number(key)) === key ? byNumber.get(Number(key)) : undefined;
        if (parameter === undefined) {
          throw new ValueError(
            `${where}: there is a state of parameter ${key}, but the parameters are ${numbers.join(', ')}`,
          );
        }
        const wayOut = 'it is the state of another model';
        checkState(`${where}: parameter ${key}`, state, parameter, this.#entries, wayOut);
        return [parameter, state as S];
      }),
    );
  }

  /** @internal Without it, `JSON.stringify` would leave out the state, which is a map. */
  toJSON(): never {
    throw new ValueError(`toJSON: ${this.#name} is not written as such; write its stateDict()`);
  }

  /** The groups with their options, as PyTorch prints them. */
  toString(): string {
    const groups = this.paramGroups.map(({ params, names, ...options }, i) => {
      const lines = Object.entries(options).map(([key, value]) => `    ${key}: ${value}`);
      return `Parameter Group ${i}\n${lines.join('\n')}\n`;
    });
    return `${this.#name} (\n${groups.join('\n')})`;
  }
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

const isGroup = (group: unknown): group is { params: unknown[] } =>
  isObject(group) && Array.isArray(Reflect.get(group, 'params'));

/** The same properties, tensors among them copied. */
const copyOf = <T extends object>(values: T): T =>
  Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, value instanceof Tensor ? value.detach().clone() : value]),
  ) as T;

const isNamed = (entry: unknown): boolean => Array.isArray(entry) && entry.length === 2 && typeof entry[0] === 'string';

function iterable(name: string, params: unknown): Iterable<unknown> {
  const isIterable =
    typeof params === 'object' && params !== null && Symbol.iterator in params && !(params instanceof Tensor);
  if (isIterable) return params as Iterable<unknown>;
  throw new ValueError(
    `${name}: expected an iterable of tensors or of parameter groups, got ${describe(params)}; pass model.parameters()`,
  );
}

/** What is iterated over, each looked at before the next: an array may have more holes than memory. */
function entriesOf(name: string, params: unknown): unknown[] {
  const entries: unknown[] = [];
  for (const entry of iterable(name, params)) {
    if (typeof entry !== 'object' || entry === null)
      throw new ValueError(`${name}: parameter ${entries.length} must be a Tensor, got ${describe(entry)}`);
    entries.push(entry);
  }
  return entries;
}

function groupsOf<O>(name: string, params: Params<O>): ParamGroup<O>[] {
  const list = entriesOf(name, params);
  if (list.length === 0) throw new ValueError(`${name}: got an empty list of parameters`);
  const isGroup = (entry: unknown) =>
    typeof entry === 'object' && entry !== null && !Array.isArray(entry) && 'params' in entry;
  return list.every(isGroup)
    ? (list as ParamGroup<O>[])
    : [{ params: list as Tensor[] } as { params: Tensor[] } & Partial<O>];
}
