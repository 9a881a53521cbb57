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

/** What a parameter takes, and (where it need not be given) its value otherwise. `R` is true where it must be given. */
export class Kind<T, R extends boolean = true> {
  /** In words, as they follow `must be`. */
  readonly expected: string;
  readonly accepts: (value: unknown) => value is T;
  /** The value where none is given; undefined where one must be. */
  readonly preset: T | undefined;
  readonly isRequired: R;
  /** For TypeScript alone. */
  declare readonly type: T;
  readonly #refusal: Refusal;

  private constructor(
    expected: string,
    accepts: (value: unknown) => value is T,
    refusal: Refusal,
    preset: T | undefined,
    isRequired: R,
  ) {
    this.expected = expected;
    this.accepts = accepts;
    this.preset = preset;
    this.isRequired = isRequired;
    this.#refusal = refusal;
  }

  static of<T>(expected: string, accepts: (value: unknown) => value is T, refusal: Refusal = {}): Kind<T> {
    return new Kind(expected, accepts, refusal, undefined, true);
  }

  /** The same for a parameter that need not be given: it then has this value. */
  default(preset: T): Kind<T, false> {
    return new Kind(this.expected, this.accepts, this.#refusal, preset, false);
  }

  /** The same for a parameter that need not be given: it is then null, and null can be given for it. */
  optional(): Kind<T | null, false> {
    const accepts = (value: unknown): value is T | null => value === null || this.accepts(value);
    return new Kind<T | null, false>(`${this.expected}, or null`, accepts, this.#refusal, null, false);
  }

  /** The same for a parameter that must be given, and for which null can be given. */
  orNull(): Kind<T | null> {
    return new Kind<T | null, true>(
      `${this.expected}, or null`,
      (value): value is T | null => value === null || this.accepts(value),
      this.#refusal,
      undefined,
      true,
    );
  }

  /** The value, if it is taken. */
  take(op: string, name: string, value: unknown): T {
    return this.accepts(value) ? value : this.refuse(op, name, value);
  }

  /** Throws the error that a value which is not taken gets. */
  refuse(op: string, name: string, value: unknown): never {
    const { error = ValueError, explain } = this.#refusal;
    explain?.(op, name, value);
    throw new error(`${op}: ${name} must be ${this.expected}, got ${describe(value)}`);
  }
}

/** A kind of parameter that must be given. */
export const kind: <T>(expected: string, accepts: (value: unknown) => value is T, refusal?: Refusal) => Kind<T> =
  Kind.of;
