import { NablaError } from '../errors.js';

/** What `make` allocates. Where there is no memory for it, the error says so, and what can be done. */
export function allocating<T>(what: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new NablaError(
      `cannot allocate ${what} (${reason}): let go of other tensors, or work on smaller parts`,
      'ERR_NABLA_MEMORY',
    );
  }
}
