import { freemem, totalmem } from 'node:os';
import { NablaError } from '../errors.js';
import { messageOf } from '../realm.js';

/** What `make` allocates. Where there is no memory for it, the error says so, and what can be done. */
export function allocating<T>(what: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw noMemory(what, messageOf(error));
  }
}

const noMemory = (what: string, reason: string): NablaError =>
  new NablaError(
    `cannot allocate ${what} (${reason}): let go of other tensors, or work on smaller parts`,
    'ERR_NABLA_MEMORY',
  );

/** Less than this is not worth asking the system about. */
const LITTLE = 2 ** 28;
const MUCH = 2 ** 30;

/** Refuses bytes that there are not: Linux would promise them all the same, and end the process when they are written to. */
export function checkMemory(what: string, bytes: number): void {
  if (bytes < LITTLE) return;
  const most = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
  if (bytes > most) throw noMemory(what, `this process may have ${most} bytes in all`);
  // Elsewhere what can be reclaimed does not count as free.
  if (process.platform === 'linux' && bytes > MUCH && bytes > freemem())
    throw noMemory(what, `${freemem()} bytes are available`);
}
