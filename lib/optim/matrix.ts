import type { ArgumentsOf, OptionsOf } from '../arguments/forms.js';
import { kind } from '../arguments/kind.js';
import { signature } from '../arguments/signature.js';
import { dtypes } from '../backend/dtype.js';
import * as e from '../expr/index.js';
import { elementwise } from '../tensor/elementwise.js';
import * as kinds from '../tensor/kinds.js';
import type { Shape } from '../tensor/shape.js';
import { shapeOf, type Tensor } from '../tensor/tensor.js';
import type { Params } from './groups.js';
import { Optimizer } from './optimizer.js';
import { common, directed, rate } from './parameters.js';
import { rule, zeros } from './rule.js';

// Optimizers that treat a matrix as a whole; their updates are tensor operations.

const orthogonal = signature(
  'params, /, lr, weightDecay, momentum, nesterov, nsCoefficients, eps, nsSteps, adjustLrFn',
  {
    params: directed.params,
    /** Learning rate; a 0-d tensor may hold it. Default: 0.001. */
    lr: rate.default(1e-3),
    /** Each step takes this part, times the rate, of a parameter away. Default: 0.1. */
    weightDecay: kinds.atLeast(0).default(0.1),
    /** How much of the average of gradients is kept in each step. Default: 0.95. */
    momentum: kinds.atLeast(0).default(0.95),
    /** Look ahead along the momentum. Default: true. */
    nesterov: kinds.boolean.default(true),
    /** Those of the polynomial a x + b x³ + c x⁵ by which singular values go to 1. Default: [3.4445, -4.775, 2.0315]. */
    nsCoefficients: kind(
      'three finite numbers',
      (value): value is readonly [number, number, number] =>
        Array.isArray(value) && value.length === 3 && value.every(Number.isFinite),
    ).default([3.4445, -4.775, 2.0315]),
    /** The least norm that a direction is divided by. Default: 1e-7. */
    eps: kinds.atLeast(0).default(1e-7),
    /** How often the polynomial is applied. Default: 5. */
    nsSteps: kinds.integerFrom(0, 99).default(5),
    /**
     * What the rate is multiplied by for a matrix of A rows and B columns: √max(1, A/B) for 'original', 0.2 √max(A, B), which suits the
     * rates and decays of AdamW, for 'match_rms_adamw'. Default: null, 'original'.
     */
    adjustLrFn: kinds.choice('original', 'match_rms_adamw').optional(),
  },
);

export interface MuonOptions extends OptionsOf<typeof orthogonal> {}

/** What Muon keeps per parameter: the average of its gradients. */
export interface MuonState {
  momentumBuffer: Tensor;
}

/** By how much a rate is adjusted to the shape of a matrix. */
function ratioOf([rows, columns]: Shape, adjustLrFn: MuonOptions['adjustLrFn']): number {
  if (adjustLrFn === 'match_rms_adamw') return 0.2 * Math.sqrt(Math.max(rows!, columns!));
  return Math.sqrt(Math.max(1, rows! / columns!));
}

/** The float32 rounded to the eight bits that a bfloat16 has, by Veltkamp's splitting. */
const toBfloat16 = elementwise((x) => {
  const shifted = e.mul(x, 2 ** 16 + 1);
  return e.sub(shifted, e.sub(shifted, x));
});

/** One tensor times a number plus another, times one too, rounded once. */
const sumOf = (x: Tensor, a: Tensor, y: Tensor, b?: Tensor): Tensor => {
  const wide = y.to('float64');
  return x
    .to('float64')
    .mul(a)
    .add(b === undefined ? wide : wide.mul(b))
    .to('float32');
};

/**
 * A matrix with nearly the same singular vectors and with singular values near 1, by iterations of Newton and Schulz. Results are those of
 * PyTorch, which computes them in bfloat16.
 */
