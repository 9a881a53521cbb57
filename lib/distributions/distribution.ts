import type { ArgumentsOf, OptionsOf } from '../arguments/forms.js';
import { takeNoMore } from '../arguments/no-more.js';
import { mark } from '../describe.js';
import { signature } from '../arguments/signature.js';
import { noGrad } from '../autograd/mode.js';
import { DEFAULT_FLOAT, type DType, isFloat } from '../backend/dtype.js';
import { ValueError } from '../errors.js';
import { tensor } from '../ops/creation.js';
import type { Generator } from '../tensor/generator.js';
import * as kinds from '../tensor/kinds.js';
import { drawing } from '../tensor/parameters.js';
import { type Operand, wider } from '../tensor/promotion.js';
import { broadcastShapes, type Shape } from '../tensor/shape.js';
import { isTensor, shapeOf, type Tensor } from '../tensor/tensor.js';
import { type Constraint, require } from './constraints.js';

const sampling = signature('sampleShape, *, generator', {
  /** How many samples, as a shape before that of the distribution's own. Default: [], one. */
  sampleShape: kinds.shape.default([]),
  ...drawing,
});

export interface SampleOptions extends OptionsOf<typeof sampling> {}

const rating = signature('value, /', { value: kinds.operand });

/** What every distribution takes. */
export const checking = {
  /** Whether parameters and values are looked at. Default: true. */
  validateArgs: kinds.boolean.default(true),
};

const shaping = signature('batchShape, eventShape, validateArgs', {
  /** Of the parameters. Default: [], one distribution. */
  batchShape: kinds.shape.default([]),
  /** Of what one distribution gives. Default: [], a number. */
  eventShape: kinds.shape.default([]),
  ...checking,
});

type Params<P> = { readonly [N in keyof P]: Tensor };

/** What is to say of a distribution. Parameters have one shape, that of the batch and then, if there are such, that of an event. */
export interface Rule<P> {
  readonly name: string;
  /** What parameters must be. */
  readonly params: { readonly [N in keyof P]: Constraint };
  /** How many of the last dims of parameters and values belong together. Default: 0. */
  readonly eventDims?: number;
  /** How many of the last dims of parameters are theirs alone. Default: `eventDims`. */
  readonly paramDims?: number;
  /** What values must be. */
  readonly support: (p: Params<P>) => Constraint;
  readonly mean: (p: Params<P>) => Tensor;
  /** NaN where there is none, or more than one. */
  readonly mode: (p: Params<P>) => Tensor;
  readonly variance: (p: Params<P>) => Tensor;
  readonly logProb: (p: Params<P>, x: Tensor) => Tensor;
  /** Null where there is no formula. */
  readonly entropy: ((p: Params<P>) => Tensor) | null;
  /** Whether samples have gradients to the parameters. */
  readonly reparametrized: boolean;
  readonly draw: (p: Params<P>, shape: Shape, generator: Generator | null) => Tensor;
}

/**
 * The base of all distributions: `batchShape` is that of the parameters, each of whose elements is a distribution of its own, `eventShape` that of one
 * sample of one of these.
 *
 * @see https://pytorch.org/docs/stable/distributions.html#torch.distributions.distribution.Distribution
 */
export abstract class Distribution {
  /** The shape of distributions beside each other. */
  readonly batchShape: Shape;
  /** The shape of one sample of one of them. */
  readonly eventShape: Shape;
  /** Whether `rsample` is there. */
  abstract readonly hasRsample: boolean;
  /** Whether parameters and values are looked at. */
  readonly validateArgs: boolean;

  /** @throws ValueError for shapes that are none */
  constructor(...args: ArgumentsOf<typeof shaping>) {
    const [batchShape, eventShape, validateArgs] = shaping.read(new.target.name, args);
    this.batchShape = Object.freeze([...batchShape]);
    this.eventShape = Object.freeze([...eventShape]);
    this.validateArgs = validateArgs;
  }

  /** The mean, of the shape of a sample. */
  abstract get mean(): Tensor;

  /** The value of the highest density or probability, of the shape of a sample; NaN where there is none, or more than one. */
  abstract get mode(): Tensor;

  /** The variance, of the shape of a sample. */
  abstract get variance(): Tensor;

  /** The square root of the variance. */
  get stddev(): Tensor {
    return this.variance.sqrt();
  }

  /** @internal */
  abstract draw(shape: Shape, generator: Generator | null): Tensor;

  /** @internal */
  abstract density(value: Tensor): Tensor;

  /** @internal */
  abstract get support(): Constraint;

  /** @internal What values are converted to. */
  abstract get dtype(): DType;

  /** The entropy of each distribution of the batch, in nats. */
  abstract entropy(): Tensor;

