import { define, defineBounds } from '../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { type Kind, kind } from '../arguments/kind.js';
import { signature } from '../arguments/signature.js';
import { dtypes, isFloat, isInteger, type RandomKind } from '../backend/index.js';
import { DTypeError, ShapeError, ValueError } from '../errors.js';
import { refuseIf, requireInt32 } from '../tensor/check.js';
import { emptyLikeOf, emptyOf } from '../tensor/empty.js';
import type { Generator } from '../tensor/generator.js';
import * as kinds from '../tensor/kinds.js';
import { drawing, making } from '../tensor/parameters.js';
import type { Operand } from '../tensor/promotion.js';
import { broadcastShapes, type Shape, show } from '../tensor/shape.js';
import { isTensor, shapeOf, type Tensor } from '../tensor/tensor.js';
import { to } from './conversion.js';
import { draw, drawInto, requireFloat } from './draws.js';
import { sampleCategories } from './multinomial.js';
import { add, lt, mul } from './pointwise.js';

export { defaultGenerator, Generator, manualSeed } from '../tensor/generator.js';

const ofSize = signature('size, *, generator, dtype, requiresGrad', {
  size: kinds.shape,
  ...drawing,
  ...making,
});
const ofLikeSize = signature('input, /, *, generator, dtype, requiresGrad', {
  input: kinds.tensor,
  ...drawing,
  ...making,
});
const stream = signature('*, generator', drawing);

export interface DrawOptions extends OptionsOf<typeof stream> {}
export interface RandomOptions extends OptionsOf<typeof ofSize> {}

type Random = FunctionOf<Tensor, typeof ofSize, RandomOptions>;
type RandomLike = FunctionOf<Tensor, typeof ofLikeSize, RandomOptions>;

/** Draws floats into a tensor that is new. */
function drawn(
  op: string,
  kind: RandomKind,
  out: Tensor,
  generator: Generator | null,
  requiresGrad: boolean,
  p0 = 0,
  p1 = 1,
): Tensor {
  if (!isFloat(out.dtype)) throw new DTypeError(`${op}: expected a float dtype, got ${out.dtype}`);
  return finished(drawInto(op, kind, out, generator, p0, p1), requiresGrad);
}

const finished = (x: Tensor, requiresGrad: boolean): Tensor => (requiresGrad ? x.requiresGrad_() : x);

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
export const rand: Random = define('rand', ofSize, (size, generator, dtype, requiresGrad) =>
  drawn('rand', 'uniform', emptyOf(size, dtype ?? 'float32'), generator, requiresGrad),
);

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
export const randn: Random = define('randn', ofSize, (size, generator, dtype, requiresGrad) =>
  drawn('randn', 'normal', emptyOf(size, dtype ?? 'float32'), generator, requiresGrad),
);

const bounds = {
  /** The least. Default: 0. */
  low: kinds.integerFrom(-(2 ** 31), 2 ** 31).default(0),
  high: kinds.integerFrom(-(2 ** 31), 2 ** 31),
};

const integers = signature('low, high, size, *, generator, dtype, requiresGrad', {
  ...bounds,
  size: kinds.shape,
  ...drawing,
  ...making,
});

/** By position low can be left out. */
interface RandomIntegers {
  (high: number, size: Shape, options?: RandomOptions): Tensor;
  (low: number, high: number, size: Shape, options?: RandomOptions): Tensor;
  (options: RandomOptions & { low?: number; high: number; size: Shape }): Tensor;
}

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
export const randint = defineBounds('randint', integers, 'high', (low, high, size, generator, dtype, requiresGrad) =>
  drawnIntegers('randint', low, high, emptyOf(size, dtype ?? 'int32'), generator, requiresGrad),
) as RandomIntegers;

function drawnIntegers(
  op: string,
  low: number,
  high: number,
  out: Tensor,
  generator: Generator | null,
  requiresGrad: boolean,
): Tensor {
  if (low >= high) throw new ValueError(`${op}: low must be below high, got [${low}, ${high})`);
  return finished(drawInto(op, 'integer', out, generator, low, high), requiresGrad);
}

const integersLike = signature('input, /, low, high, *, generator, dtype, requiresGrad', {
  input: kinds.tensor,
  ...bounds,
  ...drawing,
  ...making,
});

/** By position low can be left out. */
interface RandomIntegersLike {
  (input: Tensor, high: number, options?: RandomOptions): Tensor;
  (input: Tensor, low: number, high: number, options?: RandomOptions): Tensor;
  (input: Tensor, options: RandomOptions & { low?: number; high: number }): Tensor;
}

/**
 * `randint` with the shape and, unless given, the element type of `x`.
 *
 * @throws ValueError if low is not below high
 * @example
 * ```ts
 * manualSeed(0);
 * randintLike(zeros([4]), 10); // tensor([4., 9., 3., 0.])
 * randintLike(zeros([4]), -5, 5, { dtype: 'int32' }); // tensor([-2,  4,  2, -2])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.randint_like.html
 */