function orthogonalized(
  matrix: Tensor,
  { a, b, c, eps }: Readonly<Record<'a' | 'b' | 'c' | 'eps', Tensor>>,
  steps: number,
): Tensor {
  const [rows, columns] = shapeOf(matrix);
  const isTall = rows! > columns!;
  const wide = toBfloat16((isTall ? matrix.t() : matrix).to('float32'));
  let x = toBfloat16(wide.div(toBfloat16(wide.norm()).maximum(toBfloat16(eps.to('float32')))));
  for (let i = 0; i < steps; i++) {
    const gram = toBfloat16(x.matmul(x.t()));
    const factor = toBfloat16(sumOf(gram, b, gram.matmul(gram), c));
    x = toBfloat16(sumOf(x, a, factor.matmul(x)));
  }
  return (isTall ? x.t() : x).to(matrix.dtype);
}

/** A part of the way from one tensor to another. */
const between = (start: Tensor, end: Tensor, part: Tensor): Tensor => start.add(end.sub(start).mul(part));

const MUON = rule<MuonOptions>()({
  name: 'Muon',
  takes: orthogonal,
  misfit: (shape) => (shape.length === 2 ? null : 'Muon takes matrices only'),
  counters: {},
  state: { momentumBuffer: zeros() },
  flags: ({ nesterov, nsSteps, adjustLrFn }) => ({ nesterov, nsSteps, adjustLrFn }),
  numbers({ lr, weightDecay, momentum, nsCoefficients: [a, b, c], eps }) {
    const single = { a: Math.fround(a), b: Math.fround(b), c: Math.fround(c) };
    return { lr, kept: 1 - lr * weightDecay, momentum, rest: 1 - momentum, ...single, eps };
  },
  change({ parameter, gradient, momentumBuffer }, numbers, { nesterov, nsSteps, adjustLrFn }) {
    const average = momentumBuffer!;
    average.copy_(between(average, gradient, numbers.rest));
    const direction = nesterov ? between(gradient, average, numbers.momentum) : average;
    const step = orthogonalized(direction, numbers, nsSteps).mul(ratioOf(shapeOf(parameter), adjustLrFn));
    parameter.copy_(parameter.mul(numbers.kept).sub(step.mul(numbers.lr)));
  },
});

/**
 * Muon: momentum whose direction is made orthogonal, so that a step changes a matrix by as much along every axis. It is for the matrices of
 * hidden layers; give biases, embeddings and the last layer to another optimizer.
 *
 * m' = μ m + (1 - μ) g, O = orthogonalized(μ m' + (1 - μ) g), p' = (1 - lr · weightDecay) p - lr · √max(1, A/B) · O for A rows and B columns.
 *
 * Directions are made orthogonal in the precision of bfloat16, as PyTorch does it.
 *
 * @throws ValueError for negative options and 100 iterations or more; ShapeError for parameters that are no matrices
 * @example
 * ```ts
 * const w = tensor([[2, 0], [0, 1]], { requiresGrad: true });
 * const muon = new optim.Muon([w], { lr: 0.1, weightDecay: 0 });
 * w.square().sum().backward(); // the gradient is diagonal, so its nearest orthogonal matrix is the identity
 * muon.step();
 * w.sub(tensor([[1.9, 0], [0, 0.9]])).abs().max().item() < 0.05; // true
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.optim.Muon.html
 */
export class Muon extends Optimizer<MuonOptions, MuonState> {
  constructor(...args: ArgumentsOf<typeof orthogonal, MuonOptions, { params: Params<MuonOptions> }>) {
    super(MUON, args);
  }
}

const isEps = (value: unknown): boolean => typeof value === 'number' && value >= 0;

const factoring = signature('params, /, lr, beta2Decay, eps, d, weightDecay, *, maximize', {
  ...common,
  /** The largest rate, relative to the size of a parameter; a 0-d tensor may hold it. Default: 0.01. */
  lr: rate.default(1e-2),
  /** The power of t by which the averages of squares forget: they take t^beta2Decay of the newest. Default: -0.8. */
  beta2Decay: kind('at most 0', (value): value is number => typeof value === 'number' && value <= 0).default(-0.8),
  /** The least square root of an estimate (null for the type's own epsilon), and the least size of a parameter. Default: [null, 0.001]. */
  eps: kind(
    'two numbers of at least 0, the first of which may be null',
    (value): value is readonly [number | null, number] =>
      Array.isArray(value) && value.length === 2 && (value[0] === null || isEps(value[0])) && isEps(value[1]),
  ).default([null, 1e-3]),
  /** How large the root mean square of an update may be before the update is scaled down. Default: 1. */
  d: kinds.atLeast(1).default(1),
  /** Each step takes this part, times the rate, of a parameter away. Default: 0. */
  weightDecay: kinds.atLeast(0).default(0),
});

