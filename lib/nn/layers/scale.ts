import type { Parameter } from '../parameter.js';
import { ones_, zeros_ } from '../init.js';

/** What normalizing layers begin with, as far as they learn it: a weight of ones and a bias of zeros. */
export function resetScale(weight: Parameter | null, bias: Parameter | null = null): void {
  if (weight !== null) ones_(weight);
  if (bias !== null) zeros_(bias);
}
