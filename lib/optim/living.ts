import { Living } from '../backend/living.js';

/** So that options that were set within a captured function are noticed. */
export const livingOptimizers = new Living<{ readonly paramGroups: readonly object[] }>();
