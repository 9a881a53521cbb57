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

export * from './backend.js';
export * from './dtype.js';
export { createJsBackend } from './js/js.js';
export * from './program.js';
export * from './random-state.js';
export { openNativeBackend } from './select.js';
export { allocate, release, Storage, trackAllocations } from './storage.js';
export * from './view.js';
