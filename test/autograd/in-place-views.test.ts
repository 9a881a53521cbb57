import {
  AutogradError,
  arange,
  CaptureError,
  capture,
  grad,
  gradcheck,
  gradgradcheck,
  noGrad,
  ones,
  ShapeError,
  type Tensor,
  tensor,
  zeros,
} from 'nabla';
import { describe, expect, it, test } from 'vitest';

const counted = (...shape: number[]): Tensor =>
  arange(
    shape.reduce((n, size) => n * size, 1),
    { dtype: 'float64' },
  )
    .reshape(shape)
    .clone();

const leaf = (...shape: number[]): Tensor => counted(...shape).requiresGrad_();

/** Each form, and the view that a tensor of shape [2, 1, 3] becomes by it. */
const forms: readonly (readonly [name: string, inPlace: (x: Tensor) => Tensor, view: (x: Tensor) => Tensor])[] = [
  ['squeeze_()', (x) => x.squeeze_(), (x) => x.squeeze()],
  ['squeeze_(1)', (x) => x.squeeze_(1), (x) => x.squeeze(1)],
  ['squeeze_([0, 1])', (x) => x.squeeze_([0, 1]), (x) => x.squeeze([0, 1])],
  ['unsqueeze_(0)', (x) => x.unsqueeze_(0), (x) => x.unsqueeze(0)],
  ['unsqueeze_(-1)', (x) => x.unsqueeze_(-1), (x) => x.unsqueeze(-1)],
  ['transpose_(0, 2)', (x) => x.transpose_(0, 2), (x) => x.transpose(0, 2)],
  ['swapaxes_(0, -1)', (x) => x.swapaxes_(0, -1), (x) => x.swapaxes(0, -1)],
  ['swapdims_(0, 1)', (x) => x.swapdims_(0, 1), (x) => x.swapdims(0, 1)],
  ['squeeze_().t_()', (x) => x.squeeze_().t_(), (x) => x.squeeze().t()],
];

describe.each(forms)('%s', (_, inPlace, view) => {
  it('makes the tensor itself the view', () => {
    const x = counted(2, 1, 3);
    const expected = view(counted(2, 1, 3));
    const other = x.view([6]);
    const { shape } = x;
    expect(inPlace(x)).toBe(x);
    expect([x.shape, x.strides, x.offset]).toEqual([expected.shape, expected.strides, expected.offset]);
    expect(x.toArray()).toEqual(expected.toArray());
    expect(shape).toEqual([2, 1, 3]);
    expect(other.toArray()).toEqual([0, 1, 2, 3, 4, 5]);
    x.fill_(7);
    expect(other.eq(7).sum().item()).toBe(expected.numel());
  });

  it('has the gradients of the view, of the second order too', () => {
    const cubed = (x: Tensor) => inPlace(x.mul(2)).pow(3);
    const x = leaf(2, 1, 3);
    expect(gradcheck((x) => cubed(x!), x)).toBe(true);
    expect(gradgradcheck((x) => cubed(x!), x)).toBe(true);
    const loss = (y: Tensor) => y.mul(counted(...y.shape)).sum();
    expect(grad(loss(inPlace(x.mul(2))), x)[0]!.toArray()).toEqual(grad(loss(view(x.mul(2))), x)[0]!.toArray());
  });

  it('is written to afterwards, with gradients', () => {
    const x = leaf(2, 1, 3);
    const write = (y: Tensor) =>
      y
        .mul_(counted(...y.shape).add(1))
        .square()
        .sum();
    const [own] = grad(write(inPlace(x.mul(2))), x);
    const [expected] = grad(write(view(x.mul(2).clone())), x);
    expect(own!.toArray()).toEqual(expected!.toArray());
  });

  it('is the same for a view in the graph, whose base a write reaches', () => {
    const x = leaf(4, 1, 3);
    const loss = (look: (x: Tensor) => Tensor) => {
      const base = x.mul(2);
      const part = look(base.narrow(0, 1, 2));
      part.mul_(counted(...part.shape).add(1));
      return base.square().sum().add(part.sum());
    };
    expect(grad(loss(inPlace), x)[0]!.toArray()).toEqual(grad(loss(view), x)[0]!.toArray());
  });

  it('is the same in captured functions', () => {
    const step = (x: Tensor) => {
      const y = x.mul(2);
      inPlace(y).add_(counted(...y.shape));
      const z = inPlace(x.view([2, 1, 3]));
      return [y, z.mul(1), y.sum()];
    };
    const captured = capture(step);
    for (const by of [1, 3]) {
      const x = counted(2, 1, 3).mul(by);
      expect(captured(x).map((y) => y.toArray())).toEqual(step(x).map((y) => y.toArray()));
      expect(x.shape).toEqual([2, 1, 3]);
    }
  });

  it('leaves the shapes of tensors from outside alone in captured functions', () => {
    const outside = counted(2, 1, 3);
    for (const captured of [capture((x: Tensor) => inPlace(x).sum()), capture(() => inPlace(outside).sum())]) {
      expect(() => captured(counted(2, 1, 3))).toThrow(CaptureError);
      expect(() => captured(counted(2, 1, 3))).toThrow(/would give a tensor of shape \[2, 1, 3\] from outside another/);
    }
    expect(outside.shape).toEqual([2, 1, 3]);
  });

  it('refuses a leaf that requires a gradient, and a view of one', () => {
    const x = leaf(2, 1, 3);
    expect(() => inPlace(x)).toThrow(AutogradError);
    expect(() => inPlace(x)).toThrow('_: a leaf that requires a gradient cannot be changed in place while recording');
    expect(() => inPlace(x.view([2, 1, 3]))).toThrow('_: a view of a leaf that requires a gradient');
    expect(() => inPlace(zeros([6]).view([2, 1, 3]).requiresGrad_())).toThrow('_: a leaf that requires a gradient');
    expect(x.shape).toEqual([2, 1, 3]);
    noGrad(() => inPlace(x));
    expect(x.shape).toEqual(view(counted(2, 1, 3)).shape);
    x.sum().backward();
    expect(x.grad!.toArray()).toEqual(ones(x.shape).toArray());
  });
});

