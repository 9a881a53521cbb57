import { define } from '../arguments/define.js';
import { listed } from '../arguments/elements.js';
import type { FunctionOf, Named, OptionsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import { grad } from '../autograd/backward.js';
import { dtypes } from '../backend/dtype.js';
import { AutogradError, DTypeError, ValueError } from '../errors.js';
import * as kinds from '../tensor/kinds.js';
import { type Shape, show } from '../tensor/shape.js';
import { storageOf, type Tensor } from '../tensor/tensor.js';
import { zeros } from './creation.js';
import { Generator, randnLike } from './random.js';

/** A function to check: of tensors, to a tensor or several. It must give the same values every time. */
export type Differentiable = (...inputs: Tensor[]) => Tensor | readonly Tensor[];

const checked = {
  fn: kinds.callback<Differentiable>(),
  inputs: kinds.tensorOrList,
};

const comparing = {
  /** How far an element is moved to either side. Default: 1e-6. */
  eps: kinds.above(0).default(1e-6),
  /** Absolute tolerance. Default: 1e-5. */
  atol: kinds.atLeast(0).default(1e-5),
  /** Tolerance relative to the finite difference. Default: 1e-3. */
  rtol: kinds.atLeast(0).default(1e-3),
  /** Throw where gradients differ, instead of returning false. Default: true. */
  raiseException: kinds.boolean.default(true),
};

const once = signature('fn, inputs, /, *, eps, atol, rtol, raiseException', { ...checked, ...comparing });

const twice = signature('fn, inputs, /, gradOutputs, *, eps, atol, rtol, raiseException', {
  ...checked,
  /** What flows into each output, itself an input of the check. Default: null, normal values, the same on every call. */
  gradOutputs: kinds.tensorOrList.optional(),
  ...comparing,
});

export interface GradcheckOptions extends OptionsOf<typeof once> {}
export interface GradgradcheckOptions extends OptionsOf<typeof twice> {}

/** How values are compared. */
type Comparison = Named<typeof comparing>;

/**
 * Compares the gradients that `backward` computes with central finite differences,
 * (f(x + eps) - f(x - eps)) / 2 eps, for every element of every input that requires a gradient and of every output that has one.
 *
 * @param inputs float64 where they require a gradient, so that differences are not lost in rounding
 * @returns whether |backward - difference| ≤ atol + rtol |difference| everywhere
 * @throws AutogradError naming input, output, elements and both values where they differ, unless `raiseException` is false
 * @example
 * ```ts
 * const x = randn([3], { dtype: 'float64', requiresGrad: true });
 * gradcheck((x) => x.sin().mul(x), x); // true
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.gradcheck.gradcheck.html
 */
export const gradcheck: FunctionOf<boolean, typeof once, GradcheckOptions> = define(
  'gradcheck',
  once,
  (fn, inputs, eps, atol, rtol, raiseException) =>
    check('gradcheck', fn, listed(inputs), { eps, atol, rtol, raiseException }),
);

/**
 * The same for second derivatives: checks the gradients of the gradients, with respect to the inputs and to what flows into the outputs.
 *
 * @throws AutogradError where they differ, unless `raiseException` is false
 * @example
 * ```ts
 * const x = randn([3], { dtype: 'float64', requiresGrad: true });
 * gradgradcheck((x) => x.exp(), x); // true
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.gradcheck.gradgradcheck.html
 */
export const gradgradcheck: FunctionOf<boolean, typeof twice, GradgradcheckOptions> = define(
  'gradgradcheck',
  twice,
  (fn, inputs, given, eps, atol, rtol, raiseException) => {
    const all = listed(inputs);
    const outputs = differentiableOutputs('gradgradcheck', fn, all);
    const flowing = given === null ? normalLike(outputs) : listed(given);
    const gradients: Differentiable = (...args) => {
      const own = args.slice(0, all.length);
      const wanted = own.filter((input) => input.requiresGrad);
      const gradOutputs = args.slice(all.length);
      const found = grad(differentiableOutputs('gradgradcheck', fn, own), wanted, {
        gradOutputs,
        createGraph: true,
        allowUnused: true,
      });
      return found.filter((gradient) => gradient !== null);
    };
    return check('gradgradcheck', gradients, [...all, ...flowing], { eps, atol, rtol, raiseException });
  },
);

function normalLike(tensors: readonly Tensor[]): Tensor[] {
  const generator = new Generator(0);
  return tensors.map((x) => randnLike(x, { generator, requiresGrad: true }));
}

function check(where: string, fn: Differentiable, inputs: readonly Tensor[], comparison: Comparison): boolean {
  checkInputs(where, inputs);
  const run = () => differentiableOutputs(where, fn, inputs);
  const mismatch = firstMismatch(run, inputs, comparison);
  if (mismatch === undefined) return true;
  if (!comparison.raiseException) return false;
  const { output, input, analytic, numeric } = mismatch;
  throw new AutogradError(
    `${where}: the derivative of output ${output} with respect to input ${input} is ${analytic} by backward, ` +
      `but ${numeric} by finite differences`,
  );
}

interface Mismatch {
  /** Number and element, for people. */
  readonly output: string;
  readonly input: string;
  readonly analytic: number;
  readonly numeric: number;
}

function firstMismatch(
  run: () => readonly Tensor[],
  inputs: readonly Tensor[],
  { eps, atol, rtol }: Comparison,
): Mismatch | undefined {
  const outputs = run();
  const jacobians = outputs.map((output) => jacobian(output, inputs));
  for (const [i, input] of inputs.entries()) {
    if (!input.requiresGrad) continue;
    for (const [element, place] of places(input).entries()) {
      for (const [o, slopes] of slopesAt(input, place, eps, run).entries()) {
        const backwards = jacobians[o]!.map((gradients) => gradients[i]![element]!);
        const at = slopes.findIndex((slope, to) => !close(backwards[to]!, slope, atol, rtol));
        if (at < 0) continue;
        return {
          output: `${o}${elementOf(outputs[o]!.shape, at)}`,
          input: `${i}${elementOf(input.shape, element)}`,
          analytic: backwards[at]!,
          numeric: slopes[at]!,
        };
      }
    }
  }
  return undefined;
}

/** As torch.allclose: NaN is close to nothing, an infinity to itself. */
const close = (actual: number, expected: number, atol: number, rtol: number): boolean =>
  actual === expected || Math.abs(actual - expected) <= atol + rtol * Math.abs(expected);

function checkInputs(where: string, inputs: readonly Tensor[]): void {
  for (const [i, input] of inputs.entries()) {
    if (!input.requiresGrad) continue;
    if (!isDouble(input)) {
      throw new DTypeError(`${where}: input ${i} requires a gradient and must be float64, got ${input.dtype}`);
    }
    if (input.numel() > 0 && input.strides.some((stride, axis) => stride === 0 && input.shape[axis]! > 1)) {
      throw new ValueError(`${where}: input ${i} has one element in several places; clone() it first`);
    }
  }
  if (!inputs.some((input) => input.requiresGrad)) {
    throw new ValueError(`${where}: expected an input that requires a gradient; pass { requiresGrad: true }`);
  }
}

function differentiableOutputs(where: string, fn: Differentiable, inputs: readonly Tensor[]): readonly Tensor[] {
  const given: unknown = fn(...inputs);
  if (!kinds.tensorOrList.accepts(given)) kinds.tensorOrList.refuse(where, 'the result of fn', given);
  const outputs = listed(given).filter((output) => output.requiresGrad);
  if (outputs.length === 0) throw new AutogradError(`${where}: no output depends on an input that requires a gradient`);
  const narrow = outputs.find((output) => !isDouble(output));
  if (narrow !== undefined) throw new DTypeError(`${where}: outputs must be float64, got ${narrow.dtype}`);
  return outputs;
}

/** For every element of `output` its gradients for all inputs, by backward. */
const jacobian = (output: Tensor, inputs: readonly Tensor[]): ArrayLike<number>[][] =>
  Array.from({ length: output.numel() }, (_, element) => {
    const oneHot = zeros([output.numel()], { dtype: 'float64' });
    oneHot.narrow(0, element, 1).fill_(1);
    return gradientsOf(output, oneHot.view(output.shape), inputs);
  });

function gradientsOf(output: Tensor, gradOutputs: Tensor, inputs: readonly Tensor[]): ArrayLike<number>[] {
  const wanted = inputs.filter((input) => input.requiresGrad);
  const gradients = grad(output, wanted, { gradOutputs, retainGraph: true, allowUnused: true });
  return inputs.map((input) => {
    const gradient = gradients[wanted.indexOf(input)] ?? zeros(input.shape, { dtype: 'float64' });
    if (show(gradient.shape) === show(input.shape)) return gradient.toTypedArray();
    throw new AutogradError(
      `gradcheck: backward made a gradient of shape ${show(gradient.shape)} for ${show(input.shape)}`,
    );
  });
}

/** Where in the storage of `x` each of its elements is, in row-major order. */
function places(x: Tensor): number[] {
  return x.shape.reduce(
    (starts, size, axis) =>
      starts.flatMap((start) => Array.from({ length: size }, (_, i) => start + i * x.strides[axis]!)),
    [x.offset],
  );
}

/** For every output the slopes of its elements as the element of `x` at `place` is moved, in place, to either side. */
function slopesAt(x: Tensor, place: number, eps: number, run: () => readonly Tensor[]): number[][] {
  const elements = storageOf(x).array(x.dtype);
  const before = elements[place]!;
  const moved = (value: number) => {
    elements[place] = value;
    x.bumpVersion('gradcheck');
    return run().map((output) => output.toTypedArray());
  };
  try {
    const below = moved(before - eps);
    const above = moved(before + eps);
    return above.map((output, o) => Array.from(output, (value, i) => (value - below[o]![i]!) / (2 * eps)));
  } finally {
    elements[place] = before;
    x.bumpVersion('gradcheck');
  }
}

/** ` element [1, 2]`, or nothing for a 0-d tensor. */
function elementOf(shape: Shape, flat: number): string {
  if (shape.length === 0) return '';
  let rest = flat;
  const index = shape.map((_, axis) => {
    const inner = shape.slice(axis + 1).reduce((size, n) => size * n, 1);
    const position = Math.floor(rest / inner);
    rest %= inner;
    return position;
  });
  return ` element ${show(index)}`;
}

/** Whether differences of a tensor's values say something about slopes. */
const isDouble = ({ dtype }: Tensor): boolean => dtypes[dtype].epsilon === Number.EPSILON;
