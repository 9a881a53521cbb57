import { ValueError } from 'nabla';
import { ProgressBar, type ProgressStream } from 'nabla/training';
import { describe, expect, it } from 'vitest';

/** A stream that keeps what is written, and a clock that stands still until told. */
function setup(stream: Partial<ProgressStream>, total = 1000) {
  const written: string[] = [];
  let time = 0;
  const progress = new ProgressBar({
    label: 'epoch 1/2',
    total,
    unit: 'images',
    stream: { ...stream, write: (text) => written.push(text) },
    now: () => time,
  });
  const at = (ms: number, done: number) => {
    time = ms;
    progress.update(done, () => ({ loss: '0.5000', accuracy: '90.0 %' }));
  };
  const advance = (ms: number) => {
    time = ms;
  };
  return { progress, written, at, advance };
}

/** The line without the carriage return, the erasing and the colours. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: terminal sequences are what is taken out
const plain = (text: string) => text.replaceAll(/\r|\x1b\[\d*[Km]/g, '');

describe('ProgressBar on a terminal', () => {
  it('shows bar, measurements, speed and time left', () => {
    const { written, at } = setup({ isTTY: true, columns: 120 });
    at(2000, 250);
    expect(written).toHaveLength(1);
    expect(plain(written[0]!)).toBe(
      `epoch 1/2  ${'━'.repeat(8)}${'─'.repeat(24)}   25 %  loss 0.5000  accuracy 90.0 %  125 images/s  ETA 0:06`,
    );
  });

  it('is full where more is done than there was to do', () => {
    const { written, at } = setup({ isTTY: true, columns: 120 });
    at(2000, 1500);
    expect(plain(written[0]!)).toContain(`epoch 1/2  ${'━'.repeat(32)} `);
  });

  it('redraws at most ten times a second', () => {
    const { written, at } = setup({ isTTY: true, columns: 100 });
    for (let ms = 1; ms <= 1000; ms++) at(ms, ms);
    expect(written).toHaveLength(10);
  });

  it.each([120, 80, 60, 40, 30, 20, 10, 5, 1])('never wraps a line of %i columns', (columns) => {
    for (const hasColors of [() => true, () => false]) {
      const { written, at, progress } = setup({ isTTY: true, columns, hasColors });
      at(61_000, 999);
      progress.finish({ loss: '0.5000' });
      for (const line of written) expect(plain(line).length).toBeLessThanOrEqual(Math.max(columns, 1));
    }
  });

  it('gives up the last fields first', () => {
    const { written, at } = setup({ isTTY: true, columns: 60 });
    at(2000, 500);
    expect(plain(written[0]!)).toMatch(/^epoch 1\/2 {2}━+─+ {3}50 % {2}loss 0.5000 {2}accuracy 90.0 %$/);
  });

  it('ends with the time it took and a new line', () => {
    const { written, progress, advance } = setup({ isTTY: true, columns: 100 });
    advance(61_000);
    progress.finish({ loss: '0.1000' });
    expect(plain(written.join(''))).toMatch(/100 % {2}loss 0.1000 {2}16 images\/s {2}1:01\n$/);
  });
});

describe('ProgressBar elsewhere', () => {
  it('prints a plain line every two seconds, and the last one', () => {
    const { written, at, progress } = setup({});
    for (let ms = 100; ms <= 5000; ms += 100) at(ms, ms / 10);
    progress.finish({ loss: '0.4000' });
    expect(written).toEqual([
      'epoch 1/2:  20 %  loss 0.5000  accuracy 90.0 %  100 images/s  ETA 0:08\n',
      'epoch 1/2:  40 %  loss 0.5000  accuracy 90.0 %  100 images/s  ETA 0:06\n',
      'epoch 1/2: 100 %  loss 0.4000  200 images/s  0:05\n',
    ]);
  });
});

it('shows numbers to four digits, and refuses what makes no sense', () => {
  const written: string[] = [];
  const bar = new ProgressBar('x', 4, { stream: { write: (text) => written.push(text) }, now: () => 0 });
  bar.finish({ loss: 0.123456, 'loss of all': 12345.6, none: Number.NaN });
  expect(written.join('')).toMatch(
    /^x: 100 % {2}loss 0\.1235 {2}loss of all 1\.235e\+4 {2}none NaN {2}4,000 steps\/s {2}0:00\n$/,
  );
  expect(() => new ProgressBar('x', 0)).toThrow(ValueError);
  expect(() => new ProgressBar('x', 4, { units: 'steps' } as never)).toThrow(/did you mean 'unit'/);
  expect(() => new ProgressBar('x', 4, { stream: 3 } as never)).toThrow(/stream must be a stream to write to/);
});
