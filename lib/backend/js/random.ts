import type { TypedArray } from '../dtype.js';
import { DONE } from '../outcome.js';
import { HAS_NORMAL, NORMAL, stateDoubles, stateWords } from '../random-state.js';
import type { Storage } from '../storage.js';
import { sizeOf, type View } from '../view.js';
import { fma, fmaf } from './fused.js';
import { nextDouble, nextFloat, nextWord } from './mersenne-twister.js';
import { logFloat, sinCosFloat } from './single-precision.js';
import { log, log1p, sinCos } from './transcendental.js';

export const randomKinds = ['uniform', 'normal', 'bernoulli', 'integer', 'permutation', 'exponential'] as const;
/**
 * What `random` draws, and its two parameters:
 * `uniform` (from, to), `normal` (mean, std), `bernoulli` (p, unused) as 0 or 1 from 53-bit draws, `integer` (low, high),
 * `permutation` of 0 … n-1 (unused, unused), `exponential` (rate, unused).
 */
export type RandomKind = (typeof randomKinds)[number];

/** The instruction `random`. The streams, and the rounding of every value, are those of PyTorch's vector kernels on x86-64. */
export function randomFill(kind: RandomKind, state: Storage, out: View, p0: number, p1: number): number {
  const length = sizeOf(out.shape);
  const values = out.storage.array(out.dtype).subarray(out.offset, out.offset + length);
  const words = stateWords(state);
  switch (kind) {
    case 'uniform':
      fillUniform(values, words, p0, p1);
      break;
    case 'normal':
      if (length < BLOCK) fill(values, () => nextNormal(state, p0, p1));
      else fillNormal(values, words, p0, p1);
      break;
    case 'bernoulli':
      fill(values, () => Number(nextDouble(words) < p0));
      break;
    case 'integer':
      fill(values, () => p0 + nextBelow(words, Math.max(1, p1 - p0)));
      break;
    case 'permutation':
      fillPermutation(values, words);
      break;
    case 'exponential':
      fill(values, () => (-1 / p0) * log1p(-nextDouble(words)));
      break;
    default:
      kind satisfies never;
  }
  return DONE;
}

function fill(values: TypedArray, next: () => number): void {
  for (let i = 0; i < values.length; i++) values[i] = next();
}

/** u (to - from) + from with one rounding; where that is `to`, which the interval does not contain, `from`. */
function fillUniform(values: TypedArray, words: Int32Array, p0: number, p1: number): void {
  const { round, uniform, multiplyAdd } = arithmeticOf(values);
  const from = round(p0);
  const to = round(p1);
  const width = round(to - from);
  fill(values, () => {
    const value = multiplyAdd(uniform(words), width, from);
    return value === to ? from : value;
  });
}

/** One of a pair of normals (Box-Muller in doubles, whatever the type); the state keeps the other for the next call. */
function nextNormal(state: Storage, mean: number, std: number): number {
  const words = stateWords(state);
  const cache = stateDoubles(state);
  if (words[HAS_NORMAL] !== 0) {
    words[HAS_NORMAL] = 0;
    return fma(cache[NORMAL]!, std, mean);
  }
  const angle = 2 * Math.PI * nextDouble(words);
  const radius = Math.sqrt(-2 * log1p(-nextDouble(words)));
  const { sin, cos } = sinCos(angle);
  words[HAS_NORMAL] = 1;
  cache[NORMAL] = radius * sin;
  return fma(radius * cos, std, mean);
}

/** Uniforms that are turned into normals together: elements j and j + 8 become a pair. */
const BLOCK = 16;

/** All uniforms first, then block by block; a remainder is served by one more block at the very end, drawn again over finished values. */
function fillNormal(values: TypedArray, words: Int32Array, mean: number, std: number): void {
  const { uniform } = arithmeticOf(values);
  fill(values, () => uniform(words));
  for (let i = 0; i + BLOCK <= values.length; i += BLOCK) normalBlock(values.subarray(i, i + BLOCK), mean, std);
  if (values.length % BLOCK === 0) return;
  const last = values.subarray(-BLOCK);
  fill(last, () => uniform(words));
  normalBlock(last, mean, std);
}

function normalBlock(block: TypedArray, mean: number, std: number): void {
  const { round, log, sinCos, multiplyAdd } = arithmeticOf(block);
  for (let j = 0; j < BLOCK / 2; j++) {
    const radius = round(Math.sqrt(round(-2 * log(1 - block[j]!))));
    const { sin, cos } = sinCos(round(round(2 * Math.PI) * block[j + BLOCK / 2]!));
    block[j] = multiplyAdd(round(radius * cos), round(std), round(mean));
    block[j + BLOCK / 2] = multiplyAdd(round(radius * sin), round(std), round(mean));
  }
}

/** What differs between drawing float32 and float64. */
interface Arithmetic {
  readonly round: (x: number) => number;
  readonly uniform: (words: Int32Array) => number;
  readonly multiplyAdd: (a: number, b: number, c: number) => number;
  readonly log: (x: number) => number;
  readonly sinCos: (x: number) => { sin: number; cos: number };
}

const single: Arithmetic = {
  round: Math.fround,
  uniform: nextFloat,
  multiplyAdd: fmaf,
  log: logFloat,
  sinCos: sinCosFloat,
};
const double: Arithmetic = { round: (x) => x, uniform: nextDouble, multiplyAdd: fma, log, sinCos };

const arithmeticOf = (values: TypedArray): Arithmetic => (values.BYTES_PER_ELEMENT === 4 ? single : double);

/** The remainder of one word by `range`, or of two words where one would be visibly uneven. */
function nextBelow(words: Int32Array, range: number): number {
  const word = nextWord(words);
  if (range < 2 ** 28) return word % range;
  return Number(((BigInt(word) << 32n) | BigInt(nextWord(words))) % BigInt(range));
}

/** Fisher-Yates from the front. */
function fillPermutation(values: TypedArray, words: Int32Array): void {
  const n = values.length;
  for (let i = 0; i < n; i++) values[i] = i;
  for (let i = 0; i < n - 1; i++) {
    const j = i + (nextWord(words) % (n - i));
    const swapped = values[i]!;
    values[i] = values[j]!;
    values[j] = swapped;
  }
}
