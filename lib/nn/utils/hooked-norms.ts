import { define } from '../../arguments/define.js';
import type { OptionsOf, RestOf } from '../../arguments/forms.js';
import { signature } from '../../arguments/signature.js';
import { noGrad } from '../../autograd/mode.js';
import { ShapeError, ValueError } from '../../errors.js';
import { empty } from '../../ops/creation.js';
import { normalizeDim } from '../../tensor/shape.js';
import { shapeOf, type Tensor } from '../../tensor/tensor.js';
import { normalize } from '../layers/distances.js';
import type { Module } from '../module.js';
import { stateName } from '../names.js';
import { isParameter, Parameter } from '../parameter.js';
import { target, weightOf } from './parametrized.js';
import { isTransposed, matrixOf, normExceptDim, spectralNorming, weightNorming } from './weights.js';

// The older forms of weight and spectral normalisation, which many programs and files of weights have: what is learned is beside the weight, as
// `weight_g` and `weight_v`, or `weight_orig`, and the weight is computed at the start of each `forward`.

const removing = signature('module, /, name', target);

export interface HookedWeightNormOptions extends OptionsOf<typeof weightNorming> {}
export interface HookedSpectralNormOptions extends OptionsOf<typeof spectralNorming> {}
export interface RemoveNormOptions extends OptionsOf<typeof removing> {}

/** How a weight is computed. It asks the module that it is of, which may be a copy. */
interface Norm {
  readonly kind: 'weightNorm' | 'spectralNorm';
  /** The properties that it is made of. */
  readonly parts: readonly string[];
  /** At the start of `forward`. */
  readonly next: (module: Module) => Tensor;
  /** Otherwise. */
  readonly now: (module: Module) => Tensor;
}

/** By the getter that a weight then has. */
const norms = new WeakMap<object, Norm>();

/** The weights of modules whose `forward` is under way. */
const underway = new WeakMap<Module, Map<string, Tensor>>();

const partOf = (module: Module, name: string): Tensor => Reflect.get(module, name) as Tensor;

function normOf(module: Module, name: string): Norm | undefined {
  const getter = Object.getOwnPropertyDescriptor(module, name)?.get;
  return getter && norms.get(getter);
}

/** Gives a module a weight that is computed, and a `forward` that does so. */
function install(module: Module, name: string, norm: Norm, parts: Readonly<Record<string, Tensor>>): void {
  Reflect.deleteProperty(module, name);
  for (const [part, value] of Object.entries(parts)) {
    if (isParameter(value)) module.registerParameter(part, value);
    else module.registerBuffer(part, value);
  }
  function get(this: Module): Tensor {
    return underway.get(this)?.get(name) ?? norm.now(this);
  }
  norms.set(get, norm);
  const set = () => {
    throw new ValueError(`${norm.kind}: ${name} is made of ${norm.parts.join(', ')}; set these`);
  };
  Object.defineProperty(module, name, { get, set, enumerable: false, configurable: true });
  const own = Object.getOwnPropertyDescriptor(module, 'forward')?.value as Module['forward'] | undefined;
  Object.defineProperty(module, 'forward', {
    value(this: Module, ...inputs: never[]): unknown {
      const inner = own ?? (Object.getPrototypeOf(this) as Module).forward;
      if (normOf(this, name) !== norm) return inner.apply(this, inputs);
      const weights = underway.get(this) ?? new Map<string, Tensor>();
      underway.set(this, weights.set(name, norm.next(this)));
      try {
        return inner.apply(this, inputs);
      } finally {
        weights.delete(name);
      }
    },
    writable: true,
    enumerable: false,
    configurable: true,
  });
}

function requirePlain(op: string, module: Module, name: string): Tensor {
  if (normOf(module, name) !== undefined) throw new ValueError(`${op}: ${name} has been normalised already`);
  const weight = weightOf(op, module, name);
  if (isParameter(weight)) return weight;
  throw new ValueError(`${op}: ${name} of ${module.constructor.name} must be a Parameter`);
}

/** Puts the weight that is computed now in the place of what it is made of. */
function remove(op: string, kind: Norm['kind'], module: Module, name: string): Module {
  const norm = normOf(module, name);
  if (norm?.kind !== kind) throw new ValueError(`${op}: '${name}' of ${module.constructor.name} has no ${kind}`);
  const value = noGrad(() => norm.now(module)).detach();
  for (const part of norm.parts) Reflect.deleteProperty(module, part);
  Object.defineProperty(module, name, {
    value: new Parameter(value.clone()),
    writable: true,
    enumerable: true,
    configurable: true,
  });
  return module;
}

/**
 * Weight normalisation in its older form: `weight` is g v / ‖v‖, with the parameters `weight_g` and `weight_v` beside it.
 * {@link parametrizations.weightNorm} is the newer one.
 *
 * @returns the module
 * @throws ValueError if the module has no such parameter, or it is normalised; ShapeError for a dim that it has not
 * @example
 * ```ts
 * const layer = nn.utils.weightNorm(new nn.Linear(20, 40));
 * Object.keys(layer.stateDict()); // ['bias', 'weight_g', 'weight_v']
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.weight_norm.html
 */
