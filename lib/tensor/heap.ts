import { builtin } from '../builtin.js';
import { NablaError } from '../errors.js';

/** Less is not worth asking V8 about. */
const LITTLE = 2 ** 24;

/** What is left of the heap is never all for new values: V8 keeps room for copying those that live, and gives up before the last byte. */
const USABLE = 0.7;

/** Refuses JavaScript values of `bytes` bytes in all where V8's heap has no place for them: it would end the process instead of an error. */
export function checkHeap(op: string, what: string, bytes: number): void {
  if (bytes < LITTLE) return;
  const { heap_size_limit: limit, used_heap_size: used } = builtin('node:v8').getHeapStatistics();
  const room = Math.max(0, limit - used) * USABLE;
  if (bytes <= room) return;
  throw new NablaError(
    `${op}: ${what} would take about ${megabytes(bytes)} MB of JavaScript's heap, which has ${megabytes(room)} MB left for them (of ${megabytes(limit)}; see --max-old-space-size)`,
    'ERR_NABLA_MEMORY',
  );
}

/** What a view takes of V8's heap, about. */
const VIEW_BYTES = 300;

/** Refuses more views at a time than V8's heap has place for. */
export const checkViews = (op: string, count: number): void => checkHeap(op, `${count} views`, count * VIEW_BYTES);

const megabytes = (bytes: number): number => Math.round(bytes / 2 ** 20);
