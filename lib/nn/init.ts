import { define } from '../arguments/define.js';
import type { ArgumentsOf, FunctionOf, OptionsOf, Values } from '../arguments/forms.js';
import { type Signature, signature } from '../arguments/signature.js';
import { noGrad } from '../autograd/mode.js';
import { isFloat } from '../backend/dtype.js';
import { sizeOf } from '../backend/view.js';
import { DTypeError, ShapeError, ValueError } from '../errors.js';
import { eye, tensor as tensorOf } from '../ops/creation.js';
import { stack } from '../ops/joining.js';
import { orthogonalized } from '../ops/linear-algebra/qr.js';
import { randperm } from '../ops/random.js';
import { emptyOf } from '../tensor/empty.js';
import type { Generator } from '../tensor/generator.js';
import * as kinds from '../tensor/kinds.js';
import { drawing } from '../tensor/parameters.js';
import { type Shape, show } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { fillTruncatedNormal } from './truncated-normal.js';

// Every initializer writes over the tensor it is given, a leaf that requires gradients included, and returns it. From the same
// stream it takes the same draws as PyTorch's, so that the same seed gives the same weights.

const LINEAR = [
  'linear',
  'conv1d',
  'conv2d',
  'conv3d',
  'conv_transpose1d',
  'conv_transpose2d',
  'conv_transpose3d',
  'sigmoid',
] as const;
const NONLINEARITIES = [...LINEAR, 'tanh', 'relu', 'leaky_relu', 'selu'] as const;
const MODES = ['fan_in', 'fan_out'] as const;

/** What follows a layer, by PyTorch's name. */
export type Nonlinearity = (typeof NONLINEARITIES)[number];

/** Which count of connections to keep the variance for: those into an output (forward pass) or out of an input (backward pass). */
export type FanMode = (typeof MODES)[number];

const plain = signature('tensor, /', { tensor: kinds.tensor });

const uniform = signature('tensor, /, a, b, generator', {
  tensor: kinds.tensor,
  /** Lower bound. Default: 0. */
  a: kinds.number.default(0),
  /** Upper bound. Default: 1. */
  b: kinds.number.default(1),
  ...drawing,
});

const normal = signature('tensor, /, mean, std, generator', {
  tensor: kinds.tensor,
  /** Default: 0. */
  mean: kinds.number.default(0),
  /** Standard deviation. Default: 1. */
  std: kinds.atLeast(0).default(1),
  ...drawing,
});

const truncated = signature('tensor, /, mean, std, a, b, generator', {
  tensor: kinds.tensor,
  /** Default: 0. */
  mean: kinds.number.default(0),
  /** Standard deviation. Default: 1. */
  std: kinds.above(0).default(1),
  /** No value is below this. Default: -2. */
  a: kinds.number.default(-2),
  /** No value is above this. Default: 2. */
  b: kinds.number.default(2),
  ...drawing,
});

const constant = signature('tensor, /, val', { tensor: kinds.tensor, val: kinds.real });

const dirac = signature('tensor, /, groups', {
  tensor: kinds.tensor,
  /** Groups of channels, each of which keeps its identity. Default: 1. */
  groups: kinds.integerFrom(1).default(1),
});

const gained = signature('tensor, /, gain, generator', {
  tensor: kinds.tensor,
  /** Multiplies the values; see `calculateGain`. Default: 1. */
  gain: kinds.real.default(1),
  ...drawing,
});

const kaiming = signature('tensor, /, a, mode, nonlinearity, generator', {
  tensor: kinds.tensor,
  /** Negative slope of the leaky ReLU that follows. Default: 0. */
  a: kinds.real.default(0),
  /** Default: `'fan_in'`. */
  mode: kinds.choice(...MODES).default('fan_in'),
  /** What follows the layer. Default: `'leaky_relu'`. */
  nonlinearity: kinds.choice(...NONLINEARITIES).default('leaky_relu'),
  ...drawing,
});

