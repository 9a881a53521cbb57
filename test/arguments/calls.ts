import * as nabla from 'nabla';
import * as data from 'nabla/data';
import * as io from 'nabla/io';

type AnyFunction = (...args: unknown[]) => unknown;

export interface Target {
  readonly name: string;
  readonly call: AnyFunction;
}

const { Tensor, nn, optim } = nabla;

/** Not called with just anything: it goes on after it has returned. */
const NOT_CALLED = new Set(['train']);

/** Methods that the typings leave out. */
const INTERNAL = new Set(['takeGrad', 'dropGrad', 'peekGrad', 'gradState', 'leaveGradCaptured', 'bumpVersion']);

function functionsOf(space: object, prefix: string): Target[] {
  return Object.entries(space).flatMap(([key, value]): Target[] => {
    if (typeof value !== 'function' || NOT_CALLED.has(key) || key.endsWith('Error')) return [];
    if (!isClass(value)) return [{ name: `${prefix}${key}`, call: value as AnyFunction }];
    if (ABSTRACT.has(value)) return [];
    const make = value as new (...args: unknown[]) => object;
    return [
      { name: `new ${prefix}${key}`, call: (...args) => new make(...(value === nn.Transformer ? small(args) : args)) },
    ];
  });
}

/** Arguments with which no transformer has the tens of millions of parameters that it has if nothing is said. */
function small(args: readonly unknown[]): readonly unknown[] {
  const layers = { numEncoderLayers: 0, numDecoderLayers: 0 };
  const last = args.at(-1);
  if (last?.constructor === Object) return [...args.slice(0, -1), { ...layers, ...last }];
  return args.length <= 2 ? [...args, layers] : args;
}

/** What is never made by `new` outside. */
const ABSTRACT = new Set<unknown>([
  Tensor,
  nabla.Expr,
  nn.Module,
  optim.Optimizer,
  optim.lrScheduler.LRScheduler,
  nabla.distributions.Distribution,
]);

const isClass = (value: unknown): boolean =>
  typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));

/** Every method of a tensor that is no exported function too, as a function of it. */
function methods(): Target[] {
  const names = Object.getOwnPropertyNames(Tensor.prototype).filter((name) => {
    const { value } = Object.getOwnPropertyDescriptor(Tensor.prototype, name)!;
    return typeof value === 'function' && name !== 'constructor' && !INTERNAL.has(name) && !(name in nabla);
  });
  return names.map((name) => ({
    name: `tensor.${name}`,
    call: (x, ...rest) => {
      if (!(x instanceof Tensor)) throw new nabla.ValueError('the harness: methods are those of tensors');
      return (Reflect.get(x, name) as AnyFunction).apply(x, rest);
    },
  }));
}

/** A module that can be made without arguments, but for a container, which has no `forward`. */
function madeOfNothing(name: string, type: new () => object): [string, nabla.nn.Module][] {
  try {
    const module = new type();
    return module instanceof nn.Module && module.forward !== nn.Module.prototype.forward ? [[name, module]] : [];
  } catch (error) {
    if (error instanceof nabla.NablaError) return [];
    throw error;
  }
}

/** What modules make of their inputs. */
function forwards(): Target[] {
  const made: [string, { forward: (...args: never[]) => unknown }][] = [
    ['Linear', new nn.Linear(2, 2)],
    ['Sequential', new nn.Sequential(new nn.Linear(2, 2), new nn.ReLU())],
    ['LayerNorm', new nn.LayerNorm(2)],
    ['RMSNorm', new nn.RMSNorm(2)],
    ['Threshold', new nn.Threshold(1, 2)],
    ...Object.entries(nn).flatMap(([name, type]): [string, nabla.nn.Module][] =>
      isClass(type) && !ABSTRACT.has(type) ? madeOfNothing(name, type as new () => object) : [],
    ),
  ];
  return made.map(([name, module]) => ({
    name: `${name}.forward`,
    call: (...args) => (module.forward as AnyFunction)(...args),
  }));
}

export function targets(): Target[] {
  return [
    ...functionsOf(nabla, ''),
    ...functionsOf(nn.functional, 'nn.functional.'),
    ...functionsOf(nn.init, 'nn.init.'),
    ...functionsOf(nn, 'nn.'),
    ...functionsOf(nn.utils, 'nn.utils.'),
    ...functionsOf(nn.utils.parametrizations, 'nn.utils.parametrizations.'),
    ...functionsOf(nn.utils.parametrize, 'nn.utils.parametrize.'),
    ...functionsOf(nabla.distributions, 'distributions.'),
    ...functionsOf(optim, 'optim.'),
    ...functionsOf(optim.lrScheduler, 'optim.lrScheduler.'),
    ...functionsOf(data, 'data.').filter(({ name }) => !/load|read/i.test(name) || name.includes('DataLoader')),
    ...functionsOf(io, 'io.').filter(({ name }) => !/load|save/.test(name)),
    ...methods(),
    ...forwards(),
  ];
}
