import type { Adapter } from '../adapter.js';
import { CaseValues } from '../case-values.js';
import { checkTensor, EXACT } from '../compare.js';
import type { DefaultInitCase } from '../format.js';
import { Mismatch } from '../outcome.js';
import { checkNextUniform } from './next-uniform.js';

/** A module built right after seeding: the bits of every parameter and buffer, and where the stream is afterwards. */
export function runDefaultInit(c: DefaultInitCase, adapter: Adapter): void {
  const values = new CaseValues(adapter, c.tensors);
  adapter.nabla.manualSeed(c.seed);
  const module = adapter.module(c.name, values.list(c.ctor_args), values.named(c.ctor_kwargs));
  const state = module.stateDict();
  const expected = { ...c.params, ...c.buffers };
  checkNames(Object.keys(state), Object.keys(expected));
  for (const [name, { t }] of Object.entries(expected)) {
    checkTensor(name, state[name]!, values.record(t), () => EXACT);
  }
  checkNextUniform(c.next_rand, values, adapter);
}

function checkNames(actual: readonly string[], expected: readonly string[]): void {
  const [has, wants] = [actual, expected].map((names) => names.toSorted().join(', '));
  if (has !== wants) throw new Mismatch(`state of ${has}, expected ${wants}`);
}
