import type { Adapter } from '../adapter.js';
import { CaseValues } from '../case-values.js';
import type { OpsCase } from '../format.js';
import { checkDifferentiated } from './differentiated.js';

/** A function, method or property: its output, the inputs it changes, the gradients of its inputs. */
export function runOps(c: OpsCase, adapter: Adapter): void {
  const callee = adapter.callee(c.call);
  const values = new CaseValues(adapter, c.tensors, c.requires_grad);
  const output = callee(values.list(c.args), values.named(c.kwargs));
  checkDifferentiated(c, output, values, adapter);
}
