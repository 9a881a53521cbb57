import type { ComputeType, DType } from '../backend/dtype.js';
import { computeType } from '../backend/dtype.js';
import type { Kind } from '../backend/program.js';
import { MAX_OPERANDS } from '../backend/view.js';
import { ValueError } from '../errors.js';
import type { Expr } from '../expr/index.js';
import * as e from '../expr/index.js';
import { setBasics } from './basics.js';
import { type Choice, choice } from './choice.js';
import type { Frame } from './kernel.js';
import { Operation } from './operation.js';
import { type Operand, wider } from './promotion.js';
import type { Tensor } from './tensor.js';

/** What a formula is called with: a tensor or a number for each argument of its expression. */
export type Operands<A extends readonly Expr[]> = { readonly [K in keyof A]: Operand };

/** A gradient written by hand where it is cheaper than the derived one: what flows into each argument, given `g` and the result. */
export type GradientRule<A extends readonly Expr[]> = (
  g: Expr,
  out: Expr,
  ...args: A
) => { readonly [K in keyof A]: Expr | null };

const NO_PARAMS: readonly number[] = [];
/** What `choice` finds where no argument is a number. */
const NO_NUMBERS: Choice = 0;
/** More than the arguments whose choice is a number: an expression may have any number of them, and has an operation for each. */
const MANY = 64;

function areTensors(args: readonly Operand[]): args is readonly Tensor[] {
  for (let i = 0; i < args.length; i++) if (typeof args[i] === 'number') return false;
  return true;
}

/** The tensors among operands, and the numbers. */
function apart(args: readonly Operand[]): { readonly inputs: Tensor[]; readonly params: number[] } {
  let numbers = 0;
  for (let i = 0; i < args.length; i++) if (typeof args[i] === 'number') numbers++;
  const inputs = new Array<Tensor>(args.length - numbers);
  const params = new Array<number>(numbers);
  let [input, param] = [0, 0];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (typeof arg === 'number') params[param++] = arg;
    else inputs[input++] = arg;
  }
  return { inputs, params };
}

interface Settings<A extends readonly Expr[]> {
  /** Which arguments of a row program come once per row; those beyond the list are elements. */
  readonly kinds?: readonly Kind[];
  readonly gradient?: GradientRule<A> | null;
  /** Whether results of elements are in the order of memory of the arguments, as those of elementwise operations are in PyTorch, or row by row. Default: false. */
  readonly keepsOrder?: boolean;
}

/** An operation by the arguments of its expression: each may be a tensor or a number, and numbers become parameters of the program. */
export class Formula<A extends Expr[]> {
  readonly name: string;
  readonly build: (...args: A) => Expr;
  readonly #kinds: readonly Kind[];
  readonly #gradient: GradientRule<A> | null;
  readonly #keepsOrder: boolean;
  readonly #operations = new Map<Choice, Operation>();

  constructor(name: string, build: (...args: A) => Expr, settings: Settings<A> = {}) {
    const { kinds = [], gradient = null, keepsOrder = false } = settings;
    this.name = name;
    this.build = build;
    this.#kinds = kinds;
    this.#gradient = gradient;
    this.#keepsOrder = keepsOrder;
  }

  /** Writes what it gives into a tensor that is there, which may be one of the arguments: nothing is recorded, for memory of the library's own. */
  write(out: Tensor, args: Operands<A>, frame: Frame | null, compute: ComputeType = computeType(out.dtype)): void {
    if (areTensors(args)) {
      this.#find(args, NO_NUMBERS).kernel.runInto([out], args, NO_PARAMS, compute, frame);
      return;
    }
    const { inputs, params } = apart(args);
    this.operation(args).kernel.runInto([out], inputs, params, compute, frame);
  }

  call(args: Operands<A>, dtype: DType, compute: ComputeType = computeType(dtype), frame: Frame | null = null): Tensor {
    if (areTensors(args)) return this.#find(args, NO_NUMBERS).apply(args, NO_PARAMS, dtype, compute, frame);
    const { inputs, params } = apart(args);
    return this.operation(args).apply(inputs, params, dtype, compute, frame);
  }

  /** The operation for these arguments: which are tensors and which are numbers. */
  operation(args: Operands<A>): Operation {
    return this.#find(args, choice<Operand>(args, isNumber));
  }

  #find(args: Operands<A>, numbers: Choice): Operation {
    const key = typeof numbers === 'number' ? numbers * MANY + args.length : numbers;
    let operation = this.#operations.get(key);
    if (operation === undefined) {
      operation = this.#specialise(args);
      this.#operations.set(key, operation);
    }
    return operation;
  }

  #specialise(given: Operands<A>): Operation {
    const inputs: Kind[] = [];
    let params = 0;
    const args = given.map((arg, i) => {
      if (typeof arg === 'number') return e.param(params++);
      const kind = this.#kinds[i] ?? 'element';
      inputs.push(kind);
      return e.input(inputs.length - 1, kind);
    }) as A;
    if (inputs.length > MOST_INPUTS) {
      throw new ValueError(
        `${this.name}: at most ${MOST_INPUTS} operands can be tensors, got ${inputs.length}; compute a part of it first`,
      );
    }
    const rule = this.#gradient;
    const gradients = rule === null ? null : (g: Expr, out: Expr) => rule(g, out, ...args);
    return new Operation(this.name, this.build(...args), inputs, args, gradients, this.#keepsOrder);
  }
}

/** So that the gradient of a gradient, which reads four more, still fits an instruction. */
const MOST_INPUTS = MAX_OPERANDS - 5;

const isNumber = (arg: unknown): boolean => typeof arg === 'number';

// The formulas that differentiation itself and other operations need.

const copying = new Formula('clone', (x) => x);
const cloning = new Formula('clone', (x) => x, { keepsOrder: true });
const converting = new Formula('to', (x) => x);
const typing = new Formula('to', (x) => x, { keepsOrder: true });
const adding = new Formula<[x: Expr, y: Expr]>('add', e.add);
const summing = new Formula<[x: Expr]>('sum', e.rowSum);
const averaging = new Formula('mean', (x, n) => e.div(e.rowSum(x), n), { kinds: ['element', 'row'] });

/** A copy as another (or the same) element type, in the order of memory of what is copied. */
export const cloneAs = (x: Tensor, dtype: DType): Tensor =>
  (x.dtype === dtype ? cloning : typing).call([x], dtype, computeType(wider(x.dtype, dtype)));

setBasics({
  convert: (x, dtype) =>
    (x.dtype === dtype ? copying : converting).call([x], dtype, computeType(wider(x.dtype, dtype))),
  sumOver: (x, dtype, frame) => summing.call([x], dtype, undefined, frame),
});

/** `x` summed over the axes of `frame`, divided by `n`: a number, or a tensor with a value per row. */
export const averageOver = (x: Tensor, dtype: DType, n: Operand, frame: Frame): Tensor =>
  averaging.call([x, n], dtype, undefined, frame);

/** The sum of two tensors of one shape and element type, as gradients add up. */
export const addOf = (x: Tensor, y: Tensor): Tensor => adding.call([x, y], x.dtype);

export { adding, copying };
