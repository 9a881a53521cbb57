import { define } from '../../arguments/define.js';
import type { ArgumentsOf, FunctionOf, OptionsOf } from '../../arguments/forms.js';
import { type Kind, kind } from '../../arguments/kind.js';
import { takeNoMore } from '../../arguments/no-more.js';
import { signature } from '../../arguments/signature.js';
import { noGrad, synchronous } from '../../autograd/mode.js';
import { sameShape } from '../../backend/view.js';
import { describe } from '../../describe.js';
import { DTypeError, ShapeError, ValueError } from '../../errors.js';
import * as kinds from '../../tensor/kinds.js';
import { show } from '../../tensor/shape.js';
import { isTensor, shapeOf, type Tensor } from '../../tensor/tensor.js';
import { ITEM, List, put } from '../containers/list.js';
import { ModuleDict } from '../containers/module-dict.js';
import { isModule, type Module } from '../module.js';
import { stateName } from '../names.js';
import { isParameter, Parameter } from '../parameter.js';

/** What makes a tensor of a module from what is learned in its place: `forward`, and `rightInverse` for the way back. */
export interface Parametrization extends Module<never[], Tensor> {
  /** What `forward` makes `value` of: a tensor, or an array of several, which `forward` is called with. Without it, the value itself. */
  rightInverse?(value: Tensor): Tensor | readonly Tensor[];
}

const module: Kind<Module> = kind('a Module', isModule);

const parametrization: Kind<Parametrization> = kind('a Module', (value): value is Parametrization => isModule(value));

const registering = signature('module, tensorName, parametrization, /, *, unsafe', {
  module,
  tensorName: kinds.text,
  parametrization,
  /** Whether shape and dtype of the tensor may become others. Default: false. */
  unsafe: kinds.boolean.default(false),
});

const listing = signature('parametrization, original', { parametrization, original: kinds.tensor });
const inverting = signature('value', { value: kinds.tensor });

const asking = signature('module, /, tensorName', {
  module,
  /** The property to ask about. Default: null, any. */
  tensorName: kinds.text.optional(),
});

const removing = signature('module, tensorName, /, leaveParametrized', {
  module,
  tensorName: kinds.text,
  /** Whether the tensor keeps the value that it was given, rather than that of `original`. Default: true. */
  leaveParametrized: kinds.boolean.default(true),
});

const typing = signature('module, /', { module });

const transferring = signature('fromModule, toModule, tensorName', {
  fromModule: module,
  toModule: module,
  /** The property whose parametrizations to share. Default: null, all. */
  tensorName: kinds.text.optional(),
});

const caching = signature('fn, /', { fn: kinds.callback<() => unknown>() });

export interface RegisterParametrizationOptions extends OptionsOf<typeof registering> {}
export interface IsParametrizedOptions extends OptionsOf<typeof asking> {}
export interface TransferParametrizationsAndParamsOptions extends OptionsOf<typeof transferring> {}
export interface RemoveParametrizationsOptions extends OptionsOf<typeof removing> {}

/**
 * The parametrizations of one tensor, in the order in which they are applied, and what is learned in its place: `original`, or `original0`,
 * `original1` and so on where the first one is made of several. `registerParametrization` makes it.
 *
 * @example
 * ```ts
 * const layer = nn.utils.parametrizations.weightNorm(new nn.Linear(2, 3));
 * Object.keys(layer.stateDict()); // ['bias', 'parametrizations.weight.original0', 'parametrizations.weight.original1']
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.parametrize.ParametrizationList.html
 */
export class ParametrizationList extends List<Parametrization, Parametrization, [], Tensor> {
  constructor(...args: ArgumentsOf<typeof listing>) {
    const [first, original] = listing.read('ParametrizationList', args);
    super();
    put(this, 0, [first]);
    const made = noGrad(() => first.rightInverse?.(original.detach()) ?? original);
    if (isTensor(made)) {
      if (made !== original) setTo(first, original, made);
      keep(this, 'original', original);
      return;
    }
    if (!isList(made)) throw notTensors(first, made);
    for (const [i, value] of made.entries()) keep(this, `original${i}`, like(value, original));
  }

