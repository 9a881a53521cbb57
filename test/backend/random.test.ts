import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  allocate,
  allocateState,
  backend,
  type DType,
  dtypes,
  type RandomKind,
  STATE_WORDS,
  type Storage,
  seedState,
  stateWords,
  type View,
} from '../../lib/backend/index.js';
import { randomFill } from '../../lib/backend/js/random.js';

/** See fixtures/rng.py. */
interface Recorded {
  readonly id: string;
  readonly seed: number;
  readonly kind: RandomKind;
  readonly p0: number;
  readonly p1: number;
  readonly dtype: DType;
  readonly length: number;
  readonly values: string;
  readonly next: number;
}

const recorded = JSON.parse(readFileSync(new URL('../fixtures/rng.json', import.meta.url), 'utf8')) as Recorded[];

function seeded(seed: number): Storage {
  const state = allocateState();
  seedState(state, seed);
  return state;
}

const view = (storage: Storage, dtype: DType, offset: number, length: number): View => ({
  storage,
  offset,
  shape: [length],
  strides: [1],
  dtype,
});

const bytesOf = (storage: Storage, dtype: DType, length: number): Uint8Array =>
  new Uint8Array(storage.buffer, storage.byteOffset, length * dtypes[dtype].size);

describe('streams recorded from PyTorch', () => {
  test.each(recorded)('$id', ({ seed, kind, p0, p1, dtype, length, values, next }) => {
    const state = seeded(seed);
    const out = allocate(dtype, length);
    backend.random(kind, state, view(out, dtype, 0, length), p0, p1);
    expect(Buffer.from(bytesOf(out, dtype, length)).toString('base64')).toBe(values);
    const after = allocate('float32', 1);
    backend.random('uniform', state, view(after, 'float32', 0, 1), 0, 1);
    expect(after.array('float32')[0]).toBe(next);
  });
});

const floats = ['float32', 'float64'] as const;
const all = ['float32', 'float64', 'int32', 'bool'] as const;
const numbers = ['float32', 'float64', 'int32'] as const;

const draws: readonly [kind: RandomKind, types: readonly DType[], p0: number, p1: number][] = [
  ['uniform', floats, 0, 1],
  ['uniform', floats, -0.3, 0.9],
  ['uniform', floats, 1, 1 + 2 ** -22],
  ['normal', floats, 0, 1],
  ['normal', floats, 0.3, 1.7],
  ['exponential', floats, 1.5, 0],
  ['bernoulli', all, 0.3, 0],
  ['integer', numbers, -100, 1000],
  ['integer', numbers, -5, 2 ** 28 - 5],
  ['integer', ['int32'], -(2 ** 31), 2 ** 31 - 1],
  ['integer', ['float64'], 0, 2 ** 53],
  ['permutation', numbers, 0, 0],
];
const lengths = [...Array(71).keys(), 511, 512, 513, 1000, 100_003];

describe('the backend in use draws the bits of the definition in TypeScript', () => {
  const cases = draws.flatMap(([kind, types, p0, p1]) => types.map((dtype) => ({ kind, dtype, p0, p1 })));

  test.each(cases)('$kind($p0, $p1) $dtype', ({ kind, dtype, p0, p1 }) => {
    // One stream for all lengths, so that calls also start inside a block of words and with a normal kept.
    const state = seeded(77);
    const expectedState = seeded(77);
    for (const length of lengths) {
      const out = allocate(dtype, length);
      const expected = allocate(dtype, length);
      backend.random(kind, state, view(out, dtype, 0, length), p0, p1);
      randomFill(kind, expectedState, view(expected, dtype, 0, length), p0, p1);
      expect(Buffer.compare(bytesOf(out, dtype, length), bytesOf(expected, dtype, length)), `length ${length}`).toBe(0);
      expect(stateOf(state), `length ${length}`).toEqual(stateOf(expectedState));
    }
  });
});

const stateOf = (state: Storage): number[] => [...stateWords(state).subarray(0, STATE_WORDS)];

describe('random', () => {
  test.each([...all])('writes its run of %s elements and nothing else', (dtype) => {
    const out = allocate(dtype, 40);
    out.array(dtype).fill(7);
    backend.random('bernoulli', seeded(1), view(out, dtype, 3, 30), 0.5, 0);
    const values = [...out.array(dtype).subarray(0, 40)];
    expect(values.slice(0, 3)).toEqual([7, 7, 7]);
    expect(values.slice(33)).toEqual(Array(7).fill(7));
    expect(new Set(values.slice(3, 33))).toEqual(new Set([0, 1]));
  });

  test('never draws the upper end of a narrow interval', () => {
    const out = allocate('float32', 1000);
    const end = 1 + 2 ** -22;
    backend.random('uniform', seeded(3), view(out, 'float32', 0, 1000), 1, end);
    expect([...out.array('float32').subarray(0, 1000)].every((value) => value >= 1 && value < end)).toBe(true);
  });

  test('permutes', () => {
    const out = allocate('int32', 1000);
    backend.random('permutation', seeded(4), view(out, 'int32', 0, 1000), 0, 0);
    expect([...out.array('int32').subarray(0, 1000)].sort((a, b) => a - b)).toEqual([...Array(1000).keys()]);
  });
});
