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
  const sgd = new there.optim.SGD([there.ones([2], { requiresGrad: true })], { lr: 0.1 });
  const { lrScheduler } = here.optim;
  expect(() => new lrScheduler.StepLR(sgd as never, 1)).toThrow(/a SGD of another copy of nabla/);
  const schedule = new there.optim.lrScheduler.StepLR(sgd, 1);
  expect(() => new lrScheduler.ChainedScheduler([schedule as never])).toThrow(/a StepLR of another copy of nabla/);
  expect(() => here.rand([2], { generator: new there.Generator() as never })).toThrow(/a Generator of another copy/);
  const normal = new there.distributions.Normal(0, 1) as never;
  expect(() => here.distributions.klDivergence(normal, normal)).toThrow(/a Normal of another copy of nabla/);
});

test('what is of this copy is called by its name alone', () => {
  expect(() => here.zeros(here.ones([2]) as never)).toThrow(/got a Tensor$/);
});
