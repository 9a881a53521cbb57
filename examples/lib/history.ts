/** One epoch: means over all its training batches, then over the test set. */
export interface Epoch {
  readonly trainLoss: number;
  readonly trainAccuracy: number;
  readonly testLoss: number;
  readonly testAccuracy: number;
}

/** What a training run was: the loss of every batch, and the epochs. */
export interface History {
  readonly losses: readonly number[];
  readonly epochs: readonly Epoch[];
}

/** A test image that was taken for another digit. */
export interface Mistake {
  /** 28 × 28 values in [0, 1], row by row. */
  readonly pixels: ArrayLike<number>;
  readonly actual: number;
  readonly predicted: number;
}
