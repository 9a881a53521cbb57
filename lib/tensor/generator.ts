import type { ArgumentsOf } from '../arguments/forms.js';
import { type Kind, kind } from '../arguments/kind.js';
import { integer } from '../arguments/kinds.js';
import { takeNoMore } from '../arguments/no-more.js';
import { mark } from '../describe.js';
import { signature } from '../arguments/signature.js';
import { allocateState, faultOfState, STATE_WORDS, seedState, stateWords } from '../backend/random-state.js';
import { onceBackend, type Storage } from '../backend/storage.js';
import { FormatError, ValueError } from '../errors.js';
import { typedArrayName } from '../realm.js';
import { uncloneable } from '../uncloneable.js';

const UNCLONEABLE = uncloneable('Generator', 'send its getState(), and there call setState');

/** @internal The memory of a stream, which must not get out of the library. */
export let streamOf: (generator: Generator) => Storage;

/** @internal Whether a value is a generator, and not a Proxy of one or an object of its prototype. */
export let isGenerator: (value: unknown) => value is Generator;

const making = signature('seed', {
  /** An integer, of which the low 32 bits count. Default: 5489. */
  seed: integer.default(5489),
});

const seeding = signature('seed', { seed: integer });

const state: Kind<Int32Array> = kind(
  `an Int32Array of ${STATE_WORDS} words from getState`,
  (value): value is Int32Array =>
    typedArrayName(value) === 'Int32Array' && (value as Int32Array).length === STATE_WORDS,
  { error: FormatError },
);

const restoring = signature('state', { state });

/**
 * A stream of random numbers (MT19937), independent of the default one. The same seed gives the same values on every machine and backend,
 * and they are PyTorch's.
 *
 * @example
 * ```ts
 * const generator = new Generator(42);
 * rand([2], { generator }); // tensor([0.8823, 0.9150])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.Generator.html
 */
export class Generator {
  /** @internal */
  readonly uncloneable = UNCLONEABLE;
  #state!: Storage;
  #seed = 0;

  static {
    streamOf = (generator) => generator.#state;
    isGenerator = (value): value is Generator => typeof value === 'object' && value !== null && #state in value;
    takeNoMore(Generator, 'initialSeed', 'getState');
    mark(Generator.prototype);
  }

  constructor(...args: ArgumentsOf<typeof making>) {
    const [seed] = making.read('Generator', args);
    onceBackend(() => {
      this.#state = allocateState();
      this.manualSeed(seed);
    });
  }

  /** Restarts the stream, from an integer of which the low 32 bits count. */
  manualSeed(...args: ArgumentsOf<typeof seeding>): this {
    const [seed] = seeding.read('manualSeed', args);
    seedState(this.#state, seed);
    this.#seed = seed;
    return this;
  }

  /** The seed the stream was last started from. */
  initialSeed(): number {
    return this.#seed;
  }

  /** @internal Without it, `JSON.stringify` would write an empty object. */
  toJSON(): never {
    throw new ValueError('toJSON: a Generator is not written as such; write [...generator.getState()]');
  }

  /** A copy of where the stream is, to come back to with `setState`. */
  getState(): Int32Array {
    return stateWords(this.#state).slice(0, STATE_WORDS);
  }

  /**
   * Goes back to what `getState` returned.
   *
   * @throws FormatError for anything else; the stream then stays where it is
   */
  setState(...args: ArgumentsOf<typeof restoring>): this {
    const [words] = restoring.read('setState', args);
    const fault = faultOfState(words);
    if (fault !== null) throw new FormatError(`setState: this is no state from getState: ${fault}`);
    stateWords(this.#state).set(words);
    return this;
  }
}

/** The stream that is used where no generator is given. */
export const defaultGenerator = new Generator();

/** @internal Where draws come from that are given no generator: the default one, but within `drawingFrom`. */
export let ambientGenerator: Generator = defaultGenerator;

/** @internal Runs `fn` with another generator in place of the default one. */
export function drawingFrom<T>(generator: Generator, fn: () => T): T {
  const outer = ambientGenerator;
  ambientGenerator = generator;
  try {
    return fn();
  } finally {
    ambientGenerator = outer;
  }
}

/**
 * Restarts the default stream; returns its generator.
 *
 * @example
 * ```ts
 * manualSeed(0);
 * rand([3]); // tensor([0.4963, 0.7682, 0.0885])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.manual_seed.html
 */
export const manualSeed = (...args: ArgumentsOf<typeof seeding>): Generator => defaultGenerator.manualSeed(...args);
