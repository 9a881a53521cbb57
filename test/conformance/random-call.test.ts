import { expect, test } from 'vitest';
import { evaluateRandomCall } from './random-call.js';

/** Instead of calling anything, writes down what would be called. */
const target = {
  callee: (name: string) => (args: readonly unknown[], kwargs: object) => ({ name, args, kwargs }),
  floats: (numbers: readonly unknown[]): never => {
    throw new Error(`floats ${numbers.join(' ')}`);
  },
};

const evaluate = (text: string) => evaluateRandomCall(text, 5, 'f64', target);

test('functions and methods', () => {
  expect(evaluate('empty(N).normal_(1.0, 2.0)')).toEqual({
    name: 'Tensor.normal_',
    args: [{ name: 'torch.empty', args: [5], kwargs: { dtype: 'float64' } }, 1, 2],
    kwargs: {},
  });
  expect(evaluate('nn.functional.dropout(ones(N), 0.5, true)')).toEqual({
    name: 'torch.nn.functional.dropout',
    args: [{ name: 'torch.ones', args: [5], kwargs: { dtype: 'float64' } }, 0.5, true],
    kwargs: {},
  });
});

test('lists and keywords', () => {
  expect(evaluate('randint(-100, 1000, [N])')).toEqual({ name: 'torch.randint', args: [-100, 1000, [5]], kwargs: {} });
  expect(evaluate('f([1,2,..,5], replacement = true)')).toEqual({
    name: 'torch.f',
    args: [[1, 2, 3, 4, 5]],
    kwargs: { replacement: true },
  });
});

test('what is made of floats', () => {
  expect(() => evaluate('f([1,2,..,4] as floats, N)')).toThrow('floats 1 2 3 4');
  expect(evaluate('f(arange(N) as floats)')).toEqual({
    name: 'torch.f',
    args: [{ name: 'torch.arange', args: [5], kwargs: { dtype: 'float64' } }],
    kwargs: {},
  });
});

test('what cannot be read is an error', () => {
  expect(() => evaluate('f(N')).toThrow('ends early');
  expect(() => evaluate('f(#)')).toThrow('cannot read');
});
