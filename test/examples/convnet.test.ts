import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadMnist } from 'nabla/data';
import { describe, expect, it } from 'vitest';
import { report, run } from '../../examples/convnet.js';
import { writeDigits } from './digits.js';

describe('the convolutional network', () => {
  it('tells digits that are easy to tell, and shows what it got wrong', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'nabla-convnet-'));
    await writeDigits(folder);
    const data = await loadMnist(folder);
    await rm(folder, { recursive: true });
    const { right, digits, sure } = await run(data, 3, () => {});
    expect(right).toHaveLength(3);
    expect(right.at(-1)).toBe(1);
    expect([...sure].every((p) => p > 0 && p <= 1)).toBe(true);
    expect(report(data.test, digits, sure)).toMatch(/^ {2}0 █{40} 10 of 10\n/);
    expect(report(data.test, digits, sure)).not.toContain('taken for');
    digits[0] = 7;
    expect(report(data.test, digits, sure)).toMatch(
      / {2}0 █{36}░{4} 9 of 10\n[\s\S]*\nA 0, taken for a 7 \(\d+ % sure\):\n/,
    );
  });
});
