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
  it('take no step where there is one place, however long', () => {
    for (const stride of [2, 2 ** 32 + 1]) {
      const [x, weight] = [tensor([[[1, 2]]], { requiresGrad: true }), tensor([[[3, 4]]], { requiresGrad: true })];
      const out = nn.functional.conv1d(x, weight, { stride });
      expect(out.toArray()).toEqual([[[11]]]);
      out.sum().backward();
      expect([x.grad!.toArray(), weight.grad!.toArray()]).toEqual([[[[3, 4]]], [[[1, 2]]]]);
      expect(nn.functional.convTranspose1d(tensor([[[5]]]), weight, { stride }).toArray()).toEqual([[[15, 20]]]);
      expect(nn.functional.maxPool1d(tensor([[1, 3, 2]]), 2, { stride }).toArray()).toEqual([[3]]);
      expect(nn.functional.avgPool1d(tensor([[1, 3, 2]]), 2, { stride }).toArray()).toEqual([[2]]);
    }
  });

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

describe('transposed convolutions', () => {
  it('are the adjoint of convolutions', () => {
    const [x, w] = [randn([2, 3, 5, 6], { dtype: 'float64' }), randn([4, 3, 3, 2], { dtype: 'float64' })];
    const y = F.conv2d(x, w, { padding: 1, stride: [1, 2] });
    const z = randn(y.shape, { dtype: 'float64' });
    const back = F.convTranspose2d(z, w, { padding: 1, stride: [1, 2] });
    expect(back.shape).toEqual([2, 3, 5, 6]);
    expect(Math.abs(y.mul(z).sum().item() - back.mul(x).sum().item())).toBeLessThan(1e-10);
  });

  it('have the size that is asked for', () => {
    const layer = new nn.ConvTranspose2d(2, 1, 3, 2, 1);
    const x = randn([1, 2, 4, 4]);
    expect(layer.forward(x).shape).toEqual([1, 1, 7, 7]);
    expect(layer.forward(x, [8, 7]).shape).toEqual([1, 1, 8, 7]);
    expect(layer.forward(x, { outputSize: [1, 1, 7, 8] }).shape).toEqual([1, 1, 7, 8]);
    expect(() => layer.forward(x, [9, 7])).toThrow(
      new ShapeError(
        'ConvTranspose2d: outputSize must be between [7, 7] and [8, 8] for an input of shape [1, 2, 4, 4], got [9, 7]',
      ),
    );
  });

  it('name what does not fit', () => {
    const [x, w] = [zeros([1, 4, 5]), zeros([4, 2, 3])];
    expect(() => F.convTranspose1d(x, zeros([3, 2, 3]))).toThrow(
      new ShapeError('convTranspose1d: expected 3 channels (weight [3, 2, 3]), got an input of shape [1, 4, 5]'),
    );
    expect(() => F.convTranspose1d(x, w, { groups: 3 })).toThrow(
      new ShapeError('convTranspose1d: 4 input channels (weight [4, 2, 3]) do not divide into 3 groups'),
    );
    expect(() => F.convTranspose1d(x, w, { outputPadding: 1 })).toThrow(
      new ValueError('convTranspose1d: outputPadding must be less than stride [1] or dilation [1], got [1]'),
    );
    expect(() => F.convTranspose1d(x, w, { padding: 4 })).toThrow(
      new ShapeError('convTranspose1d: padding [4] leaves nothing of an output of [7] (input [1, 4, 5])'),
    );
  });
});

describe('fold and unfold', () => {
  it('do not share memory with their input', () => {
    const x = ones([1, 1, 2, 2]);
    F.unfold(x, 1).fill_(5);
    F.fold(x.reshape([1, 4]), 2, [1, 1], { stride: 1 });
    expect(numbers(x)).toEqual([1, 1, 1, 1]);
  });

  it('name what does not fit', () => {
    expect(() => F.unfold(zeros([3, 4]), 2)).toThrow(
      new ShapeError('unfold: the input must have 4 dimensions, or 3 without a batch, got [3, 4]'),
    );
    expect(() => F.unfold(zeros([1, 3, 4]), 4)).toThrow(
      new ShapeError('unfold: a window spans [4, 4], but the (padded) input has only [3, 4]'),
    );
    expect(() => F.fold(zeros([4, 3]), [2, 3], 2)).toThrow(
      new ShapeError(
        'fold: the input must have a multiple of 4 rows and 2 columns, with or without a batch, got [4, 3]',
      ),
    );
  });
});

