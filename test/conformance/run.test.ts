import { beforeAll, expect, test } from 'vitest';
import { Adapter } from './adapter.js';
import type { ErrorsCase, OpsCase, TensorRecord } from './format.js';
import { loadLibrary } from './library.js';
import { judge, parseFilter } from './run.js';

const record = (values: number[]): TensorRecord => ({
  dtype: 'f32',
  shape: [values.length],
  b64: Buffer.from(Float32Array.from(values).buffer).toString('base64'),
});

/** x * x with upstream 1: right as it is, and wrong in one way per test. */
const square: OpsCase = {
  area: 'ops',
  id: 'ops/mul',
  name: 'mul',
  variant: '',
  call: 'torch.mul',
  tier: 'core',
  dtype: 'f32',
  args: [{ t: 0 }, { t: 0 }],
  kwargs: {},
  requires_grad: [0],
  tensors: [record([1, 2]), record([1, 4]), record([1, 1]), record([2, 4]), record([0, 0])],
  expected: { t: 1 },
  upstream: [{ t: 2 }],
  grads: [{ of: 0, t: 3 }],
};

const refused: ErrorsCase = {
  area: 'errors',
  kind: 'op',
  id: 'errors/add',
  name: 'add',
  variant: '',
  call: 'torch.add',
  tier: 'core',
  dtype: 'f32',
  args: [{ t: 0 }, { t: 1 }],
  kwargs: {},
  tensors: [record([1, 2]), record([1, 2, 3])],
  error: { type: 'RuntimeError', message: 'The size of tensor a (2) must match the size of tensor b (3)' },
};

let adapter: Adapter;
beforeAll(async () => {
  adapter = new Adapter(await loadLibrary());
});

test('what PyTorch computed passes', () => {
  expect(judge(square, adapter)).toMatchObject({ status: 'passed', detail: '' });
  expect(judge(refused, adapter)).toMatchObject({ status: 'passed' });
});

test('another value, shape or gradient fails', () => {
  expect(judge({ ...square, expected: { t: 3 } }, adapter)).toMatchObject({
    status: 'failed',
    detail: 'output: element 0 is 1, expected 2; error 1.00e+0, allowed 1.00e-5 (relative 1.00e-5)',
  });
  const longer = { ...square, tensors: [...square.tensors.slice(0, 1), record([1, 4, 9]), ...square.tensors.slice(2)] };
  expect(judge(longer, adapter).detail).toBe('output: shape [2], expected [3]');
  expect(judge({ ...square, grads: [{ of: 0, t: 1 }] }, adapter).detail).toMatch(/^gradient of input 0: element 0/);
  expect(judge({ ...square, grads: [{ of: 0, t: null }] }, adapter).detail).toBe('gradient of input 0: expected none');
});

test('a gradient that is missing fails unless it is zero', () => {
  const untracked = { ...square, requires_grad: [], upstream: [null] };
  expect(judge(untracked, adapter).detail).toBe('gradient of input 0: none, expected one');
  expect(judge({ ...untracked, grads: [{ of: 0, t: 4 }] }, adapter).status).toBe('passed');
});

test('a call that should be refused but is not fails', () => {
  expect(judge({ ...refused, tensors: [record([1, 2]), record([1, 2])] }, adapter)).toMatchObject({
    status: 'failed',
    detail: expect.stringContaining('accepted, but PyTorch says: RuntimeError'),
  });
});

test('a name that nabla lacks is not supported', () => {
  expect(judge({ ...square, call: 'torch.no_such_function' }, adapter)).toMatchObject({ status: 'not supported' });
});

test('a filter names an area and perhaps a name, dots and all', () => {
  expect(parseFilter('ops/nn.functional.elu')).toEqual({ area: 'ops', name: 'nn.functional.elu' });
  expect(parseFilter(undefined)).toEqual({});
  expect(() => parseFilter('opts')).toThrow('no area "opts"');
});
