import { loadAddon } from '../../lib/backend/native/load.js';

const loaded = loadAddon();

/** The instruction sets that this machine runs, the fastest first. */
export const isas = 'addon' in loaded ? loaded.addon.isas : [];

/** Those whose bits are the same: without fused multiply-adds, `baseline` has other last bits. */
export const fusing = isas.filter((isa) => isa !== 'baseline');

/** What a test says that compares instruction sets, where there are not two to compare. */
export const nothingToCompare = (sets: readonly string[]): string =>
  `did not run: to compare there is only ${sets.join(', ')}`;
