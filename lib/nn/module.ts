import { inspect } from 'node:util';
import { noGrad } from '../autograd/mode.js';
import { type DType, isFloat } from '../backend/dtype.js';
import { recording } from '../backend/index.js';
import { sameShape } from '../backend/view.js';
import { describe } from '../describe.js';
import { NablaError, ValueError } from '../errors.js';
import { checkBoolean, checkOptions, nearestName } from '../options.js';
import { hasNames } from '../realm.js';
import { show } from '../tensor/shape.js';
import { dropGrad, gradState, Tensor } from '../tensor/tensor.js';
import { uncloneable } from '../uncloneable.js';
import { livingModules } from './living.js';
import { Parameter } from './parameter.js';

/** Tensors by name, as `stateDict` gives them and `loadStateDict` takes them. */
export type StateDict = Record<string, Tensor>;

export interface LoadStateDictOptions {
  /** Whether a missing or an unexpected name is an error. Default: true. Shapes must agree in any case. */
  strict?: boolean;
}

/** Names that did not match in a `loadStateDict` that was not strict. */
export interface IncompatibleKeys {
  readonly missingKeys: readonly string[];
  readonly unexpectedKeys: readonly string[];
}

const UNCLONEABLE = uncloneable('Module', 'send the values of its stateDict(), and load them into a module made there');

/**
 * The base of all layers and models. Any property that is a `Parameter`, a `Module` or a registered buffer belongs to the module; the path of
 * property names is its name in `stateDict()`. Subclasses define `forward`.
 *
 * @example
 * ```ts
 * class Net extends nn.Module {
 *   hidden = new nn.Linear(4, 3);
 *   out = new nn.Linear(3, 1);
 *   forward(x: Tensor): Tensor {
 *     return this.out.forward(this.hidden.forward(x).relu());
 *   }
 * }
 * new Net().forward(ones([2, 4])).shape; // [2, 1]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Module.html
 */
export abstract class Module {
  /** @internal */
  readonly uncloneable = UNCLONEABLE;
  #training = true;
  readonly #buffers = new Set<string>();

  constructor() {
    livingModules.add(this);
  }

  /** Whether layers such as Dropout behave as in training; set by `train` and `eval`. */
  get training(): boolean {
    recording?.flag(this);
    return this.#training;
  }

  set training(mode: boolean) {
    recording?.flag(this);
    this.#training = mode;
  }

  /** What the module makes of its inputs; for subclasses to define. Called as `model.forward(x)`. */
  abstract forward(...inputs: never[]): unknown;

  /** Makes a tensor that is not learned part of the module's state: `this[name]`, saved with it. */
  registerBuffer(name: string, value: Tensor | null): void {
    if (typeof name !== 'string' || name === '' || name.includes('.'))
      throw new ValueError(`registerBuffer: a name must not be empty or contain '.', got ${describe(name)}`);
    if (value !== null && !(value instanceof Tensor)) {
      throw new ValueError(`registerBuffer: '${name}' must be a Tensor or null, got ${describe(value)}`);
    }
    this.#buffers.add(name);
    Object.defineProperty(this, name, { value, writable: true, enumerable: true, configurable: true });
  }

  /** The modules that are properties of this one, by property name. */
  namedChildren(): [string, Module][] {
    return Object.entries(this).filter((entry): entry is [string, Module] => entry[1] instanceof Module);
  }

  /** The modules that are properties of this one. */
  children(): Module[] {
    return this.namedChildren().map(([, module]) => module);
  }

  /** This module and all modules in it, each once, by path. */
  namedModules(): [string, Module][] {
    const seen = new Set<Module>();
    const visit = (module: Module, path: string): [string, Module][] => {
      if (seen.has(module)) return [];
      seen.add(module);
      const inner = module.namedChildren().flatMap(([name, child]) => visit(child, join(path, name)));
      return [[path, module], ...inner];
    };
    return visit(this, '');
  }

