import type { ComputeType, DType } from '../backend/dtype.js';
import type { Kind } from '../backend/program.js';
import { sameShape } from '../backend/view.js';
import { ValueError } from '../errors.js';
import type { Expr } from '../expr/index.js';
import * as e from '../expr/index.js';
import { type Choice, choice } from './choice.js';
import { computeType, type Frame, MOST_OPERANDS } from './kernel.js';
import { viewAs } from './layout.js';
import { type GradientRule, Operation } from './operation.js';
import { wider } from './promotion.js';
import type { Shape } from './shape.js';
import { shapeOf, type Tensor } from './tensor.js';

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
const summing = new Formula('sum', 1, (x) => e.rowSum(x));
const averaging = new Formula('mean', 2, (x, n) => e.div(e.rowSum(x), n!), ['element', 'row']);

/** A contiguous copy as another (or the same) element type. */
export const convert = (x: Tensor, dtype: DType): Tensor =>
  (x.dtype === dtype ? copying : converting).call([x], dtype, computeType(wider(x.dtype, dtype)));

/** `x` summed over the axes of `frame`. */
export const sumOver = (x: Tensor, dtype: DType, frame: Frame): Tensor => summing.call([x], dtype, undefined, frame);

/** `x` summed over the axes of `frame`, divided by `n`: a number, or a tensor with a value per row. */
export const averageOver = (x: Tensor, dtype: DType, n: Tensor | number, frame: Frame): Tensor =>
  averaging.call([x, n], dtype, undefined, frame);

/** The adjoint of broadcasting: `x` summed over what was repeated, to the shape it was repeated from. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(shapeOf(x), shape)) return x;
  const frame = repetition(shape, shapeOf(x));
  return fitted(frame.axes.length === 0 ? x : sumOver(x, x.dtype, frame), shape);
}

/** What is summed where `own` was broadcast to `whole`. Only sizes of 1 within `own` need the summed axes kept. */
export function repetition(own: Shape, whole: Shape): Frame {
  const lead = whole.length - own.length;
  const axes: number[] = [];
  for (let axis = 0; axis < whole.length; axis++) {
    if (axis < lead || (own[axis - lead] === 1 && whole[axis] !== 1)) axes.push(axis);
  }
  return { shape: whole, axes, keepdim: axes.length > lead };
}

/** The same elements with the axes of size 1 that `shape` has not left out. */
export const fitted = (x: Tensor, shape: Shape): Tensor => (sameShape(shapeOf(x), shape) ? x : viewAs(x, shape));

export { copying };
