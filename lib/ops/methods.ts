import { backwardOf } from '../autograd/backward.js';
import * as hooks from '../autograd/hooks.js';
import { mark } from '../describe.js';
import { type Operand, pointwiseOf } from '../tensor/elementwise.js';
import { identify, Tensor } from '../tensor/tensor.js';
import * as activations from './activations.js';
import * as addedProducts from './added-products.js';
import * as aliases from './aliases.js';
import * as arithmetic from './arithmetic.js';
import * as axes from './axes.js';
import * as bitwise from './bitwise.js';
import * as comparison from './comparison.js';
import * as contractions from './contractions.js';
import * as conversion from './conversion.js';
import * as counting from './counting.js';
import * as creation from './creation.js';
import * as derivedDraws from './derived-draws.js';
import * as diagonals from './diagonals.js';
import * as differences from './differences.js';
import * as distances from './distances.js';
import * as grids from './grids.js';
import * as inPlaceViews from './in-place-views.js';
import * as indexWrites from './index-writes.js';
import * as indexing from './indexing.js';
import * as inquiries from './inquiries.js';
import * as linearAlgebra from './linear-algebra/plain.js';
import * as nanReductions from './nan-reductions.js';
import * as norms from './norms.js';
import * as orderStatistics from './order-statistics.js';
import * as picks from './picks.js';
import * as pointwise from './pointwise.js';
import * as products from './products.js';
import * as random from './random.js';
import * as rearranging from './rearranging.js';
import * as reductions from './reductions.js';
import * as scans from './scans.js';
import * as sizes from './sizes.js';
import * as softmaxes from './softmax.js';
import * as sorting from './sorting.js';
import * as special from './special-functions.js';
import * as splitting from './splitting.js';
import * as statistics from './statistics.js';
import * as strided from './strided.js';
import * as subscripts from './subscripts.js';
import * as triangles from './triangles.js';
import * as uniqueness from './uniqueness.js';
import * as viewScatter from './view-scatter.js';
import * as views from './views.js';
import { where } from './where.js';

// Every function whose first argument is a tensor is a method too: writing the function is all there is to do.

/** Some of what a file exports. */
const only = <T extends object, K extends keyof T>(all: T, ...names: readonly K[]): Pick<T, K> =>
  Object.fromEntries(names.map((name) => [name, all[name]])) as Pick<T, K>;

/** All that a file exports, but for some names. */
function without<T extends object, K extends keyof T>(all: T, ...names: readonly K[]): Omit<T, K> {
  const rest: Partial<T> = {};
  for (const name in all) if (!(names as readonly (keyof T)[]).includes(name)) rest[name] = all[name];
  return rest as Omit<T, K>;
}

const hookMethods = only(hooks, 'registerHook', 'registerPostAccumulateGradHook', 'retainGrad');
const activationMethods = only(activations, 'hardshrink', 'prelu');
const distanceMethods = only(distances, 'dist');
const orderMethods = without(orderStatistics, 'median', 'nanmedian');
const differenceMethods = only(differences, 'diff');
const normMethods = only(norms, 'norm', 'renorm', 'renorm_');
const pickMethods = without(picks, 'oneHot');
const contractionMethods = without(contractions, 'crossed', 'tensordot');
/** `where` has another order as a method. */
const pointwiseMethods = without(pointwise, 'where');
const productMethods = without(products, 'linear');
const reductionMethods = without(reductions, 'max', 'min');
const specialMethods = without(special, 'polygamma');
const viewMethods = without(views, 'broadcastShapes', 'broadcastTensors');
const axisMethods = without(axes, 'atleast1d', 'atleast2d', 'atleast3d');
const stridedMethods = only(strided, 'asStrided', 'diagonal', 'unfold');
const triangleMethods = without(triangles, 'trilIndices', 'triuIndices');
const newMethods = only(creation, 'newEmpty', 'newFull', 'newOnes', 'newTensor', 'newZeros');
const gridMethods = only(grids, 'combinations');
const randomMethods = only(
  random,
  'bernoulli',
  'bernoulli_',
  'exponential_',
  'multinomial',
  'normal_',
  'random_',
  'uniform_',
);

mark(Tensor.prototype);

type AnyFunction = (...args: never[]) => unknown;

/** What a function takes after its first argument. */
type Rest<A> = A extends readonly [unknown?, ...infer R] ? R : never;

/** Functions of a tensor as methods of it. */
type Methods<T> = {
  [K in keyof T]: T[K] extends AnyFunction ? (...args: Rest<Parameters<T[K]>>) => ReturnType<T[K]> : never;
};