  /** @internal */
  override [ITEM](item: unknown, where: string): Parametrization {
    if (isModule(item)) return item as Parametrization;
    throw new ValueError(`${this.constructor.name}: ${where} must be a Module, got ${describe(item)}`);
  }

  /** What is learned. */
  originals(): Tensor[] {
    const owner = this as object as Record<string, Tensor>;
    if (Object.hasOwn(this, 'original')) return [owner.original!];
    const originals: Tensor[] = [];
    for (let i = 0; Object.hasOwn(this, `original${i}`); i++) originals.push(owner[`original${i}`]!);
    return originals;
  }

  /** The tensor. */
  override forward(): Tensor {
    const [first, ...others] = this;
    const made = first!.forward(...(this.originals() as never[]));
    return others.reduce((value, next) => next.forward(...([value] as never[])), made);
  }

  /**
   * Gives what is learned the values that `value` is made of.
   *
   * @throws ValueError if a parametrization has no `rightInverse`, or one that gives something else
   */
  rightInverse(...args: ArgumentsOf<typeof inverting>): void {
    const [value] = inverting.read('rightInverse', args);
    noGrad(() => {
      const made = [...this].reverse().reduce((made: Tensor | readonly Tensor[], one) => {
        if (one.rightInverse !== undefined && isTensor(made)) return one.rightInverse(made);
        throw new ValueError(
          `${one.constructor.name}: it has no rightInverse, so the tensor that it makes cannot be assigned; set its originals`,
        );
      }, value.detach());
      const list = isTensor(made) ? [made] : made;
      const originals = this.originals();
      if (!isList(list) || list.length !== originals.length) throw notTensors(this[0]!, made);
      for (const [i, original] of originals.entries()) setTo(this[0]!, original, list[i]!);
    });
  }

  [index: number]: Parametrization;
}

takeNoMore(ParametrizationList, 'originals', 'forward');

const isList = (value: unknown): value is readonly Tensor[] =>
  Array.isArray(value) && value.length > 0 && value.every(isTensor);

const notTensors = (from: object, made: unknown): ValueError =>
  new ValueError(
    `${from.constructor.name}: rightInverse must give a tensor, or as many in an array as forward takes, got ${describe(made)}`,
  );

/** Gives a tensor other values, of its own dtype; in its own memory if they have its shape. */
function setTo(from: object, original: Tensor, value: Tensor): void {
  if (value.dtype !== original.dtype) {
    throw new DTypeError(
      `${from.constructor.name}: rightInverse gave ${value.dtype}, but what it is for is ${original.dtype}`,
    );
  }
  if (sameShape(shapeOf(original), shapeOf(value))) noGrad(() => original.copy_(value));
  else original.data = value;
}

/** A tensor to be learned, or a buffer, as the original was. */
function like(value: Tensor, original: Tensor): Tensor {
  const own = value.detach();
  return isParameter(original) ? new Parameter(own, original.requiresGrad) : own.requiresGrad_(original.requiresGrad);
}

function keep(owner: Module, name: string, value: Tensor): void {
  if (isParameter(value)) owner.registerParameter(name, value);
  else owner.registerBuffer(name, value);
}

function requireLike(from: object, made: unknown, original: Tensor): void {
  const op = 'registerParametrization';
  const name = from.constructor.name;
  if (!isTensor(made)) throw new ValueError(`${op}: ${name}.forward must give a Tensor, got ${describe(made)}`);
  if (!sameShape(shapeOf(made), shapeOf(original))) {
    throw new ShapeError(
      `${op}: ${name} makes shape ${show(shapeOf(made))} of a tensor of shape ${show(shapeOf(original))}; pass { unsafe: true } if it may`,
    );
  }
  if (made.dtype !== original.dtype) {
    throw new DTypeError(
      `${op}: ${name} makes ${made.dtype} of a ${original.dtype} tensor; pass { unsafe: true } if it may`,
    );
  }
}

