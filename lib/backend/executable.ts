import type { Storage } from './storage.js';
import type { View } from './view.js';

/** Where a run of instructions stopped: at which one, and what that returned: a position of the index, or `MISFIT`. */
export interface Stop {
  readonly instruction: number;
  readonly position: number;
}

/**
 * Instructions made ready to run many times. Some of the storages that they name are ports: each run says which memory stands in for
 * them, by a view whose first element is where the port's storage starts.
 */
export interface Executable {
  /** Runs all instructions in order, or up to the one that finds an index or a value it cannot go on with. */
  run(ports: readonly View[]): Stop | null;

  /** Runs `steps` times off this thread. One run at a time. The memory of `ports`, `feeds` and `order` must stay as it is until the promise is settled. */
  start(loop: Loop): Promise<Stop | null>;
}

/** What a run of many steps takes: ports that stay, ports that are refilled before each step, and what is collected after it. */
export interface Loop {
  readonly steps: number;
  /** For every port the memory that stands in for it; that of fed ones is written to. */
  readonly ports: readonly View[];
  readonly feeds: readonly Feed[];
  /** Rows (int32, contiguous) in the order in which feeds take them: `batchSize` for each step. */
  readonly order: View;
  readonly batchSize: number;
  /** What instructions read that is another number with each step; null where there is no such. */
  readonly numbers: NumberTable | null;
  /** One element, float32 or float64, whose value after step i becomes element i of `history` (float64). */
  readonly watched: View;
  readonly history: Storage;
  /** Shared with the thread that runs: [not 0 to stop after the step under way, steps done]. */
  readonly control: Int32Array;
}

/** Before each step, row j of `port` becomes row order[j] of `rows`; both are contiguous and the axis of rows is the first. */
export interface Feed {
  readonly port: number;
  readonly rows: View;
}

/** Numbers that were computed ahead: before step i, row i of `rows` (float64) is copied to the targets, one after the other. */
export interface NumberTable {
  readonly targets: readonly NumberTarget[];
  readonly rows: Storage;
}

/** The first `length` float64 elements of a storage. */
export interface NumberTarget {
  readonly storage: Storage;
  readonly length: number;
}