const sparse = signature('tensor, /, sparsity, std, generator', {
  tensor: kinds.tensor,
  sparsity: kinds.within(0, 1),
  /** Standard deviation of the values that are not 0. Default: 0.01. */
  std: kinds.atLeast(0).default(0.01),
  ...drawing,
});

const gain = signature('nonlinearity, param', {
  nonlinearity: kinds.choice(...NONLINEARITIES),
  /** The negative slope of `'leaky_relu'`. Default: null, 0.01. */
  param: kinds.real.optional(),
});

export interface UniformOptions extends OptionsOf<typeof uniform> {}
export interface NormalOptions extends OptionsOf<typeof normal> {}
export interface TruncNormalOptions extends OptionsOf<typeof truncated> {}
export interface DiracOptions extends OptionsOf<typeof dirac> {}
export interface GainOptions extends OptionsOf<typeof gained> {}
export interface KaimingOptions extends OptionsOf<typeof kaiming> {}
export interface SparseOptions extends OptionsOf<typeof sparse> {}

/** An initializer returns the tensor that it is given. */
type Initializer<S, O = OptionsOf<S>> = <T extends Tensor>(...args: ArgumentsOf<S, O, { tensor: T }>) => T;

function defineInitializer<T extends string, K>(
  op: string,
  takes: Signature<T, K>,
  fill: (...values: Values<T, K>) => void,
): Initializer<Signature<T, K>> {
  const fn = define(op, takes, (...values) => {
    fill(...values);
    return (values as readonly unknown[])[0];
  });
  // That a parameter given as a Parameter comes back as one, the signature of a function made by `define` cannot say.
  return fn as unknown as Initializer<Signature<T, K>>;
}

/**
 * The gain that keeps the variance of activations through a nonlinearity: 1 for linear layers and `'sigmoid'`, 5/3 for `'tanh'`, √2 for
 * `'relu'`, √(2 / (1 + param²)) for `'leaky_relu'`, 3/4 for `'selu'`.
 *
 * @param param the negative slope of `'leaky_relu'`; default 0.01
 * @throws ValueError for a nonlinearity that is not listed
 * @example
 * ```ts
 * nn.init.calculateGain('leaky_relu', 1); // 1
 * ```
 * @see https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.calculate_gain
 */
export const calculateGain: FunctionOf<number, typeof gain> = define('calculateGain', gain, gainOf);

function gainOf(nonlinearity: Nonlinearity, param: number | null): number {
  switch (nonlinearity) {
    case 'tanh':
      return 5 / 3;
    case 'relu':
      return Math.SQRT2;
    case 'leaky_relu':
      return Math.sqrt(2 / (1 + (param ?? 0.01) ** 2));
    case 'selu':
      return 3 / 4;
    default:
      return (nonlinearity satisfies (typeof LINEAR)[number]) && 1;
  }
}

/**
 * Uniform values in [a, b).
 *
 * @throws ValueError if a is above b
 * @example
 * ```ts
 * manualSeed(0);
 * nn.init.uniform_(empty([3]), { a: -1, b: 1 }); // tensor([-0.0075,  0.5364, -0.8230])
 * ```
 * @see https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.uniform_
 */
export const uniform_: Initializer<typeof uniform, UniformOptions> = defineInitializer(
  'uniform_',
  uniform,
  (tensor, a, b, generator) => fillUniform(tensor, a, b, generator),
);

/**
 * Normal values.
 *
 * @throws ValueError for a negative standard deviation
 * @example
 * ```ts
 * manualSeed(0);
 * nn.init.normal_(empty([3]), { std: 0.1 }); // tensor([ 0.1541, -0.0293, -0.2179])
 * ```
 * @see https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.normal_
 */
export const normal_: Initializer<typeof normal, NormalOptions> = defineInitializer(
  'normal_',
  normal,
  (tensor, mean, std, generator) => fillNormal(tensor, mean, std, generator),
);

