import { arrange, camelCase, type Named } from './arrange.js';
import { Tuple } from './case-values.js';
import { DTYPES, decodeValues, PyFloat, type Values } from './decode.js';
import type { ElementType, TensorRecord } from './format.js';
import type { Library, Module, Optimizer, Tensor } from './library.js';
import { NotSupported } from './outcome.js';
import { classSignatures, forwardSignatures, functionSignatures } from './signatures.js';

/** `a.__rsub__(b)` is `b - a`. */
const REVERSED: Readonly<Record<string, string>> = {
  __radd__: 'add',
  __rsub__: 'sub',
  __rmul__: 'mul',
  __rdiv__: 'div',
  __rpow__: 'pow',
  __rmod__: 'remainder',
  __rmatmul__: 'matmul',
  __rand__: 'bitwise_and',
  __ror__: 'bitwise_or',
  __rxor__: 'bitwise_xor',
};

/** Parameters that take a tensor or a number, where the number's own type matters to the result's. */
const isOperand = (parameter: string) => /^(operand\d+|input|other|value|min|max)$/.test(parameter);

/** Parameters that take a number, which a Python bool is too. */
const isNumber = (parameter: string) => /^(alpha|beta|start|end|step)$/.test(parameter);

const isInteger = (tensor: Tensor) => tensor.dtype === 'int32' || tensor.dtype === 'bool';

export interface Scheduler {
  readonly made: object;
  step(...metric: number[]): void;
}

/** Calls nabla by PyTorch's names and arguments, by the rules of nabla's public surface alone. */
export class Adapter {
  readonly nabla: Library;

  constructor(nabla: Library) {
    this.nabla = nabla;
  }

  /** What `torch.add`, `torch.nn.functional.elu`, `Tensor.view` or `Tensor.T` does in nabla; refuses what nabla lacks. */
  callee(call: string): (args: readonly unknown[], kwargs: Named) => unknown {
    const [, scope, name] = /^(torch|Tensor)\.(.+)$/.exec(call) ?? [];
    if (name === undefined) throw new Error(`not a PyTorch name: ${call}`);
    const forward = REVERSED[name];
    if (forward !== undefined) {
      const callee = this.callee(`torch.${forward}`);
      return (args, kwargs) => callee(args.toReversed(), kwargs);
    }
    if (name === '__getitem__')
      return ([input, subscript]) => this.callee('torch.index')([input, entriesOf(subscript)], {});
    return scope === 'torch' ? this.#function(name) : this.#member(name);
  }

