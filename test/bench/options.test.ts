import { describe, expect, it } from 'vitest';
import { type BenchOptions, parseArguments, UsageError } from '../../bench/options.js';
import { questions } from '../../bench/questions/index.js';

describe('parseArguments', () => {
  it('asks every question by default', () => {
    expect(parseArguments([])).toMatchObject({
      against: ['nabla-captured', 'js-backend'],
      only: questions.map(({ name }) => name),
      rounds: 7,
      full: false,
    });
  });

  it('reads lists, once each', () => {
    const args = [
      '--only',
      'matmul,losses',
      '--threads=1,2,1',
      '--rounds',
      '3',
      '--json',
      'out.json',
      '--cases',
      '512,64',
    ];
    expect(parseArguments(args)).toMatchObject({
      only: ['matmul', 'losses'],
      threads: [1, 2],
      rounds: 3,
      json: 'out.json',
      cases: ['512', '64'],
    });
  });

  it('asks everything of other libraries', () => {
    const { against, full } = parseArguments(['--peers']) as BenchOptions;
    expect(against).toContain('pytorch');
    expect(against).not.toContain('js-backend');
    expect(full).toBe(true);
  });

  it.each([
    [['--ony', 'matmul'], "unknown option 'ony'; did you mean 'only'?"],
    [['--only', 'matmull'], "--only: unknown name 'matmull'; did you mean 'matmul'?"],
    [['--against', 'pytorhc'], "--against: unknown name 'pytorhc'; did you mean 'pytorch'?"],
    [['--rounds', '0'], "--rounds must be an integer from 1 to 1000, got '0'"],
    [['--threads', '1,x'], "--threads must be an integer from 1 to 1024, got 'x'"],
    [['--threads', '1,'], "--threads must be an integer from 1 to 1024, got ''"],
    [['--json'], '--json needs a value'],
    [['--full=yes'], '--full takes no value'],
    [['--full', '--full'], '--full is given twice'],
    [['matmul'], "unexpected argument 'matmul'"],
  ])('refuses %j', (args, message) => {
    expect(() => parseArguments(args)).toThrow(UsageError);
    expect(() => parseArguments(args)).toThrow(message);
  });
});
