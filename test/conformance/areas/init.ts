import type { Adapter } from '../adapter.js';
import { CaseValues } from '../case-values.js';
import { checkValues, EXACT, type Tolerance } from '../compare.js';
import { decodeValues } from '../decode.js';
import type { InitCase, TensorRecord } from '../format.js';
import { Mismatch } from '../outcome.js';
import { checkDrawn, checkNextUniform, shareOfDeviation, ulpOfLargest } from './seeded.js';

/** An initializer on a tensor of sevens, right after seeding; or the gain, which is a number. */
export function runInit(c: InitCase, adapter: Adapter): void {
  const callee = adapter.callee(`torch.nn.init.${c.name}`);
  const values = new CaseValues(adapter, c.tensors);
  if (typeof c.expected === 'number') {
    const gain = callee(values.list(c.args), values.named(c.kwargs));
    checkValues('gain', [Number(gain)], [c.expected], { atol: 0, rtol: 1e-15 });
    return;
  }
  const tensor = adapter.nabla.full([...(c.shape ?? [])], 7, { dtype: c.dtype === 'f64' ? 'float64' : 'float32' });
  adapter.nabla.manualSeed(c.seed);
  const result = callee([tensor], values.named(c.kwargs));
  if (result !== tensor) throw new Mismatch('the initializer returned another tensor than it was given');
  checkDrawn('tensor', tensor, c.expected, values, allowedFor(c.name, values.record(c.expected.t)), c.scalar_alt);
  checkNextUniform(c.next_rand, values, adapter);
}

function allowedFor(name: string, expected: TensorRecord): Tolerance {
  const values = decodeValues(expected);
  if (name === 'orthogonal_') return { atol: 1e-5, rtol: 1e-5 };
  if (/uniform/.test(name)) return ulpOfLargest(values, expected.dtype);
  if (/normal|sparse/.test(name)) return shareOfDeviation(values);
  return EXACT;
}
