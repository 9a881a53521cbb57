import { NablaError } from '../../errors.js';
import { DONE } from '../outcome.js';
import type { View } from '../view.js';

/** What ranks do together; the core knows them by their places. */
export const collectiveKinds = ['sum', 'product', 'minimum', 'maximum', 'anySum', 'broadcast', 'gather'] as const;
export type CollectiveKind = (typeof collectiveKinds)[number];

/** How many ranks there are: set by whoever joins them. */
let ranks = 1;

export function setRanks(count: number): void {
  ranks = count;
}

/** Of one rank, the buffers are the result already; more there are only with the native core. */
export function collective(
  _kind: CollectiveKind,
  _channel: number,
  _root: number,
  _apart: boolean,
  _buffers: readonly View[],
): number {
  if (ranks > 1) throw new NablaError('collective: several ranks need the native core', 'ERR_NABLA_DISTRIBUTED');
  return DONE;
}

export const settle = (_channel: number, _buffers: readonly View[]): number => DONE;
