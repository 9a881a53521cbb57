import { describe, expect, it } from 'vitest';
import type { Contender } from '../../bench/harness/contender.js';
import { compare } from '../../bench/harness/probe.js';
import { summarize } from '../../bench/harness/statistics.js';
import { renderChart } from '../../bench/report/chart.js';
import { formatFactor, formatRate, formatTime } from '../../bench/report/format.js';
import { cliffsLine, insertTable, markdownTable, questionTable } from '../../bench/report/markdown.js';
import { TerminalTable } from '../../bench/report/terminal.js';

const machine = {
  cpu: 'A processor',
  processors: 2,
  memoryGiB: 8,
  platform: 'linux x64',
  node: 'v20.0.0',
  isa: 'avx2',
  date: '2025-01-02T03:04:05.000Z',
};
const contender = (library: string, threads = 1): Contender => {
  return { library, threads, command: '', args: [], env: {}, kinds: ['momentum'], patience: 1 };
};
const timed = (...samples: number[]) => ({ kind: 'timed', summary: summarize(samples) }) as const;

describe('summarize', () => {
  it('gives minimum, median and spread', () => {
    expect(summarize([3, 2, 4])).toEqual({ rounds: 3, minimum: 2, median: 3, spread: 0.5 });
    expect(summarize([4, 2])).toEqual({ rounds: 2, minimum: 2, median: 3, spread: 0.5 });
  });
});

describe('compare', () => {
  it('passes what is as near as float32 allows', () => {
    expect(compare([1, 1000], [1.0001, 1000.1])).toBeUndefined();
  });

  it('tells what differs', () => {
    expect(compare([1, 2], [1, 2.1])).toBe('computes something else: value 1 is 2, not 2.1');
    expect(compare([1, Number.NaN], [1, 2])).toBe('computes something else: value 1 is NaN, not 2');
    expect(compare([1], [1, 2])).toBe('computes 1 values, not 2');
  });
});

describe('formats', () => {
  it('choose a unit and three digits', () => {
    expect([1.234e-6, 12.34e-6, 123.4e-6, 1.234e-3, 1.234].map(formatTime)).toEqual([
      '1.23 µs',
      '12.3 µs',
      '123 µs',
      '1.23 ms',
      '1.23 s',
    ]);
    expect(formatRate({ unit: 'GFLOP', perIteration: 3 }, 0.02)).toBe('150 GFLOP/s');
    expect(formatRate({ unit: 'instruction', perIteration: 100 }, 0.02)).toBe('200 µs each');
    expect(formatFactor(3, 2)).toBe('1.50 x');
  });
});

const contenders = [contender('native'), contender('native', 2), contender('js')];
const work = { kind: 'momentum', size: 1 } as const;
const answered = (label: string, headline: boolean) => ({
  case: { label, work, amount: { unit: 'GFLOP', perIteration: 0.1 } as const, ...(headline && { headline }) },
  outcomes: new Map(contenders.map((each, i) => [each, timed((i + 1) * 1e-3)])),
});
const cases = [answered('shown', true), answered('hidden', false)];
const question = { name: 'q', title: 'Q', cases: cases.map((each) => each.case) };

/** Twice as wide takes three times as long. */
const sweep = {
  question: { ...question, sweep: 'width' },
  contenders,
  cases: [1, 2].map((at) => ({
    case: { label: String(at), work, at },
    outcomes: new Map(contenders.map((each) => [each, timed(at === 1 ? 1e-3 : 3e-3)])),
  })),
};

describe('the table in the terminal', () => {
  it('has a line per number of threads, with rate, share of the peak, spread and factor', () => {
    const table = new TerminalTable(question, contenders, new Map([[1, 200]]));
    const lines = `${table.heading()}\n${table.rows(cases[0]!)}`.split('\n').map((line) => line.trim().split(/ {2,}/));
    expect(lines).toEqual([
      [''],
      ['Q'],
      ['native', 'js'],
      ['shown, 1 thread', '1.00 ms', '100 GFLOP/s', '50 %', '+0 %', '3.00 ms', '3.00 x'],
      ['shown, 2 threads', '2.00 ms', '50.0 GFLOP/s', '(0.50 x)', '+0 %'],
    ]);
  });
});

describe('the chart', () => {
  const count = (picture: string, pattern: RegExp) => picture.match(pattern)?.length;

  it('has a row per case and number of threads, and a dot per library that took part', async () => {
    const picture = await renderChart({ question, contenders, cases: [cases[0]!] }, machine);
    expect(picture).toMatch(/^<svg [^>]*viewBox="0 0 \d+ \d+"/);
    expect(picture.match(/(?<=>)shown, \d threads?(?=<)/g)).toEqual(['shown, 1 thread', 'shown, 2 threads']);
    expect(count(picture, /aria-roledescription="point"/g)).toBe(3);
    expect(picture).toContain('>1 ms</text>');
  });

  it('of a sweep has a curve per library and number of threads, dashed for several', async () => {
    const picture = await renderChart(sweep, machine);
    expect(count(picture, /aria-roledescription="line mark"/g)).toBe(3);
    expect(count(picture, /stroke-dasharray="5,4"/g)).toBe(1);
    expect(picture).toContain('>width</text>');
  });

  it('has a dark side', async () => {
    const picture = await renderChart(sweep, machine);
    expect(picture).toContain('@media (prefers-color-scheme: dark) { [fill="#ffffff"] { fill: #10151c }');
    expect(picture).toContain('fill="#ffffff"');
  });
});

describe('the table for the README', () => {
  const table = markdownTable([{ question, contenders, cases }], contenders, machine);

  it('has the headline cases, and how many times as long the others take', () => {
    expect(table.split('\n').slice(0, 4)).toEqual([
      '| | native, 1 thread | native, 2 threads | js, 1 thread |',
      '|---|---:|---:|---:|',
      '| q: shown | 1.00 ms, 100 GFLOP/s | 2.00 ms, 50.0 GFLOP/s | 3.00 ms (3.00 x) |',
      '',
    ]);
    expect(table).toContain('A processor, 2 processors, avx2, Node v20.0.0, linux x64; 2025-01-02');
  });

  it('goes between its markers, whatever was there', () => {
    const page = 'before <!-- bench:start -->old<!-- bench:end --> after';
    expect(insertTable(page, 'bench', 'new')).toBe('before <!-- bench:start -->\n\nnew\n\n<!-- bench:end --> after');
    expect(() => insertTable('no markers', 'bench', 'new')).toThrow('expected <!-- bench:start -->');
  });
});

describe('the table of a question', () => {
  it('has a line per case and number of threads, and no empty columns', () => {
    const table = questionTable({ question, contenders, cases: [cases[0]!] }, new Map([[1, 200]]), 'npm run bench');
    expect(table.split('\n')).toEqual([
      'Q. `npm run bench`',
      '',
      '|  | native | median | rate | of peak | by one thread | js |',
      '| --- | ---: | ---: | ---: | ---: | ---: | ---: |',
      '| shown, 1 thread | 1.00 ms | 1.00 ms | 100 GFLOP/s | 50 % |  | 3.00 ms, 3.00 x |',
      '| shown, 2 threads | 2.00 ms | 2.00 ms | 50.0 GFLOP/s |  | 0.50 x |  |',
    ]);
  });

  it('names the steepest step of a sweep', () => {
    expect(cliffsLine(sweep)).toBe(
      'Steepest step beyond proportion: 1.50 x from 1 to 2 (1 thread), 1.50 x from 1 to 2 (2 threads).',
    );
  });
});
