import type fc from 'fast-check';

/** What a random program has shown to be wrong. */
export class Finding extends Error {
  override readonly name = 'Finding';
}

/** How a program went that shows nothing wrong: it ran, or something was refused that may be. */
export interface Outcome {
  readonly refused?: string;
}

export const ran: Outcome = {};

/** Something that holds for every program. */
export interface Property<Random, Program> {
  readonly name: string;
  /** What the random numbers behind a program look like. */
  readonly arbitrary: fc.Arbitrary<Random>;
  /** @throws Finding where already writing the program shows that something is wrong */
  write(random: Random): Program;
  /** @throws Finding, or any error that should not be there */
  check(program: Program): Outcome | Promise<Outcome>;
  /** The program as a script that people can paste; run, it shows what is wrong if anything is. */
  script(program: Program): string;
  /** Programs with a line less. */
  smaller?(program: Program): Program[];
  /** The largest share of programs that may be refused. */
  readonly refusals: number;
  /** How many programs a sample has. */
  readonly sample: number;
}

export type AnyProperty = Property<unknown, unknown>;