export const weightNorm = define('weightNorm', weightNorming, (module, name, dim) => {
  const weight = requirePlain('weightNorm', module, name);
  if (dim !== null && dim >= weight.ndim) {
    throw new ShapeError(
      `weightNorm: dim must be less than ${weight.ndim}, the number of dimensions of ${name}, got ${dim}`,
    );
  }
  const [g, v] = [`${stateName(name)}_g`, `${stateName(name)}_v`];
  const now = (of: Module): Tensor => {
    const direction = partOf(of, v);
    return direction.mul(partOf(of, g).div(normExceptDim(direction, dim)));
  };
  const values = weight.detach();
  install(
    module,
    name,
    { kind: 'weightNorm', parts: [g, v], next: now, now },
    {
      [g]: new Parameter(normExceptDim(values, dim)),
      [v]: new Parameter(values),
    },
  );
  return module;
}) as <M extends Module>(module: M, ...rest: RestOf<typeof weightNorming, HookedWeightNormOptions>) => M;

/**
 * Takes away what `weightNorm` did: `weight` is a parameter again, with the value that it has.
 *
 * @returns the module
 * @throws ValueError if it was not normalised so
 * @example
 * ```ts
 * const layer = nn.utils.weightNorm(new nn.Linear(2, 3));
 * Object.keys(nn.utils.removeWeightNorm(layer).stateDict()); // ['bias', 'weight']
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.remove_weight_norm.html
 */
export const removeWeightNorm = define('removeWeightNorm', removing, (module, name) =>
  remove('removeWeightNorm', 'weightNorm', module, name),
) as <M extends Module>(module: M, ...rest: RestOf<typeof removing, RemoveNormOptions>) => M;

/**
 * Spectral normalisation in its older form: `weight` is `weight_orig` divided by its largest singular value, as far as the power method knows it: in
 * training each `forward` brings the buffers `weight_u` and `weight_v` nearer. {@link parametrizations.spectralNorm} is the newer one.
 *
 * Before the first `forward`, `weight` is `weight_orig` without a gradient, over the same memory: what sets weights at the start still does.
 *
 * @returns the module
 * @throws ValueError if the module has no such parameter, or it is normalised; ShapeError for a dim that it has not
 * @example
 * ```ts
 * const layer = nn.utils.spectralNorm(new nn.Linear(20, 40));
 * Object.keys(layer.stateDict()); // ['bias', 'weight_orig', 'weight_u', 'weight_v']
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.spectral_norm.html
 */
export const spectralNorm = define('spectralNorm', spectralNorming, (module, name, nPowerIterations, eps, dim) => {
  const weight = requirePlain('spectralNorm', module, name);
  const outputs = normalizeDim('spectralNorm', dim ?? Number(isTransposed(module)), weight.ndim);
  if (weight.ndim < 2)
    throw new ShapeError(`spectralNorm: ${name} must have two dimensions or more, got ${weight.ndim}`);
  const [orig, u, v] = ['orig', 'u', 'v'].map((part) => `${stateName(name)}_${part}`) as [string, string, string];
  const started = new WeakSet<Module>();
  const unit = (x: Tensor) => normalize(x, { dim: 0, eps });
  const improve = (of: Module, matrix: Tensor): void => {
    for (let i = 0; i < nPowerIterations; i++) {
      partOf(of, v).copy_(unit(matrix.t().mv(partOf(of, u))));
      partOf(of, u).copy_(unit(matrix.mv(partOf(of, v))));
    }
  };
  const divided = (of: Module): Tensor => {
    const whole = partOf(of, orig);
    // Copies: the next forward writes over the vectors, which a backward pass of this one still needs.
    const [left, right] = [partOf(of, u).clone(), partOf(of, v).clone()];
    return whole.div(left.dot(matrixOf(whole, outputs).mv(right)));
  };
  const next = (of: Module): Tensor => {
    started.add(of);
    if (of.training) noGrad(() => improve(of, matrixOf(partOf(of, orig).detach(), outputs)));
    return divided(of);
  };
  const now = (of: Module): Tensor => (started.has(of) || of !== module ? divided(of) : partOf(of, orig).detach());
  const vectors = shapeOf(matrixOf(weight.detach(), outputs)).map((size) =>
    unit(noGrad(() => empty([size], { dtype: weight.dtype }).normal_())),
  );
  install(
    module,
    name,
    { kind: 'spectralNorm', parts: [orig, u, v], next, now },
    {
      [orig]: weight,
      [u]: vectors[0]!,
      [v]: vectors[1]!,
    },
  );
  return module;
}) as <M extends Module>(module: M, ...rest: RestOf<typeof spectralNorming, HookedSpectralNormOptions>) => M;

/**
 * Takes away what `spectralNorm` did: `weight` is a parameter again, with the value that it has.
 *
 * @returns the module
 * @throws ValueError if it was not normalised so
 * @example
 * ```ts
 * const layer = nn.utils.spectralNorm(new nn.Linear(2, 3));
 * Object.keys(nn.utils.removeSpectralNorm(layer).stateDict()); // ['bias', 'weight']
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.remove_spectral_norm.html
 */
export const removeSpectralNorm = define('removeSpectralNorm', removing, (module, name) =>
  remove('removeSpectralNorm', 'spectralNorm', module, name),
) as <M extends Module>(module: M, ...rest: RestOf<typeof removing, RemoveNormOptions>) => M;
