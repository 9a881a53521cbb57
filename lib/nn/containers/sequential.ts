import { takeNoMore } from '../../arguments/no-more.js';
import { recording } from '../../backend/recording.js';
import { describe } from '../../describe.js';
import { ValueError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import { isModule, type Module } from '../module.js';
import { ITEM, itemsOf, List, put } from './list.js';

/** A module from one tensor to one tensor. */
export type Layer = Module<[Tensor], Tensor>;

type Modules = readonly Module[];

type InputOf<M> = M extends { forward(...inputs: infer I): unknown } ? I[0] : never;
type OutputOf<M> = M extends { forward(...inputs: never): infer O } ? O : never;

/** What the first of some layers takes, and what the last gives. */
type First<T extends Modules> = T extends readonly [infer F, ...unknown[]] ? InputOf<F> : InputOf<T[number]>;
type Last<T extends Modules> = T extends readonly [...unknown[], infer L] ? OutputOf<L> : OutputOf<T[number]>;

/** The layers with one more in front, so that at each position is the one before. */
type Before<T extends Modules> = readonly [Module, ...T];

/** The layers, with one that takes what the layer before gives in place of each that does not. */
type Chain<T extends Modules> = {
  [K in keyof T]: K extends '0'
    ? T[K]
    : OutputOf<Before<T>[K & keyof Before<T>]> extends InputOf<T[K]>
      ? T[K]
      : Module<[OutputOf<Before<T>[K & keyof Before<T>]>]>;
};

class Layers<T extends Modules> extends List<T[number], Module, [First<T>], Last<T>> {
  constructor(...layers: T) {
    super();
    put(this, 0, itemsOf(this, 'argument', layers));
  }

  override forward(x: First<T>): Last<T> {
    recording?.used(this);
    const layers = this as object as Readonly<Record<number, Module<[unknown]>>>;
    let result: unknown = x;
    for (let i = 0; layers[i] !== undefined; i++) result = layers[i]!.forward(result);
    return result as Last<T>;
  }

  /** @internal */
  override [ITEM](item: unknown, where: string): T[number] {
    if (isModule(item)) return item;
    throw new ValueError(`${this.constructor.name}: ${where} must be a Module, got ${describe(item)}`);
  }
}

takeNoMore(Layers, 'forward');
Object.defineProperty(Layers, 'name', { value: 'Sequential' });

/** The layers under their positions, each with its own type. */
type Indexed<T extends Modules> = { [K in keyof T as K extends `${number}` ? K : never]: T[K] };

/**
 * Layers one after the other: each takes what the one before gives. Each keeps its own type under its position, `model[0]`; the whole takes what
 * the first takes, gives what the last gives, and can be iterated over.
 *
 * @throws ValueError for what is no module
 * @example
 * ```ts
 * const model = new nn.Sequential(new nn.Linear(4, 3), new nn.ReLU(), new nn.Linear(3, 1));
 * model[0].weight.shape; // [3, 4]
 * model.forward(ones([2, 4])).shape; // [2, 1]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Sequential.html
 */
export type Sequential<T extends Modules = readonly Layer[]> = Layers<T> & Indexed<T>;
export const Sequential = Layers as new <T extends Modules>(...layers: T & Chain<T>) => Sequential<T>;
