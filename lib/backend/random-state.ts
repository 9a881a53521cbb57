import { allocate, type Storage } from './storage.js';

/**
 * The state of a Mersenne Twister stream (MT19937) as both backends read and write it, in 32-bit words:
 * [0, 624) the twister's state, 624 the position of the next word (624: twist first), 625 whether a second normal is cached,
 * 626 and 627 that normal as a double.
 */
export const STATE_WORDS = 628;
export const POSITION = 624;
export const HAS_NORMAL = 625;
/** Index of the cached normal in the state seen as doubles. */
export const NORMAL = 313;

/** The state as words (an Int32Array: read with `>>> 0`). */
export const stateWords = (state: Storage): Int32Array => state.array('int32') as Int32Array;
export const stateDoubles = (state: Storage): Float64Array => state.array('float64') as Float64Array;

export const allocateState = (): Storage => allocate('int32', STATE_WORDS);

/** What of `words` no stream leaves behind, in words; null if they are a state that a backend may go on from. */
export function faultOfState(words: Int32Array): string | null {
  const position = words[POSITION]!;
  if (position < 0 || position > POSITION) return `its position is ${position}, not in [0, ${POSITION}]`;
  const cached = words[HAS_NORMAL]!;
  if (cached !== 0 && cached !== 1) return `its mark of a cached normal is ${cached}, not 0 or 1`;
  const normal = new Float64Array(Int32Array.of(words[2 * NORMAL]!, words[2 * NORMAL + 1]!).buffer)[0];
  return Number.isFinite(normal) ? null : `its cached normal is ${normal}`;
}

/** Seeds with the low 32 bits of `seed` (x[i] = 1812433253 * (x[i-1] ^ (x[i-1] >> 30)) + i) and forgets the cached normal. */
export function seedState(state: Storage, seed: number): void {
  const words = stateWords(state);
  words[0] = Number(BigInt.asUintN(32, BigInt(seed)));
  for (let i = 1; i < POSITION; i++) {
    const previous = words[i - 1]!;
    words[i] = Math.imul(1812433253, previous ^ (previous >>> 30)) + i;
  }
  words[POSITION] = POSITION;
  words[HAS_NORMAL] = 0;
  stateDoubles(state)[NORMAL] = 0;
}
