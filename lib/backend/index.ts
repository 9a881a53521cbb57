import type { Backend } from './backend.js';
import { createJsBackend } from './js/js.js';

/** What runs the library's instructions. */
export let backend: Backend = createJsBackend();

/** Puts another backend in front: a recorder, or in tests the other core. Returns the one that was in use. */
export function useBackend(next: Backend): Backend {
  const previous = backend;
  backend = next;
  return previous;
}

export * from './backend.js';
export * from './dtype.js';
export * from './program.js';
export * from './random-state.js';
export { allocate, release, type Storage, trackAllocations } from './storage.js';
export * from './view.js';
export { createJsBackend };
