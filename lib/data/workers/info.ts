import { define } from '../../arguments/define.js';
import { signature } from '../../arguments/signature.js';

/** A worker, as it knows itself. */
export interface WorkerInfo {
  /** From 0. */
  readonly id: number;
  readonly numWorkers: number;
  /** What the default generator was seeded with: another for each worker and epoch. */
  readonly seed: number;
}

let info: WorkerInfo | null = null;

export function setWorkerInfo(own: WorkerInfo): void {
  info = Object.freeze(own);
}

const nothing = signature('', {});

/**
 * Which of a `DataLoader`'s workers this is; null in all other threads. A stream that several workers go through gives each its share by it.
 *
 * @example
 * ```ts
 * getWorkerInfo(); // null
 * ```
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.get_worker_info
 */
export const getWorkerInfo: () => WorkerInfo | null = define('getWorkerInfo', nothing, () => info);