/** Parametrizations by name, where a module has them. */
type Parametrized = Module & { parametrizations: ModuleDict<Record<string, ParametrizationList>> };

const listsOf = (module: Module): Parametrized['parametrizations'] | null => {
  const lists: unknown = Reflect.get(module, 'parametrizations');
  return lists instanceof ModuleDict ? (lists as Parametrized['parametrizations']) : null;
};

const listOf = (module: Module, tensorName: string): ParametrizationList | null => {
  const lists = listsOf(module);
  const key = stateName(tensorName);
  return lists?.has(key) ? lists.get(key) : null;
};

/** Tensors that are made only once, within `cached`. */
let made: Map<ParametrizationList, Tensor> | null = null;

function tensorOf(list: ParametrizationList): Tensor {
  if (made === null) return list.forward();
  const tensor = made.get(list) ?? list.forward();
  made.set(list, tensor);
  return tensor;
}

/** The module is of a class of its own while it has parametrizations, of which only the name differs. */
function becomeParametrized(module: Module): void {
  const base = module.constructor as new () => object;
  const type = class extends base {};
  Object.defineProperty(type, 'name', { value: `Parametrized${base.name}` });
  Object.setPrototypeOf(module, type.prototype as object);
  Object.assign(module, { parametrizations: new ModuleDict() });
}

function becomePlain(module: Module): void {
  Reflect.deleteProperty(module, 'parametrizations');
  Object.setPrototypeOf(module, Object.getPrototypeOf(Object.getPrototypeOf(module)) as object);
}

/** What is read is made at that time; it asks the module that it is a property of, which may be a copy. */
const accessor = (tensorName: string): PropertyDescriptor & ThisType<Module> => ({
  get() {
    return tensorOf(listOf(this, tensorName)!);
  },
  set(value: unknown) {
    listOf(this, tensorName)!.rightInverse(kinds.tensor.take(this.constructor.name, tensorName, value));
  },
  enumerable: false,
  configurable: true,
});

/** The parameter or buffer of a module that is this property. */
function partOf(module: Module, tensorName: string): Tensor | null {
  const value: unknown = Object.hasOwn(module, tensorName) ? Reflect.get(module, tensorName) : null;
  if (!isTensor(value)) return null;
  return isParameter(value) || module.buffers(false).includes(value) ? value : null;
}

/**
 * Makes a tensor of a module the result of `parametrization.forward`, computed whenever it is read, of what is learned in its place:
 * `module.parametrizations.get(name).original`. With a `rightInverse` this starts from the value that the tensor has, and the tensor can be
 * assigned; where that gives several tensors, they are `original0`, `original1` and so on. Several parametrizations of one tensor are applied
 * in the order in which they were registered.
 *
 * A single `original` stays the parameter that it was, so that an optimizer goes on with it; several are new ones, to be given to an optimizer.
 * Writing in place to what is read changes nothing that stays.
 *
 * @returns the module
 * @throws ValueError if the module has no such parameter or buffer; ShapeError or DTypeError if shape or dtype would change, without `unsafe`
 * @example
 * ```ts
 * class Symmetric extends nn.Module<[Tensor], Tensor> {
 *   forward(x: Tensor): Tensor {
 *     return x.triu().add(x.triu(1).t());
 *   }
 * }
 * const layer = new nn.Linear(2, 2);
 * nn.utils.parametrize.registerParametrization(layer, 'weight', new Symmetric());
 * layer.weight.equal(layer.weight.t()); // true
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.parametrize.register_parametrization.html
 */
