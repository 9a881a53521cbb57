import { describe, expect, it } from 'vitest';
import { documentation, run } from '../../examples/char-gpt.js';

describe('the character GPT', () => {
  it('learns a text, and writes some of its letters', () => {
    const text = 'she sells sea shells by the sea shore. '.repeat(20);
    const lines: string[] = [];
    const options = { steps: 100, context: 16, width: 32, layers: 1, heads: 2, batch: 8 };
    const { losses, written } = run(text, options, 40, (line) => lines.push(line));
    expect(losses).toHaveLength(100);
    expect(losses[0]).toBeCloseTo(Math.log(new Set(text).size), 0);
    expect(losses.at(-1)).toBeLessThan(1.5);
    expect(written).toHaveLength(48);
    expect(written.slice(0, 8)).toBe(text.slice(0, 8));
    expect([...written].every((letter) => text.includes(letter))).toBe(true);
    expect(lines[0]).toMatch(/^780 characters, \d+ different ones, [\d,]+ parameters$/);
    expect(lines[1]).toMatch(/^step 100: loss \d\.\d{3}$/);
  });

  it('reads the pages of the documentation', async () => {
    expect((await documentation()).length).toBeGreaterThan(100_000);
  });
});