export interface AdafactorOptions extends OptionsOf<typeof factoring> {}

/** What Adafactor keeps per parameter: its steps, and averages of squared gradients: those of rows and columns, or of each element of a vector. */
export interface AdafactorState {
  step: number;
  rowVar?: Tensor | null;
  colVar?: Tensor | null;
  variance?: Tensor | null;
}

/** A state like a parameter of two dimensions or more, with one element along one of them. */
const meansAlong = (dim: number) => ({
  ...zeros(),
  shape: (of: Shape) => (of.length > 1 ? of.with(dim, 1) : null),
});

const rootMeanSquare = (x: Tensor): Tensor => x.norm().div(Math.sqrt(x.numel()));

const ADAFACTOR = rule<AdafactorOptions>()({
  name: 'Adafactor',
  takes: factoring,
  counters: { step: 0 },
  state: {
    rowVar: meansAlong(-1),
    colVar: meansAlong(-2),
    variance: { ...zeros(), shape: (of: Shape) => (of.length > 1 ? null : of) },
  },
  flags: ({ eps: [eps1], maximize }) => ({ ownEpsilon: eps1 === null, maximize }),
  numbers({ lr, beta2Decay, eps: [eps1, eps2], d, weightDecay }, { step }) {
    const newest = step ** beta2Decay;
    return { newest, most: Math.min(lr, 1 / Math.sqrt(step)), eps1: eps1 ?? 0, eps2, d, kept: 1 - lr * weightDecay };
  },
  change(operands, { newest, most, eps1, eps2, d, kept }, { ownEpsilon, maximize }) {
    const { parameter, rowVar, colVar, variance } = operands;
    const gradient = maximize ? operands.gradient.neg() : operands.gradient;
    const least = ownEpsilon ? dtypes[parameter.dtype].epsilon : eps1;
    const take = (average: Tensor, next: Tensor) => average.copy_(between(average, next, newest));
    const estimate = () => {
      if (variance !== undefined) return take(variance, gradient.square());
      const [rows, columns] = [rowVar!, colVar!].map((average, i) =>
        take(average, gradient.square().mean(-1 - i, true)),
      );
      return rows!.matmul(columns!).div(rows!.mean(-2, true).clampMin(least));
    };
    const floor = typeof least === 'number' ? least * least : least.square();
    const update = estimate().clampMin(floor).rsqrt().mul(gradient);
    const stepSize = rootMeanSquare(parameter).maximum(eps2).mul(most);
    const excess = rootMeanSquare(update).div(d).clampMin(1);
    parameter.copy_(parameter.mul(kept).sub(update.mul(stepSize.div(excess))));
  },
});

/**
 * Adafactor: divides gradients by the root of an estimate of their average squares, which for a matrix it keeps by rows and columns alone, and
 * steps relative to the size of a parameter.
 *
 * R' = (1 - ρ) R + ρ mean(g²) over columns, C' likewise over rows, with ρ = t^beta2Decay; u = g / √(R' C' / mean(R')),
 * p' = p - max(eps₂, rms(p)) · min(lr, 1/√t) · u / max(1, rms(u)/d) in step t.
 *
 * @throws ValueError for negative options, a beta2Decay above 0, and a d below 1
 * @example
 * ```ts
 * const w = tensor([[1, 1], [1, 1]], { requiresGrad: true });
 * const adafactor = new optim.Adafactor([w], { lr: 0.1 });
 * w.square().sum().backward();
 * adafactor.step();
 * w.detach(); // tensor([[0.9000, 0.9000], [0.9000, 0.9000]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.optim.Adafactor.html
 */
export class Adafactor extends Optimizer<AdafactorOptions, AdafactorState> {
  constructor(...args: ArgumentsOf<typeof factoring, AdafactorOptions, { params: Params<AdafactorOptions> }>) {
    super(ADAFACTOR, args);
  }
}
