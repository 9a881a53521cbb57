import type { FunctionOf } from '../../arguments/forms.js';
import { computeType, type DType, isBool, isFloat } from '../../backend/dtype.js';
import { sameShape, sizeOf } from '../../backend/view.js';
import { DTypeError } from '../../errors.js';
import type { Expr } from '../../expr/index.js';
import * as e from '../../expr/index.js';
import { adjoints } from '../../expr/index.js';
import { Formula, type GradientRule, type Operands } from '../../tensor/formula.js';
import { commonType, floatOf, type Operand, wider } from '../../tensor/promotion.js';
import { allAxes, broadcastShapes, show } from '../../tensor/shape.js';
import { isTensor, shapeOf, type Tensor } from '../../tensor/tensor.js';
import { warnOnce } from '../../warnings.js';
import type { OnPair } from '../operands.js';
import type { Reduction } from './reduction.js';

/** The function of a loss with the parameters `S`. */
export type LossFunction<S, O> = FunctionOf<Tensor, OnPair<S>, O>;

/**
 * The element type of a loss. `broadcast`: input and target as they promote when both have the common shape, so that a 0-d one counts;
 * `operands`: as they promote as they are; `silent`: the same, of a loss whose operands are meant to broadcast; `input`: that of the input.
 * Integers of a loss that is `lifted` count as floats, those of one that is `whole` stay what they are, unless they are averaged; both are
 * meant to broadcast. Any other loss wants a float input, or, where it is `broadcast`, a float target.
 */
type LossType = 'broadcast' | 'operands' | 'silent' | 'lifted' | 'whole' | 'input';

/**
 * A loss with one value per element: from its one expression come the reduced forms too, in which loss and reduction (and their
 * gradients) are each one pass over memory. `R` are the arguments after input and target; `slopes` are derivatives by hand, where
 * PyTorch's differ from the expression's, or are cheaper.
 */
export class PointwiseLoss<R extends Expr[]> {
  readonly #name: string;
  readonly #type: LossType;
  readonly #single: Formula<[input: Expr, target: Expr, ...R]>;
  readonly #summed: Formula<[input: Expr, target: Expr, ...R]>;
  /** Knows the number of elements and its inverse, as gradients would divide element by element. */
  readonly #averaged: Formula<[count: Expr, inverse: Expr, input: Expr, target: Expr, ...R]>;

  constructor(
    name: string,
    type: LossType,
    loss: (input: Expr, target: Expr, ...rest: R) => Expr,
    slopes?: (...args: [input: Expr, target: Expr, ...R]) => Slopes<R>,
  ) {
    const gradients = (g: Expr, args: [input: Expr, target: Expr, ...R]): Slopes<R> =>
      slopes === undefined ? adjoints(loss(...args), g, args) : scaled(slopes(...args), g);
    const gradient: GradientRule<[input: Expr, target: Expr, ...R]> = (g, _, ...args) => gradients(g, args);
    this.#name = name;
    this.#type = type;
    this.#single = new Formula(name, loss, { gradient, keepsOrder: true });
    this.#summed = new Formula(name, (...args) => e.rowSum(loss(...args)), { gradient });
    this.#averaged = new Formula(name, (count, _, ...args) => e.div(e.rowSum(loss(...args)), count), {
      gradient: (g, _, __, inverse, ...args) => [null, null, ...gradients(e.mul(g, inverse), args)],
    });
  }

  apply(input: Tensor, target: Tensor, rest: Operands<R>, reduction: Reduction): Tensor {
    const name = this.#name;
    const tensors = [input, target, ...rest.filter((arg) => isTensor(arg))];
    const promoted = this.#promote(input, target, tensors, rest, reduction);
    const shape = broadcastShapes(name, ...tensors.map(shapeOf));
    const warns = this.#type === 'broadcast' || this.#type === 'operands' || this.#type === 'input';
    if (warns && !sameShape(shapeOf(input), shapeOf(target))) warnOfBroadcast(name, input, target);
    const dtype = this.#type === 'input' ? input.dtype : promoted;
    const compute = computeType(promoted);
    if (reduction === 'none') return this.#single.call([input, target, ...rest], dtype, compute);
    const frame = { shape, axes: allAxes(shape.length), keepdim: false };
    const count = sizeOf(shape);
    if (reduction === 'sum') return this.#summed.call([input, target, ...rest], dtype, compute, frame);
    return this.#averaged.call([count, 1 / count, input, target, ...rest], dtype, compute, frame);
  }

  /** The type in which a loss is computed; refuses integers where there is none for them. */
  #promote(input: Tensor, target: Tensor, tensors: readonly Tensor[], rest: Operands<R>, reduction: Reduction): DType {
    const name = this.#name;
    switch (this.#type) {
      case 'broadcast': {
        const promoted = wider(input.dtype, target.dtype);
        if (!isFloat(promoted)) requireFloat(name, input);
        return promoted;
      }
      case 'lifted':
        return floatOf(commonType(tensors));
      case 'whole': {
        const promoted = commonType([...tensors, ...rest.filter((arg) => !isTensor(arg))] as Operand[]);
        if (reduction === 'mean' || isBool(promoted)) requireFloat(name, { dtype: promoted });
        return promoted;
      }
      default:
        requireFloat(name, input);
        return this.#type === 'input' ? wider(input.dtype, target.dtype) : commonType(tensors);
    }
  }
}

/** What flows into each argument of a loss. */
type Slopes<R extends Expr[]> = readonly [Expr | null, Expr | null, ...{ readonly [K in keyof R]: Expr | null }];

const scaled = <T extends readonly (Expr | null)[]>(slopes: T, g: Expr) =>
  slopes.map((slope) => slope && e.mul(g, slope)) as readonly (Expr | null)[] as T;

/** Broadcasting [n, 1] with [n] makes n² losses: hardly ever what is meant. As PyTorch warns, once for each loss and pair of shapes. */
const warnOfBroadcast = (name: string, input: Tensor, target: Tensor): void =>
  warnOnce(
    `${name}: the input ${show(input.shape)} and the target ${show(target.shape)} have different shapes and are broadcast, ` +
      'which is likely to give a wrong loss; reshape one of them',
    'NABLA_LOSS_BROADCAST',
  );

export function requireFloat(op: string, input: { readonly dtype: DType }): void {
  if (!isFloat(input.dtype)) throw new DTypeError(`${op}: the input must be a float tensor, got ${input.dtype}`);
}

/** max(x, 0) with the gradient of PyTorch's clamp: it flows at 0 too, and not at NaN. */
export const clampedAtZero = (x: Expr): Expr => e.where(e.ge(x, 0), x, e.detach(e.where(e.lt(x, 0), 0, x)));