/**
 * Normal values of which those outside [a, b] are drawn again.
 *
 * @throws ValueError for a standard deviation that is not above 0, or if a is above b
 * @example
 * ```ts
 * manualSeed(0);
 * nn.init.truncNormal_(empty([3])); // tensor([ 1.5410, -0.2934, -1.3986])
 * ```
 * @see https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.trunc_normal_
 */
export const truncNormal_: Initializer<typeof truncated, TruncNormalOptions> = defineInitializer(
  'truncNormal_',
  truncated,
  (tensor, mean, std, a, b, generator) => {
    requireFloat('truncNormal_', tensor);
    if (a > b) throw new ValueError(`truncNormal_: expected a <= b, got [${a}, ${b}]`);
    noGrad(() => fillTruncatedNormal(tensor, { mean, std, a, b }, generator));
  },
);

/**
 * One value everywhere.
 *
 * @example
 * ```ts
 * nn.init.constant_(empty([2]), 0.3); // tensor([0.3000, 0.3000])
 * ```
 * @see https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.constant_
 */
export const constant_: Initializer<typeof constant> = defineInitializer('constant_', constant, fill);

/**
 * Ones.
 *
 * @example
 * ```ts
 * nn.init.ones_(empty([2])); // tensor([1., 1.])
 * ```
 * @see https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.ones_
 */
export const ones_: Initializer<typeof plain> = defineInitializer('ones_', plain, (tensor) => fill(tensor, 1));

/**
 * Zeros.
 *
 * @example
 * ```ts
 * nn.init.zeros_(empty([2])); // tensor([0., 0.])
 * ```
 * @see https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.zeros_
 */
export const zeros_: Initializer<typeof plain> = defineInitializer('zeros_', plain, (tensor) => fill(tensor, 0));

/**
 * Ones on the diagonal, zeros elsewhere: a Linear layer that passes on as many inputs as it can.
 *
 * @param tensor 2-d
 * @throws ShapeError for another number of dimensions
 * @example
 * ```ts
 * nn.init.eye_(empty([2, 3])); // tensor([[1., 0., 0.], [0., 1., 0.]])
 * ```
 * @see https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.eye_
 */
export const eye_: Initializer<typeof plain> = defineInitializer('eye_', plain, (tensor) => {
  requireMatrix('eye_', tensor);
  write(tensor, eye(tensor.shape[0]!, tensor.shape[1]!, { dtype: tensor.dtype }));
});

/**
 * The Dirac delta: a convolution that passes on as many channels as it can. Output channel i of a group has a 1 for input channel i, in
 * the middle of the window.
 *
 * @param tensor (outChannels, inChannels, …window), 3-d to 5-d
 * @throws ShapeError for another number of dimensions, or if the output channels do not divide into groups
 * @example
 * ```ts
 * nn.init.dirac_(empty([1, 1, 3])); // tensor([[[0., 1., 0.]]])
 * ```
 * @see https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.dirac_
 */
export const dirac_: Initializer<typeof dirac, DiracOptions> = defineInitializer('dirac_', dirac, (tensor, groups) => {
  const [outChannels = 0, inChannels = 0, ...window] = tensor.shape;
  if (tensor.ndim < 3 || tensor.ndim > 5) {
    throw new ShapeError(`dirac_: expected a tensor of 3 to 5 dimensions, got ${show(tensor.shape)}`);
  }
  const perGroup = outChannels / groups;
  if (!Number.isInteger(perGroup)) {
    throw new ShapeError(`dirac_: ${outChannels} output channels do not divide into ${groups} groups`);
  }
  const middle = window.reduce((at, size) => at * size + Math.floor(size / 2), 0);
  const values = new Float64Array(tensor.numel());
  for (let out = 0; out < outChannels; out++) {
    const channel = out % perGroup;
    if (channel < inChannels) values[(out * inChannels + channel) * sizeOf(window) + middle] = 1;
  }
  writeValues(tensor, values);
});

