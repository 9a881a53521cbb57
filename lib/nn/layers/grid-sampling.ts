import { define } from '../../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../../arguments/forms.js';
import { signature } from '../../arguments/signature.js';
import { type DType, isFloat } from '../../backend/dtype.js';
import { sizeOf } from '../../backend/view.js';
import { DTypeError, ShapeError, ValueError } from '../../errors.js';
import * as e from '../../expr/index.js';
import { gathered } from '../../ops/along.js';
import { tensor } from '../../ops/creation.js';
import { matmul } from '../../ops/products.js';
import { expand, reshape, select, transpose } from '../../ops/views.js';
import { Pointwise } from '../../tensor/elementwise.js';
import { Formula } from '../../tensor/formula.js';
import * as kinds from '../../tensor/kinds.js';
import { owned } from '../../tensor/layout.js';
import { type Shape, show } from '../../tensor/shape.js';
import { shapeOf, type Tensor } from '../../tensor/tensor.js';

// Images and volumes looked at in any place: where places lie between elements, a weighted sum of those around.

const sampling = signature('input, grid, /, mode, paddingMode, alignCorners', {
  input: kinds.tensor,
  grid: kinds.tensor,
  /** Between elements: two along each axis, the nearest, or four. Default: 'bilinear'. */
  mode: kinds.choice('bilinear', 'nearest', 'bicubic').default('bilinear'),
  /** What is outside: zeros, the outermost elements, or what is inside in a mirror. Default: 'zeros'. */
  paddingMode: kinds.choice('zeros', 'border', 'reflection').default('zeros'),
  /** Whether -1 and 1 are the centres of the outermost elements, rather than their far edges. Default: false. */
  alignCorners: kinds.boolean.default(false),
});

const gridding = signature('theta, /, size, alignCorners', {
  theta: kinds.tensor,
  size: kinds.shape,
  /** Whether -1 and 1 are the centres of the outermost elements, rather than their far edges. Default: false. */
  alignCorners: kinds.boolean.default(false),
});

export interface GridSampleOptions extends OptionsOf<typeof sampling> {}
export interface AffineGridOptions extends OptionsOf<typeof gridding> {}

type Padding = 'zeros' | 'border' | 'reflection';

/** From -1 … 1 to elements. */
const inElements = (x: e.Expr, size: e.Expr, aligns: boolean): e.Expr =>
  aligns ? e.mul(e.mul(e.add(x, 1), 0.5), e.sub(size, 1)) : e.mul(e.sub(e.mul(e.add(x, 1), size), 1), 0.5);

/** No further than the outermost elements, whose own places have no slope, as in PyTorch. */
function clipped(x: e.Expr, size: e.Expr): e.Expr {
  const last = e.sub(size, 1);
  return e.where(e.le(x, 0), 0, e.where(e.ge(x, last), last, x));
}

/** Back and forth between the outermost elements, or their edges. */
function reflected(x: e.Expr, size: e.Expr, aligns: boolean): e.Expr {
  const low = aligns ? 0 : -0.5;
  const span = aligns ? e.sub(size, 1) : size;
  const distance = e.abs(e.sub(x, low));
  const rest = e.fmod(distance, span);
  const turns = e.floor(e.div(distance, span));
  const inside = e.add(e.where(e.eq(e.fmod(turns, 2), 0), rest, e.sub(span, rest)), low);
  return e.where(e.eq(span, 0), 0, clipped(inside, size));
}

function padded(x: e.Expr, size: e.Expr, padding: Padding, aligns: boolean): e.Expr {
  if (padding === 'zeros') return x;
  return padding === 'border' ? clipped(x, size) : reflected(x, size, aligns);
}

/** How many elements there are along an axis for a place, how far before it they begin, and their weights, by their number and how far the place is past the first. */
interface Taps {
  readonly count: number;
  readonly first: number;
  readonly begin: (x: e.Expr) => e.Expr;
  readonly weight: ((past: e.Expr, tap: e.Expr) => e.Expr) | null;
}