describe('pooling', () => {
  it('finds the largest of every window inside, and the first of equal ones, whatever lies around', () => {
    const wholes = [4, 17, 23];
    for (const [kernel, stride, padding, dilation] of [
      [2, 2, 0, 1],
      [2, 2, 1, 1],
      [3, 1, 1, 1],
      [3, 2, 1, 2],
      [4, 3, 2, 1],
      [2, 5, 1, 3],
    ] as const) {
      for (const [rows, cols] of wholes.flatMap((a) => wholes.map((b) => [a, b] as const))) {
        if (Math.min(rows, cols) + 2 * padding < (kernel - 1) * dilation + 1) continue;
        const x = randn([2, 3, rows, cols]).mul(2).round();
        x.select(1, 1).fill_(Number.NEGATIVE_INFINITY);
        x.select(3, 1).fill_(Number.NaN);
        const { values, indices } = F.maxPool2d(x, kernel, { stride, padding, dilation, returnIndices: true });
        const [, , high, wide] = values.shape as [number, number, number, number];
        const [from, found, at] = [x.reshape([6, rows * cols]).toArray(), values.toArray(), indices.toArray()];
        for (let n = 0; n < 6 * high * wide; n++) {
          const [channel, row, col] = [Math.floor(n / (high * wide)), Math.floor(n / wide) % high, n % wide];
          let [best, place] = [Number.NEGATIVE_INFINITY, -1];
          for (let k = 0; k < kernel * kernel; k++) {
            const y = row * stride - padding + Math.floor(k / kernel) * dilation;
            const z = col * stride - padding + (k % kernel) * dilation;
            if (y < 0 || y >= rows || z < 0 || z >= cols) continue;
            const value = (from as number[][])[channel]![y * cols + z]!;
            if (place < 0 || value > best || Number.isNaN(value)) [best, place] = [value, y * cols + z];
          }
          const where = [channel < 3 ? 0 : 1, channel % 3, row, col] as const;
          const of = (array: unknown) => where.reduce((part, i) => (part as unknown[])[i], array);
          expect([of(found), of(at)]).toEqual([best, place]);
        }
      }
    }
  });

  it('gives the places of the largest', () => {
    const x = tensor([[[1, 5, 2, 4, 5, 5]]]);
    const { values, indices } = F.maxPool1d(x, 3, 2, { padding: 1, returnIndices: true });
    expect(numbers(values)).toEqual([5, 5, 5]);
    expect(numbers(indices)).toEqual([1, 1, 4]);
    expect(indices.dtype).toBe('int32');
    const layer = new nn.MaxPool1d(3, 2, 1, { returnIndices: true });
    expect(numbers(layer.forward(x).indices)).toEqual([1, 1, 4]);
  });

  it('never chooses what is put around', () => {
    const low = Number.NEGATIVE_INFINITY;
    const { values, indices } = F.maxPool1d(tensor([[low, low, low, 3]]), 2, {
      stride: 1,
      padding: 1,
      dilation: 2,
      returnIndices: true,
    });
    expect(numbers(values)).toEqual([low, low, 3, low]);
    expect(numbers(indices)).toEqual([1, 0, 3, 2]);
    expect(numbers(F.maxPool1d(tensor([[-7, -9]], { dtype: 'int32' }), 2, 1, 1))).toEqual([-7, -7, -9]);
  });

  it('takes NaN for the largest, and spreads it in means', () => {
    const x = tensor([[1, Number.NaN, 2, 3]]);
    expect(numbers(F.maxPool1d(x, 2))).toEqual([Number.NaN, 3]);
    expect(numbers(F.avgPool1d(x, 2))).toEqual([Number.NaN, 2.5]);
  });

  it('moves a window by its own size where the list of strides is empty', () => {
    const x = waves([1, 2, 6, 6], 0);
    expect(F.avgPool2d(x, [2, 3], []).toArray()).toEqual(F.avgPool2d(x, [2, 3]).toArray());
    expect(() => F.avgPool2d(x, 2, [1, 2, 3] as never)).toThrow(/^avgPool2d: stride must be/);
  });

  it('names what does not fit', () => {
    const x = zeros([1, 2, 5, 5]);
    expect(() => F.maxPool2d(zeros([5, 5]), 2)).toThrow(
      new ShapeError('maxPool2d: the input must have 4 dimensions, or 3 without a batch, got [5, 5]'),
    );
    expect(() => F.avgPool2d(zeros([2, 0, 5, 5]), 2)).toThrow(
      new ShapeError('avgPool2d: the input must have elements, got [2, 0, 5, 5]'),
    );
    expect(() => F.maxPool2d(x, 3, { padding: 2 })).toThrow(
      new ValueError('maxPool2d: padding must be at most half of what a window spans, [3, 3]; got [2, 2]'),
    );
    expect(() => F.avgPool2d(x, [6, 2])).toThrow(
      new ShapeError('avgPool2d: a window spans [6, 2], but the input has only [5, 5], padded by [0, 0]'),
    );
    expect(() => F.avgPool2d(x, 2, { divisorOverride: 0 })).toThrow(
      new ValueError('avgPool2d: divisorOverride must not be 0'),
    );
    expect(() => F.maxPool2d(x.bool(), 2)).toThrow(DTypeError);
    expect(F.maxPool2d(zeros([0, 2, 5, 5]), 2).shape).toEqual([0, 2, 2, 2]);
  });
});

