import type { Parcel } from './parcel.js';

/** Where a data set can be made once more. */
export interface Origin {
  /** The module's URL. */
  readonly module: string;
  /** What it exports: a data set, a class, or a function that makes one. */
  readonly name: string;
  readonly args: readonly unknown[];
}

/** What a worker begins with. */
export interface Start extends Origin {
  readonly id: number;
  readonly numWorkers: number;
  readonly seed: number;
  readonly batchSize: number;
  readonly dropLast: boolean;
  /** Whether it makes batches; else it gives the items, and batches are made by whoever asks. */
  readonly batches: boolean;
  /** A function that the module exports, to be called first; null for none. */
  readonly init: string | null;
}

/** One more batch: of these items, or (null) of those that come next in a stream, which begins again with each epoch. */
export interface Request {
  readonly task: number;
  readonly epoch: number;
  readonly indices: Int32Array | null;
}

export interface Failure {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
}

/** What came of a request; of a stream that is over, nothing. */
export type Answer = { readonly task: number; readonly epoch: number } & (
  | { readonly kind: 'batch'; readonly parcel: Parcel }
  | { readonly kind: 'over' }
  | { readonly kind: 'failed'; readonly failure: Failure }
);
