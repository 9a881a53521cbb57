import { inspect } from 'node:util';
import type { ArgumentsOf } from '../arguments/forms.js';
import { takeNoMore } from '../arguments/no-more.js';
import { signature } from '../arguments/signature.js';
import { enableGrad, noGrad } from '../autograd/mode.js';
import { recording } from '../backend/index.js';
import { isRepeated } from '../backend/view.js';
import { describe, mark } from '../describe.js';
import { ShapeError, ValueError } from '../errors.js';
import { full } from '../ops/creation.js';
import { zeroGradOf } from '../ops/zero-grad.js';
import * as kinds from '../tensor/kinds.js';
import { show } from '../tensor/shape.js';
import { dropGrad, isTensor, peekGrad, shapeOf, type Tensor, viewOf } from '../tensor/tensor.js';
import { uncloneable } from '../uncloneable.js';
import { checkLike, checkParameter, checkState, isLike, isStateOf } from './checks.js';
import {
  checkNames,
  checkScheduled,
  type Full,
  type Group,
  groupsOf,
  isGroup,
  type ParamGroup,
  type Params,
  parametersOf,
  type Scheduled,
} from './groups.js';
import { livingOptimizers } from './living.js';
import { rateOf } from './parameters.js';
import { begun, type Plain, type Rule, shapeIn } from './rule.js';
import { checkSaved, copyOf, type OptimizerState } from './saved.js';
import { type Member, type Part, plain, Slots, type State, Step } from './step.js';

/** @internal Whether a value is an optimizer, and not a Proxy of one or an object of its prototype. */
export let isOptimizer: (value: unknown) => value is Optimizer<object, object>;

const stepping = signature('closure', {
  /** Computes the loss again before the step. Default: null. */
  closure: kinds.callback<() => unknown>().optional(),
});

