import type { ComputeType, DType } from '../backend/dtype.js';
import { computeType } from '../backend/dtype.js';
import type { Kind } from '../backend/program.js';
import { ValueError } from '../errors.js';
import type { Expr } from '../expr/index.js';
import * as e from '../expr/index.js';
import { setBasics } from './basics.js';
import { type Choice, choice } from './choice.js';
import { type Frame, MOST_OPERANDS } from './kernel.js';
import { type GradientRule, Operation } from './operation.js';
import { wider } from './promotion.js';
import type { Tensor } from './tensor.js';

/**
 * An operation by arguments: each may be a tensor or a number, and numbers become parameters of the program. `kinds` are for row
 * programs; arguments beyond them are elements.
 */
export class Formula {
  readonly name: string;
  readonly arity: number;
  readonly build: (...args: Expr[]) => Expr;
  readonly #kinds: readonly Kind[];
  readonly #handmade: GradientRule | null;
  readonly #operations = new Map<Choice, Operation>();

  constructor(
    name: string,
    arity: number,
    build: (...args: Expr[]) => Expr,
    kinds: readonly Kind[] = [],
    handmade: GradientRule | null = null,
  ) {
    this.name = name;
    this.arity = arity;
    this.build = build;
    this.#kinds = kinds;
    this.#handmade = handmade;
  }

  call(
    args: readonly (Tensor | number)[],
    dtype: DType,
    compute: ComputeType = computeType(dtype),
    frame: Frame | null = null,
  ): Tensor {
    const inputs: Tensor[] = [];
    const params: number[] = [];
    for (const arg of args) {
      if (typeof arg === 'number') params.push(arg);
      else inputs.push(arg);
    }
    return this.operation(args).apply(inputs, params, dtype, compute, frame);
  }

  /** The operation for these arguments: which are tensors and which are numbers. */
  operation(args: readonly (Tensor | number)[]): Operation {
    const numbers = choice(args, isNumber);
    let operation = this.#operations.get(numbers);
    if (operation === undefined) {
      operation = this.#specialise(args);
      this.#operations.set(numbers, operation);
    }
    return operation;
  }

  #specialise(given: readonly (Tensor | number)[]): Operation {
    const inputs: Kind[] = [];
    let params = 0;
    const args = given.map((arg, i) => {
      if (typeof arg === 'number') return e.param(params++);
      inputs.push(this.#kinds[i] ?? 'element');
      return e.input(inputs.length - 1, inputs.at(-1)!);
    });
    if (inputs.length > MOST_INPUTS) {
      throw new ValueError(
        `${this.name}: at most ${MOST_INPUTS} operands can be tensors, got ${inputs.length}; compute a part of it first`,
      );
    }
    return new Operation(this.name, this.build(...args), inputs, args, this.#handmade);
  }
}

/** So that the gradient of a gradient, which reads four more, still fits an instruction. */
const MOST_INPUTS = MOST_OPERANDS - 5;

const isNumber = (arg: unknown): boolean => typeof arg === 'number';

// The formulas that differentiation itself and other operations need.

const copying = new Formula('clone', 1, (x) => x);
const converting = new Formula('to', 1, (x) => x);
const adding = new Formula('add', 2, (x, y) => e.add(x, y!));
const summing = new Formula('sum', 1, (x) => e.rowSum(x));
const averaging = new Formula('mean', 2, (x, n) => e.div(e.rowSum(x), n!), ['element', 'row']);

setBasics({
  convert: (x, dtype) =>
    (x.dtype === dtype ? copying : converting).call([x], dtype, computeType(wider(x.dtype, dtype))),
  sumOver: (x, dtype, frame) => summing.call([x], dtype, undefined, frame),
});

/** `x` summed over the axes of `frame`, divided by `n`: a number, or a tensor with a value per row. */
export const averageOver = (x: Tensor, dtype: DType, n: Tensor | number, frame: Frame): Tensor =>
  averaging.call([x, n], dtype, undefined, frame);

/** The sum of two tensors of one shape and element type, as gradients add up. */
export const addOf = (x: Tensor, y: Tensor): Tensor => adding.call([x, y], x.dtype);

export { adding, copying };
