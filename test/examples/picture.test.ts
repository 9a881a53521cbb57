import { describe, expect, it, test } from 'vitest';
import { logTicks } from '../../examples/lib/figure.js';
import { renderPicture } from '../../examples/lib/picture.js';

const epochOf = (testAccuracy: number) => ({ trainLoss: 0.2, trainAccuracy: 0.95, testLoss: 0.25, testAccuracy });
const words = { title: 'Digits & <others>', subtitle: '97 %' };

describe('renderPicture', () => {
  it('is well-formed and tells in words what it shows', async () => {
    const losses = Array.from({ length: 500 }, (_, i) => 2 * 0.99 ** i);
    const mistake = { pixels: new Float32Array(784).fill(0.5), actual: 4, predicted: 9 };
    const svg = await renderPicture({ losses, epochs: [epochOf(0.96), epochOf(0.971)] }, [mistake], words);
    expect(svg).toMatch(/^<svg [^>]*viewBox="0 0 \d+ \d+" role="img"><title>Digits &amp; &lt;others&gt;<\/title>/);
    expect(svg).toContain(
      'Epoch 2: training loss 0.2000, training accuracy 95.00 %, test loss 0.2500, test accuracy 97.10 %.',
    );
    for (const word of ['4 → 9', '96.00', '97.10', 'training', 'test']) expect(svg).toContain(`>${word}</text>`);
    expect(svg.match(/<[a-z]+[ >]/gi)!.length).toBe(svg.match(/<\/[a-z]+>|\/>/gi)!.length);
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
  ])('draws only finite numbers for %s', async (_, losses, accuracies) => {
    const svg = await renderPicture({ losses, epochs: accuracies.map(epochOf) }, [], words);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  });
});

test('ticks of times are round numbers within the range', () => {
  expect(logTicks(0.009, 2.5)).toEqual([0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2]);
  expect(logTicks(5e-6, 20)).toEqual([1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10]);
});
