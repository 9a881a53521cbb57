import { types } from 'node:util';
import type { MessagePort } from 'node:worker_threads';
import { manualSeed } from '../../ops/random.js';
import { defaultCollate } from '../collate.js';
import type { IterableDataset } from '../combined.js';
import { type Dataset, dataset } from '../dataset.js';
import { setWorkerInfo } from './info.js';
import { exportOf, make } from './origin.js';
import { pack } from './parcel.js';
import type { Answer, Failure, Request, Start } from './protocol.js';

/** A batch, or null where a stream is over. */
type Batches = (request: Request) => unknown;

/** Answers the requests of a DataLoader, one after the other. */
export function serve(port: MessagePort, start: Start): void {
  const ready = prepare(start);
  // Each request is told of it.
  ready.catch(() => {});
  let last: Promise<void> = Promise.resolve();
  port.on('message', (request: Request) => {
    last = last.then(() => answer(port, ready, request));
  });
}

async function answer(port: MessagePort, ready: Promise<Batches>, request: Request): Promise<void> {
  const { task, epoch } = request;
  const send = (message: Answer, memory: ArrayBuffer[] = []) => port.postMessage(message, memory);
  try {
    const batch = (await ready)(request);
    if (batch === null) return send({ task, epoch, kind: 'over' });
    const { parcel, memory } = pack(batch);
    send({ task, epoch, kind: 'batch', parcel }, memory);
  } catch (error) {
    send({ task, epoch, kind: 'failed', failure: failureOf(error) });
  }
}

function failureOf(error: unknown): Failure {
  if (!types.isNativeError(error)) return { name: 'Error', message: String(error), stack: '' };
  return { name: error.name, message: error.message, stack: error.stack ?? '' };
}

async function prepare(start: Start): Promise<Batches> {
  const { id, numWorkers, seed, init, module } = start;
  manualSeed(seed);
  setWorkerInfo({ id, numWorkers, seed });
  const source = await make(start);
  if (init !== null) {
    const call = exportOf((await import(module)) as object, init, module) as (id: number) => unknown;
    await call(id);
  }
  return dataset.accepts(source) ? byPosition(source, start) : inTurn(source, start);
}

function byPosition(source: Dataset<unknown, unknown>, { batches }: Start): Batches {
  const items = (indices: Int32Array) => Array.from(indices, (index) => source.get(index));
  if (!batches) return ({ indices }) => items(indices!);
  return ({ indices }) => source.gather?.(indices!) ?? defaultCollate(items(indices!));
}

function inTurn(source: IterableDataset<unknown>, { batchSize, dropLast, batches }: Start): Batches {
  let [current, iterator] = [-1, source[Symbol.iterator]()];
  return ({ epoch }) => {
    if (epoch !== current) [current, iterator] = [epoch, source[Symbol.iterator]()];
    const items: unknown[] = [];
    while (items.length < batchSize) {
      const next = iterator.next();
      if (next.done === true) break;
      items.push(next.value);
    }
    if (items.length === 0 || (dropLast && items.length < batchSize)) return null;
    return batches ? defaultCollate(items) : items;
  };
}
