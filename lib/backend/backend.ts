import type { DType } from './dtype.js';
import type { Executable, Instruction } from './instruction.js';
import type { Program } from './program.js';
import type { Storage } from './storage.js';
import type { View } from './view.js';

/** What a matmul does to each finished tile: input 0 of the program is the product, `inputs` are its further inputs. */
export interface Epilogue {
  readonly program: Program;
  readonly params: readonly number[];
  readonly inputs: readonly View[];
}

export const scatterModes = ['set', 'add'] as const;
/** How `scatter` combines a source element with what is there. */
export type ScatterMode = (typeof scatterModes)[number];

export const randomKinds = ['uniform', 'normal', 'bernoulli', 'integer', 'permutation', 'exponential'] as const;
/**
 * What `random` draws, and its two parameters:
 * `uniform` (from, to), `normal` (mean, std), `bernoulli` (p, unused) as 0 or 1 from 53-bit draws, `integer` (low, high),
 * `permutation` of 0 … n-1 (unused, unused), `exponential` (rate, unused).
 */
export type RandomKind = (typeof randomKinds)[number];

/** What an instruction returns that was done. */
export const DONE = -1;
/** What one returns of which a value does not fit the int32 that it is stored as; what was stored is not to be used. */
export const MISFIT = -2;

/**
 * The instruction set: all that the layers above ask of a core. The native core and the plain TypeScript of `js/`
 * implement it alike; where they differ, `js/` is right until shown otherwise.
 *
 * Nothing is checked here: shapes, types and options were checked by the caller. Views of the same storage may be operands together only
 * where an output is exactly the same view as an input, or overlaps none.
 */
export interface Backend {
  readonly name: 'native' | 'js';

  /**
   * Runs a program without folds over every element of the outputs' common shape; inputs are broadcast to it. Returns `DONE` or
   * `MISFIT`, as `fold` and `matmul` do.
   */
  map(program: Program, params: readonly number[], inputs: readonly View[], outputs: readonly View[]): number;

  /**
   * Runs a program with folds over `shape`; `axes` (ascending) are the folded ones. Element operands are broadcast to `shape`; row
   * operands have size 1 in every folded axis. A reduction is a program all of whose outputs are row values.
   */
  fold(
    program: Program,
    params: readonly number[],
    inputs: readonly View[],
    outputs: readonly View[],
    shape: readonly number[],
    axes: readonly number[],
  ): number;

  /**
   * out[…, m, n] = sum over k, in order, of a[…, m, k] * b[…, k, n]; leading (batch) axes are broadcast. `a`, `b` and the product are
   * all float32 or all float64. With an epilogue, `outputs` are the epilogue program's; without, the one output is the product.
   */
  matmul(a: View, b: View, outputs: readonly View[], epilogue: Epilogue | null): number;

  /**
   * out[i, j, k] = input[i, index[i, j, k], k] for `axis` 1, likewise for others; `index` (int32) has out's shape.
   * Returns the row-major position of the first index outside [0, input.shape[axis]) and then writes nothing, or `DONE`.
   */
  gather(out: View, input: View, index: View, axis: number): number;

  /**
   * out[i, index[i, j, k], k] (set or add)= source[i, j, k] for `axis` 1, likewise for others, in row-major order of `index`; `source` has
   * index's shape and out's type. Returns as `gather` does.
   */
  scatter(out: View, index: View, source: View, axis: number, mode: ScatterMode): number;

  /** Fills `length` contiguous elements from `offset` on and advances the generator in `state` (see `random-state.ts`). */
  random(
    kind: RandomKind,
    state: Storage,
    out: Storage,
    dtype: DType,
    offset: number,
    length: number,
    p0: number,
    p1: number,
  ): void;

  /**
   * Makes instructions ready to run again and again without their being decoded or checked anew. Storages that are `ports` are bound by
   * each run; all others are used as they are and stay reachable as long as the result.
   */
  link(instructions: readonly Instruction[], ports: readonly Storage[]): Executable;

  /** How many threads an instruction may use. */
  getNumThreads(): number;
  setNumThreads(count: number): void;
}