function cubicWeight(past: e.Expr, tap: e.Expr): e.Expr {
  const x = e.abs(e.sub(e.add(past, 1), tap));
  const near = e.add(e.mul(e.mul(e.sub(e.mul(x, 1.25), 2.25), x), x), 1);
  const far = e.mul(e.sub(e.mul(e.add(e.mul(e.sub(x, 5), x), 8), x), 4), -0.75);
  return e.where(e.le(x, 1), near, far);
}

const modes: Readonly<Record<'bilinear' | 'nearest' | 'bicubic', Taps>> = {
  nearest: { count: 1, first: 0, begin: (x) => e.round(x), weight: null },
  bilinear: {
    count: 2,
    first: 0,
    begin: (x) => e.floor(x),
    weight: (past, tap) => e.where(e.eq(tap, 0), e.sub(1, past), past),
  },
  bicubic: { count: 4, first: -1, begin: (x) => e.floor(x), weight: cubicWeight },
};

/** What becomes of a number between -1 and 1 along an axis of `size`, for every tap. */
interface Lookup {
  readonly taps: Taps;
  /** The element, or -1 for one outside. */
  readonly element: Pointwise<[tap: e.Expr, size: e.Expr]>;
  readonly weight: Pointwise<[tap: e.Expr, size: e.Expr]> | null;
}

function lookup(mode: keyof typeof modes, padding: Padding, aligns: boolean): Lookup {
  const taps = modes[mode];
  // The elements of a cubic sum are padded one by one, those of others with their place.
  const isApart = mode === 'bicubic';
  const place = (x: e.Expr, size: e.Expr) =>
    padded(inElements(x, size, aligns), size, isApart ? 'zeros' : padding, aligns);
  const element = new Pointwise('gridSample', (x, tap: e.Expr, size: e.Expr) => {
    const raw = e.add(taps.begin(place(x, size)), e.add(tap, taps.first));
    const at = isApart ? padded(raw, size, padding, aligns) : raw;
    return e.where(e.and(e.ge(at, 0), e.lt(at, size)), at, -1);
  });
  const { weight } = taps;
  if (weight === null) return { taps, element, weight };
  const weighed = new Pointwise('gridSample', (x, tap: e.Expr, size: e.Expr) => {
    const at = place(x, size);
    return weight(e.sub(at, taps.begin(at)), tap);
  });
  return { taps, element, weight: weighed };
}

const lookups = new Map<string, Lookup>();

function lookupOf(mode: keyof typeof modes, padding: Padding, aligns: boolean): Lookup {
  const key = `${mode} ${padding} ${aligns}`;
  const found = lookups.get(key) ?? lookup(mode, padding, aligns);
  lookups.set(key, found);
  return found;
}

const multiplying = new Pointwise('gridSample', (a, b) => e.mul(a, b));
/** The element of several axes: outside if it is along one of them. */
const joining = new Pointwise('gridSample', (row, column, size) =>
  e.where(e.or(e.lt(row, 0), e.lt(column, 0)), -1, e.add(e.mul(row, size), column)),
);
const atLeastFirst = new Pointwise('gridSample', (element) => e.max(element, 0));
const weighing = new Formula('gridSample', (x, weight, element) =>
  e.rowSum(e.where(e.lt(element, 0), 0, e.mul(x, weight))),
);
const choosing = new Formula('gridSample', (x, element) => e.rowSum(e.where(e.lt(element, 0), 0, x)));

/** What each tap of one axis has with each of another, (N, taps, places) both. */
function paired(a: Tensor, b: Tensor, join: (a: Tensor, b: Tensor) => Tensor): Tensor {
  const [n, first, places] = shapeOf(a) as readonly [number, number, number];
  const second = shapeOf(b)[1]!;
  const joined = join(reshape(a, [n, first, 1, places]), reshape(b, [n, 1, second, places]));
  return reshape(joined, [n, first * second, places]);
}

