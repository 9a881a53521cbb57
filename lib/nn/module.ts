import { inspect } from 'node:util';
import type { ArgumentsOf, OptionsOf } from '../arguments/forms.js';
import { type Kind, kind } from '../arguments/kind.js';
import { takeNoMore } from '../arguments/no-more.js';
import { signature } from '../arguments/signature.js';
import { unknownName } from '../arguments/unknown-name.js';
import type { HookHandle } from '../autograd/hooks.js';
import { noGrad } from '../autograd/mode.js';
import { isFloat } from '../backend/dtype.js';
import { recording } from '../backend/index.js';
import { mark } from '../describe.js';
import { ValueError } from '../errors.js';
import { zeroGradOf } from '../ops/zero-grad.js';
import { hasNames } from '../realm.js';
import * as kinds from '../tensor/kinds.js';
import { dropGrad, gradState, isTensor, type Tensor } from '../tensor/tensor.js';
import { uncloneable } from '../uncloneable.js';
import { COPY, Copies } from './copies.js';
import { livingModules } from './living.js';
import {
  copyHooks,
  type ForwardHook,
  type ForwardHookOptions,
  type ForwardPreHook,
  type FullBackwardHook,
  type FullBackwardPreHook,
  forwardHooking,
  hooking,
  hookModule,
  type ModuleHookOptions,
  type WithForward,
} from './module-hooks.js';
import { join, stateName } from './names.js';
import { isParameter, type Parameter } from './parameter.js';
import { assign, type IncompatibleKeys, type StateDict } from './state-dict.js';
import { childLine, moduleText, parameterTable } from './text.js';

export type { IncompatibleKeys, StateDict } from './state-dict.js';

const UNCLONEABLE = uncloneable('Module', 'send the values of its stateDict(), and load them into a module made there');

/** @internal What may belong to a module: a property, what it is called in paths, and its value. */
export const MEMBERS = Symbol('members');

/** @internal The lines of the modules within where a module is printed. */
export const LINES = Symbol('lines');

/** @internal Gives what older files name otherwise, or do not have, the names of today. */
export const ADAPT = Symbol('adapt');

/** @internal */
export type Member = readonly [property: string, name: string, value: unknown];

const propertyName: Kind<string> = kind(
  "a text that is not empty and does not contain '.'",
  (value): value is string => typeof value === 'string' && value !== '' && !value.includes('.'),
);

const registering = signature('name, tensor, persistent', {
  name: propertyName,
  tensor: kinds.tensor.orNull(),
  /** Whether it is saved with the module. Default: true. */
  persistent: kinds.boolean.default(true),
});

export interface RegisterBufferOptions extends Pick<OptionsOf<typeof registering>, 'persistent'> {}

const attaching = signature('name, parameter', {
  name: propertyName,
  parameter: kind('a Parameter', isParameter).orNull(),
});

const nesting = signature('name, module', {
  name: propertyName,
  module: kind('a Module', (value): value is Module => isModule(value)).orNull(),
});

const finding = signature('path', { path: kinds.text });

const saving = signature('*, prefix, keepVars', {
  /** What every name starts with, as it is: `'head.'`. Default: ''. */
  prefix: kinds.text.default(''),
  /** Whether to give the parameters and buffers themselves, rather than detached tensors over their storage. Default: false. */
  keepVars: kinds.boolean.default(false),
});

const recursing = {
  /** Whether to list those of the modules within too. Default: true. */
  recurse: kinds.boolean.default(true),
};

const listing = signature('recurse', { ...recursing });

const naming = signature('prefix, recurse, removeDuplicate', {
  /** The path that every name starts with. Default: '', none. */
  prefix: kinds.text.default(''),
  ...recursing,
  /** Whether to list what is shared once only, under the first of its names. Default: true. */
  removeDuplicate: kinds.boolean.default(true),
});

export interface ListingOptions extends OptionsOf<typeof listing> {}

