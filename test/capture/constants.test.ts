import { capture, grad, nn, optim, rand, tensor, type Tensor, zeros, ones, full } from 'nabla';
import { profile } from 'nabla/training';
import { describe, expect, it } from 'vitest';
import { expectSame } from './same.js';

describe('a tensor of one value that a captured function makes', () => {
  it.each<[string, (x: Tensor) => Tensor[]]>([
    ['is read as one value', (x) => [x.add(zeros([300, 7])), x.mul(full([300, 7], 2.5)).sum(0)]],
    ['is written to', (x) => [zeros([300, 7]).add_(x), ones([300, 7]).mul_(x).sum(1)]],
    [
      'is written to in part',
      (x) => [
        zeros([300, 7])
          .narrow(0, 3, 20)
          .copy_(x.narrow(0, 0, 20)),
        ones([300, 7]).fill_(3),
      ],
    ],
    [
      'is -0, NaN or infinite',
      (x) => [x.mul(0).add(full([300, 7], -0)), x.add(full([300, 7], NaN)), full([300, 7], Infinity).sub_(x)],
    ],
    [
      'is int32 or bool',
      (x) => [
        x
          .gt(0.5)
          .to('int32')
          .add(full([300, 7], -1, { dtype: 'int32' })),
        ones([300, 7], { dtype: 'bool' }).logicalAnd(x.gt(0.5)),
      ],
    ],
    [
      'is float64',
      (x) => [x.double().add(full([300, 7], 0.1, { dtype: 'float64' })), zeros([300, 7], { dtype: 'float64' }).add_(1)],
    ],
    ['is a result itself', () => [zeros([300, 7]), full([300, 7], 4)]],
    [
      'has one other value',
      (x) => [x.add(tensor(Array.from({ length: 300 * 7 }, (_, i) => Number(i === 2000))).reshape([300, 7]))],
    ],
  ])('%s', (_, fn) => {
    const captured = capture(fn);
    captured(rand([300, 7]));
    for (let i = 0; i < 2; i++) {
      const x = rand([300, 7]);
      for (const [i, one] of fn(x).entries()) expectSame(captured(x)[i]!, one);
    }
  });

  it('takes no memory to be copied from', () => {
    const captured = capture((x: Tensor) => zeros([1000, 10]).add_(x).mul_(2));
    const x = rand([1000, 10]);
    captured(x);
    const { instructions } = profile(captured, [x], { steps: 1 });
    // Zeros are written, and read with x where the result is written; what they are written from is one number.
    expect(instructions.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(4 * (4 * x.numel()) + 100);
  });
});

it('updates of large parameters that share a rate alone are instructions of their own', () => {
  const tables = [200, 200, 2].map((rows) => new nn.Embedding(rows, 300));
  const adagrad = new optim.Adagrad(tables.flatMap((table) => table.parameters()));
  const rows = tensor([0, 1, 1], { dtype: 'int32' });
  const step = capture(() => {
    adagrad.zeroGrad();
    const loss = tables.map((table) => table.forward(rows).sum()).reduce((a, b) => a.add(b));
    loss.backward();
    adagrad.step();
    return loss;
  });
  step();
  const names = profile(step, [], { steps: 1 }).instructions.map(({ name }) => name);
  expect(names.filter((name) => name.includes('Adagrad')).length).toBe(3);
});

it('windows that lie apart hand their gradient on in one copy', () => {
  const x = rand([2, 3, 8, 8]);
  const step = capture((from: Tensor) => {
    const input = from.detach().requiresGrad_();
    return grad(nn.functional.avgPool2d(input, 2).square().sum(), [input])[0]!;
  });
  step(x);
  const maps = profile(step, [x], { steps: 1 }).instructions.filter(({ name }) => name.startsWith('map'));
  expect(maps.length).toBeLessThanOrEqual(3);
});
