import { readFileSync } from 'node:fs';
import {
  capture,
  DTypeError,
  gradgradcheck,
  manualSeed,
  nn,
  rand,
  ShapeError,
  type Tensor,
  tensor,
  ValueError,
  zeros,
} from 'nabla';
import { describe, expect, it } from 'vitest';
import { expectSame } from '../capture/same.js';
import { type Encoded, expectClose, numbers } from '../recorded.js';

/** See fixtures/unpooling.py. */
interface Recorded {
  readonly fractional: readonly {
    readonly name: 'FractionalMaxPool2d' | 'FractionalMaxPool3d';
    readonly args: readonly unknown[];
    readonly shape: readonly number[];
    readonly dtype: 'float32' | 'float64';
    readonly text: string;
    readonly indices: Encoded;
    readonly outShape: readonly number[];
    readonly gx: Encoded;
    readonly next: number;
  }[];
  readonly unpool: readonly {
    readonly dims: 1 | 2 | 3;
    readonly shape: readonly number[];
    readonly pooling: readonly [number, number, number];
    readonly size: readonly number[] | null;
    readonly text: string;
    readonly outShape: readonly number[];
    readonly out: Encoded;
    readonly gradient: Encoded;
  }[];
}

const recorded = JSON.parse(readFileSync(new URL('../fixtures/unpooling.json', import.meta.url), 'utf8')) as Recorded;

const F = nn.functional;

const waves = (shape: readonly number[], phase = 0): Tensor => {
  const size = shape.reduce((a, b) => a * b, 1);
  return tensor(Float64Array.from({ length: size }, (_, i) => Math.sin(i * 0.7 + phase))).reshape([...shape]);
};

describe.each(recorded.fractional)('$name of [$shape] to [$outShape]', (one) => {
  const make = () => {
    const Type = nn[one.name] as new (...args: readonly unknown[]) => nn.FractionalMaxPool2d<true>;
    const [size, ...rest] = one.args;
    return new Type(size, ...rest.map((value) => (isRecord(value) ? { ...value, returnIndices: true } : value)));
  };
  const isRecord = (value: unknown): value is object => typeof value === 'object' && !Array.isArray(value);

  it('chooses as PyTorch does, and leaves the stream where that leaves it', () => {
    const layer = make();
    expect(String(layer)).toBe(one.text);
    manualSeed(5);
    const x = waves(one.shape).to(one.dtype).requiresGrad_();
    const { values, indices } = layer.forward(x);
    expect(rand([1]).item()).toBe(Math.fround(one.next));
    expect(values.shape).toEqual(one.outShape);
    expect(numbers(indices)).toEqual(one.indices);
    values.mul(waves(one.outShape, 1)).sum().backward();
    expectClose(x.grad!, one.gx, one.dtype === 'float32' ? 1e-6 : 1e-12);
  });

  it('draws again in every call of a captured function', () => {
    const layer = make();
    const x = waves(one.shape).to(one.dtype);
    manualSeed(6);
    const plain = [0, 1, 2].map(() => layer.forward(x).indices);
    const step = capture((y: Tensor) => layer.forward(y).indices);
    manualSeed(6);
    for (const indices of plain) expectSame(step(x), indices);
  });
});

describe.each(recorded.unpool)('MaxUnpool$dims d of [$shape]', ({ dims, shape, pooling, size, ...want }) => {
  const pool = nn[`MaxPool${dims}d`];
  const [kernelSize, stride, padding] = pooling;
  const { values, indices } = new pool(kernelSize, { stride, padding, returnIndices: true }).forward(waves(shape));
  const layer = new nn[`MaxUnpool${dims}d`](...pooling);

  it('puts elements where PyTorch puts them', () => {
    expect(String(layer)).toBe(want.text);
    const x = values.detach().requiresGrad_();
    const out = layer.forward(x, indices, size);
    expect(out.shape).toEqual(want.outShape);
    expectClose(out, want.out, 0);
    out.mul(waves(out.shape, 1)).sum().backward();
    expectClose(x.grad!, want.gradient, 1e-12);
    const step = capture((y: Tensor, at: Tensor) => layer.forward(y, at, size));
    step(x.detach(), indices);
    expectSame(step(x.detach(), indices), out.detach());
  });

  it('has gradients of gradients', () => {
    // An element that two windows chose has the gradient of both, as in PyTorch: that is no derivative.
    if (kernelSize > stride) return;
    const x = values.detach().requiresGrad_();
    expect(gradgradcheck((y: Tensor) => layer.forward(y, indices, size).square(), [x])).toBe(true);
  });
});

it('takes NaN for the largest, the first of equal ones, and no window twice', () => {
  const x = tensor([[[Number.NaN, 1, 1, 1]]]);
  const { values, indices } = F.fractionalMaxPool2d(x, [1, 2], [1, 3], { returnIndices: true });
  expect(numbers(values)).toEqual([Number.NaN, 1, 1]);
  expect(numbers(indices)).toEqual([0, 1, 2]);
  expect(F.fractionalMaxPool2d(zeros([0, 2, 4, 4]), 2, 2).shape).toEqual([0, 2, 2, 2]);
});

it('names what does not fit', () => {
  const x = zeros([1, 2, 4, 4]);
  expect(() => F.fractionalMaxPool2d(x, 2)).toThrow(
    new ValueError('fractionalMaxPool2d: expected either outputSize or outputRatio, got neither'),
  );
  expect(() => new nn.FractionalMaxPool3d(2, 2, 0.5)).toThrow(/got both$/);
  expect(() => F.fractionalMaxPool2d(x, 3, 3)).toThrow(
    new ShapeError('fractionalMaxPool2d: [3, 3] windows of [3, 3] need an input of at least [5, 5], got [4, 4]'),
  );
  expect(() => F.fractionalMaxPool2d(x, 2, { outputRatio: 1 })).toThrow(ValueError);
  expect(() => F.fractionalMaxPool2d(x.int(), 2, 2)).toThrow(DTypeError);
  const at = zeros([1, 2, 2, 2]).int();
  expect(() => F.maxUnpool2d(x, at, 2)).toThrow(
    new ShapeError('maxUnpool2d: input and indices must have one shape, got [1, 2, 4, 4] and [1, 2, 2, 2]'),
  );
  expect(() => F.maxUnpool2d(at.float(), at, 2, { outputSize: [6, 5] })).toThrow(
    new ValueError(
      'maxUnpool2d: outputSize must have 2 sizes, each less than a stride of [2, 2] from [4, 4], got [6, 5]',
    ),
  );
  expect(() => F.maxUnpool2d(at.float(), at.add(16), 2)).toThrow(/^maxUnpool2d: /);
  expect(() => F.maxUnpool2d(at.float(), at.float(), 2)).toThrow(DTypeError);
});
