import { describe, expect, test } from 'vitest';
import { arrange, camelCase } from './arrange.js';
import { classSignatures, functionSignatures } from './signatures.js';

const x = { tensor: 'x' };
const arranged = (name: string, args: unknown[], kwargs = {}) => arrange(functionSignatures.get(name), args, kwargs);

test('names become camelCase; a trailing underscore stays', () => {
  expect(
    ['log_softmax', 'conv_transpose1d', 'xavier_normal_', 'atleast_1d', 'SmoothL1Loss', 'T'].map(camelCase),
  ).toEqual(['logSoftmax', 'convTranspose1d', 'xavierNormal_', 'atleast1d', 'SmoothL1Loss', 'T']);
});

describe('arguments', () => {
  test('a dim is positional, what follows it goes into the options', () => {
    expect(arranged('sum', [x], { dim: 1, keepdim: true })).toEqual([x, 1, { keepdim: true }]);
    expect(arranged('sum', [x])).toEqual([x]);
    expect(arranged('prod', [x, 1], { keepdim: true })).toEqual([x, 1, { keepdim: true }]);
  });

  test('None is an argument that was not given', () => {
    expect(arranged('var', [x], { dim: null, correction: 0 })).toEqual([x, undefined, { correction: 0 }]);
  });

  test('an overload is chosen by type where nothing else tells', () => {
    expect(arranged('std', [x, true])).toEqual([x, undefined, { unbiased: true }]);
    expect(arranged('std', [x, 1])).toEqual([x, 1]);
  });

  test('what PyTorch takes by position beyond the required becomes an option', () => {
    expect(arranged('nn.functional.dropout', [x, 0.5, true])).toEqual([x, { p: 0.5, training: true }]);
    expect(arranged('nn.init.uniform_', [x], { a: -2, b: 3 })).toEqual([x, { a: -2, b: 3 }]);
    expect(arrange(classSignatures.get('nn.Linear'), [10, 8, false], {})).toEqual([10, 8, { bias: false }]);
  });

  test('where memory lives has no meaning', () => {
    expect(arranged('to', [x, 'cpu', 'float64', true, false], { memory_format: 'preserve_format' })).toEqual([
      x,
      'float64',
    ]);
  });

  test('sizes one by one become a shape', () => {
    expect(arranged('rand', [3], { dtype: 'float64' })).toEqual([[3], { dtype: 'float64' }]);
  });

  test('a function that is not listed takes what it is given by position', () => {
    expect(arranged('no_such_function', [x, 2])).toEqual([x, 2]);
  });

  test('out= is not supported', () => {
    expect(() => arranged('sum', [x], { out: x })).toThrow('out=');
  });
});
