/** Who takes part: a library on so many threads, and the command that starts its driver. */
export interface Contender {
  /** The column's heading: `nabla, 1 thread`. */
  readonly name: string;
  readonly threads: number;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** A library that is not here, and how it gets here. */
export interface Missing {
  readonly name: string;
  readonly install: string;
}

export const threadsLabel = (count: number): string => `${count} thread${count === 1 ? '' : 's'}`;