/** In-place forms, with a trailing underscore, of what `unary` and `binary` made. */
type InPlace<T> = {
  [K in keyof T & string as T[K] extends { readonly operands: 1 | 2 } ? `${K}_` : never]: T[K] extends {
    readonly operands: 1;
  }
    ? () => Tensor
    : (other: Operand) => Tensor;
};

declare module '../tensor/tensor.js' {
  interface Tensor
    extends Methods<typeof conversion>,
      Methods<typeof hookMethods>,
      Methods<typeof activationMethods>,
      Methods<typeof distanceMethods>,
      Methods<typeof orderMethods>,
      Methods<typeof counting>,
      Methods<typeof differenceMethods>,
      Methods<typeof nanReductions>,
      Methods<typeof normMethods>,
      Methods<typeof statistics>,
      Methods<typeof addedProducts>,
      Methods<typeof contractionMethods>,
      Methods<typeof linearAlgebra>,
      Methods<typeof productMethods>,
      Methods<typeof reductionMethods>,
      Methods<typeof viewMethods>,
      Methods<typeof inPlaceViews>,
      Methods<typeof inquiries>,
      Methods<typeof axisMethods>,
      Methods<typeof diagonals>,
      Methods<typeof gridMethods>,
      Methods<typeof newMethods>,
      Methods<typeof rearranging>,
      Methods<typeof scans>,
      Methods<typeof sizes>,
      Methods<typeof sorting>,
      Methods<typeof splitting>,
      Methods<typeof stridedMethods>,
      Methods<typeof triangleMethods>,
      Methods<typeof viewScatter>,
      Methods<typeof indexing>,
      Methods<typeof indexWrites>,
      Methods<Omit<typeof pickMethods, 'nonzero'>>,
      Methods<typeof subscripts>,
      Methods<typeof softmaxes>,
      Methods<typeof derivedDraws>,
      Methods<typeof randomMethods>,
      Methods<typeof aliases>,
      InPlace<typeof aliases>,
      Methods<typeof arithmetic>,
      InPlace<typeof arithmetic>,
      Methods<typeof bitwise>,
      InPlace<typeof bitwise>,
      Methods<typeof comparison>,
      Methods<typeof specialMethods>,
      InPlace<typeof specialMethods>,
      InPlace<typeof comparison>,
      Methods<typeof pointwiseMethods>,
      InPlace<typeof pointwise> {
    /**
     * Accumulates the gradient of this tensor into the `grad` of every leaf it depends on.
     *
     * @param gradient what flows into this tensor; 1 for a tensor of one element
     * @throws AutogradError if nothing was recorded, the graph was used before, or a saved tensor was changed in place
     * @example
     * ```ts
     * const x = tensor([1, 2, 3], { requiresGrad: true });
     * x.mul(x).sum().backward();
     * x.grad; // tensor([2., 4., 6.])
     * ```
     * @see https://pytorch.org/docs/stable/generated/torch.Tensor.backward.html
     */
    backward(...args: Rest<Parameters<typeof backwardOf>>): void;
    /** The indices of all elements that are not 0: a tensor per dimension, or one with a row for each. */
    nonzero(options: { readonly asTuple: true }): Tensor[];
    nonzero(options?: picks.NonzeroOptions & { readonly asTuple?: false }): Tensor;
    max(): Tensor;
    max(other: Tensor): Tensor;
    max(dim: number, keepdim?: boolean | reductions.KeepdimOptions): reductions.Extremes;
    max(options: reductions.KeepdimOptions & { dim: number }): reductions.Extremes;
    min(): Tensor;
    min(other: Tensor): Tensor;
    min(dim: number, keepdim?: boolean | reductions.KeepdimOptions): reductions.Extremes;
    min(options: reductions.KeepdimOptions & { dim: number }): reductions.Extremes;
    median(): Tensor;
    median(dim: number, keepdim?: boolean | orderStatistics.MedianOptions): reductions.Extremes;
    median(options: orderStatistics.MedianOptions & { dim: number }): reductions.Extremes;
    nanmedian(): Tensor;
    nanmedian(dim: number, keepdim?: boolean | orderStatistics.MedianOptions): reductions.Extremes;
    nanmedian(options: orderStatistics.MedianOptions & { dim: number }): reductions.Extremes;
    readonly unique: uniqueness.UniqueMethod<uniqueness.UniqueOptions>;
    readonly uniqueConsecutive: uniqueness.UniqueMethod<uniqueness.UniqueConsecutiveOptions>;
    /** Elements of this tensor where the condition is true, of `other` elsewhere: `where(condition, x, other)`. */
    where(condition: Tensor, other: Operand): Tensor;
    /** The function of this order, which stands first in `polygamma(n, x)`. */
    polygamma(n: number): Tensor;
    /** The last two dimensions exchanged. */
    readonly mT: Tensor;
    /** All dimensions in reverse order. */
    readonly T: Tensor;
    /** The same as `mT`, as elements are real. */
    readonly mH: Tensor;
    /** The transpose of a matrix, as elements are real. */
    readonly H: Tensor;
    /**
     * The slices along the first dimension, as `unbind` gives them: for `for (const row of x)`, `[...x]` and `const [a, b] = x`. A 0-d
     * tensor is not iterable.
     *
     * @throws TypeError that JavaScript throws for what is not iterable, for a 0-d tensor
     * @example
     * ```ts
     * const [first, second] = tensor([[1, 2], [3, 4]]);
     * second; // tensor([3., 4.])
     * ```
     * @see https://pytorch.org/docs/stable/generated/torch.unbind.html
     */
    [Symbol.iterator](): IterableIterator<Tensor>;
  }
}