export interface NamingOptions extends OptionsOf<typeof naming> {}

export interface StateDictOptions extends OptionsOf<typeof saving> {}

const switching = signature('mode', {
  /** True for training, false for evaluation. Default: true. */
  mode: kinds.boolean.default(true),
});

const learning = signature('requiresGrad', {
  /** Whether they get gradients. Default: true. */
  requiresGrad: kinds.boolean.default(true),
});

const zeroing = signature('setToNone', {
  /** Whether gradients are forgotten rather than filled with zeros. Default: true. */
  setToNone: kinds.boolean.default(true),
});

interface TrainModeOptions extends OptionsOf<typeof switching> {}
interface LearningOptions extends OptionsOf<typeof learning> {}
interface ZeroGradOptions extends OptionsOf<typeof zeroing> {}

const applying = signature('fn', { fn: kinds.callback<(module: Module) => void>() });
const converting = signature('dtype', { dtype: kinds.dtype });

const loading = signature('state, /, strict', {
  state: kind('tensors by name', (value): value is Readonly<StateDict> => hasNames(value) && !isTensor(value)),
  /** Whether a missing or an unexpected name is an error. Shapes must agree in any case. Default: true. */
  strict: kinds.boolean.default(true),
});

export interface LoadStateDictOptions extends OptionsOf<typeof loading> {}

type NamingArguments = [
  prefix?: string | NamingOptions,
  recurse?: boolean | NamingOptions,
  removeDuplicate?: boolean | NamingOptions,
];

/** @internal Whether a value is a module, and not a Proxy of one or an object of its prototype. */
export let isModule: (value: unknown) => value is Module;

/** @internal Looks at a state for a module, with all its names, and gives what takes it. */
export let loadingInto: (module: Module, state: Readonly<StateDict>) => () => void;

/** What belongs to a module itself, by name. */
interface Own {
  readonly parameters: Map<string, Parameter>;
  readonly modules: Map<string, Module>;
  readonly buffers: Map<string, Tensor>;
  /** The buffers that are saved. */
  readonly persistent: Map<string, Tensor>;
}

