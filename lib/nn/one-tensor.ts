import { takeNoMore } from '../arguments/no-more.js';
import * as kinds from '../tensor/kinds.js';
import { isTensor, type Tensor } from '../tensor/tensor.js';
import type { Module } from './module.js';

type Forward = (this: object, x: Tensor) => unknown;

/** Makes `forward` of layers refuse what is no tensor, in the layer's name, and anything after it. */
export function takeOneTensor(...types: readonly { readonly prototype: Module<[x: Tensor], unknown> }[]): void {
  for (const { prototype } of types) {
    const forward = prototype.forward as Forward;
    const value = function (this: object, x: Tensor): unknown {
      if (!isTensor(x)) kinds.tensor.refuse(this.constructor.name, 'the input', x);
      return forward.call(this, x);
    };
    Object.defineProperty(prototype, 'forward', { value, writable: true, configurable: true });
    takeNoMore({ prototype }, 'forward');
  }
}
