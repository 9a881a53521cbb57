import type { Adapter } from '../adapter.js';
import { CaseValues } from '../case-values.js';
import { EXACT, type Tolerance } from '../compare.js';
import { decodeValues } from '../decode.js';
import type { RandomCall, RngCase } from '../format.js';
import { Mismatch } from '../outcome.js';
import { evaluateRandomCall } from '../random-call.js';
import { checkDrawn, checkNextUniform, shareOfDeviation, ulpOfLargest } from './seeded.js';

/** Draws after seeding: one call, or several on one stream. */
export function runRng(c: RngCase, adapter: Adapter): void {
  const values = new CaseValues(adapter, c.tensors);
  adapter.nabla.manualSeed(c.seed);
  for (const call of calls(c)) {
    const drawn = evaluateRandomCall(call.call, call.size, c.dtype, adapter);
    if (!adapter.isTensor(drawn)) throw new Mismatch(`${call.call}: ${String(drawn)}, expected a tensor`);
    const expected = values.record(call.expected.t);
    const allowed = allowedFor(call.name, decodeValues(expected), expected.dtype);
    checkDrawn(call.call, drawn, call.expected, values, allowed, c.scalar_alt);
  }
  checkNextUniform(c.next_rand, values, adapter);
}

function calls({ calls, name, call, size, expected }: RngCase): readonly RandomCall[] {
  if (calls !== undefined) return calls;
  if (call === undefined || size === undefined || expected === undefined)
    throw new Error('a random case without a call');
  return [{ name, call, size, expected }];
}

function allowedFor(name: string, expected: ArrayLike<number>, dtype: string): Tolerance {
  if (/^(randn|normal)/.test(name)) return expected.length > 1 ? shareOfDeviation(expected) : { atol: 5e-6, rtol: 0 };
  if (/^(uniform|exponential)/.test(name)) return ulpOfLargest(expected, dtype);
  return EXACT;
}