/**
 * Uniform values in ±gain · √(6 / (fanIn + fanOut)), Glorot's: activations and gradients keep their variance.
 *
 * @param tensor (outFeatures, inFeatures), or the weight of a convolution
 * @throws ShapeError for fewer than 2 dimensions
 * @example
 * ```ts
 * nn.init.xavierUniform_(empty([3, 5]), { gain: nn.init.calculateGain('relu') }).shape; // [3, 5]
 * ```
 * @see https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.xavier_uniform_
 * @see https://proceedings.mlr.press/v9/glorot10a.html
 */
export const xavierUniform_: Initializer<typeof gained, GainOptions> = defineInitializer(
  'xavierUniform_',
  gained,
  (tensor, gain, generator) => {
    const bound = Math.sqrt(3) * xavierDeviation('xavierUniform_', tensor, gain);
    fillUniform(tensor, -bound, bound, generator);
  },
);

/**
 * Normal values of standard deviation gain · √(2 / (fanIn + fanOut)), Glorot's: activations and gradients keep their variance.
 *
 * @param tensor (outFeatures, inFeatures), or the weight of a convolution
 * @throws ShapeError for fewer than 2 dimensions
 * @example
 * ```ts
 * nn.init.xavierNormal_(empty([3, 5])).shape; // [3, 5]
 * ```
 * @see https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.xavier_normal_
 * @see https://proceedings.mlr.press/v9/glorot10a.html
 */
export const xavierNormal_: Initializer<typeof gained, GainOptions> = defineInitializer(
  'xavierNormal_',
  gained,
  (tensor, gain, generator) => fillNormal(tensor, 0, xavierDeviation('xavierNormal_', tensor, gain), generator),
);

function xavierDeviation(op: string, tensor: Tensor, gain: number): number {
  const [fanIn, fanOut] = fans(op, tensor.shape);
  return gain * Math.sqrt(2 / (fanIn + fanOut));
}

/**
 * Uniform values in ±gain · √(3 / fan), He's: made for layers that a (leaky) ReLU follows.
 *
 * @param tensor (outFeatures, inFeatures), or the weight of a convolution
 * @throws ShapeError for fewer than 2 dimensions; ValueError for a mode or nonlinearity that does not exist
 * @example
 * ```ts
 * nn.init.kaimingUniform_(empty([3, 5]), { mode: 'fan_in', nonlinearity: 'relu' }).shape; // [3, 5]
 * ```
 * @see https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.kaiming_uniform_
 * @see https://arxiv.org/abs/1502.01852
 */
export const kaimingUniform_: Initializer<typeof kaiming, KaimingOptions> = defineInitializer(
  'kaimingUniform_',
  kaiming,
  (tensor, a, mode, nonlinearity, generator) => {
    const bound = Math.sqrt(3) * kaimingDeviation('kaimingUniform_', tensor, a, mode, nonlinearity);
    fillUniform(tensor, -bound, bound, generator);
  },
);

/**
 * Normal values of standard deviation gain / √fan, He's: made for layers that a (leaky) ReLU follows.
 *
 * @param tensor (outFeatures, inFeatures), or the weight of a convolution
 * @throws ShapeError for fewer than 2 dimensions; ValueError for a mode or nonlinearity that does not exist
 * @example
 * ```ts
 * nn.init.kaimingNormal_(empty([3, 5]), { mode: 'fan_out', nonlinearity: 'relu' }).shape; // [3, 5]
 * ```
 * @see https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.kaiming_normal_
 * @see https://arxiv.org/abs/1502.01852
 */
export const kaimingNormal_: Initializer<typeof kaiming, KaimingOptions> = defineInitializer(
  'kaimingNormal_',
  kaiming,
  (tensor, a, mode, nonlinearity, generator) =>
    fillNormal(tensor, 0, kaimingDeviation('kaimingNormal_', tensor, a, mode, nonlinearity), generator),
);

function kaimingDeviation(op: string, tensor: Tensor, a: number, mode: FanMode, nonlinearity: Nonlinearity): number {
  const [fanIn, fanOut] = fans(op, tensor.shape);
  return gainOf(nonlinearity, a) / Math.sqrt(mode === 'fan_in' ? fanIn : fanOut);
}

