import { types } from 'node:util';
import { NablaError, ValueError } from '../../errors.js';

/** What can be done where the system has not enough of something. */
const wayOut: Readonly<Record<string, (where: string, what: string) => NablaError>> = {
  ERR_NABLA_MEMORY: (where, what) =>
    new NablaError(
      `${where}: the system has no memory left to compute it (${what}): let go of tensors, use smaller batches or fewer threads (setNumThreads), or grant the process more`,
      'ERR_NABLA_MEMORY',
    ),
  ERR_NABLA_THREAD: (where, what) =>
    new NablaError(
      `${where}: the system grants this process no further thread (${what}): raise its limit (ulimit -u, or the container's limit of processes), or call the captured function batch by batch, which needs none`,
      'ERR_NABLA_THREAD',
    ),
  ERR_NABLA_DISTRIBUTED: (where, what) => new NablaError(`${where}: ${what}`, 'ERR_NABLA_DISTRIBUTED'),
  ERR_NABLA_VALUE: (where, what) => new ValueError(`${where}: ${what}`),
};

/** The error that a user gets for one that the addon threw (`native/js.cc` gives codes) on behalf of `where`. */
export function failureOf(where: string, error: unknown): unknown {
  if (!(types.isNativeError(error) && 'code' in error)) return error;
  return wayOut[String(error.code)]?.(where, error.message) ?? new NablaError(`${where}: ${error.message}`);
}