export const registerParametrization = define(
  'registerParametrization',
  registering,
  (module, tensorName, parametrization, unsafe) => {
    parametrization.train(module.training);
    const list = listOf(module, tensorName);
    if (list !== null) {
      const before = noGrad(() => list.forward());
      if (!unsafe)
        requireLike(
          parametrization,
          noGrad(() => parametrization.forward(...([before] as never[]))),
          before,
        );
      list.append(parametrization);
      return module;
    }
    const original = partOf(module, tensorName);
    if (original === null) {
      throw new ValueError(
        `registerParametrization: ${module.constructor.name} has no parameter or buffer ${describe(tensorName)}`,
      );
    }
    const values = original.detach().clone();
    const added = new ParametrizationList(parametrization, original);
    try {
      if (!unsafe)
        requireLike(
          parametrization,
          noGrad(() => added.forward()),
          values,
        );
    } catch (error) {
      original.data = values;
      throw error;
    }
    added.training = module.training;
    if (listsOf(module) === null) becomeParametrized(module);
    Object.defineProperty(module, tensorName, accessor(tensorName));
    listsOf(module)!.set(stateName(tensorName), added);
    return module;
  },
) as <M extends Module>(
  module: M,
  tensorName: keyof M & string,
  parametrization: Parametrization,
  options?: RegisterParametrizationOptions,
) => M;

/**
 * Whether a tensor of a module is made by parametrizations.
 *
 * @example
 * ```ts
 * const layer = nn.utils.parametrizations.weightNorm(new nn.Linear(2, 3));
 * nn.utils.parametrize.isParametrized(layer, 'weight'); // true
 * nn.utils.parametrize.isParametrized(layer, 'bias'); // false
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.parametrize.is_parametrized.html
 */
export const isParametrized: FunctionOf<boolean, typeof asking, IsParametrizedOptions> = define(
  'isParametrized',
  asking,
  (module, tensorName) => (tensorName === null ? listsOf(module) !== null : listOf(module, tensorName) !== null),
);

/**
 * The class of a module, as it is without parametrizations.
 *
 * @example
 * ```ts
 * const layer = nn.utils.parametrizations.weightNorm(new nn.Linear(2, 3));
 * nn.utils.parametrize.typeBeforeParametrizations(layer) === nn.Linear; // true
 * ```
 * @see https://github.com/pytorch/pytorch/blob/v2.13.0/torch/nn/utils/parametrize.py
 */
export const typeBeforeParametrizations: FunctionOf<abstract new (...args: never) => Module, typeof typing> = define(
  'typeBeforeParametrizations',
  typing,
  (module) => {
    const type = listsOf(module) === null ? module : (Object.getPrototypeOf(Object.getPrototypeOf(module)) as Module);
    return type.constructor as abstract new (
      ...args: never
    ) => Module;
  },
);

/**
 * Gives a module the parametrizations of another, and what is learned with them: both then have the same. A tensor that the module has not is made
 * as that of the other.
 *
 * @returns the module that they are given to
 * @throws ValueError if `tensorName` is not parametrized, or a tensor is parametrized in both; ShapeError if shapes or dtypes differ
 * @example
 * ```ts
 * const layer = nn.utils.parametrizations.weightNorm(new nn.Linear(2, 3));
 * const other = nn.utils.parametrize.transferParametrizationsAndParams(layer, new nn.Linear(2, 3));
 * other.weight.equal(layer.weight); // true
 * ```
 * @see https://github.com/pytorch/pytorch/blob/v2.13.0/torch/nn/utils/parametrize.py
 */
export const transferParametrizationsAndParams = define(
  'transferParametrizationsAndParams',
  transferring,
  (fromModule, toModule, tensorName) => {
    const op = 'transferParametrizationsAndParams';
    const names = tensorName === null ? parametrizedNames(fromModule) : [tensorName];
    for (const name of names) requireTransferable(op, fromModule, toModule, name);
    for (const name of names) {
      const list = listOf(fromModule, name)!;
      if (partOf(toModule, name) === null)
        keep(
          toModule,
          name,
          like(
            noGrad(() => list.forward()),
            list.originals()[0]!,
          ),
        );
      if (listsOf(toModule) === null) becomeParametrized(toModule);
      Object.defineProperty(toModule, name, accessor(name));
      listsOf(toModule)!.set(stateName(name), list);
    }
    return toModule;
  },
) as <M extends Module>(
  fromModule: Module,
  toModule: M,
  tensorName?: string | TransferParametrizationsAndParamsOptions,
) => M;

