import { define } from '../arguments/define.js';
import { listed } from '../arguments/elements.js';
import type { ArgumentsOf, OptionsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import { grad } from '../autograd/backward.js';
import { enableGrad } from '../autograd/mode.js';
import { isFloat } from '../backend/dtype.js';
import { sameShape } from '../backend/view.js';
import { describe } from '../describe.js';
import { AutogradError, DTypeError, ShapeError, ValueError } from '../errors.js';
import * as kinds from '../tensor/kinds.js';
import { show } from '../tensor/shape.js';
import { isTensor, shapeOf, type Tensor } from '../tensor/tensor.js';
import { onesLike, zerosLike } from './creation.js';
import { stack } from './joining.js';
import { flatten, reshape, view } from './views.js';

// Derivatives of functions, as PyTorch has them in torch.autograd.functional. Inputs and outputs are a tensor, or an array of them.

type OneOrMore = Tensor | readonly Tensor[];

/** What is given for each tensor of `T`: one thing for a tensor, an array of them for an array. */
type Each<T extends OneOrMore, V> = T extends Tensor ? V : V[];

/** The inputs as the function takes them. */
type Inputs<I extends OneOrMore> = I extends readonly Tensor[] ? Tensor[] : [Tensor];

type FunctionOf<I extends OneOrMore, O extends OneOrMore> = (...inputs: Inputs<I>) => O;

const operands = {
  func: kinds.callback<(...inputs: Tensor[]) => OneOrMore>(),
  inputs: kinds.tensorOrList,
};

const differentiating = {
  /** Give derivatives a history, so that they can be differentiated again. Default: false. */
  createGraph: kinds.boolean.default(false),
  /** Refuse outputs that do not depend on an input, whose derivatives would be 0. Default: false. */
  strict: kinds.boolean.default(false),
};

const whole = signature('func, inputs, /, createGraph, strict', { ...operands, ...differentiating });

const along = signature('func, inputs, /, v, createGraph, strict', {
  ...operands,
  /** The vector: a tensor for each output (`vjp`) or input (the others), of its shape. Default: null, 1 where that is one element. */
  v: kinds.tensorOrList.optional(),
  ...differentiating,
});

export interface JacobianOptions extends OptionsOf<typeof whole> {}
export interface ProductOptions extends OptionsOf<typeof along> {}

type WholeRest = ArgumentsOf<typeof whole, JacobianOptions> extends [unknown, unknown, ...infer R] ? R : never;
type AlongRest = ArgumentsOf<typeof along, ProductOptions> extends [unknown, unknown, ...infer R] ? R : never;

interface Mode {
  readonly op: string;
  readonly createGraph: boolean;
  readonly strict: boolean;
}

/** What is differentiated by: with a history where derivatives are to have one, or else apart from it. */
function inputsOf({ op, createGraph }: Mode, inputs: OneOrMore): Tensor[] {
  return listed(inputs).map((x, i) => {
    if (!isFloat(x.dtype)) throw new DTypeError(`${op}: inputs must be float tensors, input ${i} is ${x.dtype}`);
    return createGraph && x.requiresGrad ? view(x, shapeOf(x)) : x.detach().requiresGrad_();
  });
}

/** Calls the function. @returns what it returned, and the same as an array */
function call(op: string, func: (...inputs: Tensor[]) => OneOrMore, inputs: Tensor[]): readonly [OneOrMore, Tensor[]] {
  const outputs: unknown = func(...inputs);
  const all = listed(outputs);
  const wrong = all.findIndex((one) => !isTensor(one));
  if (wrong >= 0 || all.length === 0) {
    throw new ValueError(`${op}: func must return a Tensor or an array of them, it returned ${describe(outputs)}`);
  }
  return [outputs as OneOrMore, all as Tensor[]];
}

/** Σ vᵢ ∂outputᵢ/∂input for each input; 0 where outputs do not depend on it. */
function pulled(
  mode: Mode,
  outputs: readonly Tensor[],
  inputs: readonly Tensor[],
  v: readonly Tensor[],
  again: boolean,
): Tensor[] {
  const { op, strict } = mode;
  const reached = outputs.flatMap((output, i) => (output.requiresGrad ? [i] : []));
  if (strict && reached.length < outputs.length) {
    const i = outputs.findIndex((output) => !output.requiresGrad);
    throw new AutogradError(`${op}: output ${i} does not depend on the inputs`);
  }
  if (reached.length === 0) return inputs.map((x) => zerosLike(x));
  const gradients = grad(
    reached.map((i) => outputs[i]!),
    inputs,
    { gradOutputs: reached.map((i) => v[i]!), retainGraph: true, createGraph: again, allowUnused: true },
  );
  return gradients.map((gradient, i) => {
    if (gradient === null && strict) throw new AutogradError(`${op}: the outputs do not depend on input ${i}`);
    return gradient ?? zerosLike(inputs[i]!);
  });
}

/** A vector for each of some tensors. */
function vectorsOf(op: string, given: OneOrMore | null, of: readonly Tensor[], what: string): readonly Tensor[] {
  if (given === null) {
    if (of.length === 1 && of[0]!.numel() === 1) return [onesLike(of[0]!)];
    throw new ValueError(
      `${op}: v can only be left out where the ${what} is one element; pass a tensor for each ${what}`,
    );
  }
  const v = listed(given);
  if (v.length !== of.length)
    throw new ValueError(`${op}: expected v for each of ${of.length} ${what}s, got ${v.length}`);
  for (const [i, one] of v.entries()) {
    if (sameShape(shapeOf(one), shapeOf(of[i]!))) continue;
    throw new ShapeError(
      `${op}: v[${i}] must have the shape ${show(of[i]!.shape)} of ${what} ${i}, got ${show(one.shape)}`,
    );
  }
  return v;
}

const like = <V>(shape: OneOrMore, values: readonly V[]): V | readonly V[] => (isTensor(shape) ? values[0]! : values);

const plain = ({ createGraph }: Mode, tensors: readonly Tensor[]): readonly Tensor[] =>
  createGraph ? tensors : tensors.map((x) => x.detach());

/** The derivatives of one output, a row for each of its elements, of shape (…output, …input) for each input. */
function rows(mode: Mode, output: Tensor, inputs: readonly Tensor[]): Tensor[] {
  const flat = flatten(output);
  const each = Array.from({ length: output.numel() }, (_, i) => {
    const element = flat.select(0, i);
    return pulled(mode, [element], inputs, [onesLike(element)], mode.createGraph);
  });
  return inputs.map((x, i) => {
    const shape = [...shapeOf(output), ...shapeOf(x)];
    const found = each.map((row) => row[i]!);
    return reshape(found.length === 0 ? zerosLike(x).newZeros(shape) : stack(found), shape);
  });
}

/** Both derivatives of a function of one element: the first and, of that, Σ v. */
function second(
  mode: Mode,
  func: (...inputs: Tensor[]) => OneOrMore,
  inputs: OneOrMore,
  given: OneOrMore | null,
): [OneOrMore, OneOrMore] {
  const own = inputsOf(mode, inputs);
  const [, [output, ...more]] = call(mode.op, func, own);
  requireOne(mode.op, output!, more.length);
  const v = vectorsOf(mode.op, given, own, 'input');
  const slopes = pulled(mode, [output!], own, [onesLike(output!)], true);
  const [value] = plain(mode, [output!]);
  return [value!, like(inputs, plain(mode, pulled(mode, slopes, own, v, mode.createGraph)))];
}

function requireOne(op: string, output: Tensor, others: number): void {
  if (others === 0 && output.numel() === 1) return;
  const got = others > 0 ? `${others + 1} tensors` : `shape ${show(output.shape)}`;
  throw new ShapeError(`${op}: func must return a tensor of one element, got ${got}`);
}

/**
 * All derivatives of a function: for an output and an input those of each element by each element, of shape (…output, …input).
 *
 * @param func takes the inputs, one after the other, and returns a tensor or an array of them
 * @returns a tensor; an array where there are several inputs, and where there are several outputs an array of that
 * @throws AutogradError with `strict` for an output that does not depend on an input; DTypeError for inputs that are no floats
 * @example
 * ```ts
 * autograd.functional.jacobian((x) => x.mul(x), tensor([1, 2])); // tensor([[2., 0.], [0., 4.]])
 * const [a, b] = autograd.functional.jacobian((x, y) => x.mul(y), [tensor(2), tensor(3)]);
 * a; // tensor(3.)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.functional.jacobian.html
 */
export const jacobian = define('jacobian', whole, (func, inputs, createGraph, strict) =>
  enableGrad(() => {
    const mode = { op: 'jacobian', createGraph, strict };
    const own = inputsOf(mode, inputs);
    const [outputs, all] = call(mode.op, func, own);
    return like(
      outputs,
      all.map((output) => like(inputs, plain(mode, rows(mode, output, own)))),
    );
  }),
) as <I extends OneOrMore, O extends OneOrMore>(
  func: FunctionOf<I, O>,
  inputs: I,
  ...rest: WholeRest
) => Each<O, Each<I, Tensor>>;

/**
 * All second derivatives of a function of one element: of shape (…input, …input).
 *
 * @param func takes the inputs, one after the other, and returns a tensor of one element
 * @returns a tensor; where there are several inputs, an array of arrays: by the one and then by the other
 * @throws ShapeError if the function returns more than one element; AutogradError with `strict` for derivatives that do not depend on an input
 * @example
 * ```ts
 * autograd.functional.hessian((x) => x.pow(3).sum(), tensor([1, 2])); // tensor([[ 6.,  0.], [ 0., 12.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.functional.hessian.html
 */
export const hessian = define('hessian', whole, (func, inputs, createGraph, strict) =>
  enableGrad(() => {
    const mode = { op: 'hessian', createGraph, strict };
    const own = inputsOf(mode, inputs);
    const [, [output, ...more]] = call(mode.op, func, own);
    requireOne(mode.op, output!, more.length);
    const slopes = pulled(mode, [output!], own, [onesLike(output!)], true);
    return like(
      inputs,
      slopes.map((slope) => like(inputs, plain(mode, rows(mode, slope, own)))),
    );
  }),
) as <I extends OneOrMore>(func: FunctionOf<I, Tensor>, inputs: I, ...rest: WholeRest) => Each<I, Each<I, Tensor>>;

/**
 * vᵀ J, of the derivatives J of a function: one backward pass.
 *
 * @returns what the function returned, and the product for each input
 * @throws ShapeError for a v of other shapes than the outputs; AutogradError with `strict` for an input that has no part
 * @example
 * ```ts
 * const [outputs, product] = autograd.functional.vjp((x) => x.mul(x), tensor([1, 2]), tensor([1, 10]));
 * outputs; // tensor([1., 4.])
 * product; // tensor([ 2., 40.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.functional.vjp.html
 */
export const vjp = define('vjp', along, (func, inputs, given, createGraph, strict) =>
  enableGrad(() => {
    const mode = { op: 'vjp', createGraph, strict };
    const own = inputsOf(mode, inputs);
    const [outputs, all] = call(mode.op, func, own);
    const products = pulled(mode, all, own, vectorsOf(mode.op, given, all, 'output'), createGraph);
    return [like(outputs, plain(mode, all)), like(inputs, plain(mode, products))];
  }),
) as <I extends OneOrMore, O extends OneOrMore>(
  func: FunctionOf<I, O>,
  inputs: I,
  ...rest: AlongRest
) => [outputs: Each<O, Tensor>, vjp: Each<I, Tensor>];

/**
 * J v, of the derivatives J of a function: how much outputs change where inputs change by v. Two backward passes.
 *
 * @returns what the function returned, and the product for each output
 * @throws ShapeError for a v of other shapes than the inputs; AutogradError with `strict` for an output that does not depend on them
 * @example
 * ```ts
 * const [outputs, product] = autograd.functional.jvp((x) => x.mul(x).sum(), tensor([1, 2]), tensor([1, 10]));
 * product; // tensor(42.)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.functional.jvp.html
 */
export const jvp = define('jvp', along, (func, inputs, given, createGraph, strict) =>
  enableGrad(() => {
    const mode = { op: 'jvp', createGraph, strict };
    const own = inputsOf(mode, inputs);
    const [outputs, all] = call(mode.op, func, own);
    const v = vectorsOf(mode.op, given, own, 'input');
    // vᵀ J is linear in its v: the derivative by that is J.
    const free = all.map((output) => zerosLike(output, { requiresGrad: true }));
    const linear = pulled(mode, all, own, free, true);
    const products = pulled({ ...mode, strict: false }, linear, free, v, createGraph);
    return [like(outputs, plain(mode, all)), like(outputs, plain(mode, products))];
  }),
) as <I extends OneOrMore, O extends OneOrMore>(
  func: FunctionOf<I, O>,
  inputs: I,
  ...rest: AlongRest
) => [outputs: Each<O, Tensor>, jvp: Each<O, Tensor>];

type OfSecond = <I extends OneOrMore>(
  func: FunctionOf<I, Tensor>,
  inputs: I,
  ...rest: AlongRest
) => [outputs: Tensor, product: Each<I, Tensor>];

/**
 * vᵀ H, of the second derivatives H of a function of one element.
 *
 * @returns what the function returned, and the product for each input
 * @throws ShapeError if the function returns more than one element, and for a v of other shapes than the inputs
 * @example
 * ```ts
 * const [output, product] = autograd.functional.vhp((x) => x.pow(3).sum(), tensor([1, 2]), tensor([1, 1]));
 * product; // tensor([ 6., 12.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.functional.vhp.html
 */
export const vhp = define('vhp', along, (func, inputs, v, createGraph, strict) =>
  enableGrad(() => second({ op: 'vhp', createGraph, strict }, func, inputs, v)),
) as OfSecond;

/**
 * H v, of the second derivatives H of a function of one element: the same as `vhp`, as they are symmetric.
 *
 * @returns what the function returned, and the product for each input
 * @throws ShapeError if the function returns more than one element, and for a v of other shapes than the inputs
 * @example
 * ```ts
 * const [output, product] = autograd.functional.hvp((x) => x.prod(), tensor([2, 3]), tensor([1, 0]));
 * product; // tensor([0., 1.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.functional.hvp.html
 */
export const hvp = define('hvp', along, (func, inputs, v, createGraph, strict) =>
  enableGrad(() => second({ op: 'hvp', createGraph, strict }, func, inputs, v)),
) as OfSecond;
