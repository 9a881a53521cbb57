import { readFileSync } from 'node:fs';
import { arange, capture, gradgradcheck, nn, randn, ShapeError, type Tensor, ValueError, zeros } from 'nabla';
import { describe, expect, it } from 'vitest';
import { expectSame } from '../capture/same.js';

/** See fixtures/shuffle.py. */
interface Case {
  readonly name: 'PixelShuffle' | 'PixelUnshuffle' | 'ChannelShuffle';
  readonly number: number;
  readonly text: string;
  readonly input: readonly number[];
  readonly output: readonly number[];
  readonly values: readonly number[];
  readonly gradient: readonly number[];
}

const cases = JSON.parse(readFileSync(new URL('../fixtures/shuffle.json', import.meta.url), 'utf8')) as Case[];
const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
const counting = (shape: readonly number[]) => arange(size(shape), { dtype: 'float64' }).reshape([...shape]);

describe.each(cases)('$text of $input', ({ name, number, text, input, output, values, gradient }) => {
  it('is what PyTorch computes and prints, captured too', () => {
    const layer: nn.Module<[x: Tensor], Tensor> = new nn[name](number);
    expect(String(layer)).toBe(text);
    const x = counting(input).requiresGrad_();
    const y = layer.forward(x);
    expect(y.shape).toEqual(output);
    expect([...y.detach().toTypedArray()]).toEqual(values);
    y.backward(counting(output));
    expect([...x.grad!.toTypedArray()]).toEqual(gradient);
    const step = capture((x: Tensor) => layer.forward(x));
    for (let i = 0; i < 3; i++) expectSame(step(x.detach().add(i)), y.detach().add(i));
  });
});

it('is a copy, of strided tensors too, with gradients of gradients', () => {
  const x = zeros([1, 2, 2]);
  nn.functional.pixelShuffle(x, 1).add_(1);
  expect(x.sum().item()).toBe(0);
  expect(nn.functional.pixelShuffle(zeros([0, 4, 2, 2]), 2).shape).toEqual([0, 1, 4, 4]);
  const strided = randn([2, 2, 4]).permute([2, 0, 1]);
  expectSame(nn.functional.pixelUnshuffle(nn.functional.pixelShuffle(strided, 2), 2), strided.contiguous());
  const wide = randn([1, 4, 2], { dtype: 'float64', requiresGrad: true });
  expect(gradgradcheck((x: Tensor) => nn.functional.channelShuffle(x, 2).square(), [wide])).toBe(true);
});

it('refuses what does not fit', () => {
  expect(() => nn.functional.pixelShuffle(zeros([2, 2]), 2)).toThrow(ShapeError);
  expect(() => nn.functional.pixelShuffle(zeros([6, 2, 2]), 2)).toThrow(
    /^pixelShuffle: 6 channels cannot be divided by 4/,
  );
  expect(() => nn.functional.pixelUnshuffle(zeros([1, 4, 3]), 2)).toThrow(/^pixelUnshuffle: height 4 and width 3/);
  expect(() => nn.functional.channelShuffle(zeros([1, 4]), 2)).toThrow(ShapeError);
  expect(() => nn.functional.channelShuffle(zeros([1, 4, 1]), 3)).toThrow(/^channelShuffle: 4 channels/);
  expect(() => new nn.PixelShuffle(0)).toThrow(ValueError);
});
