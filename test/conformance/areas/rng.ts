import type { Adapter } from '../adapter.js';
import { CaseValues } from '../case-values.js';
import { checkTensor, EXACT } from '../compare.js';
import type { RandomCall, RngCase } from '../format.js';
import { Mismatch } from '../outcome.js';
import { evaluateRandomCall } from '../random-call.js';
import { checkNextUniform } from './next-uniform.js';

/**
 * Draws after seeding: one call, or several on one stream. nabla promises the bits of PyTorch's vector kernels, so nothing is
 * allowed for rounding, even where the format would (normals, other CPU vendors).
 */
export function runRng(c: RngCase, adapter: Adapter): void {
  const values = new CaseValues(adapter, c.tensors);
  adapter.nabla.manualSeed(c.seed);
  for (const { call, size, expected } of calls(c)) {
    const drawn = evaluateRandomCall(call, size, c.dtype, adapter);
    if (!adapter.isTensor(drawn)) throw new Mismatch(`${call}: ${String(drawn)}, expected a tensor`);
    checkTensor(call, drawn, values.record(expected.t), () => EXACT);
  }
  checkNextUniform(c.next_rand, values, adapter);
}

function calls({ calls, name, call, size, expected }: RngCase): readonly RandomCall[] {
  if (calls !== undefined) return calls;
  if (call === undefined || size === undefined || expected === undefined)
    throw new Error('a random case without a call');
  return [{ name, call, size, expected }];
}