/** Elements and weights of all axes, each (N, taps, places). */
function tapsOf(
  grid: Tensor,
  whole: Shape,
  { taps, element, weight }: Lookup,
): [elements: Tensor, weights: Tensor | null] {
  const [n, places] = [shapeOf(grid)[0]!, sizeOf(shapeOf(grid).slice(1, -1))];
  const tap = tensor(
    Float64Array.from({ length: taps.count }, (_, i) => i),
    { dtype: grid.dtype },
  ).reshape([-1, 1]);
  // The grid has the last axis first.
  const axes = whole.map((size, axis) => {
    const x = reshape(select(grid, -1, whole.length - 1 - axis), [n, 1, places]);
    return { size, x };
  });
  const elements = axes
    .map(({ x, size }) => element.applyAs('int32', [x.detach(), tap, size]))
    .reduce((all, one, axis) => paired(all, one, (a, b) => joining.applyAs('int32', [a, b, whole[axis]!])));
  const weights =
    weight &&
    axes
      .map(({ x, size }) => weight.apply([x, tap, size]))
      .reduce((all, one) => paired(all, one, (a, b) => multiplying.apply([a, b])));
  return [elements, weights];
}

function check(input: Tensor, grid: Tensor, mode: string): void {
  const dims = input.ndim - 2;
  if (dims !== 2 && dims !== 3) {
    throw new ShapeError(
      `gridSample: the input must have 4 dimensions, (N, C, height, width), or 5, (N, C, depth, height, width), got ${show(input.shape)}`,
    );
  }
  if (mode === 'bicubic' && dims === 3) {
    throw new ValueError(`gridSample: mode 'bicubic' is for images, with 4 dimensions, got ${show(input.shape)}`);
  }
  if (grid.ndim !== input.ndim || grid.shape.at(-1) !== dims || grid.shape[0] !== input.shape[0]) {
    const expected = [input.shape[0], ...(dims === 2 ? ['height', 'width'] : ['depth', 'height', 'width']), dims];
    throw new ShapeError(
      `gridSample: the grid must have shape [${expected.join(', ')}] for an input of shape ${show(input.shape)}, got ${show(grid.shape)}`,
    );
  }
  if (!isFloat(input.dtype) || grid.dtype !== input.dtype) {
    throw new DTypeError(
      `gridSample: input and grid must be floats of one type, got ${input.dtype} and ${grid.dtype}; use .to()`,
    );
  }
  if (shapeOf(input).slice(1).includes(0)) {
    throw new ShapeError(`gridSample: the input must have elements, got ${show(input.shape)}`);
  }
}

/**
 * Images or volumes at the places that a grid says: (-1, -1) is the first corner, (1, 1) the last. Gradients go to both, but for
 * 'nearest', which has no slope along the grid.
 *
 * Shapes: input (N, C, height, width), grid (N, outHeight, outWidth, 2) of (x, y), result (N, C, outHeight, outWidth); or input
 * (N, C, depth, height, width), grid (N, outDepth, outHeight, outWidth, 3) of (x, y, z).
 *
 * @throws ShapeError if the two do not go together; DTypeError unless they are floats of one type; ValueError for 'bicubic' of volumes
 * @example
 * ```ts
 * const image = tensor([[[[1, 2], [3, 4]]]]);
 * const grid = tensor([[[[0, 0], [-0.5, 0.5]]]]);
 * nn.functional.gridSample(image, grid); // tensor([[[[2.5000, 3.0000]]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.grid_sample.html
 */