  /** This module and all modules in it, each once. */
  modules(): Module[] {
    return this.namedModules().map(([, module]) => module);
  }

  /** All parameters, each once, by path: a module's own before those of its children. */
  namedParameters(): [string, Parameter][] {
    return distinct(this.#named((module) => module.#ownParameters()));
  }

  /** All parameters, each once: what an optimizer takes. */
  parameters(): Parameter[] {
    return this.namedParameters().map(([, parameter]) => parameter);
  }

  /** All registered buffers that are not null, each once, by path. */
  namedBuffers(): [string, Tensor][] {
    return distinct(this.#named((module) => module.#ownBuffers()));
  }

  /** All registered buffers that are not null, each once. */
  buffers(): Tensor[] {
    return this.namedBuffers().map(([, buffer]) => buffer);
  }

  #ownParameters(): [string, Parameter][] {
    return Object.entries(this).filter((entry): entry is [string, Parameter] => entry[1] instanceof Parameter);
  }

  #ownBuffers(): [string, Tensor][] {
    const entries = [...this.#buffers].map((name): [string, unknown] => [name, Reflect.get(this, name)]);
    return entries.filter((entry): entry is [string, Tensor] => entry[1] instanceof Tensor);
  }

  #named<T>(own: (module: Module) => [string, T][]): [string, T][] {
    return this.namedModules().flatMap(([path, module]) =>
      own(module).map(([name, value]): [string, T] => [join(path, name), value]),
    );
  }

  /**
   * All parameters and buffers by path, detached but over the same storage: clone what must not change with the module.
   *
   * @see https://pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.state_dict
   */
  stateDict(): StateDict {
    const entries = this.#state().map(([name, value]): [string, Tensor] => [name, value.detach()]);
    return Object.fromEntries(entries);
  }

