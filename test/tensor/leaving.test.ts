import assert from 'node:assert';
import { serialize } from 'node:v8';
import { MessageChannel } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import {
  CaptureError,
  capture,
  Generator,
  nn,
  ones,
  optim,
  type Tensor,
  tensor,
  ValueError,
  zeros,
} from '../../lib/index.js';

describe('JSON.stringify', () => {
  test.each([
    [
      'a matrix',
      tensor([
        [1, 2.5],
        [-3, 0],
      ]),
      '[[1,2.5],[-3,0]]',
    ],
    [
      'a transposed view',
      tensor([
        [1, 2],
        [3, 4],
      ]).t(),
      '[[1,3],[2,4]]',
    ],
    ['a scalar', tensor(7), '7'],
    ['int32', tensor([1, -2], { dtype: 'int32' }), '[1,-2]'],
    ['float64', tensor([0.1], { dtype: 'float64' }), '[0.1]'],
    ['bool', tensor([true, false]), '[true,false]'],
    ['nothing', zeros([2, 0]), '[[],[]]'],
    ['a result with a history', ones([1], { requiresGrad: true }).mul(3), '[3]'],
    ['a parameter', new nn.Parameter(ones([2])), '[1,1]'],
  ])('%s', (_, x, text) => {
    expect(JSON.stringify(x)).toBe(text);
    expect(JSON.stringify({ x: [x] })).toBe(`{"x":[${text}]}`);
  });

  test.each([Number.NaN, Infinity, -Infinity])('%s is refused', (value) => {
    expect(() => JSON.stringify([tensor([1, value])])).toThrow(ValueError);
    expect(() => JSON.stringify(tensor(value))).toThrow(`toJSON: JSON has no word for ${value}`);
  });

  test('what keeps its values to itself is refused, a state dict is written', () => {
    const model = new nn.Linear(2, 1);
    const sgd = new optim.SGD(model.parameters(), { lr: 0.5, momentum: 0.5 });
    model
      .forward(ones([1, 2]))
      .sum()
      .backward();
    sgd.step();
    expect(() => JSON.stringify(sgd)).toThrow(/write its stateDict\(\)/);
    expect(() => JSON.stringify(new Generator(1))).toThrow(/getState/);
    expect(JSON.parse(JSON.stringify(sgd.stateDict())).state[0]).toEqual({ momentumBuffer: [[1, 1]] });
    expect(Object.keys(JSON.parse(JSON.stringify(model.stateDict())))).toEqual(['weight', 'bias']);
  });

  test('within a captured function, no value is read', () => {
    expect(() => capture((x: Tensor) => JSON.stringify(x))(ones([2]))).toThrow(CaptureError);
  });
});

describe.each([
  ['structuredClone', (value: unknown) => structuredClone(value)],
  ['postMessage', (value: unknown) => new MessageChannel().port1.postMessage(value)],
  ['v8.serialize', (value: unknown) => serialize(value)],
])('%s refuses, and says what to send', (_, send) => {
  test.each([
    ['a tensor', () => tensor([1, 2]), /a nabla Tensor; send x\.toTypedArray\(\) and x\.shape/],
    ['a view', () => zeros([100]).narrow(0, 3, 2), /a nabla Tensor/],
    ['a parameter', () => new nn.Parameter(ones([2])), /a nabla Tensor/],
    ['a state dict', () => new nn.Linear(2, 1).stateDict(), /a nabla Tensor/],
    ['a module', () => new nn.Linear(2, 1), /a nabla Module; send the values of its stateDict/],
    ['a module without parameters', () => new nn.ReLU(), /a nabla Module/],
    ['an optimizer', () => new optim.SGD([zeros([1])]), /a nabla Optimizer; send the values of its stateDict/],
    ['a generator', () => new Generator(1), /a nabla Generator; send its getState/],
    ['a captured function', () => capture((x: Tensor) => x), /could not be cloned/],
  ])('%s', (_, make, message) => {
    expect(() => send(make())).toThrow(message);
    expect(() => send({ deep: [make()] })).toThrow(message);
  });
});

test('values and shape make the same tensor on the other side', () => {
  const x = tensor([
    [1, 2],
    [3, 4],
  ]).t();
  const { values, shape } = structuredClone({ values: x.toTypedArray(), shape: x.shape });
  expect(values.buffer.byteLength).toBe(16);
  expect(tensor(values).view(shape).eq(x).all().item()).toBe(true);
});

test('two tensors are not deeply equal for having no fields to compare', () => {
  assert.notDeepStrictEqual(tensor([1, 2]), tensor([3, 4]));
  assert.notDeepStrictEqual({ x: tensor(1) }, { x: tensor(2) });
  const x = ones([2]);
  assert.deepStrictEqual({ x }, { x });
});
