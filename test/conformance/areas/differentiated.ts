import type { Adapter } from '../adapter.js';
import type { CaseValues } from '../case-values.js';
import { checkForm, checkTensor, checkValues, type ToleranceOf, tolerance } from '../compare.js';
import { decodeFloat, decodeValues, PyFloat } from '../decode.js';
import type { Encoded, ExpectedFor, ModulesCase, OpsCase, TensorRef } from '../format.js';
import type { Tensor } from '../library.js';
import { Mismatch } from '../outcome.js';

type DifferentiatedCase = OpsCase | ModulesCase;

/** How far outputs and gradients of a case may be off. */
export interface Allowed {
  readonly out: ToleranceOf;
  readonly grad: ToleranceOf;
}

/** Functions for which 1e-9 in float64 is more than their own algorithms promise. */
const SPECIAL = /^(special\..*|i0|lgamma|digamma|polygamma|mvlgamma|igammac?|erfinv|logit|erfc?|sinc|xlogy)$/;

/** The tolerances that the format lays down. */
export function allowedFor({ name, noise }: DifferentiatedCase): Allowed {
  const special = SPECIAL.test(name) ? { f64: 1e-7 } : {};
  const ctc = name === 'CTCLoss' ? { f32: 1e-3 } : {};
  return { out: tolerance('out', noise?.out, special), grad: tolerance('grad', noise?.grad, { ...special, ...ctc }) };
}

/** The tensors and scalars of an output, depth first, in PyTorch's order; `{ values, indices }` is a pair. */
function leaves(value: unknown, isTensor: (value: unknown) => boolean): unknown[] {
  if (isTensor(value) || typeof value !== 'object' || value === null) return [value];
  // Of packed sequences the steps count.
  if ('batchSizes' in value && 'data' in value) return [value.data];
  return Object.values(value).flatMap((item) => leaves(item, isTensor));
}

function isTensorRef(encoded: Encoded): encoded is { readonly t: number } {
  return typeof encoded === 'object' && encoded !== null && !Array.isArray(encoded) && 't' in encoded;
}

function expectedLeaves(encoded: Encoded): Encoded[] {
  if (Array.isArray(encoded)) return encoded.flatMap(expectedLeaves);
  const isPacked = typeof encoded === 'object' && encoded !== null && 'packed_sequence' in encoded;
  return isPacked ? [(encoded.packed_sequence as { readonly data: Encoded }).data] : [encoded];
}

/** Compares an output with the recorded one, then the gradients of one backward pass from it. */
export function checkDifferentiated(
  c: DifferentiatedCase,
  output: unknown,
  values: CaseValues,
  adapter: Adapter,
): void {
  const allowed = allowedFor(c);
  const actual = leaves(output, (value) => adapter.isTensor(value));
  const expected = expectedLeaves(c.expected);
  if (actual.length !== expected.length) throw new Mismatch(`${actual.length} outputs, expected ${expected.length}`);
  expected.forEach((item, i) => {
    const what = expected.length === 1 ? 'output' : `output ${i}`;
    if (!isTensorRef(item)) checkScalar(what, actual[i], item, allowed.out(c.dtype));
    else if (!adapter.isTensor(actual[i])) throw new Mismatch(`${what}: ${String(actual[i])}, expected a tensor`);
    else checkOutput(what, actual[i], values.record(item.t), c, allowed.out);
  });
  checkTensors('mutated input', c.mutated ?? [], values, (tensor) => tensor, allowed.out);
  if (c.upstream === undefined) return;
  const tensors = actual.filter((value) => adapter.isTensor(value));
  backward(tensors, c.upstream, values, adapter);
  checkGradients(c, values, allowed.grad);
}

function checkScalar(what: string, actual: unknown, expected: Encoded, allowed: ReturnType<ToleranceOf>): void {
  const decoded =
    typeof expected === 'object' && expected !== null && 'float' in expected
      ? decodeFloat(String(expected.float))
      : expected;
  const value = decoded instanceof PyFloat ? decoded.value : decoded;
  if (typeof actual !== typeof value) throw new Mismatch(`${what}: ${String(actual)}, expected ${String(value)}`);
  if (typeof actual === 'number' && typeof value === 'number') checkValues(what, [actual], [value], allowed);
  else if (actual !== value) throw new Mismatch(`${what}: ${String(actual)}, expected ${String(value)}`);
}

function checkOutput(
  what: string,
  actual: Tensor,
  expected: ReturnType<CaseValues['record']>,
  c: DifferentiatedCase,
  allowed: ToleranceOf,
): void {
  const isIndex = expected.dtype === 'i64' && c.dtype !== 'i64';
  if (c.dup_index || (c.ties && isIndex)) checkForm(what, actual, expected);
  else checkTensor(what, actual, expected, allowed);
}

function backward(
  outputs: readonly Tensor[],
  upstream: readonly (TensorRef | null)[],
  values: CaseValues,
  adapter: Adapter,
): void {
  if (outputs.length !== upstream.length) throw new Mismatch(`${outputs.length} tensors, expected ${upstream.length}`);
  const roots = outputs.flatMap((output, i) => {
    const gradient = upstream[i];
    return gradient && output.requiresGrad ? [{ output, gradient: values.tensor(gradient.t) }] : [];
  });
  adapter.nabla.backward(
    roots.map(({ output }) => output),
    roots.map(({ gradient }) => gradient),
  );
}

function checkGradients(c: DifferentiatedCase, values: CaseValues, allowed: ToleranceOf): void {
  if (c.dup_index) return;
  const check = c.ties ? checkTotals : checkTensors;
  check('gradient of input', c.grads ?? [], values, ({ grad }) => grad, allowed);
}

/** Compares what belongs to some inputs with the recorded values; none (null) is as good as zeros. */
function checkTensors(
  what: string,
  expected: readonly ExpectedFor[],
  values: CaseValues,
  of: (input: Tensor) => Tensor | null,
  allowed: ToleranceOf,
): void {
  for (const { of: input, t } of expected)
    checkPresent(`${what} ${input}`, of(values.tensor(input)), t, values, allowed);
}

/** Compares a tensor that may be absent with a recorded one that may be absent; zeros mean the same. */
export function checkPresent(
  what: string,
  actual: Tensor | null,
  expected: number | null,
  values: CaseValues,
  allowed: ToleranceOf,
): void {
  if (expected === null) {
    if (actual?.toTypedArray().some((value) => value !== 0)) throw new Mismatch(`${what}: expected none`);
  } else if (actual !== null) {
    checkTensor(what, actual, values.record(expected), allowed);
  } else if (decodeValues(values.record(expected)).some((value) => value !== 0)) {
    throw new Mismatch(`${what}: none, expected one`);
  }
}

const total = (elements: ArrayLike<number>) => Array.from(elements).reduce((sum, value) => sum + value, 0);

/** Among equal elements the gradient may take any path, but all of it arrives. */
function checkTotals(
  what: string,
  expected: readonly ExpectedFor[],
  values: CaseValues,
  of: (input: Tensor) => Tensor | null,
  allowed: ToleranceOf,
): void {
  for (const { of: input, t } of expected) {
    if (t === null) continue;
    const record = values.record(t);
    const actual = of(values.tensor(input))?.toTypedArray() ?? [];
    checkValues(`${what} ${input}, total`, [total(actual)], [total(decodeValues(record))], allowed(record.dtype));
  }
}
