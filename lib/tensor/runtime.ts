import { backend } from '../backend/index.js';
import { checkInteger } from './shape.js';

/** Which core runs: `'native'`, or `'js'` where the addon could not be loaded or NABLA_BACKEND=js asks for it. */
export const backendName = (): 'native' | 'js' => backend.name;

/** How many threads an operation may use. */
export const getNumThreads = (): number => backend.getNumThreads();

/**
 * Sets how many threads an operation may use; results do not depend on it. Default: the cores this process may use.
 *
 * @example
 * ```ts
 * setNumThreads(1);
 * getNumThreads(); // 1
 * ```
 */
export function setNumThreads(count: number): void {
  checkInteger('setNumThreads', 'count', count, 1, 1024);
  backend.setNumThreads(count);
}
