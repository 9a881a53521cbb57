import type { Adapter } from '../adapter.js';
import { CaseValues } from '../case-values.js';
import { checkTensor, checkValues, EXACT, type ToleranceOf } from '../compare.js';
import { decodeValues } from '../decode.js';
import type { InitCase } from '../format.js';
import { Mismatch } from '../outcome.js';
import { checkNextUniform } from './next-uniform.js';

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
  const expected = values.record(c.expected.t);
  checkTensor('tensor', tensor, expected, allowedFor(c.name, decodeValues(expected)));
  checkNextUniform(c.next_rand, values, adapter);
}

/**
 * float32 has PyTorch's bits. float64 normals go through the C library's logarithm and cosine, whose last bits differ between
 * libraries; `orthogonal_` is a decomposition, whose steps may be ordered in many ways.
 */
function allowedFor(name: string, expected: ArrayLike<number>): ToleranceOf {
  if (name === 'orthogonal_') return () => ({ atol: 1e-5, rtol: 1e-5 });
  return (dtype) =>
    dtype === 'f64' && /normal|sparse/.test(name) ? { atol: 5e-6 * deviation(expected), rtol: 0 } : EXACT;
}

/** The standard deviation of the values, zeros (which `sparse_` writes) apart. */
function deviation(values: ArrayLike<number>): number {
  const drawn = Array.from(values).filter((value) => value !== 0);
  const mean = drawn.reduce((sum, value) => sum + value, 0) / drawn.length;
  return Math.sqrt(drawn.reduce((sum, value) => sum + (value - mean) ** 2, 0) / drawn.length);
}