/** The properties that are parametrized. */
const parametrizedNames = (module: Module): string[] =>
  Object.getOwnPropertyNames(module).filter((name) => listOf(module, name) !== null);

function requireTransferable(op: string, fromModule: Module, toModule: Module, name: string): void {
  const list = listOf(fromModule, name);
  if (list === null) {
    throw new ValueError(`${op}: ${describe(name)} of ${fromModule.constructor.name} is not parametrized`);
  }
  if (listOf(toModule, name) !== null) {
    throw new ValueError(
      `${op}: ${describe(name)} of ${toModule.constructor.name} is parametrized already; call removeParametrizations before`,
    );
  }
  const there = partOf(toModule, name);
  const shared = noGrad(() => list.forward());
  if (there === null || (sameShape(shapeOf(there), shapeOf(shared)) && there.dtype === shared.dtype)) return;
  const text = (x: Tensor) => `${x.dtype} ${show(shapeOf(x))}`;
  throw new ShapeError(
    `${op}: ${describe(name)} must be alike in both modules, got ${text(shared)} of ${fromModule.constructor.name} and ${text(there)} of ${toModule.constructor.name}`,
  );
}

/**
 * Makes a tensor of a module a plain parameter or buffer again, with the value that it was given, or with that of `original`.
 *
 * @returns the module
 * @throws ValueError if the tensor is not parametrized, or is made of several tensors and shall not keep its value
 * @example
 * ```ts
 * const layer = nn.utils.parametrizations.weightNorm(new nn.Linear(2, 3));
 * nn.utils.parametrize.removeParametrizations(layer, 'weight');
 * Object.keys(layer.stateDict()); // ['weight', 'bias']
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.parametrize.remove_parametrizations.html
 */
export const removeParametrizations = define(
  'removeParametrizations',
  removing,
  (module, tensorName, leaveParametrized) => {
    const op = 'removeParametrizations';
    const list = listOf(module, tensorName);
    if (list === null)
      throw new ValueError(`${op}: ${describe(tensorName)} of ${module.constructor.name} is not parametrized`);
    const originals = list.originals();
    const isSingle = Object.hasOwn(list, 'original');
    if (!isSingle && !leaveParametrized) {
      throw new ValueError(
        `${op}: ${describe(tensorName)} is made of ${originals.length} tensors, none of which can take its place; leave it parametrized`,
      );
    }
    const original = originals[0]!;
    const value = leaveParametrized ? noGrad(() => list.forward()) : original;
    const plain = isSingle ? original : like(value, original);
    if (isSingle && leaveParametrized) setTo(list[0]!, original, value);
    const lists = listsOf(module)!;
    const others = lists.items().filter(([key]) => key !== stateName(tensorName));
    Object.defineProperty(module, tensorName, { value: plain, writable: true, enumerable: true, configurable: true });
    if (others.length === 0) becomePlain(module);
    else Object.assign(module, { parametrizations: new ModuleDict(others) });
    return module;
  },
) as <M extends Module>(
  module: M,
  tensorName: keyof M & string,
  leaveParametrized?: boolean | RemoveParametrizationsOptions,
) => M;

/**
 * Runs `fn`, within which each parametrized tensor is made once, however often it is read: for a layer that reads its weight in every step of a
 * loop. What was learned must not change meanwhile.
 *
 * @throws ValueError if `fn` is no function, or not synchronous
 * @example
 * ```ts
 * const layer = nn.utils.parametrizations.weightNorm(new nn.Linear(2, 2));
 * nn.utils.parametrize.cached(() => layer.weight === layer.weight); // true
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.parametrize.cached.html
 */
export const cached = define('cached', caching, (fn) => {
  const before = made;
  made ??= new Map();
  try {
    return synchronous('cached', fn());
  } finally {
    made = before;
  }
}) as <R>(fn: () => R) => R;
