import { POSITION } from '../random-state.js';

const N = 624;
const M = 397;

/** The next 32 random bits of the stream (MT19937) as an unsigned integer. `words` is laid out as in `random-state.ts`. */
export function nextWord(words: Int32Array): number {
  // A position that is none, which only foreign memory can have, is the end.
  if (words[POSITION]! >>> 0 >= N) twist(words);
  let y = words[words[POSITION]!++]!;
  y ^= y >>> 11;
  y ^= (y << 7) & 0x9d2c5680;
  y ^= (y << 15) & 0xefc60000;
  y ^= y >>> 18;
  return y >>> 0;
}

/** Uniform in [0, 1) in steps of 2^-24: one word. */
export const nextFloat = (words: Int32Array): number => (nextWord(words) & 0xffffff) * 2 ** -24;

/** Uniform in [0, 1) in steps of 2^-53: two words, the high one first. */
export function nextDouble(words: Int32Array): number {
  const high = nextWord(words) & 0x1fffff;
  return (high * 2 ** 32 + nextWord(words)) * 2 ** -53;
}

function twist(words: Int32Array): void {
  for (let i = 0; i < N; i++) {
    const y = (words[i]! & 0x80000000) | (words[(i + 1) % N]! & 0x7fffffff);
    words[i] = words[(i + M) % N]! ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
  }
  words[POSITION] = 0;
}