type Method = (...args: unknown[]) => unknown;

function define(name: string, method: Method): void {
  Object.defineProperty(Tensor.prototype, name, { value: method, writable: true, configurable: true });
}

/** Most calls have no further argument or one, which is passed on without an array. */
function asMethod(fn: Method): Method {
  return function (this: Tensor, ...rest: unknown[]) {
    if (rest.length === 0) return fn(this);
    if (rest.length === 1) return fn(this, rest[0]);
    return fn(this, ...rest);
  };
}

function defineAll(functions: object): void {
  for (const [name, fn] of Object.entries(functions) as [string, Method][]) {
    define(name, asMethod(fn));
    const operation = pointwiseOf(fn);
    if (operation === undefined) continue;
    define(`${name}_`, function (this: Tensor, ...rest: unknown[]) {
      return operation.applyInPlace(this, rest as Operand[]);
    });
  }
}

defineAll({ backward: backwardOf });
defineAll(only(reductions, 'max', 'min'));
define('polygamma', function (this: Tensor, n: unknown, ...more: unknown[]) {
  return (special.polygamma as Method)(n, this, ...more);
});
define('where', function (this: Tensor, condition: unknown, other: unknown, ...more: unknown[]) {
  return (where as Method)(condition, this, other, ...more);
});
for (const functions of [
  conversion,
  hookMethods,
  activationMethods,
  distanceMethods,
  orderStatistics,
  counting,
  differenceMethods,
  nanReductions,
  normMethods,
  statistics,
  addedProducts,
  contractionMethods,
  linearAlgebra,
  productMethods,
  reductionMethods,
  viewMethods,
  inPlaceViews,
  inquiries,
  axisMethods,
  diagonals,
  gridMethods,
  newMethods,
  rearranging,
  scans,
  sizes,
  sorting,
  splitting,
  stridedMethods,
  triangleMethods,
  uniqueness,
  viewScatter,
  indexing,
  indexWrites,
  pickMethods,
  subscripts,
  softmaxes,
  derivedDraws,
  randomMethods,
  aliases,
  arithmetic,
  bitwise,
  comparison,
  specialMethods,
  pointwiseMethods,
]) {
  defineAll(functions);
}

/** Those who compare deeply iterate, and go by `id`: the rows of one tensor are the same every time. */
function rowsOf(this: Tensor): IterableIterator<Tensor> {
  const rows = views.unbind(this);
  for (const [i, row] of rows.entries()) identify(row, `${this.id}[${i}]`);
  return rows[Symbol.iterator]();
}

Object.defineProperties(Tensor.prototype, {
  [Symbol.iterator]: {
    // A method that throws would be called by whatever compares values deeply, such as the `toBe` of test runners.
    get(this: Tensor): (() => IterableIterator<Tensor>) | undefined {
      return this.ndim === 0 ? undefined : rowsOf;
    },
  },
  mT: {
    get(this: Tensor): Tensor {
      return views.transpose(this, -2, -1);
    },
  },
  mH: {
    get(this: Tensor): Tensor {
      return axes.adjoint(this);
    },
  },
  H: {
    get(this: Tensor): Tensor {
      return views.t(this);
    },
  },
  T: {
    get(this: Tensor): Tensor {
      return views.permute(this, [...this.shape.keys()].reverse());
    },
  },
});
