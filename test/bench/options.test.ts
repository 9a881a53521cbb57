import { describe, expect, it } from 'vitest';
import { command, parseArguments } from '../../bench/options.js';
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
    const { against, full } = parseArguments(['--peers']);
    expect(against).toContain('pytorch');
    expect(against).not.toContain('js-backend');
    expect(full).toBe(true);
  });

  it.each([
    [['--ony', 'matmul'], "error: unknown option '--ony'\n(Did you mean --only?)"],
    [['--only', 'matmull'], "argument 'matmull' is invalid. Allowed: limits, "],
    [['--against', 'pytorhc'], "argument 'pytorhc' is invalid. Allowed: nabla-captured, js-backend"],
    [['--rounds', '0'], "argument '0' is invalid. It must be an integer from 1 to 1000."],
    [['--threads', '1,x'], "argument '1,x' is invalid. It must be an integer from 1 to 1024."],
    [['--threads', '1,'], "argument '1,' is invalid. It must be an integer from 1 to 1024."],
    [['--json'], "error: option '--json <file>' argument missing"],
    [['--json', ''], "argument '' is invalid. It must not be empty."],
    [['matmul'], 'error: too many arguments. Expected 0 arguments but got 1.'],
  ])('refuses %j', (args, message) => {
    const program = command()
      .exitOverride()
      .configureOutput({ writeErr: () => undefined });
    expect(() => parseArguments(args, program)).toThrow(message);
  });
});
