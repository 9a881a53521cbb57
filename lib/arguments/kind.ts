import { describe } from '../describe.js';
import { type NablaError, ValueError } from '../errors.js';

/** What there is to say of a value that is not taken, beyond what is expected. */
export interface Refusal {
  /** The error that it gets. Default: ValueError. */
  readonly error?: new (
    message: string,
  ) => NablaError;
  /** Throws an error that says more, if there is more to say. */
  readonly explain?: (op: string, name: string, value: unknown) => void;
}

/** What a parameter takes. One that is of a kind as it is must be given. */
export class Kind<T> {
  /** In words, as they follow `must be`. */
  readonly expected: string;
  readonly accepts: (value: unknown) => value is T;
  readonly #refusal: Refusal;

  constructor(expected: string, accepts: (value: unknown) => value is T, refusal: Refusal = {}) {
    this.expected = expected;
    this.accepts = accepts;
    this.#refusal = refusal;
  }

  /** The same for a parameter that need not be given: it then has this value. */
  default(preset: T): Preset<T> {
    return new Preset(this.expected, this.accepts, preset, this.#refusal);
  }

  /** The same for a parameter that need not be given: it is then null, and null can be given for it. */
  optional(): Preset<T | null> {
    const accepts = (value: unknown): value is T | null => value === null || this.accepts(value);
    return new Preset<T | null>(`${this.expected}, or null`, accepts, null, this.#refusal);
  }

  /** Throws the error that a value which is not taken gets. */
  refuse(op: string, name: string, value: unknown): never {
    const { error = ValueError, explain } = this.#refusal;
    explain?.(op, name, value);
    throw new error(`${op}: ${name} must be ${this.expected}, got ${describe(value)}`);
  }
}

/** A kind with the value of a parameter that was not given. */
export class Preset<T> extends Kind<T> {
  readonly preset: T;

  constructor(expected: string, accepts: (value: unknown) => value is T, preset: T, refusal: Refusal) {
    super(expected, accepts, refusal);
    this.preset = preset;
  }
}
