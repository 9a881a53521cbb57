import { checkDType, isInteger } from '../backend/dtype.js';
import {
  allocateState,
  backend,
  type DType,
  faultOfState,
  isFloat,
  type RandomKind,
  STATE_WORDS,
  type Storage,
  seedState,
  sizeOf,
  stateWords,
} from '../backend/index.js';
import { describe } from '../describe.js';
import { DTypeError, FormatError, ShapeError, ValueError } from '../errors.js';
import { checkBoolean, checkOptions } from '../options.js';
import { typedArrayName } from '../realm.js';
import { checkNumber, checkOperand, checkTensor } from '../tensor/arguments.js';
import { refuseIf, requireInt32 } from '../tensor/check.js';
import { overwritten, requireWritable } from '../tensor/elementwise.js';
import { emptyOf } from '../tensor/empty.js';
import { broadcastShapes, checkInteger, checkShape, type Shape, show } from '../tensor/shape.js';
import { operandOf, storageOf, Tensor } from '../tensor/tensor.js';
import { uncloneable } from '../uncloneable.js';
import { to } from './conversion.js';
import { multinomial as sampleCategories } from './multinomial.js';
import { add, lt, mul } from './pointwise.js';
import { narrow, permute, reshape } from './views.js';

const UNCLONEABLE = uncloneable('Generator', 'send its getState(), and there call setState');

/** The memory of a stream, which must not get out of the library. */
let streamOf: (generator: Generator) => Storage;

/**
 * A stream of random numbers (MT19937), independent of the default one. The same seed gives the same values on every machine and backend,
 * and they are PyTorch's.
 *
 * @example
 * ```ts
 * const generator = new Generator(42);
 * rand([2], { generator }); // tensor([0.8823, 0.9150])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.Generator.html
 */
export class Generator {
  /** @internal */
  readonly uncloneable = UNCLONEABLE;
  readonly #state: Storage = allocateState();
  #seed = 0;

  static {
    streamOf = (generator) => generator.#state;
  }

  constructor(seed = 5489) {
    this.manualSeed(seed);
  }