  /** A shared module's state appears under each of its paths, as in PyTorch. */
  #state(path = ''): [string, Tensor][] {
    const own = [...this.#ownParameters(), ...this.#ownBuffers()].map(([name, value]): [string, Tensor] => [
      join(path, name),
      value,
    ]);
    return [...own, ...this.namedChildren().flatMap(([name, child]) => child.#state(join(path, name)))];
  }

  /**
   * Copies values into the parameters and buffers of the same names. Everything is checked before anything is changed.
   *
   * @throws NablaError naming all that is missing, unexpected or of another shape
   * @example
   * ```ts
   * const [a, b] = [new nn.Linear(2, 1), new nn.Linear(2, 1)];
   * b.loadStateDict(a.stateDict());
   * ```
   * @see https://pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.load_state_dict
   */
  loadStateDict(state: Readonly<StateDict>, options: LoadStateDictOptions = {}): IncompatibleKeys {
    checkOptions('loadStateDict', options, ['strict']);
    const { strict = true } = options;
    checkBoolean('loadStateDict', 'strict', strict);
    if (!hasNames(state) || state instanceof Tensor) {
      throw new ValueError(`loadStateDict: expected tensors by name, got ${describe(state)}`);
    }
    const own = this.#state();
    const names = new Set(own.map(([name]) => name));
    const missingKeys = [...names].filter((name) => !Object.hasOwn(state, name));
    const unexpectedKeys = Object.keys(state).filter((name) => !names.has(name));
    const problems = own.flatMap(([name, target]) =>
      Object.hasOwn(state, name) ? mismatch(name, target, state[name]) : [],
    );
    const all = strict ? [...problems, ...nameProblems(missingKeys, unexpectedKeys, [...names])] : problems;
    if (all.length > 0) {
      throw new NablaError(
        `loadStateDict: ${this.constructor.name} cannot take this state:\n  ${all.join('\n  ')}`,
        'ERR_NABLA_STATE',
      );
    }
    noGrad(() => {
      for (const [name, target] of own) if (Object.hasOwn(state, name)) target.copy_(state[name]!);
    });
    return { missingKeys, unexpectedKeys };
  }

  /** Sets training mode (or, with false, evaluation mode) here and in all modules within. */
  train(mode = true): this {
    checkBoolean('train', 'mode', mode);
    for (const module of this.modules()) module.training = mode;
    return this;
  }

  /** Sets evaluation mode here and in all modules within. */
  eval(): this {
    return this.train(false);
  }

  /** Calls `fn` with every module within, innermost first, and last with this one. */
  apply(fn: (module: Module) => void): this {
    if (typeof fn !== 'function') throw new ValueError(`apply: expected a function, got ${describe(fn)}`);
    for (const child of this.children()) child.apply(fn);
    fn(this);
    return this;
  }

  /** Forgets the gradients of all parameters. */
  zeroGrad(): void {
    for (const parameter of this.parameters()) dropGrad(parameter);
  }

  /** Switches gradients of all parameters on or off. */
  requiresGrad_(value = true): this {
    for (const parameter of this.parameters()) parameter.requiresGrad = value;
    return this;
  }

  /** Converts all parameters and float buffers to another float type. */
  to(dtype: DType): this {
    const tensors = [...this.parameters(), ...this.buffers().filter((buffer) => isFloat(buffer.dtype))];
    for (const tensor of tensors) {
      const gradient = gradState(tensor);
      tensor.data = tensor.detach().to(dtype);
      if (gradient instanceof Tensor) tensor.grad = gradient.detach().to(dtype);
    }
    return this;
  }

  /** `to('float32')`. */
  float(): this {
    return this.to('float32');
  }

  /** `to('float64')`. */
  double(): this {
    return this.to('float64');
  }

  /** What `toString` puts in brackets after the name; for subclasses to define. */
  extraRepr(): string {
    return '';
  }

  /** The module and all within it, as PyTorch prints them. */
  toString(): string {
    const extra = this.extraRepr();
    const children = this.namedChildren().map(
      ([name, child]) => `(${name}): ${child.toString().replaceAll('\n', '\n  ')}`,
    );
    if (children.length === 0) return `${this.constructor.name}(${extra})`;
    return `${this.constructor.name}(${extra}\n  ${children.join('\n  ')}\n)`;
  }

  [inspect.custom](): string {
    return this.toString();
  }

  /**
   * A table of all parameters: name, shape, number of elements, and whether it is learned; then the totals.
   *
   * @example
   * ```ts
   * console.log(new nn.Linear(784, 10).summary());
   * ```
   */
  summary(): string {
    const rows = this.namedParameters().map(([name, p]) => [
      name,
      show(p.shape),
      count(p.numel()),
      p.requiresGrad ? '' : 'frozen',
    ]);
    const total = (of: Parameter[]) => count(of.reduce((sum, p) => sum + p.numel(), 0));
    const parameters = this.parameters();
    const learned = parameters.filter((p) => p.requiresGrad);
    const table = [
      ['parameter', 'shape', 'elements', ''],
      ...rows,
      ['total', '', total(parameters), `${total(learned)} trainable`],
    ];
    const widths = [0, 1, 2].map((column) => Math.max(...table.map((row) => row[column]!.length)));
    const line = ([name, shape, elements, note]: string[]) =>
      `${name!.padEnd(widths[0]!)}  ${shape!.padEnd(widths[1]!)}  ${elements!.padStart(widths[2]!)}  ${note}`.trimEnd();
    return table.map(line).join('\n');
  }
}

const join = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);

const count = (n: number): string => n.toLocaleString('en');

function distinct<T>(named: [string, T][]): [string, T][] {
  const seen = new Set<T>();
  return named.filter(([, value]) => !seen.has(value) && seen.add(value));
}

function mismatch(name: string, target: Tensor, given: unknown): string[] {
  if (!(given instanceof Tensor)) return [`${name}: expected a Tensor, got ${describe(given)}`];
  if (!sameShape(given.shape, target.shape))
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