  /** `new nn.Linear(10, 8, { bias: false })` from `nn.Linear`, [10, 8] and { bias: false }. */
  construct(name: string, args: readonly unknown[], kwargs: Named): object {
    const found = this.#find(name);
    if (typeof found !== 'function') throw new NotSupported('not exported');
    return Reflect.construct(found, this.#arrange(classSignatures.get(name), args, kwargs));
  }

  module(name: string, args: readonly unknown[], kwargs: Named): Module {
    const module = this.construct(`nn.${name}`, args, kwargs);
    if (!(module instanceof this.nabla.nn.Module)) throw new Error(`nn.${name} is not a Module`);
    return module;
  }

  optimizer(name: string, params: unknown, kwargs: Named): Optimizer {
    const optimizer = this.construct(`optim.${name}`, [params], kwargs);
    if (!(optimizer instanceof this.nabla.optim.Optimizer)) throw new Error(`optim.${name} is not an Optimizer`);
    return optimizer;
  }

  scheduler(name: string, args: readonly unknown[], kwargs: Named): Scheduler {
    const made = this.construct(`optim.lr_scheduler.${name}`, args, kwargs);
    const step: unknown = Reflect.get(made, 'step');
    if (typeof step !== 'function') throw new Error(`optim.lrScheduler.${name} has no step`);
    return { made, step: (...metric) => Reflect.apply(step, made, metric) };
  }

  /** Refuses a class that nabla lacks, before anything else is made. */
  requireClass(name: string): void {
    if (typeof this.#find(name) !== 'function') throw new NotSupported('not exported');
  }

  /** `module.forward(...)`; `name` is the class's. */
  forward(module: Module, name: string, args: readonly unknown[], kwargs: Named): unknown {
    const forward: unknown = Reflect.get(module, 'forward');
    if (typeof forward !== 'function') throw new Error(`nn.${name} has no forward`);
    return Reflect.apply(forward, module, this.#arrange(forwardSignatures.get(`nn.${name}`), args, kwargs));
  }

  tensor(values: Values, shape: readonly number[], dtype: ElementType, requiresGrad = false): Tensor {
    return this.nabla
      .tensor(values, { dtype: DTYPES[dtype] })
      .reshape([...shape])
      .requiresGrad_(requiresGrad);
  }

  recorded(record: TensorRecord, requiresGrad = false): Tensor {
    return this.tensor(decodeValues(record), record.shape, record.dtype, requiresGrad);
  }

  /** A tensor of floats from numbers of either kind. */
  floats(numbers: readonly unknown[], dtype: ElementType): Tensor {
    return this.tensor(Float64Array.from(numbers, Number), [numbers.length], dtype);
  }

  /** The number that a scalar or a tensor of one element is, if it is one. */
  number(value: unknown): number | undefined {
    if (typeof value === 'number') return value;
    return this.isTensor(value) ? Number(value.item()) : undefined;
  }

  isTensor(value: unknown): value is Tensor {
    return value instanceof this.nabla.Tensor;
  }

  #function(name: string): (args: readonly unknown[], kwargs: Named) => unknown {
    const callee = this.#find(name);
    if (typeof callee !== 'function') throw new NotSupported('not exported');
    return (args, kwargs) =>
      Reflect.apply(callee, undefined, this.#arrange(functionSignatures.get(name), args, kwargs));
  }

  #member(name: string): (args: readonly unknown[], kwargs: Named) => unknown {
    const key = camelCase(name);
    if (!Reflect.has(this.nabla.Tensor.prototype, key)) throw new NotSupported('no such method');
    return (args, kwargs) => {
      const [receiver, ...rest] = this.#arrange(functionSignatures.get(name), args, kwargs);
      if (!this.isTensor(receiver)) throw new NotSupported('a method of a number');
      const member: unknown = Reflect.get(receiver, key);
      return typeof member === 'function' ? Reflect.apply(member, receiver, rest) : member;
    };
  }

  /** Follows a path of PyTorch's names from the package's exports; undefined where it ends early. */
  #find(path: string): unknown {
    const step = (at: unknown, name: string): unknown =>
      typeof at === 'object' && at !== null ? Reflect.get(at, camelCase(name)) : undefined;
    return path.split('.').reduce(step, this.nabla);
  }

  #arrange(...[signatures, args, kwargs]: Parameters<typeof arrange>): unknown[] {
    const tensors = [...args, ...Object.values(kwargs)].filter((value) => this.isTensor(value));
    return arrange(signatures, args, kwargs, (value, parameter) =>
      isOperand(parameter) && tensors.length > 0 ? this.#operand(value, tensors) : plain(value, parameter),
    );
  }

  /**
   * A scalar beside tensors. In Python its type counts: a bool stays a bool, and a float makes integer tensors floats. The
   * JavaScript number does not say as much, so a 0-d tensor of that type stands for it.
   */
  #operand(value: unknown, tensors: readonly Tensor[]): unknown {
    if (typeof value === 'boolean') return this.nabla.tensor(value);
    const promotes = value instanceof PyFloat && tensors.every(isInteger);
    return promotes ? this.tensor(Float32Array.of(value.value), [], 'f32') : plain(value);
  }
}

/** The entries of a subscript: those of a tuple, or the one there is. */
const entriesOf = (subscript: unknown): readonly unknown[] =>
  subscript instanceof Tuple ? subscript.entries : [subscript];

/** A Python value as the JavaScript value that stands for it. */
function plain(value: unknown, parameter = ''): unknown {
  if (Array.isArray(value)) return value.map((item) => plain(item));
  if (typeof value === 'boolean' && isNumber(parameter)) return Number(value);
  return value instanceof PyFloat ? value.value : value;
}