describe('in-place forms of views', () => {
  test('a history goes on within noGrad', () => {
    const w = leaf(2, 3);
    const y = w.mul(2);
    noGrad(() => y.t_());
    y.mul(counted(3, 2)).sum().backward();
    // PyTorch 2.13 in grad mode: 2 * arange(6).reshape(3, 2).t()
    expect(w.grad!.toArray()).toEqual([
      [0, 4, 8],
      [2, 6, 10],
    ]);
  });

  test('a view from before that fits its base takes over what is written later', () => {
    const w = leaf(1, 6);
    const y = w.mul(2);
    const flat = y.view([6]);
    y.squeeze_().mul_(counted(6));
    expect(grad(flat.sum(), w)[0]!.toArray()).toEqual([[0, 2, 4, 6, 8, 10]]);
  });

  test('a view from before that no longer fits its base is refused when something is written', () => {
    const made = (): [Tensor, Tensor] => {
      const y = leaf(2, 3).mul(2);
      return [y, y.view([6])];
    };
    const [turned, flat] = made();
    turned.t_().mul_(2);
    expect(() => flat.sum()).toThrow('take the view again');
    const [base, other] = made();
    base.t_();
    expect(() => other.mul_(2)).toThrow('is not contiguous');
  });

  test('a tensor that was saved must keep its shape', () => {
    const w = leaf(2, 3);
    const x = counted(2, 3);
    const y = w.mul(x);
    x.t_();
    expect(() => y.sum().backward()).toThrow(
      'a tensor of shape [2, 3] that Mul saved was given other data or another shape afterwards',
    );
  });

  test('a gradient that is retained is that of the new shape', () => {
    const y = leaf(2, 3).mul(2);
    y.retainGrad();
    y.t_();
    y.mul(counted(3, 2)).sum().backward();
    expect(y.grad!.toArray()).toEqual(counted(3, 2).toArray());
  });

  test('a gradient that is retained is so after other in-place forms, and hooks stay', () => {
    const y = leaf(2, 3).mul(2);
    y.retainGrad();
    y.mul_(2);
    const seen: number[][] = [];
    y.registerHook((gradient) => void seen.push([...gradient.shape]));
    y.t_();
    y.mul(counted(3, 2)).sum().backward();
    expect(y.grad!.toArray()).toEqual(counted(3, 2).toArray());
    expect(seen).toEqual([[2, 3]]);
  });

  test('integers, bools and expanded tensors have other shapes too', () => {
    expect(arange(3).unsqueeze_(0).t_().toArray()).toEqual([[0], [1], [2]]);
    expect(
      tensor([[true, false]])
        .squeeze_()
        .toArray(),
    ).toEqual([true, false]);
    const x = counted(3).expand([2, 3]);
    expect(x.t_().strides).toEqual([1, 0]);
  });

  test('what does not fit is refused, and changes nothing', () => {
    const x = counted(2, 2, 2);
    expect(() => x.t_()).toThrow(ShapeError);
    expect(() => x.t_()).toThrow('t_: expected at most 2 dimensions, got [2, 2, 2]');
    expect(() => x.transpose_(0, 3)).toThrow('transpose_: ');
    expect(() => x.squeeze_(3)).toThrow('squeeze_: ');
    expect(() => x.unsqueeze_(5)).toThrow('unsqueeze_: ');
    expect([x.shape, x.isView]).toEqual([[2, 2, 2], false]);
  });
});
