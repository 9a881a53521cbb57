import { noGrad } from '../autograd/mode.js';
import { isFloat } from '../backend/dtype.js';
import { sizeOf } from '../backend/view.js';
import { describe } from '../describe.js';
import { DTypeError, ShapeError, ValueError } from '../errors.js';
import { eye, tensor as tensorOf } from '../ops/creation.js';
import { stack } from '../ops/joining.js';
import { orthogonalize } from '../ops/linalg-qr.js';
import { type DrawOptions, randperm } from '../ops/random.js';
import { checkOptions, unknownName } from '../options.js';
import { requireTensor } from '../tensor/arguments.js';
import { emptyOf } from '../tensor/empty.js';
import { checkInteger, type Shape, show } from '../tensor/shape.js';
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

export interface UniformOptions extends DrawOptions {
  /** Lower bound. Default: 0. */
  a?: number;
  /** Upper bound. Default: 1. */
  b?: number;
}

export interface NormalOptions extends DrawOptions {
  /** Default: 0. */
  mean?: number;
  /** Standard deviation. Default: 1. */
  std?: number;
}

export interface TruncNormalOptions extends NormalOptions {
  /** No value is below this. Default: -2. */
  a?: number;
  /** No value is above this. Default: 2. */
  b?: number;
}

export interface DiracOptions {
  /** Groups of channels, each of which keeps its identity. Default: 1. */
  groups?: number;
}

export interface GainOptions extends DrawOptions {
  /** Multiplies the values; see `calculateGain`. Default: 1. */
  gain?: number;
}

export interface KaimingOptions extends DrawOptions {
  /** Negative slope of the leaky ReLU that follows. Default: 0. */
  a?: number;
  /** Default: `'fan_in'`. */
  mode?: FanMode;
  /** What follows the layer. Default: `'leaky_relu'`. */
  nonlinearity?: Nonlinearity;
}

