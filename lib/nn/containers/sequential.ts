import { recording } from '../../backend/recording.js';
import { describe } from '../../describe.js';
import { ValueError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Module } from '../module.js';

/** A module from one tensor to one tensor. */
export interface Layer extends Module {
  forward(x: Tensor): Tensor;
}

class SequentialModule<T extends readonly Layer[]> extends Module implements Iterable<T[number]> {
  /** How many layers there are. */
  declare readonly length: number;

  constructor(...layers: T) {
    super();
    const wrong = layers.findIndex((layer) => !(layer instanceof Module));
    if (wrong >= 0)
      throw new ValueError(`Sequential: argument ${wrong} must be a Module, got ${describe(layers[wrong])}`);
    Object.defineProperty(this, 'length', { value: layers.length });
    Object.assign(this, layers);
  }

  override forward(x: Tensor): Tensor {
    recording?.used(this);
    let result = x;
    for (const layer of this) result = layer.forward(result);
    return result;
  }

  /** The layer at a position; negative ones count from the end. */
  at(index: number): T[number] | undefined {
    return [...this].at(index);
  }

  *[Symbol.iterator](): Iterator<T[number]> {
    for (let i = 0; i < this.length; i++) yield Reflect.get(this, i) as T[number];
  }
}

Object.defineProperty(SequentialModule, 'name', { value: 'Sequential' });

/** The layers under their positions, each with its own type. */
type Indexed<T extends readonly Layer[]> = { [K in keyof T as K extends `${number}` ? K : never]: T[K] };

/**
 * Layers one after the other. Each keeps its own type under its position, and the whole can be iterated over.
 *
 * @example
 * ```ts
 * const model = new nn.Sequential(new nn.Linear(4, 3), new nn.ReLU(), new nn.Linear(3, 1));
 * model[0].weight.shape; // [3, 4]
 * model.forward(ones([2, 4])).shape; // [2, 1]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Sequential.html
 */
export type Sequential<T extends readonly Layer[] = readonly Layer[]> = SequentialModule<T> & Indexed<T>;
export const Sequential = SequentialModule as new <T extends readonly Layer[]>(
  ...layers: T
) => SequentialModule<T> & Indexed<T>;