const zeroing = signature('setToNone', {
  /** Whether gradients are forgotten rather than filled with zeros. Default: true. */
  setToNone: kinds.boolean.default(true),
});

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
  readonly #rule: Rule<O>;
  readonly #defaults: Full<O>;
  /** The names of a step's numbers. */
  readonly #numbers: readonly string[];
  /** Where steps that no captured function does keep their numbers. */
  #slots = new Slots(0);
  /** The latest of them: nearly always the next one is the same. */
  #latest: Step<O> | null = null;

  static {
    isOptimizer = (value): value is Optimizer<object, object> =>
      typeof value === 'object' && value !== null && #rule in value;
    takeNoMore(Optimizer, 'stateDict', 'loadStateDict', 'addParamGroup');
    mark(Optimizer.prototype);
  }

  /**
   * @param rule what is particular to it
   * @param args parameters, then options
   */
  constructor(rule: Rule<O>, args: readonly unknown[]) {
    if (!isRule(rule)) {
      throw new ValueError(
        `${new.target.name}: expected a rule before the parameters, got ${describe(rule)}; an optimizer is a rule, or update parameters yourself: noGrad(() => p.addcmul_(…))`,
      );
    }
    this.#rule = rule;
    const { params, ...options } = valuesOf(rule, args);
    this.#defaults = options as Full<O>;
    this.#checkValues(() => rule.name, this.#defaults);
    const builtIn = valuesOf(rule, [[]]) as object as Plain<O>;
    this.#numbers = Object.keys(rule.numbers(builtIn, { ...begun(rule, builtIn), step: 1 }, true));
    for (const group of groupsOf<O>(rule.name, params as Params<O>)) this.addParamGroup(group);
    livingOptimizers.add(this);
  }

  /** Adds parameters, with options of their own. Schedulers that only multiply rates (`StepLR`, `ExponentialLR` and their like) go on with it; others refuse to step. */
  addParamGroup(group: ParamGroup<O>): void {
    const { name } = this.#rule;
    if (typeof group !== 'object' || group === null) {
      throw new ValueError(`${name}: addParamGroup: expected { params, … }, got ${describe(group)}`);
    }
    const { params, ...own } = group;
    checkNames(`${name}: parameter group`, own, this.#rule);
    const options = { ...this.#defaults, ...own } as Full<O> & Scheduled;
    this.#checkValues(() => name, options);
    const { names, parameters } = parametersOf(name, params);
    const known = new Set<unknown>(this.paramGroups.flatMap((group) => group.params));
    parameters.forEach((parameter, i) => {
      checkParameter(`${name}: parameter ${i}`, parameter);
      this.#checkFit(`${name}: parameter ${i}`, parameter);
      if (known.has(parameter)) throw new ValueError(`${name}: parameter ${i} appears more than once`);
      known.add(parameter);
    });
    const named = this.paramGroups.some((known) => known.names !== undefined);
    if (this.paramGroups.length > 0 && named !== (names !== null)) {
      throw new ValueError(`${name}: parameter groups must be all with names or all without`);
    }
    this.paramGroups.push({ ...options, params: parameters as Tensor[], ...(names === null ? {} : { names }) });
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
  step<T>(...args: ArgumentsOf<typeof stepping>): T | undefined {
    if (args.length === 0) return this.perform<T>(null);
    const [closure] = stepping.read(`${this.#rule.name}.step`, args);
    return this.perform(closure as (() => T) | null);
  }

  /** What `step` does. */
  protected perform<T>(closure: (() => T) | null): T | undefined {
    const loss = closure === null ? undefined : enableGrad(closure);
    this.check();
    noGrad(() => this.#step());
    return loss;
  }

  /** Refuses options and parameters that are not what they were when they were checked first. */
  protected check(): void {
    if (recording !== null) recording.apart(() => this.#checkOptions());
    else if (this.#latest?.isOf(this.paramGroups)) this.#latest.check();
    else this.#checkOptions();
    this.#checkParameters();
  }

  #step(): void {
    if (recording === null && this.#latest?.isAgain(this.paramGroups, this.state)) {
      this.#latest.link();
      this.#perform(this.#latest);
    } else this.#performNew();
  }

  #performNew(): void {
    const parts = this.#parts();
    const check = () => this.#checkOptions();
    const step = new Step(this, this.#rule, this.#numbers, parts, (count) => this.#slotsFor(count), check);
    this.#perform(step, parts);
    if (recording === null) this.#latest = step;
    this.#report(parts);
  }

  /** @param parts what of the states is not yet there */
  #perform(step: Step<O>, parts: readonly Part<O>[] = []): void {
    step.save();
    if (recording === null) step.act(step.numbers.array('float64') as Float64Array, 0);
    else recording.host(step);
    try {
      for (const { members } of parts) {
        for (const { parameter, state } of members) {
          if (Object.keys(state).length > 0) this.state.set(parameter, state as S);
        }
      }
      step.update((parameter) => recording?.consumed(parameter));
    } catch (error) {
      step.restore();
      throw error;
    }
  }

  /** A captured function has numbers of its own; other steps share theirs. */
  #slotsFor(count: number): Slots {
    if (recording !== null) return recording.apart(() => new Slots(count));
    if (this.#slots.tensors.length < count) this.#slots = new Slots(count);
    return this.#slots;
  }

  /** The groups, and what of them has a gradient. */
  #parts(): Part<O>[] {
    return this.paramGroups.map((group) => {
      const flags = this.#rule.flags(group);
      const entries = Object.keys(this.#rule.state).filter((name) => {
        const { needs } = this.#rule.state[name]!;
        return needs === null || flags[needs];
      });
      const members = group.params.flatMap((parameter): Member[] => {
        return peekGrad(parameter) === null ? [] : [{ parameter, ...this.#stateOf(parameter, entries, group) }];
      });
      return { group, flags, entries, members };
    });
  }

  /** The state of a parameter, with what it lacks of these entries. */
  #stateOf(parameter: Tensor, entries: readonly string[], group: Group<O>): { state: State; isFirst: boolean } {
    const known = this.state.get(parameter) as State | undefined;
    const { state } = this.#rule;
    const missing = entries.filter(
      (name) => !isTensor(known?.[name]) && shapeIn(state[name]!, shapeOf(parameter)) !== null,
    );
    if (known !== undefined && missing.length === 0) return { state: known, isFirst: false };
    const make = (): State => {
      const options = plain(group);
      const filled = (name: string): [string, Tensor] => {
        const shape = shapeIn(state[name]!, shapeOf(parameter))!;
        return [name, full(shape, state[name]!.initial(options), { dtype: parameter.dtype })];
      };
      return Object.assign(known ?? begun(this.#rule, options), Object.fromEntries(missing.map(filled)));
    };
    return { state: recording === null ? make() : recording.apart(make), isFirst: missing.length > 0 };
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
      this.#checkValues(() => `${this.#rule.name}.step: group ${i}`, group);
    }
  }

  #checkValues(where: () => string, options: Full<O> & Scheduled): void {
    const lr = Reflect.get(options, 'lr') as number | Tensor;
    this.#rule.takes.checkValues(where, mayFall(options, lr) ? { ...options, lr: -lr } : options);
    const value = isTensor(lr) ? rateOf(lr) : lr;
    if (isTensor(lr)) this.#rule.takes.checkValues(where, { ...options, lr: mayFall(options, value) ? -value : value });
    const reason = this.#rule.refuse?.(options) ?? null;
    if (reason !== null) throw new ValueError(`${where()}: ${reason}`);
    checkScheduled(where, options);
  }

  #groupAt(i: number, op: string): Group<O> {
    const group: unknown = this.paramGroups[i];
    if (isGroup(group)) return group as Group<O>;
    throw new ValueError(`${this.#rule.name}.${op}: group ${i} must be { params, … }, got ${describe(group)}`);
  }

  /** The usual case of what is checked next, without the words for an error. */
  #isInOrder(parameter: Tensor): boolean {
    if (!isTensor(parameter) || !parameter.isLeaf || isRepeated(viewOf(parameter))) return false;
    const gradient = peekGrad(parameter);
    if (gradient === null) return true;
    if (!isLike(gradient, parameter) || this.#misfit(parameter) !== null) return false;
    const state = this.state.get(parameter) as State | undefined;
    return state === undefined || isStateOf(state, parameter, this.#rule);
  }

  /** What is wrong with the shape of a parameter. */
  #misfit(parameter: Tensor): string | null {
    return this.#rule.misfit?.(shapeOf(parameter)) ?? null;
  }

  #checkFit(where: string, parameter: Tensor): void {
    const reason = this.#misfit(parameter);
    if (reason !== null) throw new ShapeError(`${where}: ${reason}, got shape ${show(shapeOf(parameter))}`);
  }

  #checkParameter(parameter: Tensor, number: number): void {
    const where = `${this.#rule.name}.step: parameter ${number}`;
    checkParameter(where, parameter);
    const gradient = peekGrad(parameter);
    if (gradient === null) return;
    this.#checkFit(where, parameter);
    checkLike(where, 'gradient', gradient, parameter, 'call zeroGrad() when the data of a parameter are replaced');
    const state = this.state.get(parameter);
    if (state === undefined) return;
    const wayOut = 'make a new optimizer, or state.delete() the parameter, when its data are replaced';
    checkState(where, state, parameter, this.#rule, wayOut);
  }

  /** Tells a captured function what this step depended on. */
  #report(parts: readonly Part<O>[]): void {
    if (recording === null) return;
    const groups = this.paramGroups.map((group) => ({ group, params: [...group.params] }));
    recording.demand(
      () =>
        groups.length === this.paramGroups.length &&
        groups.every(({ group, params }, i) => group === this.paramGroups[i] && sameItems(group.params, params)),
      `the parameters of ${this.#rule.name} are not those that it had`,
    );
    const states = parts.flatMap(({ members, entries }) =>
      members.map(({ parameter, state }) => ({
        parameter,
        state,
        entries,
        values: entries.map((name) => state[name]),
      })),
    );
    recording.assume(() => {
      for (const { parameter, state, entries, values } of states) {
        if (entries.length > 0 && this.state.get(parameter) !== state) return false;
        for (let i = 0; i < entries.length; i++) if (state[entries[i]!] !== values[i]) return false;
      }
      return true;
    });
  }

  /**
   * Forgets the gradients of all parameters.
   *
   * @param setToNone false to fill them with zeros instead, where they are. Default: true
   * @throws ValueError, before any is forgotten, for a group or a parameter that is none any more
   */
  zeroGrad(...args: ArgumentsOf<typeof zeroing>): void {
    const setToNone = args.length === 0 || zeroing.read(`${this.#rule.name}.zeroGrad`, args)[0];
    let number = 0;
    for (let i = 0; i < this.paramGroups.length; i++) {
      for (const parameter of this.#groupAt(i, 'zeroGrad').params) {
        if (!isTensor(parameter)) {
          checkParameter(`${this.#rule.name}.zeroGrad: parameter ${number}`, parameter);
        }
        number++;
      }
    }
    for (const { params } of this.paramGroups) {
      for (const parameter of params) {
        if (setToNone) dropGrad(parameter);
        else zeroGradOf(parameter);
      }
    }
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
   * is changed. What is counted may be in tensors of one element, as PyTorch keeps it.
   *
   * @throws ValueError if the groups differ in number or size, for options and entries of a state that are unknown, missing or no numbers, and for
   *   the state of a parameter that no group has; ShapeError or DTypeError for a state of another shape or type than its parameter
   */
  loadStateDict(saved: OptimizerState<O, S>): void {
    this.loading(`${this.#rule.name}: loadStateDict`, saved)();
  }

  /** @internal Looks at a state, and gives what takes it. */
  loading(where: string, saved: unknown): () => void {
    const { groups, states } = checkSaved(where, saved, this.paramGroups, this.#rule, (where, options) => {
      this.#checkValues(() => where, options);
    });
    return () => {
      this.state.clear();
      // It would keep the states of before.
      this.#latest = null;
      for (const [parameter, state] of states) this.state.set(parameter, copyOf(state) as S);
      groups.forEach((options, i) => {
        Object.assign(this.paramGroups[i]!, copyOf(options));
      });
    };
  }

  /** @internal Without it, `JSON.stringify` would leave out the state, which is a map. */
  toJSON(): never {
    throw new ValueError(`toJSON: ${this.#rule.name} is not written as such; write its stateDict()`);
  }

  /** The groups with their options, as PyTorch prints them. */
  toString(): string {
    const groups = this.paramGroups.map(({ params, names, ...options }, i) => {
      const lines = Object.entries(options).map(([key, value]) => `    ${key}: ${valueText(value)}`);
      return `Parameter Group ${i}\n${lines.join('\n')}\n`;
    });
    return `${this.#rule.name} (\n${groups.join('\n')})`;
  }

  /** @internal */
  [inspect.custom](): string {
    return this.toString();
  }
}

/** Whether a rate below 0 is a scheduler's, which may miss 0 by a rounding: PyTorch steps with that too. */
const mayFall = ({ initialLr }: Scheduled, lr: unknown): lr is number =>
  initialLr !== undefined && typeof lr === 'number' && lr < 0;

const isRule = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'takes' in value && 'numbers' in value;

/** The values of constructor arguments by name. */
const valuesOf = <O extends object>({ name, takes }: Rule<O>, args: readonly unknown[]): Record<string, unknown> => {
  const values = takes.read(name, args) as readonly unknown[];
  return Object.fromEntries(takes.names.map((name, i) => [name, values[i]]));
};

const valueText = (value: unknown): string => (Array.isArray(value) ? `(${value.join(', ')})` : String(value));

function sameItems(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