export interface SparseOptions extends DrawOptions {
  /** Standard deviation of the values that are not 0. Default: 0.01. */
  std?: number;
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
export function calculateGain(nonlinearity: Nonlinearity, param: number | null = null): number {
  checkChoice('calculateGain', 'nonlinearity', nonlinearity, NONLINEARITIES);
  switch (nonlinearity) {
    case 'tanh':
      return 5 / 3;
    case 'relu':
      return Math.SQRT2;
    case 'leaky_relu':
      return Math.sqrt(2 / (1 + checkNumber('calculateGain', 'param', param ?? 0.01) ** 2));
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
export function uniform_<T extends Tensor>(tensor: T, options: UniformOptions = {}): T {
  checkCall('uniform_', tensor, options, ['a', 'b', 'generator']);
  const { a = 0, b = 1 } = options;
  checkNumber('uniform_', 'a', a);
  checkNumber('uniform_', 'b', b);
  return fillUniform(tensor, a, b, options);
}

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
export function normal_<T extends Tensor>(tensor: T, options: NormalOptions = {}): T {
  checkCall('normal_', tensor, options, ['mean', 'std', 'generator']);
  const { mean = 0, std = 1 } = options;
  checkNumber('normal_', 'mean', mean);
  return fillNormal(tensor, mean, std, options);
}

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
export function truncNormal_<T extends Tensor>(tensor: T, options: TruncNormalOptions = {}): T {
  checkCall('truncNormal_', tensor, options, ['mean', 'std', 'a', 'b', 'generator']);
  requireFloat('truncNormal_', tensor);
  const { mean = 0, std = 1, a = -2, b = 2, ...draw } = options;
  checkNumber('truncNormal_', 'mean', mean);
  if (!(typeof std === 'number' && std > 0))
    throw new ValueError(`truncNormal_: the standard deviation must be above 0, got ${describe(std)}`);
  checkNumber('truncNormal_', 'a', a);
  checkNumber('truncNormal_', 'b', b);
  if (a > b) throw new ValueError(`truncNormal_: expected a <= b, got [${a}, ${b}]`);
  noGrad(() => fillTruncatedNormal(tensor, { mean, std, a, b }, draw));
  return tensor;
}

/**
 * One value everywhere.
 *
 * @example
 * ```ts
 * nn.init.constant_(empty([2]), 0.3); // tensor([0.3000, 0.3000])
 * ```
 * @see https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.constant_
 */
export function constant_<T extends Tensor>(tensor: T, val: number): T {
  return fill('constant_', tensor, checkNumber('constant_', 'val', val));
}

/**
 * Ones.
 *
 * @example
 * ```ts
 * nn.init.ones_(empty([2])); // tensor([1., 1.])
 * ```
 * @see https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.ones_
 */
export const ones_ = <T extends Tensor>(tensor: T): T => fill('ones_', tensor, 1);

/**
 * Zeros.
 *
 * @example
 * ```ts
 * nn.init.zeros_(empty([2])); // tensor([0., 0.])
 * ```
 * @see https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.zeros_
 */
export const zeros_ = <T extends Tensor>(tensor: T): T => fill('zeros_', tensor, 0);

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
export function eye_<T extends Tensor>(tensor: T): T {
  checkCall('eye_', tensor, {}, []);
  requireMatrix('eye_', tensor);
  return write(tensor, eye(tensor.shape[0]!, tensor.shape[1]!, { dtype: tensor.dtype }));
}

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
export function dirac_<T extends Tensor>(tensor: T, options: DiracOptions = {}): T {
  checkCall('dirac_', tensor, options, ['groups']);
  const { groups = 1 } = options;
  checkInteger('dirac_', 'groups', groups, 1);
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
  return writeValues(tensor, values);
}

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
export function xavierUniform_<T extends Tensor>(tensor: T, options: GainOptions = {}): T {
  const bound = Math.sqrt(3) * xavierDeviation('xavierUniform_', tensor, options);
  return fillUniform(tensor, -bound, bound, options);
}

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
export function xavierNormal_<T extends Tensor>(tensor: T, options: GainOptions = {}): T {
  return fillNormal(tensor, 0, xavierDeviation('xavierNormal_', tensor, options), options);
}

function xavierDeviation(op: string, tensor: Tensor, options: GainOptions): number {
  checkCall(op, tensor, options, ['gain', 'generator']);
  const gain = checkNumber(op, 'gain', options.gain === undefined ? 1 : options.gain);
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
export function kaimingUniform_<T extends Tensor>(tensor: T, options: KaimingOptions = {}): T {
  const bound = Math.sqrt(3) * kaimingDeviation('kaimingUniform_', tensor, options);
  return fillUniform(tensor, -bound, bound, options);
}

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
export function kaimingNormal_<T extends Tensor>(tensor: T, options: KaimingOptions = {}): T {
  return fillNormal(tensor, 0, kaimingDeviation('kaimingNormal_', tensor, options), options);
}

function kaimingDeviation(op: string, tensor: Tensor, options: KaimingOptions): number {
  checkCall(op, tensor, options, ['a', 'mode', 'nonlinearity', 'generator']);
  const { a = 0, mode = 'fan_in', nonlinearity = 'leaky_relu' } = options;
  checkNumber(op, 'a', a);
  checkChoice(op, 'mode', mode, MODES);
  checkChoice(op, 'nonlinearity', nonlinearity, NONLINEARITIES);
  const [fanIn, fanOut] = fans(op, tensor.shape);
  return calculateGain(nonlinearity, a) / Math.sqrt(mode === 'fan_in' ? fanIn : fanOut);
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
export function orthogonal_<T extends Tensor>(tensor: T, options: GainOptions = {}): T {
  checkCall('orthogonal_', tensor, options, ['gain', 'generator']);
  requireFloat('orthogonal_', tensor);
  const { gain = 1, ...draw } = options;
  checkNumber('orthogonal_', 'gain', gain);
  if (tensor.ndim < 2) {
    throw new ShapeError(`orthogonal_: expected at least 2 dimensions, got ${show(tensor.shape)}`);
  }
  if (tensor.numel() === 0) return tensor;
  const rows = tensor.shape[0]!;
  const cols = tensor.numel() / rows;
  const normals = emptyOf([rows, cols], tensor.dtype).normal_(0, 1, draw);
  const { values } = orthogonalize({ rows, cols, values: Float64Array.from(normals.toTypedArray()) });
  return writeValues(
    tensor,
    values.map((x) => x * gain),
  );
}

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
export function sparse_<T extends Tensor>(tensor: T, sparsity: number, options: SparseOptions = {}): T {
  checkCall('sparse_', tensor, options, ['std', 'generator']);
  requireMatrix('sparse_', tensor);
  if (!(typeof sparsity === 'number' && sparsity >= 0 && sparsity <= 1)) {
    throw new ValueError(`sparse_: the sparsity must be between 0 and 1, got ${describe(sparsity)}`);
  }
  const { std = 0.01, ...draw } = options;
  fillNormal(tensor, 0, std, draw);
  const [rows, cols] = tensor.shape as [number, number];
  const count = Math.ceil(sparsity * rows);
  const places = Array.from({ length: cols }, () => randperm(rows, draw).narrow(0, 0, count));
  if (tensor.numel() > 0) noGrad(() => tensor.copy_(tensor.scatter(0, stack(places, 1), 0)));
  return tensor;
}

function fill<T extends Tensor>(op: string, tensor: T, value: number): T {
  checkCall(op, tensor, {}, []);
  noGrad(() => tensor.fill_(value));
  return tensor;
}

function fillUniform<T extends Tensor>(tensor: T, low: number, high: number, options: DrawOptions): T {
  noGrad(() => tensor.uniform_(low, high, streamOf(options)));
  return tensor;
}

function fillNormal<T extends Tensor>(tensor: T, mean: number, std: number, options: DrawOptions): T {
  noGrad(() => tensor.normal_(mean, std, streamOf(options)));
  return tensor;
}

const streamOf = ({ generator }: DrawOptions): DrawOptions => (generator === undefined ? {} : { generator });

function write<T extends Tensor>(tensor: T, values: Tensor): T {
  noGrad(() => tensor.copy_(values));
  return tensor;
}

const writeValues = <T extends Tensor>(tensor: T, values: Float64Array): T =>
  write(tensor, tensorOf(values).reshape(tensor.shape));

function checkCall(op: string, tensor: unknown, options: object, known: readonly string[]): void {
  requireTensor(op, tensor);
  checkOptions(op, options, known);
}

function requireFloat(op: string, { dtype }: Tensor): void {
  if (!isFloat(dtype)) throw new DTypeError(`${op}: expected a float tensor, got ${dtype}`);
}

function requireMatrix(op: string, { shape }: Tensor): void {
  if (shape.length !== 2) throw new ShapeError(`${op}: expected a tensor of 2 dimensions, got ${show(shape)}`);
}

function checkNumber(op: string, name: string, value: unknown): number {
  if (typeof value === 'number' && !Number.isNaN(value)) return value;
  throw new ValueError(`${op}: ${name} must be a number, got ${describe(value)}`);
}

function checkChoice(op: string, kind: string, value: unknown, known: readonly string[]): void {
  if (typeof value === 'string' && known.includes(value)) return;
  if (typeof value === 'string') throw new ValueError(`${op}: ${unknownName(kind, value, known)}`);
  throw new ValueError(`${op}: ${kind} must be one of ${known.join(', ')}, got ${describe(value)}`);
}
