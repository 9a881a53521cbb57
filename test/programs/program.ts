import type { Tensor } from 'nabla';

/** Numbers, texts, and lists and records of them; a tensor stands for its nested values. */
export type Output = number | string | boolean | Tensor | readonly Output[] | { readonly [name: string]: Output };

/** What a training program computes. */
export interface Results {
  readonly losses: readonly number[];
  /** Parameters and buffers in the end, by the names of the record. */
  readonly finals: Readonly<Record<string, Tensor>>;
  readonly outputs: Readonly<Record<string, Output>>;
  /** The rate of each step. */
  readonly lrs?: readonly number[];
}
