import { noGrad } from '../autograd/mode.js';
import { ValueError } from '../errors.js';
import { checkOptions } from '../options.js';
import { describe } from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';

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

  constructor(name: string, params: Params<O>, options: Partial<O>, defaults: O) {
    this.#name = name;
    checkOptions(name, options, Object.keys(defaults));
    this.#defaults = { ...defaults, ...options };
    this.checkOptions(this.#defaults);
    for (const group of groupsOf(name, params)) this.addParamGroup(group);
  }

  /** Refuses values that make no sense, before anything is stored. */
  protected abstract checkOptions(options: O): void;

  /** Changes one parameter that has a gradient. The gradient is not to be kept: its memory may be used again after `zeroGrad`. */
  protected abstract update(parameter: Tensor, gradient: Tensor, group: Group<O>): void;

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
    this.paramGroups.push({ ...options, params: tensors, ...(names === null ? {} : { names }) });
  }

  #tensorsOf(params: unknown): { names: string[] | null; tensors: Tensor[] } {
    const list = params instanceof Tensor ? [params] : [...iterable(this.#name, params)];
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
    noGrad(() => {
      for (const group of this.paramGroups) {
        for (const parameter of group.params) {
          const gradient = parameter.peekGrad();
          if (gradient !== null) this.update(parameter, gradient, group);
        }
      }
    });
    return loss;
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

function groupsOf<O>(name: string, params: Params<O>): ParamGroup<O>[] {
  const list = [...iterable(name, params)];
  if (list.length === 0) throw new ValueError(`${name}: got an empty list of parameters`);
  const isGroup = (entry: unknown) =>
    typeof entry === 'object' && entry !== null && !Array.isArray(entry) && 'params' in entry;
  return list.every(isGroup)
    ? (list as ParamGroup<O>[])
    : [{ params: list as Tensor[] } as { params: Tensor[] } & Partial<O>];
}
