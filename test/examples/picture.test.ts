import { describe, expect, it } from 'vitest';
import { renderPicture } from '../../examples/lib/picture.js';
import { linearTicks, logTicks } from '../../examples/lib/scale.js';

const epochOf = (testAccuracy: number) => ({ trainLoss: 0.2, trainAccuracy: 0.95, testLoss: 0.25, testAccuracy });
const words = { title: 'Digits & <others>', subtitle: '97 %' };

describe('renderPicture', () => {
  it('is well-formed and tells in words what it shows', () => {
    const losses = Array.from({ length: 500 }, (_, i) => 2 * 0.99 ** i);
    const mistake = { pixels: new Float32Array(784).fill(0.5), actual: 4, predicted: 9 };
    const svg = renderPicture({ losses, epochs: [epochOf(0.96), epochOf(0.971)] }, [mistake], words);
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" viewBox="0 0 960 \d+" role="img"/);
    expect(svg).toContain('<title id="title">Digits &amp; &lt;others&gt;</title>');
    expect(svg).toContain(
      'Epoch 2: training loss 0.2000, training accuracy 95.00 %, test loss 0.2500, test accuracy 97.10 %.',
    );
    expect(svg).toContain('4 → 9');
    expect(svg.match(/<[a-z]+[ >]/g)!.length).toBe(svg.match(/<\/[a-z]+>|\/>/g)!.length);
  });

  it.each([
    ['one step', [0.5], [0.9]],
    ['a perfect model', [1, 0, 0, 0], [1, 1]],
    [
      'many epochs',
      Array.from({ length: 50 }, (_, i) => 1 / (i + 1)),
      Array.from({ length: 30 }, (_, i) => 0.9 + i / 400),
    ],
    ['fewer steps than buckets', [3, 2, 1], [0.5]],
  ])('draws only finite numbers for %s', (_, losses, accuracies) => {
    const svg = renderPicture({ losses, epochs: accuracies.map(epochOf) }, [], words);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  });
});

describe('ticks', () => {
  it('are round numbers within the range', () => {
    expect(linearTicks(92.1, 100, 4)).toEqual([94, 96, 98, 100]);
    expect(linearTicks(0, 1, 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(linearTicks(0.1, 0.35, 5)).toEqual([0.1, 0.15, 0.2, 0.25, 0.3, 0.35]);
    expect(logTicks(0.009, 2.5)).toEqual([0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2]);
  });
});
