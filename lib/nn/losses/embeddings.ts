import { define } from '../../arguments/define.js';
import type { ArgumentsOf, FunctionOf, NamedOf, OptionsOf } from '../../arguments/forms.js';
import { type Kind, kind } from '../../arguments/kind.js';
import { signature } from '../../arguments/signature.js';
import { sameShape } from '../../backend/view.js';
import { describe } from '../../describe.js';
import { ShapeError, ValueError } from '../../errors.js';
import type { Expr } from '../../expr/index.js';
import * as e from '../../expr/index.js';
import { pairwiseDistance } from '../../ops/distances.js';
import { minimum } from '../../ops/pointwise.js';
import { Pointwise } from '../../tensor/elementwise.js';
import { Formula } from '../../tensor/formula.js';
import * as kinds from '../../tensor/kinds.js';
import { commonType, floatOf } from '../../tensor/promotion.js';
import { broadcastShapes, show } from '../../tensor/shape.js';
import { isTensor, shapeOf, type Tensor } from '../../tensor/tensor.js';
import { PairwiseDistance } from '../layers/distances.js';
import { isModule, type Module } from '../module.js';
import { TripleLossModule } from './loss-module.js';
import { clampedAtZero } from './pointwise-loss.js';
import { reduceRows, reducing } from './reduction.js';

// Losses of vectors that should be near each other, or apart.

const cosineSignature = signature('margin, reduction', {
  /** How alike what is unlike may be, from -1 to 1. Default: 0. */
  margin: kinds.number.default(0),
  ...reducing,
});

const cosineOf = cosineSignature.after('input1, input2, target', {
  input1: kinds.tensor,
  input2: kinds.tensor,
  target: kinds.tensor,
});

export interface CosineEmbeddingOptions extends OptionsOf<typeof cosineSignature> {}

/** Keeps the cosine of nothing finite; PyTorch's is that of float32, whatever the element type. */
const EPSILON = Math.fround(1e-12);

const apart = new Formula(
  'cosineEmbeddingLoss',
  (x, y, target: Expr, margin: Expr) => {
    const squares = e.mul(e.add(e.rowSum(e.square(x)), EPSILON), e.add(e.rowSum(e.square(y)), EPSILON));
    const cosine = e.div(e.rowSum(e.mul(x, y)), e.sqrt(squares));
    const near = e.where(e.eq(target, 1), e.sub(1, cosine), 0);
    return e.add(near, e.where(e.eq(target, -1), clampedAtZero(e.sub(cosine, margin)), 0));
  },
  { kinds: ['element', 'element', 'row'] },
);

/**
 * 1 - cos(input1, input2) where the target is 1, max(0, cos(input1, input2) - margin) where it is -1.
 *
 * @param input1 (batch, D), or (D) with a 0-d target
 * @param input2 of the same shape
 * @param target 1 or -1, one per pair
 * @throws ShapeError for other shapes
 * @example
 * ```ts
 * const [a, b] = [tensor([[1, 0], [1, 1]]), tensor([[2, 0], [0, 1]])];
 * nn.functional.cosineEmbeddingLoss(a, b, tensor([1, -1]), { reduction: 'none' }); // tensor([0.0000, 0.7071])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.cosine_embedding_loss.html
 */
export const cosineEmbeddingLoss: FunctionOf<Tensor, typeof cosineOf, CosineEmbeddingOptions> = define(
  'cosineEmbeddingLoss',
  cosineOf,
  (x, y, target, margin, reduction) => {
    if (x.ndim !== target.ndim + 1 || y.ndim !== x.ndim || x.ndim > 2) {
      throw new ShapeError(
        `cosineEmbeddingLoss: expected vectors with a 0-d target, or matrices with a 1-d one, got ${show(x.shape)}, ${show(y.shape)} and ${show(target.shape)}`,
      );
    }
    const dtype = floatOf(commonType([x, y]));
    const shape = broadcastShapes('cosineEmbeddingLoss', shapeOf(x), shapeOf(y));
    const last = shape.length - 1;
    if (!sameShape(shape.slice(0, last), shapeOf(target))) {
      throw new ShapeError(
        `cosineEmbeddingLoss: expected a target per pair of ${show(shape)}, got ${show(target.shape)}`,
      );
    }
    const frame = { shape, axes: [last], keepdim: false };
    return reduceRows(apart.call([x, y, target, margin], dtype, undefined, frame), reduction);
  },
);

