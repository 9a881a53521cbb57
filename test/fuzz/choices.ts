import fc from 'fast-check';

/** The random numbers that one decision after another is made by. Where they run out, everything is decided the simplest way. */
export class Choices {
  readonly #numbers: readonly number[];
  #at = 0;

  constructor(numbers: readonly number[]) {
    this.#numbers = numbers;
  }

  /** A whole number below `count`; 0 is the simplest. */
  below(count: number): number {
    return (this.#numbers[this.#at++] ?? 0) % count;
  }

  /** One of some, the simplest first. */
  of<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  /** One of some by weight. */
  weighed<T extends { readonly weight: number }>(items: readonly T[]): T {
    let left = this.below(items.reduce((sum, { weight }) => sum + weight, 0));
    let i = 0;
    while (left >= items[i]!.weight) left -= items[i++]!.weight;
    return items[i]!;
  }

  /** True once in `count` times. */
  oneIn(count: number): boolean {
    return this.below(count) === count - 1;
  }
}

/** The numbers behind one statement. */
export const choices: fc.Arbitrary<number[]> = fc.array(fc.noBias(fc.nat(0xfffff)), { minLength: 14, maxLength: 14 });

/** The numbers behind several statements; shrinking leaves statements out. */
export const severalChoices = (most: number, least = 1): fc.Arbitrary<number[][]> =>
  fc.array(choices, { minLength: least, maxLength: most, size: 'max' });