/** How many inputs each output is made of, and how many outputs each input takes part in. */
function fans(op: string, shape: Shape): [fanIn: number, fanOut: number] {
  const [outputs, inputs, ...window] = shape;
  if (outputs === undefined || inputs === undefined) {
    throw new ShapeError(`${op}: fan in and fan out need at least 2 dimensions, got ${show(shape)}`);
  }
  return [inputs * sizeOf(window), outputs * sizeOf(window)];
}

/**
 * gain times a matrix with orthonormal rows or columns, whichever are fewer; dimensions after the first count as one.
 *
 * @throws ShapeError for fewer than 2 dimensions
 * @example
 * ```ts
 * const w = nn.init.orthogonal_(empty([3, 5]));
 * w.matmul(w.t()).sub(eye(3)).abs().max().lt(1e-6); // tensor(True)
 * ```
 * @see https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.orthogonal_
 * @see https://arxiv.org/abs/1312.6120
 */
export const orthogonal_: Initializer<typeof gained, GainOptions> = defineInitializer(
  'orthogonal_',
  gained,
  (tensor, gain, generator) => {
    requireFloat('orthogonal_', tensor);
    if (tensor.ndim < 2) {
      throw new ShapeError(`orthogonal_: expected at least 2 dimensions, got ${show(tensor.shape)}`);
    }
    if (tensor.numel() === 0) return;
    const rows = tensor.shape[0]!;
    const cols = tensor.numel() / rows;
    const normals = emptyOf([rows, cols], tensor.dtype).normal_(0, 1, { generator });
    noGrad(() => tensor.copy_(orthogonalized(normals).mul(gain).reshape(tensor.shape)));
  },
);

/**
 * Normal values, of which in each column a share, at random, is set to 0.
 *
 * A generator is used for both, while PyTorch takes the places of the zeros from the default stream.
 *
 * @param tensor 2-d
 * @param sparsity the share of zeros, between 0 and 1; their number is rounded up
 * @throws ShapeError for another number of dimensions; ValueError for a share outside [0, 1]
 * @example
 * ```ts
 * nn.init.sparse_(empty([4, 2]), 0.5).eq(0).sum(0); // tensor([2, 2])
 * ```
 * @see https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.sparse_
 */
export const sparse_: Initializer<typeof sparse, SparseOptions> = defineInitializer(
  'sparse_',
  sparse,
  (tensor, sparsity, std, generator) => {
    requireMatrix('sparse_', tensor);
    fillNormal(tensor, 0, std, generator);
    const [rows, cols] = tensor.shape as [number, number];
    const count = Math.ceil(sparsity * rows);
    const places = Array.from({ length: cols }, () => randperm(rows, { generator }).narrow(0, 0, count));
    if (tensor.numel() > 0) noGrad(() => tensor.copy_(tensor.scatter(0, stack(places, 1), 0)));
  },
);

function fill(tensor: Tensor, value: number): void {
  noGrad(() => tensor.fill_(value));
}

const fillUniform = (tensor: Tensor, low: number, high: number, generator: Generator | null): Tensor =>
  noGrad(() => tensor.uniform_(low, high, { generator }));

const fillNormal = (tensor: Tensor, mean: number, std: number, generator: Generator | null): Tensor =>
  noGrad(() => tensor.normal_(mean, std, { generator }));

const write = (tensor: Tensor, values: Tensor): Tensor => noGrad(() => tensor.copy_(values));

const writeValues = (tensor: Tensor, values: Float64Array): Tensor =>
  write(tensor, tensorOf(values).reshape(tensor.shape));

function requireFloat(op: string, { dtype }: Tensor): void {
  if (!isFloat(dtype)) throw new DTypeError(`${op}: expected a float tensor, got ${dtype}`);
}

function requireMatrix(op: string, { shape }: Tensor): void {
  if (shape.length !== 2) throw new ShapeError(`${op}: expected a tensor of 2 dimensions, got ${show(shape)}`);
}
