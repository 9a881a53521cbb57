import type { Adapter } from '../adapter.js';
import { CaseValues } from '../case-values.js';
import { checkTensor } from '../compare.js';
import { DTYPES } from '../decode.js';
import type { ModulesCase } from '../format.js';
import type { Module } from '../library.js';
import { Mismatch } from '../outcome.js';
import { allowedFor, checkDifferentiated, checkPresent } from './differentiated.js';

/** A module built, loaded and called: its output, the gradients of inputs and parameters, the buffers it changes. */
export function runModules(c: ModulesCase, adapter: Adapter): void {
  const values = new CaseValues(adapter, c.tensors, c.requires_grad);
  const module = adapter.module(c.name, values.list(c.ctor_args), values.named(c.ctor_kwargs));
  module.to(DTYPES[c.dtype] === 'float64' ? 'float64' : 'float32');
  module.loadStateDict({ ...values.tensors(c.params), ...values.tensors(c.buffers) });
  module.train(c.mode === 'train');
  const output = adapter.forward(module, c.name, values.list(c.args), values.named(c.kwargs));
  checkDifferentiated(c, output, values, adapter);
  checkState(c, module, values);
}

function checkState(c: ModulesCase, module: Module, values: CaseValues): void {
  const allowed = allowedFor(c);
  const parameters = new Map(module.namedParameters());
  for (const [name, ref] of Object.entries(c.param_grads ?? {})) {
    const parameter = parameters.get(name);
    if (parameter === undefined) throw new Mismatch(`no parameter ${name}`);
    checkPresent(`gradient of ${name}`, parameter.grad, ref?.t ?? null, values, allowed.grad);
  }
  const state = module.stateDict();
  for (const [name, { t }] of Object.entries(c.buffers_after ?? {})) {
    const buffer = state[name];
    if (buffer === undefined) throw new Mismatch(`no buffer ${name}`);
    checkTensor(`buffer ${name}`, buffer, values.record(t), allowed.out);
  }
}