describe('adaptive pooling', () => {
  it('gives the places of the largest, and keeps NaN in its windows', () => {
    const x = tensor([[1, 5, 2, Number.NaN, 0]]);
    const { values, indices } = F.adaptiveMaxPool1d(x, 3, true);
    expect(numbers(values)).toEqual([5, Number.NaN, Number.NaN]);
    expect(numbers(indices)).toEqual([1, 3, 3]);
    expect(numbers(F.adaptiveAvgPool1d(x, 3))).toEqual([3, Number.NaN, Number.NaN]);
    const low = Number.NEGATIVE_INFINITY;
    expect(numbers(new nn.AdaptiveMaxPool1d(2, true).forward(tensor([[low, low, low]])).indices)).toEqual([0, 1]);
  });

  it('names what does not fit', () => {
    expect(() => F.adaptiveAvgPool2d(zeros([5, 5]), 2)).toThrow(
      new ShapeError('adaptiveAvgPool2d: the input must have 4 dimensions, or 3 without a batch, got [5, 5]'),
    );
    expect(() => F.adaptiveAvgPool1d(zeros([1, 5]), 2 ** 32 + 1)).toThrow(
      new ShapeError('adaptiveAvgPool1d: [4294967297] has more places than int32 counts'),
    );
    expect(() => F.adaptiveMaxPool2d(zeros([1, 5, 5]), [2, -1])).toThrow(
      new ValueError('adaptiveMaxPool2d: outputSize[1] must be an integer, at least 1, or null, got -1'),
    );
  });
});

it('averages integers to integers, towards 0, as PyTorch does', () => {
  const whole = tensor([1, 4, -5, 2], { dtype: 'int32' }).reshape([1, 1, 4]);
  const mean = nn.functional.avgPool1d(whole, 2);
  expect([mean.dtype, mean.toArray()]).toEqual(['int32', [[[2, -1]]]]);
  const image = whole.reshape([1, 2, 2]);
  expect(nn.functional.avgPool2d(image, 2, { divisorOverride: 4 }).toArray()).toEqual([[[0]]]);
});