export const gridSample: FunctionOf<Tensor, typeof sampling, GridSampleOptions> = define(
  'gridSample',
  sampling,
  (input, grid, mode, paddingMode, alignCorners) => {
    check(input, grid, mode);
    const [n, channels, ...whole] = shapeOf(input) as [number, number, ...number[]];
    const [elements, weights] = tapsOf(grid, whole, lookupOf(mode, paddingMode, alignCorners));
    const [taps, places] = shapeOf(elements).slice(1) as [number, number];
    const flat = reshape(input, [n, channels, sizeOf(whole)]);
    const indices = reshape(atLeastFirst.applyAs('int32', [elements]), [n, 1, taps * places]);
    const picked = gathered('gridSample', flat, -1, expand(indices, [n, channels, taps * places]));
    const frame = { shape: [n, channels, taps, places], axes: [2], keepdim: false };
    const [values, known] = [reshape(picked, frame.shape), reshape(elements, [n, 1, taps, places])];
    const result =
      weights === null
        ? choosing.call([values, known], input.dtype, undefined, frame)
        : weighing.call([values, reshape(weights, [n, 1, taps, places]), known], input.dtype, undefined, frame);
    return owned(reshape(result, [n, channels, ...shapeOf(grid).slice(1, -1)]));
  },
);

/** The places of so many elements between -1 and 1. */
function placesOf(count: number, aligns: boolean): Float64Array {
  if (count === 1) return Float64Array.of(0);
  return Float64Array.from({ length: count }, (_, i) => (aligns ? (2 * i) / (count - 1) - 1 : (2 * i + 1) / count - 1));
}

/** The coordinates of all elements, last axis first, and a 1: (places, dims + 1). */
function coordinates(sizes: Shape, aligns: boolean, dtype: DType): Tensor {
  const along = sizes.map((size) => placesOf(size, aligns));
  const width = sizes.length + 1;
  const values = new Float64Array(sizeOf(sizes) * width).fill(1);
  for (let place = 0; place < sizeOf(sizes); place++) {
    for (let axis = sizes.length - 1, rest = place; axis >= 0; axis--) {
      values[place * width + sizes.length - 1 - axis] = along[axis]![rest % sizes[axis]!]!;
      rest = Math.floor(rest / sizes[axis]!);
    }
  }
  return tensor(values, { dtype }).reshape([sizeOf(sizes), width]);
}

/**
 * The grid of affine maps, for `nn.functional.gridSample`: where each element of the result comes from.
 *
 * Shapes: theta (N, 2, 3), size (N, C, height, width), result (N, height, width, 2); or (N, 3, 4), (N, C, depth, height, width) and
 * (N, depth, height, width, 3).
 *
 * @param size the shape of what is to be sampled
 * @throws ShapeError if the two do not go together; DTypeError for integers
 * @example
 * ```ts
 * const turned = tensor([[[-1, 0, 0], [0, -1, 0]]]);
 * const grid = nn.functional.affineGrid(turned, [1, 1, 1, 2]);
 * nn.functional.gridSample(tensor([[[[1, 2]]]]), grid); // tensor([[[[2., 1.]]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.affine_grid.html
 */
export const affineGrid: FunctionOf<Tensor, typeof gridding, AffineGridOptions> = define(
  'affineGrid',
  gridding,
  (theta, size, alignCorners) => {
    if (!isFloat(theta.dtype)) throw new DTypeError(`affineGrid: theta must be floats, got ${theta.dtype}`);
    const [n, , ...whole] = size;
    const dims = whole.length;
    const fits = theta.ndim === 3 && theta.shape[0] === n && theta.shape[1] === dims && theta.shape[2] === dims + 1;
    if ((dims !== 2 && dims !== 3) || !fits || size.includes(0)) {
      throw new ShapeError(
        `affineGrid: expected theta (N, 2, 3) with a size (N, C, height, width), or (N, 3, 4) with (N, C, depth, height, width), none of them 0; got ${show(theta.shape)} and ${show(size)}`,
      );
    }
    if (sizeOf(whole) * (dims + 1) >= 2 ** 31) {
      throw new ShapeError(`affineGrid: ${show(size)} has more places than int32 counts`);
    }
    const grid = matmul(coordinates(whole, alignCorners, theta.dtype), transpose(theta, 1, 2));
    return owned(reshape(grid, [n!, ...whole, dims]));
  },
);