/**
 * 1 - cos(input1, input2) where the target is 1, max(0, cos(input1, input2) - margin) where it is -1.
 *
 * @example
 * ```ts
 * new nn.CosineEmbeddingLoss().forward(tensor([[1, 0]]), tensor([[1, 1]]), tensor([1])); // tensor(0.2929)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.CosineEmbeddingLoss.html
 */
export class CosineEmbeddingLoss extends TripleLossModule<NamedOf<typeof cosineSignature>> {
  constructor(...args: ArgumentsOf<typeof cosineSignature, CosineEmbeddingOptions>) {
    super(cosineEmbeddingLoss, cosineSignature.named('CosineEmbeddingLoss', args));
  }
}

const three = { anchor: kinds.tensor, positive: kinds.tensor, negative: kinds.tensor };

const separation = {
  /** By how much the negative should be farther away than the positive. Default: 1. */
  margin: kinds.above(0).default(1),
};

const swapping = {
  /** Whether the distance of positive and negative counts instead where it is less, as of anchor and negative. Default: false. */
  swap: kinds.boolean.default(false),
};

const tripletSignature = signature('margin, p, eps, swap, reduction', {
  ...separation,
  /** Which norm the distance is. Default: 2. */
  p: kinds.real.default(2),
  /** Added to the differences. Default: 1e-6. */
  eps: kinds.number.default(1e-6),
  ...swapping,
  ...reducing,
});

const tripletOf = tripletSignature.after('anchor, positive, negative', three);

export interface TripletMarginOptions extends OptionsOf<typeof tripletSignature> {}

type Distance = (x: Tensor, y: Tensor) => Tensor;

const farther = new Pointwise('tripletMarginLoss', (near, far: Expr, margin: Expr) =>
  clampedAtZero(e.sub(e.add(margin, near), far)),
);

/** max(0, margin + d(anchor, positive) - d(anchor, negative)). */
function triplet(
  op: string,
  [anchor, positive, negative]: readonly [Tensor, Tensor, Tensor],
  distance: Distance,
  margin: number,
  swap: boolean,
): Tensor {
  if (anchor.ndim !== positive.ndim || anchor.ndim !== negative.ndim) {
    const shapes = [anchor, positive, negative].map(({ shape }) => show(shape)).join(', ');
    throw new ShapeError(`${op}: expected as many dimensions in all three, got shapes ${shapes}`);
  }
  const near = distance(anchor, positive);
  const far = distance(anchor, negative);
  const nearest = swap ? minimum(far, distance(positive, negative)) : far;
  return farther.apply([near, nearest, margin]);
}

/**
 * max(0, margin + |anchor - positive| - |anchor - negative|), in the p-norm along the last dimension.
 *
 * @param anchor (…, D)
 * @param positive what should be near
 * @param negative what should be farther away; all three broadcast, but have as many dimensions
 * @throws ShapeError for other shapes
 * @example
 * ```ts
 * const anchor = tensor([[0, 0]]);
 * nn.functional.tripletMarginLoss(anchor, tensor([[0, 2]]), tensor([[3, 4]]), { margin: 4 }); // tensor(1.0000)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.triplet_margin_loss.html
 */
export const tripletMarginLoss: FunctionOf<Tensor, typeof tripletOf, TripletMarginOptions> = define(
  'tripletMarginLoss',
  tripletOf,
  (anchor, positive, negative, margin, p, eps, swap, reduction) => {
    const distance: Distance = (x, y) => pairwiseDistance(x, y, p, eps);
    return reduceRows(triplet('tripletMarginLoss', [anchor, positive, negative], distance, margin, swap), reduction);
  },
);

/**
 * max(0, margin + |anchor - positive| - |anchor - negative|): see `nn.functional.tripletMarginLoss`.
 *
 * @example
 * ```ts
 * const loss = new nn.TripletMarginLoss({ margin: 4 });
 * loss.forward(tensor([[0, 0]]), tensor([[0, 2]]), tensor([[3, 4]])); // tensor(1.0000)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.TripletMarginLoss.html
 */
