import { noGrad } from '../autograd/mode.js';
import { allocate, backend, MAX_OPERANDS, type View } from '../backend/index.js';
import type { CollectiveKind } from '../backend/js/collective.js';
import { NablaError } from '../errors.js';
import { contiguous, copy_ } from '../ops/conversion.js';
import { operandOf, type Tensor, viewOf } from '../tensor/tensor.js';

/** What goes on within programs, and what promises stand for: two orders that know nothing of each other. */
export const CHANNELS = { programs: 0, promises: 1 } as const;

/** Tensors in lists of one element type, each of at most so many bytes (but at least one tensor) and so many tensors. */
export function buckets(tensors: readonly Tensor[], bytes: number): Tensor[][] {
  const open = new Map<string, { list: Tensor[]; bytes: number }>();
  const all: Tensor[][] = [];
  for (const tensor of tensors) {
    const own = viewOf(tensor).storage.byteLength;
    let bucket = open.get(tensor.dtype);
    if (bucket === undefined || bucket.list.length === MAX_OPERANDS || bucket.bytes + own > bytes) {
      bucket = { list: [], bytes: 0 };
      open.set(tensor.dtype, bucket);
      all.push(bucket.list);
    }
    bucket.list.push(tensor);
    bucket.bytes += own;
  }
  return all;
}

/** Does what `kind` says with tensors, in place, on this thread: an instruction that a captured function has too. */
export function exchange(kind: CollectiveKind, tensors: readonly Tensor[], bytes: number): void {
  for (const bucket of buckets(tensors, bytes)) {
    const dense = bucket.map((one) => (one.isContiguous() ? one : contiguous(one)));
    backend.collective(kind, CHANNELS.programs, 0, false, dense.map(operandOf));
    bucket.forEach((one, i) => {
      if (dense[i] === one) one.bumpVersion(kind);
      else noGrad(() => copy_(one, dense[i]!));
    });
  }
}

interface Bucket {
  list: Tensor[];
  bytes: number;
}

/** In bytes. */
export interface BucketSizes {
  /** A bucket that has as many goes. */
  readonly full: number;
  /** If less is to come, it goes with the rest. */
  readonly least: number;
}

/** Sums that go on beside what is computed next, a bucket at a time: instructions that a captured function has too. */
export class Sums {
  readonly #kind: 'sum' | 'anySum';
  readonly #buckets: BucketSizes;
  /** How many bytes are still to come. */
  #left: number;
  readonly #open = new Map<string, Bucket>();
  readonly #begun: Tensor[][] = [];

  constructor(kind: 'sum' | 'anySum', buckets: BucketSizes, total: number) {
    this.#kind = kind;
    this.#buckets = buckets;
    this.#left = total;
  }

  /** Nothing else may touch a dense tensor's memory from here to the end. */
  add(tensor: Tensor): void {
    const { dtype } = tensor;
    const bucket = this.#open.get(dtype) ?? { list: [], bytes: 0 };
    this.#open.set(dtype, bucket);
    const { byteLength } = viewOf(tensor).storage;
    bucket.list.push(tensor);
    bucket.bytes += byteLength;
    this.#left -= byteLength;
    const isFull = bucket.bytes >= this.#buckets.full && this.#left >= this.#buckets.least;
    if (isFull || bucket.list.length === MAX_OPERANDS) this.#begin(dtype, bucket.list);
  }

  #begin(dtype: string, list: Tensor[]): void {
    this.#open.delete(dtype);
    this.#begun.push(list);
    backend.collective(this.#kind, CHANNELS.programs, 0, true, list.map(operandOf));
  }

  /** Returns when all tensors are sums. */
  finish(): void {
    for (const [dtype, { list }] of this.#open) this.#begin(dtype, list);
    for (const list of this.#begun.splice(0)) {
      backend.settle(CHANNELS.programs, list.map(operandOf));
      for (const one of list) one.bumpVersion(this.#kind);
    }
  }

  /** Returns when nothing is under way any more, well or not. */
  abandon(): void {
    for (const list of this.#begun.splice(0)) {
      try {
        backend.settle(CHANNELS.programs, list.map(operandOf));
      } catch {
        // There is another error already.
      }
    }
  }
}

/** The same with one tensor on a thread of the core, in a list of its own. */
export async function exchangeApart(where: string, kind: CollectiveKind, root: number, buffer: Tensor): Promise<void> {
  const buffers: readonly View[] = [viewOf(buffer)];
  const executable = backend.link(
    [{ op: 'collective', kind, channel: CHANNELS.promises, root, apart: false, buffers }],
    [],
  );
  const nothing = (dtype: 'float64' | 'int32'): View => {
    return { storage: allocate(dtype, 1), offset: 0, shape: [], strides: [], dtype };
  };
  try {
    await executable.start({
      steps: 1,
      ports: [],
      feeds: [],
      order: nothing('int32'),
      batchSize: 0,
      numbers: null,
      watched: nothing('float64'),
      history: allocate('float64', 1),
      control: new Int32Array(2),
    });
  } catch (error) {
    if (!(error instanceof NablaError)) throw error;
    throw new NablaError(error.message.replace(/^run: /, `${where}: `), error.code);
  }
}
