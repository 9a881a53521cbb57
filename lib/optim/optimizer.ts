import { noGrad } from '../autograd/mode.js';
import { recording } from '../backend/index.js';
import { ValueError } from '../errors.js';
import { checkOptions } from '../options.js';
import { zeros } from '../tensor/creation.js';
import { describe } from '../tensor/shape.js';
import { storageOf, Tensor } from '../tensor/tensor.js';
import { select } from '../tensor/views.js';
import { livingOptimizers } from './living.js';

/** Parameters with options of their own; what is not given is the optimizer's. */
export type ParamGroup<O> = { params: Iterable<Tensor> | Iterable<[string, Tensor]> } & Partial<O>;

/** What an optimizer takes: parameters, named parameters, or groups of them. */
export type Params<O> = Iterable<Tensor> | Iterable<[string, Tensor]> | readonly ParamGroup<O>[];

/** A group as the optimizer keeps it: every option is there and can be changed between steps. */
export type Group<O> = { params: Tensor[]; names?: string[] } & O;

/** What an optimizer keeps per parameter, by the parameter's number in order of groups. */
export interface OptimizerState<O, S> {
  readonly state: Record<number, S>;
  readonly paramGroups: (Omit<Group<O>, 'params' | 'names'> & { params: number[] })[];
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

/**
 * The base of all optimizers: parameter groups, state per parameter, `step` and `zeroGrad`.
 *
 * @see https://pytorch.org/docs/stable/optim.html
 */
export abstract class Optimizer<O extends object, S extends object> {
  readonly paramGroups: Group<O>[] = [];
  /** Per parameter, what the steps so far left. */
  readonly state = new Map<Tensor, S>();
  readonly #name: string;
  readonly #defaults: O;
  readonly #scalars = new WeakMap<Group<O>, Scalars>();

  constructor(name: string, params: Params<O>, options: Partial<O>, defaults: O) {
    this.#name = name;
    checkOptions(name, options, Object.keys(defaults));
    this.#defaults = { ...defaults, ...options };
    this.checkOptions(this.#defaults);
    for (const group of groupsOf(name, params)) this.addParamGroup(group);
    livingOptimizers.add(this);
  }

  /** Refuses values that make no sense, before anything is stored. */
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
    const { params, ...own } = group;
    checkOptions(`${this.#name}: parameter group`, own, Object.keys(this.#defaults));
    const options = { ...this.#defaults, ...own } as O;
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
    if (!(tensor instanceof Tensor))
      throw new ValueError(`${this.#name}: parameter ${i} must be a Tensor, got ${describe(tensor)}`);
    if (!tensor.isLeaf)
      throw new ValueError(`${this.#name}: parameter ${i} is the result of an operation; only leaves can be optimized`);
    if (known.has(tensor)) throw new ValueError(`${this.#name}: parameter ${i} appears more than once`);
    known.add(tensor);
    return tensor;
  }

  /**
   * Changes every parameter that has a gradient.
   *
   * @param closure computes the loss anew (zeroGrad, forward, backward) before the step; its result is returned
   */
  step(): undefined;
  step<T>(closure: () => T): T;
  step<T>(closure?: () => T): T | undefined {
    const loss = closure?.();
    const refresh = () => this.#refreshScalars();
    if (recording === null) refresh();
    else {
      recording.optionsRead(this);
      recording.refresh(refresh);
    }
    noGrad(() => {
      for (const group of this.paramGroups) this.#stepGroup(group);
    });
    this.#report();
    return loss;
  }

  #stepGroup(group: Group<O>): void {
    const { tensors } = this.#scalarsOf(group);
    for (const parameter of group.params) {
      const gradient = parameter.peekGrad();
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
      const array = storageOf(values).array('float64');
      this.numbersOf(group).forEach((x, i) => {
        tensors[i] = typeof x === 'number' ? slots[i]! : x;
        if (typeof x === 'number') array[values.offset + i] = x;
      });
    }
  }

  /** Tells a captured function what this step depended on. */
  #report(): void {
    if (recording === null) return;
    const groups = this.paramGroups.map((group) => ({
      group,
      params: [...group.params],
      variant: this.variantOf(group),
      tensors: this.numbersOf(group).filter((x) => x instanceof Tensor),
      states: group.params.map((parameter) => this.state.get(parameter)),
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
          params.every((parameter, i) => this.state.get(parameter) === states[i]) &&
          (tensors.length === 0 ||
            sameItems(
              this.numbersOf(group).filter((x) => x instanceof Tensor),
              tensors,
            )),
      ),
    );
  }

  /** Forgets the gradients of all parameters. */
  zeroGrad(): void {
    for (const group of this.paramGroups) for (const parameter of group.params) parameter.dropGrad();
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
   * Takes options and state from `stateDict` of an optimizer with the same groups. Tensors are copied.
   *
   * @throws ValueError if the groups differ in number or size
   */
  loadStateDict(saved: OptimizerState<O, S>): void {
    const sizes = (groups: readonly { params: readonly unknown[] }[]) =>
      groups.map((group) => group.params.length).join(', ');
    if (sizes(saved.paramGroups) !== sizes(this.paramGroups)) {
      throw new ValueError(
        `${this.#name}: loadStateDict: expected groups of ${sizes(this.paramGroups)} parameters, got ${sizes(saved.paramGroups)}`,
      );
    }
    const order = this.paramGroups.flatMap((group) => group.params);
    const copy = (value: unknown) => (value instanceof Tensor ? value.detach().clone() : value);
    this.state.clear();
    for (const [i, state] of Object.entries(saved.state)) {
      const copied = Object.fromEntries(Object.entries(state).map(([key, value]) => [key, copy(value)]));
      this.state.set(order[Number(i)]!, copied as S);
    }
    saved.paramGroups.forEach(({ params: _, ...options }, i) => {
      Object.assign(this.paramGroups[i]!, options);
    });
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
