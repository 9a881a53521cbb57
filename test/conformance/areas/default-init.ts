import type { Adapter } from '../adapter.js';
import { CaseValues } from '../case-values.js';
import { decodeValues } from '../decode.js';
import type { DefaultInitCase } from '../format.js';
import { Mismatch } from '../outcome.js';
import { checkDrawn, checkNextUniform, shareOfDeviation, ulpOfLargest } from './seeded.js';

/** Parameters drawn from a normal distribution; all others are drawn from a uniform one, or constant. */
const NORMAL = /^Embedding/;

/** A module built right after seeding: every parameter and buffer, and where the stream is afterwards. */
export function runDefaultInit(c: DefaultInitCase, adapter: Adapter): void {
  const values = new CaseValues(adapter, c.tensors);
  adapter.nabla.manualSeed(c.seed);
  const module = adapter.module(c.name, values.list(c.ctor_args), values.named(c.ctor_kwargs));
  const state = module.stateDict();
  const expected = { ...c.params, ...c.buffers };
  checkNames(Object.keys(state), Object.keys(expected));
  for (const [name, ref] of Object.entries(expected)) {
    const { dtype } = values.record(ref.t);
    const recorded = decodeValues(values.record(ref.t));
    const allowed = NORMAL.test(c.name) ? shareOfDeviation(recorded) : ulpOfLargest(recorded, dtype);
    checkDrawn(name, state[name]!, ref, values, allowed, c.scalar_alt);
  }
  checkNextUniform(c.next_rand, values, adapter);
}

function checkNames(actual: readonly string[], expected: readonly string[]): void {
  const [has, wants] = [actual, expected].map((names) => names.toSorted().join(', '));
  if (has !== wants) throw new Mismatch(`state of ${has}, expected ${wants}`);
}