  /**
   * Samples, of shape `[...sampleShape, ...batchShape, ...eventShape]`, without a gradient.
   *
   * @throws ShapeError for a sampleShape that is no shape
   */
  sample(...args: ArgumentsOf<typeof sampling, SampleOptions>): Tensor {
    const [shape, generator] = sampling.read(`${this.constructor.name}: sample`, args);
    return noGrad(() => this.draw(this.#extended(shape), generator)).detach();
  }

  /**
   * The same with gradients to the parameters, as functions of which samples are computed.
   *
   * @throws ValueError where samples are no such functions
   */
  rsample(...args: ArgumentsOf<typeof sampling, SampleOptions>): Tensor {
    const op = `${this.constructor.name}: rsample`;
    const [shape, generator] = sampling.read(op, args);
    if (!this.hasRsample) {
      throw new ValueError(
        `${op}: samples have no gradients to the parameters; use sample, and the gradient of logProb`,
      );
    }
    return this.draw(this.#extended(shape), generator);
  }

  #extended(sampleShape: Shape): Shape {
    return [...sampleShape, ...this.batchShape, ...this.eventShape];
  }

  /**
   * The logarithm of the density, or of the probability, at `value`.
   *
   * @throws ValueError for values that the distribution does not have; ShapeError for a shape that does not broadcast with that of samples
   */
  logProb(...args: ArgumentsOf<typeof rating>): Tensor {
    const op = `${this.constructor.name}: logProb`;
    const [given] = rating.read(op, args);
    const { dtype } = this;
    const value = isTensor(given) ? (isFloat(given.dtype) ? given : given.to(dtype)) : tensor(given, { dtype });
    broadcastShapes(op, shapeOf(value), [...this.batchShape, ...this.eventShape]);
    if (this.validateArgs) require(op, 'value', value, this.support);
    return this.density(value);
  }

  /** The distribution with its shapes. */
  toString(): string {
    const text = (shape: Shape) => `[${shape.join(', ')}]`;
    return `${this.constructor.name}(batchShape: ${text(this.batchShape)}, eventShape: ${text(this.eventShape)})`;
  }
}

/** A distribution that is a rule. */
export abstract class Ruled<P> extends Distribution {
  readonly hasRsample: boolean;
  readonly #rule: Rule<P>;
  readonly #params: Params<P>;

  constructor(rule: Rule<P>, params: Params<P>, validateArgs: boolean) {
    const given = Object.entries(params) as [string & keyof P, Tensor][];
    const shape = shapeOf(given[0]![1]);
    const { eventDims = 0, paramDims = eventDims } = rule;
    const batch = shape.slice(0, shape.length - paramDims);
    super(batch, eventDims === 0 ? [] : shape.slice(-eventDims), validateArgs);
    if (validateArgs) for (const [name, value] of given) require(rule.name, name, value, rule.params[name]);
    this.#rule = rule;
    this.#params = params;
    this.hasRsample = rule.reparametrized;
    for (const [name, value] of given) Object.defineProperty(this, name, { value, enumerable: true });
  }

  override get mean(): Tensor {
    return this.#rule.mean(this.#params);
  }

  override get mode(): Tensor {
    return this.#rule.mode(this.#params);
  }

  override get variance(): Tensor {
    return this.#rule.variance(this.#params);
  }

  /** @internal */
  override get support(): Constraint {
    return this.#rule.support(this.#params);
  }

  /** @internal */
  override get dtype(): DType {
    return (Object.values(this.#params) as Tensor[])[0]!.dtype;
  }

  /** @internal */
  override draw(shape: Shape, generator: Generator | null): Tensor {
    return this.#rule.draw(this.#params, shape, generator);
  }

  /** @internal */
  override density(value: Tensor): Tensor {
    return this.#rule.logProb(this.#params, value);
  }

  override entropy(): Tensor {
    const { entropy, name } = this.#rule;
    if (entropy === null) throw new ValueError(`${name}: entropy: there is no formula; average -logProb of samples`);
    return entropy(this.#params);
  }
}

takeNoMore(Ruled, 'entropy');
mark(Distribution.prototype);

/** Parameters as float tensors of one dtype and one shape. */
export function broadcast<P extends Readonly<Record<string, Operand>>>(
  op: string,
  given: P,
): { [N in keyof P]: Tensor } {
  const tensors = Object.values(given).filter(isTensor);
  const floats = tensors.map(({ dtype }) => dtype).filter(isFloat);
  const dtype = floats.reduce(wider, DEFAULT_FLOAT);
  const shape = broadcastShapes(op, ...tensors.map(shapeOf));
  const made = Object.entries(given).map(([name, value]) => {
    const x = isTensor(value) ? (value.dtype === dtype ? value : value.to(dtype)) : tensor(value, { dtype });
    return [name, x.expand(shape)];
  });
  return Object.fromEntries(made) as { [N in keyof P]: Tensor };
}