  /** Restarts the stream, from an integer of which the low 32 bits count. */
  manualSeed(seed: number): this {
    checkInteger('manualSeed', 'seed', seed, Number.MIN_SAFE_INTEGER);
    seedState(this.#state, seed);
    this.#seed = seed;
    return this;
  }

  /** The seed the stream was last started from. */
  initialSeed(): number {
    return this.#seed;
  }

  /** @internal Without it, `JSON.stringify` would write an empty object. */
  toJSON(): never {
    throw new ValueError('toJSON: a Generator is not written as such; write [...generator.getState()]');
  }

  /** A copy of where the stream is, to come back to with `setState`. */
  getState(): Int32Array {
    return stateWords(this.#state).slice(0, STATE_WORDS);
  }

  /**
   * Goes back to what `getState` returned.
   *
   * @throws FormatError for anything else; the stream then stays where it is
   */
  setState(state: Int32Array): this {
    if (typedArrayName(state) !== 'Int32Array' || state.length !== STATE_WORDS) {
      throw new FormatError(
        `setState: expected an Int32Array of ${STATE_WORDS} words from getState, got ${describe(state)}`,
      );
    }
    const fault = faultOfState(state);
    if (fault !== null) throw new FormatError(`setState: this is no state from getState: ${fault}`);
    stateWords(this.#state).set(state);
    return this;
  }
}

/** The stream that is used where no generator is given. */
export const defaultGenerator = new Generator();

/**
 * Restarts the default stream; returns its generator.
 *
 * @example
 * ```ts
 * manualSeed(0);
 * rand([3]); // tensor([0.4963, 0.7682, 0.0885])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.manual_seed.html
 */
export const manualSeed = (seed: number): Generator => defaultGenerator.manualSeed(seed);

export interface DrawOptions {
  /** The stream to draw from. Default: the one that `manualSeed` starts. */
  generator?: Generator;
}

export interface RandomOptions extends DrawOptions {
  /** Element type. Default: float32, or int32 for integers. */
  dtype?: DType;
  /** Whether gradients are accumulated for this tensor. Default: false. */
  requiresGrad?: boolean;
}

function draw(kind: RandomKind, out: Tensor, generator: Generator | undefined, p0: number, p1: number): Tensor {
  backend.random(kind, streamFor(kind, generator), operandOf(out), p0, p1);
  return out;
}

function streamFor(op: string, generator: Generator | undefined): Storage {
  if (generator === undefined || generator instanceof Generator) return streamOf(generator ?? defaultGenerator);
  throw new ValueError(`${op}: generator must be a Generator, got ${describe(generator)}`);
}

function drawn(
  op: string,
  kind: RandomKind,
  shape: Shape,
  options: RandomOptions,
  fallback: DType,
  p0 = 0,
  p1 = 0,
): Tensor {
  checkOptions(op, options, ['dtype', 'requiresGrad', 'generator']);
  checkShape(op, shape);
  const { dtype = fallback, requiresGrad = false } = options;
  checkDType(op, dtype);
  checkBoolean(op, 'requiresGrad', requiresGrad);
  streamFor(op, options.generator);
  if (isFloat(fallback) && !isFloat(dtype)) throw new DTypeError(`${op}: expected a float dtype, got ${dtype}`);
  const out = draw(kind, emptyOf([...shape], dtype), options.generator, p0, p1);
  return requiresGrad ? out.requiresGrad_() : out;
}

/**
 * Values uniform in [0, 1).
 *
 * @example
 * ```ts
 * manualSeed(0);
 * rand([2]); // tensor([0.4963, 0.7682])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.rand.html
 */
export const rand = (shape: Shape, options: RandomOptions = {}): Tensor =>
  drawn('rand', 'uniform', shape, options, 'float32', 0, 1);

/**
 * Normal values of mean 0 and standard deviation 1.
 *
 * @example
 * ```ts
 * manualSeed(0);
 * randn([3]); // tensor([ 1.5410, -0.2934, -2.1788])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.randn.html
 */
export const randn = (shape: Shape, options: RandomOptions = {}): Tensor =>
  drawn('randn', 'normal', shape, options, 'float32', 0, 1);

/**
 * Integers in [low, high), int32. With two arguments low is 0.
 *
 * @throws ValueError if low is not below high
 * @example
 * ```ts
 * manualSeed(0);
 * randint(10, [4]); // tensor([4, 9, 3, 0])
 * randint(-5, 5, [4]); // tensor([-2,  4,  2, -2])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.randint.html
 */
export function randint(high: number, shape: Shape, options?: RandomOptions): Tensor;
export function randint(low: number, high: number, shape: Shape, options?: RandomOptions): Tensor;
export function randint(
  first: number,
  second: number | Shape,
  third?: Shape | RandomOptions,
  fourth: RandomOptions = {},
): Tensor {
  if (typeof second !== 'number') return randint(0, first, second, (third === undefined ? {} : third) as RandomOptions);
  const MIN = -(2 ** 31);
  checkInteger('randint', 'low', first, MIN, -MIN);
  checkInteger('randint', 'high', second, MIN, -MIN);
  if (first >= second) throw new ValueError(`randint: low must be below high, got [${first}, ${second})`);
  return drawn('randint', 'integer', third as Shape, fourth, 'int32', first, second);
}

/**
 * 0 … n-1 in random order, int32.
 *
 * @example
 * ```ts
 * manualSeed(0);
 * randperm(5); // tensor([4, 0, 1, 3, 2])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.randperm.html
 */
export function randperm(n: number, options: RandomOptions = {}): Tensor {
  checkInteger('randperm', 'n', n, 0, 2 ** 31 - 1);
  return drawn('randperm', 'permutation', [n], options, 'int32');
}

/** `rand` with the shape and, unless given, the element type of `x`. @example randLike(zeros([2, 3])).shape; // [2, 3] */
export const randLike = (x: Tensor, options: RandomOptions = {}): Tensor =>
  drawnLike('randLike', 'uniform', x, options);
/** `randn` with the shape and, unless given, the element type of `x`. @example randnLike(zeros([2, 3])).shape; // [2, 3] */
export const randnLike = (x: Tensor, options: RandomOptions = {}): Tensor =>
  drawnLike('randnLike', 'normal', x, options);

function drawnLike(op: string, kind: RandomKind, x: Tensor, options: RandomOptions): Tensor {
  checkTensor(op, 'the input', x);
  checkOptions(op, options, ['dtype', 'requiresGrad', 'generator']);
  return drawn(op, kind, x.shape, { dtype: x.dtype, ...options }, 'float32', 0, 1);
}

/**
 * Normal values with a mean and a standard deviation per element: two tensors that broadcast, or a tensor and a number; of a given shape for
 * two numbers.
 *
 * @throws ValueError for a negative standard deviation
 * @example
 * ```ts
 * normal(tensor([0, 100]), tensor([0, 0])); // tensor([  0., 100.])
 * normal(10, 0.1, [2, 3]).shape; // [2, 3]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.normal.html
 */
export function normal(mean: number, std: number, shape: Shape, options?: RandomOptions): Tensor;
export function normal(mean: Tensor | number, std: Tensor | number, options?: DrawOptions): Tensor;
export function normal(
  mean: Tensor | number,
  std: Tensor | number,
  third: Shape | DrawOptions = {},
  fourth: RandomOptions = {},
): Tensor {
  checkOperand('normal', 'the mean', mean);
  checkOperand('normal', 'the standard deviation', std);
  if (Array.isArray(third)) {
    checkNumber('normal', 'the mean before a shape', mean);
    checkStd('normal', std);
    return drawn('normal', 'normal', third, fourth, 'float32', mean, std);
  }
  if (!(mean instanceof Tensor || std instanceof Tensor)) {
    throw new ValueError(`normal: expected a shape after two numbers, got ${describe(third)}`);
  }
  const options = third as DrawOptions;
  checkOptions('normal', options, ['generator']);
  if (typeof std === 'number') {
    checkStd('normal', std);
    const center = mean as Tensor;
    return add(drawn('normal', 'normal', center.shape, { dtype: center.dtype, ...options }, 'float32', 0, std), center);
  }
  refuseWhere(lt(std.detach(), 0), 'normal: every standard deviation must be at least 0');
  const shape = broadcastShapes('normal', std.shape, mean instanceof Tensor ? mean.shape : []);
  return add(mul(randn(shape, { dtype: std.dtype, ...options }), std), mean);
}

function refuseWhere(condition: Tensor, complaint: string): void {
  refuseIf(to(condition.any(), 'float64'), () => new ValueError(complaint));
}

function checkStd(op: string, std: unknown): asserts std is number {
  if (typeof std === 'number' && std >= 0) return;
  throw new ValueError(`${op}: the standard deviation must be at least 0, got ${describe(std)}`);
}

/**
 * 1 with the probability that each element of `p` gives, else 0.
 *
 * @throws ValueError for a probability outside [0, 1]; DTypeError for integers
 * @example
 * ```ts
 * bernoulli(tensor([0, 1])); // tensor([0., 1.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.bernoulli.html
 */
export function bernoulli(p: Tensor, options: DrawOptions = {}): Tensor {
  checkOptions('bernoulli', options, ['generator']);
  checkTensor('bernoulli', 'the input', p);
  if (!isFloat(p.dtype)) throw new DTypeError(`bernoulli: probabilities must be floats, got ${p.dtype}`);
  // Asked this way round, because NaN is on neither side.
  const outside = p.detach().ge(0).logicalAnd(p.detach().le(1)).logicalNot();
  refuseWhere(outside, 'bernoulli: every probability must be in [0, 1]');
  return to(lt(rand(p.shape, { dtype: p.dtype, ...options }), p.detach()), p.dtype);
}

export interface MultinomialOptions extends DrawOptions {
  /** Whether a category can be drawn more than once. Default: false. */
  replacement?: boolean;
}

/**
 * Indices of `numSamples` categories, drawn with probabilities proportional to the weights (of each row, if there are two dimensions). int32.
 *
 * @throws ValueError for a negative weight, and for more samples than categories without replacement
 * @example
 * ```ts
 * multinomial(tensor([0, 3, 0]), 1); // tensor([1])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.multinomial.html
 */
export function multinomial(weights: Tensor, numSamples: number, options: MultinomialOptions = {}): Tensor {
  checkOptions('multinomial', options, ['replacement', 'generator']);
  checkTensor('multinomial', 'the input', weights);
  checkInteger('multinomial', 'numSamples', numSamples, 1);
  const { dtype, shape } = weights;
  if (!isFloat(dtype)) throw new DTypeError(`multinomial: weights must be floats, got ${dtype}`);
  if (shape.length !== 1 && shape.length !== 2)
    throw new ShapeError(`multinomial: weights must be 1-d or 2-d, got ${show(shape)}`);
  const { generator, replacement = false } = options;
  checkBoolean('multinomial', 'replacement', replacement);
  streamFor('multinomial', generator);
  const draws = {
    uniform: (count: number) =>
      draw('uniform', emptyOf([count], 'float64'), generator, 0, 1).toTypedArray() as Float64Array,
    exponential: (count: number) =>
      draw('exponential', emptyOf([count], dtype), generator, 1, 0).toTypedArray() as Float32Array,
  };
  const categories = shape.at(-1)!;
  const rows = sizeOf(shape.slice(0, -1));
  const values = weights.toTypedArray() as Float32Array;
  const out = emptyOf([...shape.slice(0, -1), numSamples], 'int32');
  for (let row = 0; row < rows; row++) {
    const own = values.subarray(row * categories, (row + 1) * categories);
    storageOf(out)
      .array('int32')
      .set(sampleCategories(own, numSamples, replacement, draws), row * numSamples);
  }
  return out;
}

/** Draws into `x` itself. */
function drawInto(op: string, kind: RandomKind, x: Tensor, options: DrawOptions, p0: number, p1 = 0): Tensor {
  checkOptions(op, options, ['generator']);
  streamFor(op, options.generator);
  requireWritable(op, x);
  if (x.isContiguous()) draw(kind, x, options.generator, p0, p1);
  else drawStrided(kind, x.detach(), options.generator, p0, p1);
  overwritten(op, x);
  return x;
}

/** As many normals as are drawn one by one, not as a block. */
const FEW = 15;

/** Draws in the order of memory, which for a transposed matrix is that of its columns, and normals one by one: as PyTorch does. */
function drawStrided(kind: RandomKind, x: Tensor, generator: Generator | undefined, p0: number, p1: number): void {
  const axes = [...x.shape.keys()].sort((a, b) => x.strides[b]! - x.strides[a]!);
  const inOrder = permute(x, axes);
  const values = emptyOf([x.numel()], x.dtype);
  const step = kind === 'normal' ? FEW : x.numel();
  for (let start = 0; start < x.numel(); start += step) {
    draw(kind, narrow(values, 0, start, Math.min(step, x.numel() - start)), generator, p0, p1);
  }
  inOrder.copy_(reshape(values, inOrder.shape));
}

const LARGEST = { float32: (2 - 2 ** -23) * 2 ** 127, float64: Number.MAX_VALUE };

function requireFloat(op: string, x: Tensor): void {
  checkTensor(op, 'the target', x);
  if (!isFloat(x.dtype)) throw new DTypeError(`${op}: expected a float tensor, got ${x.dtype}`);
}

/**
 * Fills with values uniform in [from, to).
 *
 * @param from default 0
 * @param to default 1
 * @throws DTypeError for integers
 * @example
 * ```ts
 * manualSeed(0);
 * empty([2]).uniform_(-1, 1); // tensor([-0.0075,  0.5364])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.uniform_.html
 */
export function uniform_(x: Tensor, from = 0, to = 1, options: DrawOptions = {}): Tensor {
  requireFloat('uniform_', x);
  checkNumber('uniform_', 'from', from);
  checkNumber('uniform_', 'to', to);
  if (!(from <= to)) throw new ValueError(`uniform_: expected from <= to, got [${from}, ${to})`);
  if (x.numel() > 0 && !(to - from <= LARGEST[x.dtype as 'float32' | 'float64'])) {
    throw new ValueError(`uniform_: ${x.dtype} does not hold the distance from ${from} to ${to}`);
  }
  return drawInto('uniform_', 'uniform', x, options, from, to);
}

/**
 * Fills with normal values.
 *
 * @param mean default 0
 * @param std default 1
 * @throws DTypeError for integers; ValueError for a negative standard deviation
 * @example
 * ```ts
 * manualSeed(0);
 * empty([2]).normal_(10, 0.1); // tensor([10.1541,  9.9707])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.normal_.html
 */
export function normal_(x: Tensor, mean = 0, std = 1, options: DrawOptions = {}): Tensor {
  requireFloat('normal_', x);
  checkNumber('normal_', 'the mean', mean);
  checkStd('normal_', std);
  return drawInto('normal_', 'normal', x, options, mean, std);
}

/**
 * Fills with 1 with probability p, else 0.
 *
 * @param p a number, or a tensor that broadcasts; default 0.5
 * @throws ValueError for a probability outside [0, 1]
 * @example
 * ```ts
 * empty([3]).bernoulli_(1); // tensor([1., 1., 1.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.bernoulli_.html
 */
export function bernoulli_(x: Tensor, p: number | Tensor = 0.5, options: DrawOptions = {}): Tensor {
  checkTensor('bernoulli_', 'the target', x);
  if (p instanceof Tensor) return x.copy_(bernoulli(p.expand(x.shape), options));
  if (!(typeof p === 'number' && p >= 0 && p <= 1))
    throw new ValueError(`bernoulli_: p must be in [0, 1], got ${describe(p)}`);
  return drawInto('bernoulli_', 'bernoulli', x, options, p);
}

/**
 * Fills with exponentially distributed values of rate λ: of density λ e^(-λx).
 *
 * @param lambd default 1
 * @throws DTypeError for integers; ValueError for a rate that is not above 0
 * @example
 * ```ts
 * empty([100]).exponential_(2).ge(0).all(); // tensor(True)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.exponential_.html
 */
export function exponential_(x: Tensor, lambd = 1, options: DrawOptions = {}): Tensor {
  requireFloat('exponential_', x);
  if (!(typeof lambd === 'number' && lambd > 0))
    throw new ValueError(`exponential_: the rate must be above 0, got ${describe(lambd)}`);
  return drawInto('exponential_', 'exponential', x, options, lambd);
}

/**
 * Fills with integers in [from, to).
 *
 * @throws ValueError for bounds that are not integers, and if from is not below to
 * @example
 * ```ts
 * manualSeed(0);
 * empty([3]).random_(0, 10); // tensor([4., 9., 3.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.random_.html
 */
export function random_(x: Tensor, from: number, to: number, options: DrawOptions = {}): Tensor {
  checkTensor('random_', 'the target', x);
  checkInteger('random_', 'from', from, Number.MIN_SAFE_INTEGER);
  checkInteger('random_', 'to', to, Number.MIN_SAFE_INTEGER);
  if (!(from < to)) throw new ValueError(`random_: expected from < to, got [${from}, ${to})`);
  if (isInteger(x.dtype)) for (const bound of [from, to - 1]) requireInt32('random_', bound);
  return drawInto('random_', 'integer', x, options, from, to);
}
