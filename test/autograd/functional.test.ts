import { AutogradError, autograd, capture, DTypeError, ShapeError, type Tensor, tensor, ValueError } from 'nabla';
import { describe, expect, it } from 'vitest';

const { jacobian, hessian, vjp, jvp, vhp, hvp } = autograd.functional;
const wide = (values: number[]) => tensor(values, { dtype: 'float64' });

/** Of torch.autograd.functional with the same functions and values. */
describe('derivatives of functions', () => {
  const [x, y] = [wide([1, 2]), wide([3, 1])];
  const product = (a: Tensor, b: Tensor) => [a.mul(b), a.pow(2).sum()] as const;
  const cubes = (a: Tensor, b: Tensor) => a.pow(3).mul(b).sum();

  it('jacobian has a block for each output and input', () => {
    const [[xx, xy], [sx, sy]] = jacobian(product, [x, y]) as [[Tensor, Tensor], [Tensor, Tensor]];
    expect(xx.toArray()).toEqual([
      [3, 0],
      [0, 1],
    ]);
    expect(xy.toArray()).toEqual([
      [1, 0],
      [0, 2],
    ]);
    expect([sx.toArray(), sy.toArray()]).toEqual([
      [2, 4],
      [0, 0],
    ]);
    expect(jacobian((a) => a.reshape([1, 2]), x).shape).toEqual([1, 2, 2]);
    expect(jacobian((a) => a.narrow(0, 0, 0), x).shape).toEqual([0, 2]);
    expect(x.requiresGrad).toBe(false);
  });

  it('hessian has second derivatives', () => {
    expect(hessian((a) => a.pow(3).sum(), x).toArray()).toEqual([
      [6, 0],
      [0, 12],
    ]);
    const [[aa, ab], [ba, bb]] = hessian(cubes, [x, y]) as [[Tensor, Tensor], [Tensor, Tensor]];
    expect(aa.toArray()).toEqual([
      [18, 0],
      [0, 12],
    ]);
    expect([ab.toArray(), ba.toArray()]).toEqual([
      [
        [3, 0],
        [0, 12],
      ],
      [
        [3, 0],
        [0, 12],
      ],
    ]);
    expect(bb.toArray()).toEqual([
      [0, 0],
      [0, 0],
    ]);
  });

  it('products are those of jacobian and hessian', () => {
    const [outputs, [px, py]] = vjp(product, [x, y], [wide([1, 10]), tensor(2, { dtype: 'float64' })]);
    expect(outputs.map((one) => one.toArray())).toEqual([[3, 2], 5]);
    expect([px!.toArray(), py!.toArray()]).toEqual([
      [7, 18],
      [1, 20],
    ]);
    const [, [first, sum]] = jvp(product, [x, y], [wide([1, 0]), wide([0, 1])]);
    expect([first!.toArray(), sum!.toArray()]).toEqual([[3, 2], 2]);
    for (const ofSecond of [vhp, hvp]) {
      const [value, [hx, hy]] = ofSecond(cubes, [x, y], [wide([1, 1]), wide([0, 1])]);
      expect([value.item(), hx!.toArray(), hy!.toArray()]).toEqual([11, [18, 24], [3, 12]]);
    }
    expect(jvp((a) => a.mul(2), wide([4]))[1].toArray()).toEqual([2]);
    expect(jvp(() => x.mul(2), x, x)[1].toArray()).toEqual([0, 0]);
  });

  it('have a history with createGraph, and none without', () => {
    const a = wide([1, 2]).requiresGrad_();
    const whole = jacobian((one) => one.pow(3), a, { createGraph: true });
    whole.sum().backward();
    expect(a.grad!.toArray()).toEqual([6, 12]);
    expect(jacobian((one) => one.pow(3), a).requiresGrad).toBe(false);
    expect(vjp((one) => one.pow(3), a, a, true)[1].requiresGrad).toBe(true);
  });

  it('give the same captured', () => {
    const slopes = (a: Tensor) => jacobian((one) => one.exp().mul(one.sum()), a);
    const captured = capture(slopes);
    for (let i = 0; i < 3; i++) expect(captured(x).toArray()).toEqual(slopes(x).toArray());
  });

  it.each([
    ['integers', () => jacobian((a) => a, tensor([1], { dtype: 'int32' })), DTypeError, 'input 0 is int32'],
    ['no tensor', () => jacobian((() => 1) as never, x), ValueError, 'func must return a Tensor or an array of them'],
    ['more than one element', () => hessian((a) => a, x), ShapeError, 'func must return a tensor of one element'],
    ['a missing v', () => vjp((a) => a, x), ValueError, 'v can only be left out where the output is one element'],
    ['a v of another shape', () => jvp((a) => a, x, wide([1])), ShapeError, 'v[0] must have the shape [2] of input 0'],
    ['too few v', () => vhp(cubes, [x, y], [x]), ValueError, 'expected v for each of 2 inputs, got 1'],
    ['strictly, no dependence', () => jacobian(() => y, x, { strict: true }), AutogradError, 'does not depend'],
    ['an unknown option', () => jacobian((a) => a, x, { strategy: 'forward' } as never), ValueError, 'strategy'],
  ])('refuse %s', (_, call, error, message) => {
    expect(call).toThrow(error);
    expect(call).toThrow(message);
  });
});
