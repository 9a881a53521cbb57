import { expect, test, vi } from 'vitest';
import * as here from '../../lib/index.js';

/** Where something else loaded the library a second time. */
const another = async (): Promise<typeof here> => {
  vi.resetModules();
  return import('../../lib/index.js');
};

test('what is of another copy of the library is refused, and said to be so', async () => {
  const there = await another();
  const foreign = there.ones([2]);
  expect(foreign).not.toBeInstanceOf(here.Tensor);
  const message = /a Tensor of another copy of nabla \(file:.*; this one is file:.*\)/;
  expect(() => here.ones([2]).matmul(foreign)).toThrow(message);
  expect(() => here.sum(foreign)).toThrow(message);
  expect(() => new here.nn.Sequential(new there.nn.ReLU() as never)).toThrow(/a ReLU of another copy of nabla/);
});

test('what is of this copy is called by its name alone', () => {
  expect(() => here.zeros(here.ones([2]) as never)).toThrow(/got a Tensor$/);
});
