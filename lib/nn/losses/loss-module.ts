import { takeNoMore } from '../../arguments/no-more.js';
import { recording } from '../../backend/recording.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Module } from '../module.js';

type Loss<O> = (input: Tensor, target: Tensor, options: O) => Tensor;

/** Weights are state: they are saved with the module and follow it to another type. */
const WEIGHTS = ['weight', 'posWeight'] as const;

/** A loss of input and target as a module: its function with the options it was made with. */
export abstract class LossModule<O extends object> extends Module<[input: Tensor, target: Tensor], Tensor> {
  readonly options: O;
  private readonly loss: Loss<O>;
  private readonly weights: readonly (typeof WEIGHTS)[number][];

  constructor(loss: Loss<O>, options: O) {
    super();
    this.loss = loss;
    this.options = options;
    this.weights = WEIGHTS.filter((key) => key in options);
    for (const key of this.weights) this.registerBuffer(key, Reflect.get(options, key) as Tensor | null);
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    recording?.used(this);
    const weights = this.weights.map((key) => [key, Reflect.get(this, key)]);
    return this.loss(input, target, { ...this.options, ...Object.fromEntries(weights) });
  }
}

/** The same of a loss of three tensors, none of which is a weight. */
export abstract class TripleLossModule<O extends object> extends Module<[a: Tensor, b: Tensor, c: Tensor], Tensor> {
  readonly options: O;
  private readonly loss: (a: Tensor, b: Tensor, c: Tensor, options: O) => Tensor;

  constructor(loss: (a: Tensor, b: Tensor, c: Tensor, options: O) => Tensor, options: O) {
    super();
    this.loss = loss;
    this.options = options;
  }

  override forward(a: Tensor, b: Tensor, c: Tensor): Tensor {
    recording?.used(this);
    return this.loss(a, b, c, this.chosen());
  }

  /** The options as they are now. */
  protected chosen(): O {
    return this.options;
  }
}

takeNoMore(LossModule, 'forward');
takeNoMore(TripleLossModule, 'forward');
