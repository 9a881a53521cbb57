import type { Kind } from '../arguments/kind.js';
import type { Signature } from '../arguments/signature.js';
import * as kinds from '../tensor/kinds.js';
import type { Tensor } from '../tensor/tensor.js';

// A module and its function have one declaration of parameters: the function takes its operands before them.

/** How many layers are stacked: more would not fit memory, nor an array. */
export const layerCount: Kind<number> = kinds.integerFrom(1, 10_000);

export const onInput = <T extends string, K>(takes: Signature<T, K>): OnInput<Signature<T, K>> =>
  takes.after('input', { input: kinds.tensor }) as OnInput<Signature<T, K>>;

export const onPair = <T extends string, K>(takes: Signature<T, K>): OnPair<Signature<T, K>> =>
  takes.after('input, target', { input: kinds.tensor, target: kinds.tensor }) as OnPair<Signature<T, K>>;

export type OnInput<S> =
  S extends Signature<infer T, infer K> ? Signature<`input, /, ${T}`, { input: Kind<Tensor> } & K> : never;

export type OnPair<S> =
  S extends Signature<infer T, infer K>
    ? Signature<`input, target, /, ${T}`, { input: Kind<Tensor>; target: Kind<Tensor> } & K>
    : never;
