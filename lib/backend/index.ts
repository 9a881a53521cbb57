import { define } from '../arguments/define.js';
import type { FunctionOf } from '../arguments/forms.js';
import { integerFrom } from '../arguments/kinds.js';
import { nothing, signature } from '../arguments/signature.js';
import type { Backend } from './backend.js';
import { selectBackend } from './select.js';

/** What runs the library's instructions. */
export let backend: Backend = selectBackend(process.env.NABLA_BACKEND);

/** Puts another backend in front: a recorder, or in tests the other core. Returns the one that was in use. */
export function useBackend(next: Backend): Backend {
  const previous = backend;
  backend = next;
  return previous;
}

/**
 * Which core runs the library's instructions: `native`, or `js` where it was asked for or the native core did not load.
 *
 * @example
 * ```ts
 * console.log(backendName());
 * ```
 */
export const backendName: () => Backend['name'] = define('backendName', nothing, () => backend.name);

/**
 * How many threads an operation may use.
 *
 * @example
 * ```ts
 * getNumThreads() >= 1; // true
 * ```
 */
export const getNumThreads: () => number = define('getNumThreads', nothing, () => backend.getNumThreads());

/** More is a slip: no machine has so many cores, and each thread takes memory. */
const MOST_THREADS = 1024;

const counting = signature('count, /', { count: integerFrom(1, MOST_THREADS) });

/**
 * Sets how many threads an operation may use, and how many work on the runs of captured functions in the background. Results do not depend on it. The `js` backend has one thread, whatever is set.
 *
 * @throws ValueError if the count is not a positive integer of at most 1024
 * @example
 * ```ts
 * setNumThreads(1);
 * getNumThreads(); // 1
 * ```
 */
export const setNumThreads: FunctionOf<void, typeof counting> = define('setNumThreads', counting, (count) =>
  backend.setNumThreads(count),
);

export * from './backend.js';
export * from './dtype.js';
export * from './executable.js';
export * from './instructions.js';
export { type ScatterMode, scatterModes } from './js/indexing.js';
export { createJsBackend } from './js/js.js';
export { type RandomKind, randomKinds } from './js/random.js';
export * from './outcome.js';
export * from './program.js';
export * from './random-state.js';
export * from './recording.js';
export { openNativeBackend } from './select.js';
export {
  allocate,
  allocateShared,
  observeStorage,
  release,
  Storage,
  type StorageObserver,
  trackAllocations,
  untracked,
} from './storage.js';
export * from './view.js';