/**
 * The base of all layers and models. Any property that is a `Parameter`, a `Module` or a registered buffer belongs to the module. Its name in
 * `stateDict()` and the like is the path of properties in PyTorch's spelling: `selfAttn.inProjWeight` is `self_attn.in_proj_weight`. Subclasses
 * define `forward`.
 *
 * @typeParam Inputs what `forward` takes, and `Output` what it gives, where a module of any class will do: `nn.Module<[Tensor], Tensor>`
 * @throws ValueError, when its parts are listed, if two properties would get one name, a parameter was replaced by a plain tensor, or a module is
 * within itself
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
export abstract class Module<Inputs extends readonly unknown[] = never[], Output = unknown> {
  /** @internal */
  readonly uncloneable = UNCLONEABLE;
  #training = true;
  /** The properties that are buffers, and whether they are saved. */
  readonly #buffers = new Map<string, boolean>();
  /** The properties that have been seen to be parameters. */
  readonly #parameters = new Set<string>();

  static {
    isModule = (value): value is Module => typeof value === 'object' && value !== null && #training in value;
    loadingInto = (module, state) => module.#loading(state, true);
    takeNoMore(
      Module,
      'namedChildren',
      'children',
      'namedModules',
      'modules',
      'clone',
      'eval',
      'float',
      'double',
      'summary',
    );
  }

  constructor() {
    livingModules.add(this);
  }

  /** Whether layers such as Dropout behave as in training; set by `train` and `eval`. */
  get training(): boolean {
    recording?.flag(this);
    return this.#training;
  }

  set training(mode: boolean) {
    kinds.boolean.take(this.constructor.name, 'training', mode);
    recording?.flag(this);
    this.#training = mode;
  }

  /** What the module makes of its inputs; for subclasses to define. Called as `model.forward(x)`. */
  abstract forward(...inputs: Inputs): Output;

  /**
   * Makes a tensor that is not learned part of the module's state: `this[name]`. It is saved with the module, if it is not to be `persistent:
   * false`, and follows it to another type.
   *
   * @throws ValueError for a name that is empty, has a dot, or is that of something else
   * @example
   * ```ts
   * class Centred extends nn.Module {
   *   declare mean: Tensor;
   *   constructor() {
   *     super();
   *     this.registerBuffer('mean', zeros([3]));
   *   }
   *   forward(x: Tensor): Tensor {
   *     return x.sub(this.mean);
   *   }
   * }
   * new Centred().namedBuffers().map(([name]) => name); // ['mean']
   * ```
   * @see https://pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.register_buffer
   */
  registerBuffer(...args: [name: string, tensor: Tensor | null, persistent?: boolean | RegisterBufferOptions]): void {
    const [name, tensor, persistent] = registering.read('registerBuffer', args);
    this.#register('registerBuffer', name, tensor, this.#buffers.has(name));
    this.#buffers.set(name, persistent);
  }

  /** Makes a parameter the property `name`: the same as assigning it. */
  registerParameter(...args: ArgumentsOf<typeof attaching>): void {
    const [name, parameter] = attaching.read('registerParameter', args);
    this.#register('registerParameter', name, parameter, isParameter(Reflect.get(this, name)));
    this.#parameters.add(name);
  }

  /** Makes a module the property `name`: the same as assigning it. */
  registerModule(...args: ArgumentsOf<typeof nesting>): void {
    const [name, module] = nesting.read('registerModule', args);
    this.#register('registerModule', name, module, isModule(Reflect.get(this, name)));
  }

  /** `registerModule`. */
  addModule(...args: ArgumentsOf<typeof nesting>): void {
    this.registerModule(...nesting.read('addModule', args));
  }

  /**
   * Calls `hook(module, inputs)` before each `forward`. What it returns takes the place of the inputs: an array of them, or the only one.
   *
   * @param hook nothing is changed where it returns nothing
   * @returns a handle whose `remove()` takes the hook away
   * @throws CaptureError within a captured function, whose replays call no hooks
   * @example
   * ```ts
   * const layer = new nn.ReLU();
   * const handle = layer.registerForwardPreHook((_, [x]) => x.neg());
   * layer.forward(tensor([-1, 2])); // tensor([1., 0.])
   * handle.remove();
   * layer.forward(tensor([-1, 2])); // tensor([0., 2.])
   * ```
   * @see https://pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.register_forward_pre_hook
   */
  registerForwardPreHook<M extends WithForward>(
    this: M,
    hook: ForwardPreHook<M>,
    options?: ModuleHookOptions,
  ): HookHandle {
    const name = 'registerForwardPreHook';
    const [read, prepend] = hooking.read(name, [hook, options]);
    return hookModule(name, this, 'forwardPre', read, { prepend });
  }

  /**
   * Calls `hook(module, inputs, output)` after each `forward`. What it returns, if anything, takes the place of the output.
   *
   * @param hook is given the inputs as they are after hooks before `forward`
   * @returns a handle whose `remove()` takes the hook away
   * @throws CaptureError within a captured function, whose replays call no hooks
   * @example
   * ```ts
   * const model = new nn.Sequential(new nn.Linear(4, 3), new nn.ReLU());
   * const shapes: unknown[] = [];
   * model[0].registerForwardHook((_, __, output) => void shapes.push(output.shape));
   * model.forward(ones([2, 4]));
   * shapes; // [[2, 3]]
   * ```
   * @see https://pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.register_forward_hook
   */
  registerForwardHook<M extends WithForward>(this: M, hook: ForwardHook<M>, options?: ForwardHookOptions): HookHandle {
    const name = 'registerForwardHook';
    const [read, prepend, always] = forwardHooking.read(name, [hook, options]);
    return hookModule(name, this, 'forward', read, { prepend, always });
  }

  /**
   * Calls `hook(module, gradInput, gradOutput)` in each backward pass, when the gradients of the inputs of a call are known. What it
   * returns, if anything, takes the place of `gradInput`.
   *
   * There is a gradient per input and per tensor of the output, null for what has none. Where no input needs a gradient, the hook is called with
   * nulls as soon as those of the output are there.
   *
   * @param hook what it returns is an array with a gradient per input, or the only one
   * @returns a handle whose `remove()` takes the hook away
   * @throws CaptureError within a captured function, whose replays call no hooks; AutogradError, when called, for a `forward` that changes an input
   * in place; ValueError for an output that is neither a tensor nor an array
   * @example
   * ```ts
   * const layer = new nn.Tanh();
   * layer.registerFullBackwardHook((_, [gradInput], [gradOutput]) => gradInput!.mul(10).add(gradOutput!));
   * const x = tensor([0, 0], { requiresGrad: true });
   * layer.forward(x).sum().backward();
   * x.grad; // tensor([11., 11.])
   * ```
   * @see https://pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.register_full_backward_hook
   */
  registerFullBackwardHook<M extends WithForward>(
    this: M,
    hook: FullBackwardHook<M>,
    options?: ModuleHookOptions,
  ): HookHandle {
    const name = 'registerFullBackwardHook';
    const [read, prepend] = hooking.read(name, [hook, options]);
    return hookModule(name, this, 'backward', read, { prepend });
  }

  /**
   * Calls `hook(module, gradOutput)` in each backward pass, before the gradients of the output go through the module. What it returns, if
   * anything, takes their place.
   *
   * @param hook what it returns is an array with a gradient per tensor of the output, or the only one
   * @returns a handle whose `remove()` takes the hook away
   * @throws as `registerFullBackwardHook`
   * @example
   * ```ts
   * const layer = new nn.Tanh();
   * layer.registerFullBackwardPreHook((_, [gradOutput]) => gradOutput!.mul(2));
   * const x = tensor([0, 0], { requiresGrad: true });
   * layer.forward(x).sum().backward();
   * x.grad; // tensor([2., 2.])
   * ```
   * @see https://pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.register_full_backward_pre_hook
   */
  registerFullBackwardPreHook<M extends WithForward>(
    this: M,
    hook: FullBackwardPreHook<M>,
    options?: ModuleHookOptions,
  ): HookHandle {
    const name = 'registerFullBackwardPreHook';
    const [read, prepend] = hooking.read(name, [hook, options]);
    return hookModule(name, this, 'backwardPre', read, { prepend });
  }

  #register(where: string, name: string, value: unknown, isSame: boolean): void {
    const before: unknown = Reflect.get(this, name);
    if (before !== undefined && before !== null && !isSame) {
      throw new ValueError(
        `${where}: ${this.constructor.name} has something else called '${name}'; choose another name`,
      );
    }
    Object.defineProperty(this, name, { value, writable: true, enumerable: true, configurable: true });
  }

  /** The modules that are properties of this one, each once, by name. */
  namedChildren(): [string, Module][] {
    return distinct([...this.#own().modules]);
  }

  /** The modules that are properties of this one, each once. */
  children(): Module[] {
    return this.namedChildren().map(([, module]) => module);
  }

  /** This module and all modules in it, each once, by path. */
  namedModules(): [string, Module][] {
    return this.#within('once');
  }

  /** This module and all modules in it, each once. */
  modules(): Module[] {
    return this.namedModules().map(([, module]) => module);
  }

  /** All parameters, each once, by path: a module's own before those of its children. */
  namedParameters(...args: NamingArguments): [string, Parameter][] {
    return this.#named(naming.read('namedParameters', args), (module) => module.#own().parameters);
  }

  /** All parameters, each once: what an optimizer takes. */
  parameters(...args: [recurse?: boolean | ListingOptions]): Parameter[] {
    const [recurse] = listing.read('parameters', args);
    return this.namedParameters({ recurse }).map(([, parameter]) => parameter);
  }

  /** All registered buffers that are not null, each once, by path. */
  namedBuffers(...args: NamingArguments): [string, Tensor][] {
    return this.#named(naming.read('namedBuffers', args), (module) => module.#own().buffers);
  }

  /** All registered buffers that are not null, each once. */
  buffers(...args: [recurse?: boolean | ListingOptions]): Tensor[] {
    const [recurse] = listing.read('buffers', args);
    return this.namedBuffers({ recurse }).map(([, buffer]) => buffer);
  }

  #named<T>(
    [prefix, recurse, removeDuplicate]: [string, boolean, boolean],
    own: (module: Module) => Iterable<[string, T]>,
  ): [string, T][] {
    const all = named(recurse ? this.#within(removeDuplicate ? 'once' : 'each', prefix) : [[prefix, this]], own);
    return removeDuplicate ? distinct(all) : all;
  }

  /**
   * The module at a path, as `namedModules` gives it; the empty path is this one's.
   *
   * @throws ValueError if there is none
   * @example
   * ```ts
   * const model = new nn.Sequential(new nn.Linear(2, 3), new nn.Tanh());
   * model.getSubmodule('1') === model[1]; // true
   * ```
   */
  getSubmodule(...args: ArgumentsOf<typeof finding>): Module {
    return found('getSubmodule', 'module', args, new Map(this.#within('each')));
  }

  /** The parameter at a path, as `namedParameters` gives it. */
  getParameter(...args: ArgumentsOf<typeof finding>): Parameter {
    return found(
      'getParameter',
      'parameter',
      args,
      new Map(named(this.#within('each'), (module) => module.#own().parameters)),
    );
  }

  /** The buffer at a path, as `namedBuffers` gives it. */
  getBuffer(...args: ArgumentsOf<typeof finding>): Tensor {
    return found('getBuffer', 'buffer', args, new Map(named(this.#within('each'), (module) => module.#own().buffers)));
  }

  /** @internal */
  [MEMBERS](): Iterable<Member> {
    return Object.entries(this).map(([property, value]): Member => [property, stateName(property), value]);
  }

  /**
   * @internal
   * @param _state tensors by name, of the module that is loaded into; its own names begin with `_prefix`
   */
  [ADAPT](_state: Record<string, unknown>, _prefix: string): void {}

  #own(): Own {
    const own: Own = { parameters: new Map(), modules: new Map(), buffers: new Map(), persistent: new Map() };
    const properties = new Map<string, string>();
    for (const [property, name, value] of this[MEMBERS]()) {
      const isOwn = this.#sort(own, property, name, value);
      const other = properties.get(name);
      if (isOwn && other !== undefined) {
        throw new ValueError(
          `${this.constructor.name}: the properties '${other}' and '${property}' would both be called '${name}' in state dicts; rename one`,
        );
      }
      if (isOwn) properties.set(name, property);
    }
    return own;
  }

  /** Puts a value where it belongs, if it is any part of the module. */
  #sort(own: Own, property: string, name: string, value: unknown): boolean {
    const persistent = this.#buffers.get(property);
    if (isParameter(value)) {
      this.#parameters.add(property);
      own.parameters.set(name, value);
    } else if (isModule(value)) own.modules.set(name, value);
    else if (isTensor(value) && persistent !== undefined) {
      own.buffers.set(name, value);
      if (persistent) own.persistent.set(name, value);
    } else {
      if (isTensor(value) && this.#parameters.has(property)) throw this.#plainTensor(property);
      return persistent !== undefined;
    }
    return true;
  }

  #plainTensor(property: string): ValueError {
    return new ValueError(
      `${this.constructor.name}: ${property} was a Parameter, and is a plain Tensor now, which nothing learns; assign new nn.Parameter(x), or set ${property}.data = x`,
    );
  }

  /** This module and all within it: each once, or a shared one under each of its paths. */
  #within(how: 'once' | 'each', path = ''): [string, Module][] {
    const around: Module[] = [];
    const seen = new Set<Module>();
    const visit = (module: Module, path: string): [string, Module][] => {
      if (around.includes(module)) throw this.#cyclic(path);
      if (how === 'once' && seen.has(module)) return [];
      seen.add(module);
      around.push(module);
      const inner = [...module.#own().modules].flatMap(([name, child]) => visit(child, join(path, name)));
      around.pop();
      return [[path, module], ...inner];
    };
    return visit(this, path);
  }

  #cyclic(path: string): ValueError {
    return new ValueError(
      `${this.constructor.name}: the module at '${path}' is also one of those around it; no module can be within itself`,
    );
  }

  /**
   * All parameters and buffers by path, detached but over the same storage: clone what must not change with the module. What is shared is
   * there under each of its paths; buffers that are not persistent are not there.
   *
   * @example
   * ```ts
   * Object.keys(new nn.Sequential(new nn.Linear(2, 1)).stateDict()); // ['0.weight', '0.bias']
   * Object.keys(new nn.Linear(2, 1).stateDict({ prefix: 'head.' })); // ['head.weight', 'head.bias']
   * ```
   * @see https://pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.state_dict
   */
  stateDict(...args: [options?: StateDictOptions]): StateDict {
    const [prefix, keepVars] = saving.read('stateDict', args);
    const entries = this.#state().map(([name, value]) => [prefix + name, keepVars ? value : value.detach()]);
    return Object.fromEntries(entries) as StateDict;
  }

  #state(): [string, Tensor][] {
    return named(this.#within('each'), (module) => {
      const { parameters, persistent } = module.#own();
      return [...parameters, ...persistent];
    });
  }

  /**
   * Copies values into the parameters and buffers of the same names. Everything is checked before anything is changed. Older files are taken as PyTorch
   * takes them: without `num_batches_tracked`, which stays as it is, with a shape of [1] for a number, and with `weight_g` and `weight_v` for what
   * {@link parametrizations.weightNorm} normalises.
   *
   * @throws NablaError naming all that is missing, unexpected or of another shape
   * @example
   * ```ts
   * const [a, b] = [new nn.Linear(2, 1), new nn.Linear(2, 1)];
   * b.loadStateDict(a.stateDict());
   * const { missingKeys } = b.loadStateDict({ weight: ones([1, 2]) }, { strict: false });
   * missingKeys; // ['bias']
   * ```
   * @see https://pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.load_state_dict
   */
  loadStateDict(...args: [state: Readonly<StateDict>, strict?: boolean | LoadStateDictOptions]): IncompatibleKeys {
    const [state, strict] = loading.read('loadStateDict', args);
    return this.#loading(state, strict)();
  }

  /** Looks at a state, and gives what takes it. */
  #loading(state: Readonly<Record<string, unknown>>, strict: boolean): () => IncompatibleKeys {
    const adapted = { ...state };
    for (const [path, module] of this.#within('each')) module[ADAPT](adapted, path === '' ? '' : `${path}.`);
    const { pairs, missingKeys, unexpectedKeys } = assign(this.constructor.name, this.#state(), adapted, strict);
    return () => {
      noGrad(() => {
        for (const [target, value] of pairs) target.copy_(value);
      });
      return { missingKeys, unexpectedKeys };
    };
  }

  /**
   * A deep copy: with parameters and buffers of its own, without gradients; what is shared within the module is shared within the copy. Tensors,
   * modules, arrays, plain objects, maps and sets among the properties are copied, all else stays the same object. A class with `#private` fields
   * defines a `clone` of its own.
   *
   * @throws AutogradError if a property is the result of an operation that gradients flow through
   * @example
   * ```ts
   * const model = new nn.Linear(2, 1);
   * const copy = model.clone();
   * nn.init.zeros_(copy.weight);
   * model.weight.eq(0).any(); // tensor(False)
   * ```
   */
  clone(): this {
    // Refuses what is within itself.
    this.#within('once');
    return new Copies().of(this);
  }

  /** @internal */
  [COPY](copies: Copies): this {
    // An object of the same class for which no constructor but this one's has run.
    const copy = Object.setPrototypeOf(Reflect.construct(Module, []), Object.getPrototypeOf(this) as object) as this;
    try {
      copies.note(this, copy);
      copies.properties(this, copy);
    } catch (error) {
      livingModules.forget(copy);
      throw error;
    }
    copyHooks(this, copy);
    copy.#training = this.#training;
    for (const [name, persistent] of this.#buffers) copy.#buffers.set(name, persistent);
    for (const name of this.#parameters) copy.#parameters.add(name);
    return copy;
  }

  /** Sets training mode (or, with false, evaluation mode) here and in all modules within. */
  train(...args: ArgumentsOf<typeof switching, TrainModeOptions>): this {
    const [mode] = switching.read('train', args);
    for (const module of this.modules()) module.training = mode;
    return this;
  }

  /** Sets evaluation mode here and in all modules within. */
  eval(): this {
    return this.train(false);
  }

  /** Calls `fn` with every module within, innermost first, and last with this one. */
  apply(...args: ArgumentsOf<typeof applying>): this {
    const [fn] = applying.read('apply', args);
    this.#within('once');
    return this.#apply(fn);
  }

  #apply(fn: (module: Module) => void): this {
    for (const child of this.children()) child.#apply(fn);
    fn(this);
    return this;
  }

  /** Forgets the gradients of all parameters, or fills them with zeros. */
  zeroGrad(...args: ArgumentsOf<typeof zeroing, ZeroGradOptions>): void {
    const [setToNone] = zeroing.read('zeroGrad', args);
    for (const parameter of this.parameters()) {
      if (setToNone) dropGrad(parameter);
      else zeroGradOf(parameter);
    }
  }

  /** Switches gradients of all parameters on or off. */
  requiresGrad_(...args: ArgumentsOf<typeof learning, LearningOptions>): this {
    const [requiresGrad] = learning.read('requiresGrad_', args);
    for (const parameter of this.parameters()) parameter.requiresGrad = requiresGrad;
    return this;
  }

  /** Converts all parameters and float buffers to another float type. */
  to(...args: ArgumentsOf<typeof converting>): this {
    const [dtype] = converting.read('to', args);
    const tensors = [...this.parameters(), ...this.buffers().filter((buffer) => isFloat(buffer.dtype))];
    for (const tensor of tensors) {
      const gradient = gradState(tensor);
      tensor.data = tensor.detach().to(dtype);
      if (isTensor(gradient)) tensor.grad = gradient.detach().to(dtype);
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
    this.#within('once');
    return moduleText(this.constructor.name, this.extraRepr(), this[LINES]([...this.#own().modules]));
  }

  /** @internal */
  [LINES](children: readonly [string, Module][]): string[] {
    return children.map(([name, child]) => childLine(name, child.toString()));
  }

  /** @internal */
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
    return parameterTable(this.namedParameters());
  }
}

mark(Module.prototype);

/** What belongs to each of some modules, by path. */
const named = <T>(
  modules: readonly [string, Module][],
  own: (module: Module) => Iterable<[string, T]>,
): [string, T][] =>
  modules.flatMap(([path, module]) => [...own(module)].map(([name, value]): [string, T] => [join(path, name), value]));

function distinct<T>(named: readonly [string, T][]): [string, T][] {
  const seen = new Set<T>();
  return named.filter(([, value]) => !seen.has(value) && seen.add(value));
}

function found<T>(where: string, what: string, args: readonly unknown[], all: ReadonlyMap<string, T>): T {
  const [path] = finding.read(where, args);
  const value = all.get(path);
  if (value === undefined) throw new ValueError(`${where}: ${unknownName(what, path, [...all.keys()])}`);
  return value;
}