export const randintLike = defineBounds(
  'randintLike',
  integersLike,
  'high',
  (x, low, high, generator, dtype, requiresGrad) =>
    drawnIntegers('randintLike', low, high, emptyLikeOf(x, dtype ?? x.dtype), generator, requiresGrad),
  1,
) as RandomIntegersLike;

const permutation = signature('n, *, generator, dtype, requiresGrad', {
  n: kinds.integerFrom(0, 2 ** 31 - 1),
  ...drawing,
  ...making,
});

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
export const randperm: FunctionOf<Tensor, typeof permutation, RandomOptions> = define(
  'randperm',
  permutation,
  (n, generator, dtype, requiresGrad) =>
    finished(draw('permutation', emptyOf([n], dtype ?? 'int32'), generator, 0, 0), requiresGrad),
);

/** `rand` with the shape and, unless given, the element type of `x`. @example randLike(zeros([2, 3])).shape; // [2, 3] */
export const randLike: RandomLike = define('randLike', ofLikeSize, (x, generator, dtype, requiresGrad) =>
  drawn('randLike', 'uniform', emptyLikeOf(x, dtype ?? x.dtype), generator, requiresGrad),
);
/** `randn` with the shape and, unless given, the element type of `x`. @example randnLike(zeros([2, 3])).shape; // [2, 3] */
export const randnLike: RandomLike = define('randnLike', ofLikeSize, (x, generator, dtype, requiresGrad) =>
  drawn('randnLike', 'normal', emptyLikeOf(x, dtype ?? x.dtype), generator, requiresGrad),
);

const normals = signature('mean, std, size, *, generator, dtype, requiresGrad', {
  mean: kinds.operand,
  std: kinds.operand,
  /** Of two numbers. Default: null, that of the tensors. */
  size: kinds.shape.optional(),
  ...drawing,
  ...making,
});