export class TripletMarginLoss extends TripleLossModule<NamedOf<typeof tripletSignature>> {
  constructor(...args: ArgumentsOf<typeof tripletSignature, TripletMarginOptions>) {
    super(tripletMarginLoss, tripletSignature.named('TripletMarginLoss', args));
  }
}

type DistanceModule = Module<[x1: Tensor, x2: Tensor], Tensor>;

const distanceFunction: Kind<Distance | DistanceModule> = kind(
  'a function of two tensors, or a module',
  (value): value is Distance | DistanceModule => typeof value === 'function' || isModule(value),
);

const byDistanceSignature = signature('*, distanceFunction, margin, swap, reduction', {
  /** The distance of two tensors: a function, or a module as `PairwiseDistance`. Default: null, `pairwiseDistance`. */
  distanceFunction: distanceFunction.optional(),
  ...separation,
  ...swapping,
  ...reducing,
});

const byDistance = signature('anchor, positive, negative, /, *, distanceFunction, margin, swap, reduction', {
  ...three,
  ...byDistanceSignature.kinds,
});

export interface TripletMarginWithDistanceOptions extends OptionsOf<typeof byDistanceSignature> {}

/**
 * max(0, margin + d(anchor, positive) - d(anchor, negative)), with a distance of your own.
 *
 * @throws ShapeError unless all have as many dimensions; ValueError if the distance is no tensor
 * @example
 * ```ts
 * const distanceFunction = (x: Tensor, y: Tensor) => x.sub(y).abs().amax(-1);
 * const [anchor, positive, negative] = [tensor([[0, 0]]), tensor([[0, 2]]), tensor([[3, 4]])];
 * nn.functional.tripletMarginWithDistanceLoss(anchor, positive, negative, { distanceFunction, margin: 3 }); // tensor(1.)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.triplet_margin_with_distance_loss.html
 */
export const tripletMarginWithDistanceLoss: FunctionOf<Tensor, typeof byDistance, TripletMarginWithDistanceOptions> =
  define(
    'tripletMarginWithDistanceLoss',
    byDistance,
    (anchor, positive, negative, distanceFunction, margin, swap, reduction) => {
      const op = 'tripletMarginWithDistanceLoss';
      const distance: Distance = (x, y) => {
        const measure = distanceFunction ?? pairwiseDistance;
        const found: unknown = isModule(measure) ? measure.forward(x, y) : measure(x, y);
        if (isTensor(found)) return found;
        throw new ValueError(`${op}: distanceFunction must return a Tensor, it returned ${describe(found)}`);
      };
      return reduceRows(triplet(op, [anchor, positive, negative], distance, margin, swap), reduction);
    },
  );

/**
 * max(0, margin + d(anchor, positive) - d(anchor, negative)), with a distance of your own.
 *
 * @example
 * ```ts
 * const loss = new nn.TripletMarginWithDistanceLoss({ distanceFunction: (x, y) => x.sub(y).abs().sum(-1) });
 * loss.forward(tensor([[0, 0]]), tensor([[0, 2]]), tensor([[1, 1]])); // tensor(1.)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.TripletMarginWithDistanceLoss.html
 */
export class TripletMarginWithDistanceLoss extends TripleLossModule<NamedOf<typeof byDistanceSignature>> {
  /** A module is a child of the loss: it is printed, and what it learns is a parameter. */
  readonly distanceFunction: Distance | DistanceModule;

  constructor(...args: ArgumentsOf<typeof byDistanceSignature, TripletMarginWithDistanceOptions>) {
    const options = byDistanceSignature.named('TripletMarginWithDistanceLoss', args);
    super(tripletMarginWithDistanceLoss, options);
    this.distanceFunction = options.distanceFunction ?? new PairwiseDistance();
  }

  /** Copies have a distance of their own. */
  protected override chosen(): NamedOf<typeof byDistanceSignature> {
    return { ...this.options, distanceFunction: this.distanceFunction };
  }
}
