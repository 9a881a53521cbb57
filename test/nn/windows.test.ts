import { readFileSync } from 'node:fs';
import {
  backward,
  capture,
  DTypeError,
  gradcheck,
  gradgradcheck,
  manualSeed,
  nn,
  ones,
  randn,
  ShapeError,
  type Tensor,
  tensor,
  ValueError,
  zeros,
} from 'nabla';
import { describe, expect, it } from 'vitest';
import { type Encoded, expectClose, numbers } from '../recorded.js';

// Layers of windows against PyTorch's values: see fixtures/windows.py. A new layer needs rows there.

interface Case {
  readonly name: string;
  readonly args: readonly unknown[];
  readonly text: string;
  readonly state: readonly string[];
  readonly shape: readonly number[];
  readonly outShape: readonly number[];
  readonly out: Encoded;
  readonly gx: Encoded;
  readonly gradients: readonly Encoded[];
}

const cases = JSON.parse(readFileSync(new URL('../fixtures/windows.json', import.meta.url), 'utf8')) as Case[];

const F = nn.functional;

const waves = (shape: readonly number[], phase: number): Tensor => {
  const size = shape.reduce((product, n) => product * n, 1);
  return tensor(Float64Array.from({ length: size }, (_, i) => Math.sin(i * 0.7 + phase))).reshape([...shape]);
};

type Layer = nn.Module<[Tensor], Tensor>;

function make({ name, args }: Case): Layer {
  const type = Reflect.get(nn, name) as new (...args: readonly unknown[]) => Layer;
  const layer = new type(...args).to('float64') as Layer;
  layer.parameters().forEach((parameter, i) => {
    parameter.data = waves(parameter.shape, i + 1);
  });
  return layer;
}

describe.each(cases.map((one): [string, Case] => [`${one.text} of [${one.shape}]`, one]))('%s', (_, one) => {
  it('prints, and has the state, values and gradients of PyTorch', () => {
    const layer = make(one);
    expect(String(layer)).toBe(one.text);
    expect(Object.keys(layer.stateDict())).toEqual(one.state);
    const x = waves(one.shape, 0).requiresGrad_();
    const out = layer.forward(x);
    expect(out.shape).toEqual(one.outShape);
    expect(out.isContiguous()).toBe(true);
    expectClose(out, one.out, 1e-12);
    out.mul(waves(out.shape, 2)).sum().backward();
    expectClose(x.grad!, one.gx, 1e-12);
    layer.parameters().forEach((parameter, i) => {
      expectClose(parameter.grad!, one.gradients[i]!, 1e-12);
    });
  });

  it('has the derivatives of finite differences, of the second order too', () => {
    if (one.shape.includes(0)) return;
    const layer = make(one);
    const inputs = [waves(one.shape, 0).requiresGrad_(), ...layer.parameters()];
    const f = (x: Tensor) => layer.forward(x);
    expect(gradcheck((x) => f(x!), inputs)).toBe(true);
    expect(gradgradcheck((x) => f(x!), inputs)).toBe(true);
  });

  it('gives the same bits captured, and of an input that is strided', () => {
    const layer = make(one);
    const step = (x: Tensor) => {
      const leaf = x.detach().requiresGrad_();
      const out = layer.forward(leaf);
      layer.zeroGrad();
      backward([out.mul(waves(out.shape, 2)).sum()]);
      return [out.detach(), leaf.grad!, ...layer.parameters().map((parameter) => parameter.grad!.clone())];
    };
    const x = waves(one.shape, 0);
    const plain = step(x).map(numbers);
    const captured = capture(step);
    captured(x);
    expect(captured(x).map(numbers)).toEqual(plain);
    const turned = x.transpose(-1, -2).contiguous().transpose(-1, -2);
    expect(step(turned).map(numbers)).toEqual(plain);
  });
});

describe('convolutions', () => {
  it('of NaN and infinities reach only the windows over them', () => {
    const x = tensor([[[1, Number.NaN, 2, 3, Number.POSITIVE_INFINITY]]]);
    expect(numbers(F.conv1d(x, ones([1, 1, 2])))).toEqual([Number.NaN, Number.NaN, 5, Number.POSITIVE_INFINITY]);
  });

  it('can be changed in place', () => {
    const x = randn([1, 2, 4, 4], { requiresGrad: true });
    const out = F.conv2d(x, ones([3, 2, 1, 1])).relu_();
    expect(out.ge(0).all().item()).toBe(true);
    out.sum().backward();
    expect(x.grad!.shape).toEqual([1, 2, 4, 4]);
  });

  it('start as in PyTorch where there is nothing to draw', () => {
    manualSeed(0);
    expect(new nn.Conv2d(0, 2, 3).weight.shape).toEqual([2, 0, 3, 3]);
  });

  it('take options by position and by name', () => {
    const [x, w] = [randn([1, 2, 9]), randn([4, 1, 3])];
    const named = F.conv1d(x, w, { stride: 2, padding: 1, dilation: 2, groups: 2 });
    expect(numbers(F.conv1d(x, w, null, 2, 1, 2, 2))).toEqual(numbers(named));
    expect(new nn.Conv2d(1, 2, 3, { bias: false }).bias).toBe(null);
  });

  it('name what does not fit', () => {
    const [x, w] = [zeros([1, 2, 5, 5]), zeros([4, 2, 3, 3])];
    expect(() => F.conv2d(zeros([2, 5]), w)).toThrow(
      new ShapeError('conv2d: the input must have 4 dimensions, or 3 without a batch, got [2, 5]'),
    );
    expect(() => F.conv2d(x, zeros([4, 2, 3]))).toThrow(
      new ShapeError('conv2d: the weight must have 4 dimensions, got [4, 2, 3]'),
    );
    expect(() => F.conv2d(x, zeros([4, 3, 3, 3]))).toThrow(
      new ShapeError('conv2d: expected 3 channels (weight [4, 3, 3, 3]), got an input of shape [1, 2, 5, 5]'),
    );
    expect(() => F.conv2d(x, zeros([3, 1, 3, 3]), { groups: 2 })).toThrow(
      new ShapeError('conv2d: 3 output channels (weight [3, 1, 3, 3]) do not divide into 2 groups'),
    );
    expect(() => F.conv2d(x, w, zeros([3]))).toThrow(new ShapeError('conv2d: the bias must have shape [4], got [3]'));
    expect(() => F.conv2d(x, w, { dilation: 3 })).toThrow(
      new ShapeError('conv2d: a window spans [7, 7], but the (padded) input has only [5, 5]'),
    );
    expect(() => F.conv2d(x, w, { stride: 2, padding: 'same' })).toThrow(
      new ValueError("conv2d: padding 'same' needs a stride of 1, got [2, 2]"),
    );
    expect(() => F.conv2d(x, w, { stride: 0 })).toThrow(
      new ValueError('conv2d: stride must be an integer, at least 1, or an array of 2 of them, got 0'),
    );
    expect(() => F.conv2d(x, w.double())).toThrow(DTypeError);
    expect(() => new nn.Conv2d(3, 4, 3, { groups: 2 })).toThrow(
      new ValueError('Conv2d: inChannels 3 does not divide into 2 groups'),
    );
    expect(() => new nn.Conv2d(1, 1, 3).forward(zeros([1, 2, 5, 5]))).toThrow(/^Conv2d: expected 1 channels/);
  });
});