/** A size goes with two numbers. */
interface Normal {
  (mean: number, std: number, size: Shape, options?: RandomOptions): Tensor;
  (mean: Operand, std: Operand, options?: DrawOptions): Tensor;
  (mean: number, std: number, options: RandomOptions & { size: Shape }): Tensor;
  (options: RandomOptions & { mean: number; std: number; size: Shape }): Tensor;
  (options: DrawOptions & { mean: Operand; std: Operand }): Tensor;
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
export const normal = define('normal', normals, (mean, std, size, generator, dtype, requiresGrad) => {
  if (typeof std === 'number') checkStd('normal', std);
  if (typeof mean === 'number' && typeof std === 'number') {
    if (size === null) kinds.shape.refuse('normal', 'size', undefined);
    return drawn('normal', 'normal', emptyOf(size, dtype ?? 'float32'), generator, requiresGrad, mean, std);
  }
  if (size !== null || dtype !== null || requiresGrad) {
    throw new ValueError('normal: size, dtype and requiresGrad go with two numbers; a tensor has its own');
  }
  if (typeof std === 'number') {
    const center = mean as Tensor;
    return add(drawn('normal', 'normal', emptyOf(shapeOf(center), center.dtype), generator, false, 0, std), center);
  }
  refuseWhere(lt(std.detach(), 0), 'normal: every standard deviation must be at least 0');
  const shape = broadcastShapes('normal', shapeOf(std), isTensor(mean) ? shapeOf(mean) : []);
  return add(mul(drawn('normal', 'normal', emptyOf(shape, std.dtype), generator, false), std), mean);
}) as Normal;

function refuseWhere(condition: Tensor, complaint: string): void {
  refuseIf(to(condition.any(), 'float64'), () => new ValueError(complaint));
}

function checkStd(op: string, std: number): void {
  if (!(std >= 0)) throw new ValueError(`${op}: std must be at least 0, got ${std}`);
}

const ofProbabilities = signature('input, /, *, generator', { input: kinds.tensor, ...drawing });

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
export const bernoulli: FunctionOf<Tensor, typeof ofProbabilities, DrawOptions> = define(
  'bernoulli',
  ofProbabilities,
  (p, generator) => {
    if (!isFloat(p.dtype)) throw new DTypeError(`bernoulli: probabilities must be floats, got ${p.dtype}`);
    // Asked this way round, because NaN is on neither side.
    const outside = p.detach().ge(0).logicalAnd(p.detach().le(1)).logicalNot();
    refuseWhere(outside, 'bernoulli: every probability must be in [0, 1]');
    return to(lt(drawn('bernoulli', 'uniform', emptyOf(shapeOf(p), p.dtype), generator, false), p.detach()), p.dtype);
  },
);

const sampling = signature('input, /, numSamples, replacement, *, generator', {
  input: kinds.tensor,
  numSamples: kinds.integerFrom(1),
  /** Whether a category can be drawn more than once. Default: false. */
  replacement: kinds.boolean.default(false),
  ...drawing,
});

export interface MultinomialOptions extends OptionsOf<typeof sampling> {}

/**
 * Indices of `numSamples` categories, drawn with probabilities proportional to the weights (of each row, if there are two dimensions). int32.
 *
 * @throws ValueError for a negative weight, and for more samples than categories without replacement; CaptureError within a captured function for
 * several samples with replacement from float32 weights, whose sums are made by the host
 * @example
 * ```ts
 * multinomial(tensor([0, 3, 0]), 1); // tensor([1])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.multinomial.html
 */
export const multinomial: FunctionOf<Tensor, typeof sampling, MultinomialOptions> = define(
  'multinomial',
  sampling,
  (weights, numSamples, replacement, generator) => {
    const { dtype, shape } = weights;
    if (!isFloat(dtype)) throw new DTypeError(`multinomial: weights must be floats, got ${dtype}`);
    if (shape.length !== 1 && shape.length !== 2)
      throw new ShapeError(`multinomial: weights must be 1-d or 2-d, got ${show(shape)}`);
    return sampleCategories(weights.detach(), numSamples, replacement, generator);
  },
);

const uniform = signature('input, /, from, to, *, generator', {
  input: kinds.tensor,
  /** Lower bound. Default: 0. */
  from: kinds.number.default(0),
  /** Upper bound. Default: 1. */
  to: kinds.number.default(1),
  ...drawing,
});

interface UniformOptions extends OptionsOf<typeof uniform> {}

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
export const uniform_: FunctionOf<Tensor, typeof uniform, UniformOptions> = define(
  'uniform_',
  uniform,
  (x, from, to, generator) => {
    requireFloat('uniform_', x);
    if (!(from <= to)) throw new ValueError(`uniform_: expected from <= to, got [${from}, ${to})`);
    if (x.numel() > 0 && !(to - from <= dtypes[x.dtype].largest)) {
      throw new ValueError(`uniform_: ${x.dtype} does not hold the distance from ${from} to ${to}`);
    }
    return drawInto('uniform_', 'uniform', x, generator, from, to);
  },
);

const gaussian = signature('input, /, mean, std, *, generator', {
  input: kinds.tensor,
  /** Default: 0. */
  mean: kinds.number.default(0),
  /** Standard deviation. Default: 1. */
  std: kinds.atLeast(0).default(1),
  ...drawing,
});

interface NormalOptions extends OptionsOf<typeof gaussian> {}

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
export const normal_: FunctionOf<Tensor, typeof gaussian, NormalOptions> = define(
  'normal_',
  gaussian,
  (x, mean, std, generator) => {
    requireFloat('normal_', x);
    return drawInto('normal_', 'normal', x, generator, mean, std);
  },
);

const probability: Kind<number | Tensor> = kind(
  'a Tensor or a number in [0, 1]',
  (value): value is number | Tensor => kinds.within(0, 1).accepts(value) || isTensor(value),
);

const coin = signature('input, /, p, *, generator', {
  input: kinds.tensor,
  /** Of a 1: a number, or a tensor that broadcasts. Default: 0.5. */
  p: probability.default(0.5),
  ...drawing,
});

interface BernoulliOptions extends OptionsOf<typeof coin> {}

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
export const bernoulli_: FunctionOf<Tensor, typeof coin, BernoulliOptions> = define(
  'bernoulli_',
  coin,
  (x, p, generator) =>
    typeof p === 'number'
      ? drawInto('bernoulli_', 'bernoulli', x, generator, p)
      : x.copy_(bernoulli(p.expand(shapeOf(x)), { generator })),
);

const decay = signature('input, /, lambd, *, generator', {
  input: kinds.tensor,
  /** The rate λ. Default: 1. */
  lambd: kinds.above(0).default(1),
  ...drawing,
});

interface ExponentialOptions extends OptionsOf<typeof decay> {}

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
export const exponential_: FunctionOf<Tensor, typeof decay, ExponentialOptions> = define(
  'exponential_',
  decay,
  (x, lambd, generator) => {
    requireFloat('exponential_', x);
    return drawInto('exponential_', 'exponential', x, generator, lambd);
  },
);

const between = signature('input, /, from, to, *, generator', {
  input: kinds.tensor,
  from: kinds.integer,
  to: kinds.integer,
  ...drawing,
});

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
export const random_: FunctionOf<Tensor, typeof between, DrawOptions> = define(
  'random_',
  between,
  (x, from, to, generator) => {
    if (!(from < to)) throw new ValueError(`random_: expected from < to, got [${from}, ${to})`);
    if (isInteger(x.dtype)) for (const bound of [from, to - 1]) requireInt32('random_', bound);
    return drawInto('random_', 'integer', x, generator, from, to);
  },
);
