/** Stands for a value that may be any. */
export const ANYTHING = Symbol('anything');

/** What an object's own properties are to be: so many, of these names and values. */
export class Properties {
  readonly names: readonly string[];
  readonly #owner: Readonly<Record<string, unknown>>;
  readonly #values: readonly unknown[];
  readonly #isQuick: boolean;

  /** @param expected gives what the property of a name is to be, which it is now, or `ANYTHING` */
  constructor(owner: object, expected: (value: unknown, name: string) => unknown) {
    this.#owner = owner as Record<string, unknown>;
    this.names = Object.keys(owner);
    this.#values = this.names.map((name) => expected(this.#owner[name], name));
    // One object with numbers for names would make the engine enumerate all others as slowly.
    this.#isQuick = !this.names.some((name) => NUMBER.test(name));
  }

  /** Whether they are that. */
  hold(): boolean {
    return (this.#isQuick && holdInOrder(this.#owner, this.names, this.#values)) || this.#holdByName();
  }

  /** The name of one that is not, or is new. */
  changed(): string | null {
    const { names } = this;
    const other =
      names.find((_, i) => !this.#isSame(i)) ?? Object.keys(this.#owner).find((name) => !names.includes(name));
    return other ?? names.find((name) => !Object.hasOwn(this.#owner, name)) ?? null;
  }

  #holdByName(): boolean {
    for (let i = 0; i < this.names.length; i++) if (!this.#isSame(i)) return false;
    return Object.keys(this.#owner).length === this.names.length;
  }

  #isSame(i: number): boolean {
    const value = this.#values[i];
    return value === ANYTHING || Object.is(this.#owner[this.names[i]!], value);
  }
}

const NUMBER = /^\d/;

/** The same where properties are in the order in which they were; false too where it takes longer to tell. */
function holdInOrder(
  owner: Readonly<Record<string, unknown>>,
  names: readonly string[],
  values: readonly unknown[],
): boolean {
  let at = 0;
  for (const name in owner) {
    if (name !== names[at]) return false;
    const value = values[at++];
    if (value === ANYTHING) continue;
    const now = owner[name];
    if (now !== value || (now === 0 && !Object.is(now, value))) return false;
  }
  return at === values.length;
}
