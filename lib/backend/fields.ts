import type { Moves } from './js/convolve.js';
import type { Epilogue, Program } from './program.js';
import type { Storage } from './storage.js';
import type { View } from './view.js';

/** What of a field is not the case is left out: a number is neither read nor written. */
export interface Field<T> {
  /** The views of it that an instruction reads, and those that it writes, whole or in part. */
  reads?(value: T): readonly View[];
  writes?(value: T): readonly View[];
  /** The state of a random stream, which is no view: it is read and written whole. */
  state?(value: T): Storage;
  /** The same over other memory. */
  over?(value: T, view: (view: View) => View, state: (state: Storage) => Storage): T;
  /** A copy that later changes of the caller's arrays do not reach. Views do not change. */
  copy?(value: T): T;
  /** Names that it is one of; the native core knows them by their places. */
  readonly names?: readonly string[];
}

const one = (view: View): readonly View[] => [view];
const all = (views: readonly View[]): readonly View[] => views;

const view: Field<View> = { over: (value, change) => change(value) };
const views: Field<readonly View[]> = {
  over: (value, change) => value.map(change),
  copy: (value) => value.slice(),
};

export const read: Field<View> = { ...view, reads: one };
export const write: Field<View> = { ...view, writes: one };
/** What is not overwritten keeps its values, or has a part in the new ones. */
export const update: Field<View> = { ...view, reads: one, writes: one };
export const readAll: Field<readonly View[]> = { ...views, reads: all };
export const writeAll: Field<readonly View[]> = { ...views, writes: all };
export const updateAll: Field<readonly View[]> = { ...views, reads: all, writes: all };

/** The state of a random stream, which is advanced. */
export const state: Field<Storage> = { state: (value) => value, over: (value, _, change) => change(value) };

export const program: Field<Program> = {};
export const epilogue: Field<Epilogue | null> = {
  reads: (value) => value?.inputs ?? [],
  over: (value, change) => value && { ...value, inputs: value.inputs.map(change) },
  copy: (value) => value && { ...value, params: value.params.slice(), inputs: value.inputs.slice() },
};

export const number: Field<number> = {};
export const flag: Field<boolean> = {};
export const numbers: Field<readonly number[]> = { copy: (value) => value.slice() };
export const moves: Field<Moves> = {};
export const choice = <const N extends string>(names: readonly N[]): Field<N> => ({ names });
