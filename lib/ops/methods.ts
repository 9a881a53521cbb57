import { type BackwardOptions, backward } from '../autograd/backward.js';
import * as hooks from '../autograd/hooks.js';
import { mark } from '../describe.js';
import { type Operand, pointwiseOf } from '../tensor/elementwise.js';
import { Tensor } from '../tensor/tensor.js';
import * as arithmetic from './arithmetic.js';
import * as bitwise from './bitwise.js';
import * as comparison from './comparison.js';
import * as conversion from './conversion.js';
import * as indexing from './indexing.js';
import * as pointwise from './pointwise.js';
import * as products from './products.js';
import * as random from './random.js';
import * as reductions from './reductions.js';
import * as softmaxes from './softmax.js';
import * as special from './special-functions.js';
import * as views from './views.js';

// Every function whose first argument is a tensor is a method too: writing the function is all there is to do.

// Their types are written out: declarations would list what these constants have, in terms that are not exported.
type HookMethods = Pick<typeof hooks, 'registerHook' | 'registerPostAccumulateGradHook' | 'retainGrad'>;
type ProductMethods = Omit<typeof products, 'linear'>;
type ReductionMethods = Omit<typeof reductions, 'max' | 'min'>;
type ViewMethods = Omit<typeof views, 'broadcastTensors'>;
type RandomMethods = Pick<
  typeof random,
  'bernoulli_' | 'exponential_' | 'normal_' | 'random_' | 'uniform_' | 'bernoulli' | 'multinomial'
>;

const { registerHook, registerPostAccumulateGradHook, retainGrad } = hooks;
const hookMethods: HookMethods = { registerHook, registerPostAccumulateGradHook, retainGrad };
const { linear, ...productMethods } = products;
const { max, min, ...reductionMethods } = reductions;
const { polygamma, ...specialMethods } = special;
const { broadcastTensors, ...viewMethods } = views;
const { bernoulli_, exponential_, normal_, random_, uniform_, bernoulli, multinomial } = random;
const randomMethods: RandomMethods = { bernoulli_, exponential_, normal_, random_, uniform_, bernoulli, multinomial };

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
      Methods<HookMethods>,
      Methods<ProductMethods>,
      Methods<ReductionMethods>,
      Methods<ViewMethods>,
      Methods<typeof indexing>,
      Methods<typeof softmaxes>,
      Methods<RandomMethods>,
      Methods<typeof arithmetic>,
      InPlace<typeof arithmetic>,
      Methods<typeof bitwise>,
      InPlace<typeof bitwise>,
      Methods<typeof comparison>,
      Methods<typeof specialMethods>,
      InPlace<typeof specialMethods>,
      InPlace<typeof comparison>,
      Methods<typeof pointwise>,
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
    backward(gradient?: Tensor | null, options?: BackwardOptions): void;
    max(): Tensor;
    max(other: Tensor): Tensor;
    max(dim: number, keepdim?: boolean | reductions.KeepdimOptions): reductions.Extremes;
    max(options: reductions.KeepdimOptions & { dim: number }): reductions.Extremes;
    min(): Tensor;
    min(other: Tensor): Tensor;
    min(dim: number, keepdim?: boolean | reductions.KeepdimOptions): reductions.Extremes;
    min(options: reductions.KeepdimOptions & { dim: number }): reductions.Extremes;
    /** The function of this order, which stands first in `polygamma(n, x)`. */
    polygamma(n: number): Tensor;
    /** The last two dimensions exchanged. */
    readonly mT: Tensor;
    /** All dimensions in reverse order. */
    readonly T: Tensor;
  }
}

type Method = (...args: unknown[]) => unknown;

function define(name: string, method: Method): void {
  Object.defineProperty(Tensor.prototype, name, { value: method, writable: true, configurable: true });
}

function defineAll(functions: object): void {
  for (const [name, fn] of Object.entries(functions) as [string, Method][]) {
    define(name, function (this: Tensor, ...rest: unknown[]) {
      return fn(this, ...rest);
    });
    const operation = pointwiseOf(fn);
    if (operation === undefined) continue;
    define(`${name}_`, function (this: Tensor, ...rest: unknown[]) {
      return operation.applyInPlace(this, rest as Operand[]);
    });
  }
}

define('backward', function (this: Tensor, gradient: Tensor | null | undefined, options: BackwardOptions | undefined) {
  backward(this, gradient ?? undefined, options);
} as Method);
defineAll({ max, min });
define('polygamma', function (this: Tensor, n: unknown) {
  return polygamma(n as number, this);
});
for (const functions of [
  conversion,
  hookMethods,
  productMethods,
  reductionMethods,
  viewMethods,
  indexing,
  softmaxes,
  randomMethods,
  arithmetic,
  bitwise,
  comparison,
  specialMethods,
  pointwise,
]) {
  defineAll(functions);
}

Object.defineProperties(Tensor.prototype, {
  mT: {
    get(this: Tensor): Tensor {
      return views.transpose(this, -2, -1);
    },
  },
  T: {
    get(this: Tensor): Tensor {
      return views.permute(this, [...this.shape.keys()].reverse());
    },
  },
});
