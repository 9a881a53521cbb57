import type { Work } from './work.js';

/** Who takes part: a library on so many threads, and the command that starts its driver. */
export interface Contender {
  /** The column's heading. */
  readonly library: string;
  readonly threads: number;
  readonly command: string;
  readonly args: readonly string[];
  /** Arguments that start a process which only loads the library, where the driver brings more along. */
  readonly loadArgs?: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** What it can do at all; what its driver can't is skipped beside that. */
  readonly kinds: readonly Work['kind'][];
  /** How many seconds it may take over one request, preparation included. */
  readonly patience: number;
}

/** A library that is not here, and how it gets here. */
export interface Missing {
  readonly library: string;
  readonly install: string;
}

/** A library that may be here. */
export interface Peer {
  readonly library: string;
  find(where: Where): Contender[] | Missing;
}

export interface Where {
  readonly threads: readonly number[];
  /** The folder in whose node_modules npm packages are; undefined for the suite's own. */
  readonly peersDir: string | undefined;
  /** A checkout of nabla at another commit, compiled. */
  readonly before?: string | undefined;
}

export const nameOf = ({ library, threads }: Contender): string => `${library}, ${threadsLabel(threads)}`;

export const threadsLabel = (count: number): string => `${count} thread${count === 1 ? '' : 's'}`;
