/**
 * Trains a convolutional network on MNIST for two epochs, after which about 99 % of the test images are right: `npm run demo:convnet`, with another number of epochs as an argument.
 *
 * Prints how it goes, how surely it tells each digit, and those that it got wrong.
 */
import { performance } from 'node:perf_hooks';
import { capture, manualSeed, nn, noGrad, optim, type Tensor } from 'nabla';
import { DataLoader, type LabelledImages, loadMnist, type Mnist, TensorDataset } from 'nabla/data';
import { ProgressBar } from 'nabla/training';
import { integer, mnistFolder } from './lib/arguments.js';
import { isMain } from './lib/main.js';
import { shades } from './lib/shades.js';

const BATCH = 64;

/** 3 x 3 windows, then what is largest of every 2 x 2. */
const stage = (inputs: number, outputs: number) =>
  new nn.Sequential(
    new nn.Conv2d(inputs, outputs, 3, { padding: 1, bias: false }),
    new nn.BatchNorm2d(outputs),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
  );

/** [N, 28, 28] to [N, 10]. */
const convnet = () =>
  new nn.Sequential(
    new nn.Unflatten(1, [1, 28]),
    stage(1, 16), // [N, 16, 14, 14]
    stage(16, 32), // [N, 32, 7, 7]
    stage(32, 64), // [N, 64, 3, 3]
    new nn.Flatten(),
    new nn.Dropout(0.2),
    new nn.Linear(64 * 9, 10),
  );

type Model = ReturnType<typeof convnet>;

/** What the network says of each image: the digit, and how sure it is. */
function answers(model: Model): (images: Tensor) => { digits: Int32Array; sure: Float32Array } {
  const ask = capture((images: Tensor) =>
    noGrad(() => {
      const { values, indices } = model.forward(images).softmax(1).max(1);
      return { values, indices };
    }),
  );
  return (images) => {
    const count = images.shape[0]!;
    const [digits, sure] = [new Int32Array(count), new Float32Array(count)];
    model.eval();
    // All at once would need much memory for what lies between the layers.
    for (let start = 0; start < count; start += 500) {
      const { values, indices } = ask(images.narrow(0, start, Math.min(500, count - start)));
      digits.set(indices.toTypedArray() as Int32Array, start);
      sure.set(values.toTypedArray() as Float32Array, start);
    }
    model.train();
    return { digits, sure };
  };
}

const share = (labels: ArrayLike<number>, digits: Int32Array): number =>
  digits.filter((digit, i) => digit === labels[i]).length / digits.length;

const percent = (fraction: number): string => `${(100 * fraction).toFixed(2)} %`;

/** Trains; the share of test images that are right after each epoch, and what the network says of them. */
export async function run(data: Mnist, epochs: number, log: (line: string) => void) {
  manualSeed(0);
  const model = convnet();
  log(`${model}\n`);
  const loader = new DataLoader(new TensorDataset(data.train.images, data.train.labels), {
    batchSize: BATCH,
    shuffle: true,
  });
  const adam = new optim.Adam(model.parameters());
  const schedule = new optim.lrScheduler.OneCycleLR(adam, { maxLr: 0.01, totalSteps: epochs * loader.length });
  const step = capture((images: Tensor, labels: Tensor) => {
    const loss = nn.functional.crossEntropy(model.forward(images), labels);
    adam.zeroGrad();
    loss.backward();
    adam.step();
    schedule.step();
    return loss;
  });
  const ask = answers(model);
  const labels = data.test.labels.toTypedArray();
  const images = data.train.labels.numel();
  const begin = (epoch: number) =>
    new ProgressBar({ label: `epoch ${epoch}/${epochs}`, total: images, unit: 'images' });
  const right: number[] = [];
  let progress = begin(1);
  await step.run(loader, {
    epochs,
    progressInterval: 100,
    onProgress: ({ step, loss }) => {
      const seen = Math.min(images, (step - right.length * loader.length) * BATCH);
      progress.update(seen, () => ({ loss: loss.toFixed(4) }));
    },
    onEpoch: ({ epoch, loss }) => {
      right.push(share(labels, ask(data.test.images).digits));
      progress.finish({ loss: loss.toFixed(4), test: percent(right.at(-1)!) });
      if (epoch < epochs) progress = begin(epoch + 1);
    },
  });
  return { right, ...ask(data.test.images) };
}

/** How many of each digit are right, and the mistakes that the network is surest of. */
export function report({ images, labels }: LabelledImages, digits: Int32Array, sure: Float32Array): string {
  const actual = [...labels.toTypedArray()];
  const lines = Array.from({ length: 10 }, (_, digit) => {
    const all = actual.flatMap((label, i) => (label === digit ? [i] : []));
    const good = all.filter((i) => digits[i] === digit).length;
    const bar = '█'.repeat(Math.round((40 * good) / Math.max(1, all.length)));
    return `  ${digit} ${bar.padEnd(40, '░')} ${good} of ${all.length}`;
  });
  const wrong = [...actual.keys()].filter((i) => digits[i] !== actual[i]).sort((i, j) => sure[j]! - sure[i]!);
  const shown = wrong.slice(0, 3).map((i) => {
    const picture = shades(images.select(0, i))
      .replace(/ +$/gm, '')
      .replace(/^\n+|\n+$/g, '');
    return `\nA ${actual[i]}, taken for a ${digits[i]} (${(100 * sure[i]!).toFixed(0)} % sure):\n${picture}`;
  });
  return [...lines, ...shown].join('\n');
}

if (isMain(import.meta.url)) {
  const epochs = integer(1, 100)(process.argv[2] ?? '2');
  const start = performance.now();
  const data = await loadMnist(mnistFolder());
  const { right, digits, sure } = await run(data, epochs, console.log);
  console.log(`\n${report(data.test, digits, sure)}`);
  const seconds = ((performance.now() - start) / 1000).toFixed(0);
  console.log(
    `\n${percent(right.at(-1)!)} of 10,000 test images are right after ${epochs} epochs, ${seconds} s in all.`,
  );
}
