/**
 * Trains a multilayer perceptron on the whole of MNIST: `npm run demo`, or `npm run demo -- --help`.
 *
 * Saves the model, loads it back and compares, and draws a picture of how it went.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { isDeepStrictEqual } from 'node:util';
import { capture, Generator, manualSeed, NablaError, nn, noGrad, optim, type Tensor, zeros } from 'nabla';
import { DataLoader, type LabelledImages, loadMnist, TensorDataset } from 'nabla/data';
import { loadSafetensors, saveSafetensors } from 'nabla/io';
import { ProgressBar } from 'nabla/training';
import type { Epoch, History, Mistake } from './lib/history.js';
import { type MnistArguments, parseArguments } from './lib/mnist-options.js';
import { renderPicture } from './lib/picture.js';

const CLASSES = 10;
const MOMENTUM = 0.9;

/** Training that came to nothing. */
class Diverged extends Error {}

type Model = ReturnType<typeof buildModel>;

async function main(args: MnistArguments): Promise<void> {
  const start = performance.now();
  const { train, test } = await loadMnist(args.data);
  const inputs = train.images.numel() / train.images.size(0);

  manualSeed(args.seed);
  const model = buildModel(inputs, args.hidden);
  const shape = `${inputs}–${args.hidden}–${CLASSES}`;
  console.log(`${model}\n`);
  const history = await trainModel(model, train, test, args);

  await mkdir(args.out, { recursive: true });
  const modelPath = join(args.out, 'mnist.safetensors');
  await saveSafetensors(modelPath, model.stateDict(), { metadata: { model: shape, seed: String(args.seed) } });
  await checkSaved(modelPath, model, buildModel(inputs, args.hidden), test.images);

  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const accuracy = percent(history.epochs.at(-1)!.testAccuracy);
  const picturePath = join(args.out, 'mnist.svg');
  const words = {
    title: 'A multilayer perceptron learns MNIST',
    subtitle: `${shape} · ${accuracy} of ${test.labels.numel().toLocaleString('en')} test images after ${epochs(args.epochs)} · ${seconds} s`,
  };
  await writeFile(picturePath, await renderPicture(history, surestMistakes(model, test), words));

  console.log(`\nTest accuracy ${accuracy} after ${epochs(args.epochs)}, ${seconds} s in all.`);
  console.log(`Model:   ${modelPath} (loaded back: every tensor and every prediction is the same)`);
  console.log(`Picture: ${picturePath}`);
}

function buildModel(inputs: number, hidden: number) {
  return new nn.Sequential(
    new nn.Flatten(),
    new nn.Linear(inputs, hidden),
    new nn.ReLU(),
    new nn.Linear(hidden, CLASSES),
  );
}

/** Trains the model in the background, printing how it goes. */
async function trainModel(
  model: Model,
  train: LabelledImages,
  test: LabelledImages,
  args: MnistArguments,
): Promise<History> {
  const loader = new DataLoader(new TensorDataset(train.images, train.labels), {
    batchSize: args.batchSize,
    shuffle: true,
    generator: new Generator().manualSeed(args.seed),
  });
  const sgd = new optim.SGD(model.parameters(), { lr: args.lr, momentum: MOMENTUM });
  const correct = zeros([], { dtype: 'int32' });
  const step = capture((images: Tensor, labels: Tensor) => {
    const logits = model.forward(images);
    const loss = nn.functional.crossEntropy(logits, labels);
    sgd.zeroGrad();
    loss.backward();
    sgd.step();
    correct.add_(countCorrect(logits, labels));
    return loss;
  });
  const evaluate = evaluation(model);
  const images = train.labels.numel();
  const begin = (epoch: number) =>
    new ProgressBar({ label: `epoch ${epoch}/${args.epochs}`, total: images, unit: 'images' });
  const done: Epoch[] = [];
  let progress = begin(1);
  const losses = await step.run(loader, {
    epochs: args.epochs,
    progressInterval: 100,
    onProgress: ({ step, loss }) => {
      const seen = Math.min(images, (step - done.length * loader.length) * args.batchSize);
      progress.update(seen, () => ({ loss: loss.toFixed(4) }));
    },
    onEpoch: ({ epoch, losses, loss }) => {
      if (!losses.every(Number.isFinite)) throw new Diverged('the loss is no longer finite; try a smaller --lr');
      const trainAccuracy = correct.item() / images;
      const result = evaluate(test);
      done.push({ trainLoss: loss, trainAccuracy, ...result });
      progress.finish({ loss: loss.toFixed(4), accuracy: percent(trainAccuracy), test: percent(result.testAccuracy) });
      correct.zero_();
      sgd.paramGroups[0]!.lr = args.lr * (1 - epoch / args.epochs);
      progress = begin(epoch + 1);
    },
  });
  return { losses: [...losses], epochs: done };
}

/** Measures the model on labelled images, in one program of the core. */
function evaluation(model: Model): (data: LabelledImages) => Pick<Epoch, 'testLoss' | 'testAccuracy'> {
  const measure = capture((images: Tensor, labels: Tensor) =>
    noGrad(() => {
      const logits = model.forward(images);
      return { loss: nn.functional.crossEntropy(logits, labels), correct: countCorrect(logits, labels) };
    }),
  );
  return ({ images, labels }) => {
    const { loss, correct } = measure(images, labels);
    return { testLoss: loss.item(), testAccuracy: correct.item() / labels.numel() };
  };
}

const countCorrect = (logits: Tensor, labels: Tensor): Tensor => logits.detach().argmax(1).eq(labels).sum();

/** Loads the saved model into a fresh one, and refuses any difference: in a tensor, or in what it says of the test images. */
async function checkSaved(path: string, model: Model, fresh: Model, images: Tensor): Promise<void> {
  fresh.loadStateDict(await loadSafetensors(path));
  const restored = fresh.stateDict();
  for (const [name, tensor] of Object.entries(model.stateDict())) {
    if (!same(tensor, restored[name]!)) throw new Error(`${path}: '${name}' is not what was saved`);
  }
  const [expected, got] = [model, fresh].map((m) => noGrad(() => m.forward(images)));
  if (!same(expected!, got!)) throw new Error(`${path}: the loaded model predicts otherwise`);
}

const same = (a: Tensor, b: Tensor): boolean =>
  isDeepStrictEqual(a.shape, b.shape) && isDeepStrictEqual(a.toTypedArray(), b.toTypedArray());

/** The test images that were taken for another digit, those first of which the model was surest. */
function surestMistakes(model: Model, { images, labels }: LabelledImages): Mistake[] {
  const probabilities = noGrad(() => model.forward(images).softmax(1));
  const confidence = probabilities.amax(1).toTypedArray();
  const predicted = probabilities.argmax(1).toTypedArray();
  const actual = labels.toTypedArray();
  return [...actual.keys()]
    .filter((i) => predicted[i] !== actual[i])
    .sort((i, j) => confidence[j]! - confidence[i]!)
    .slice(0, 12)
    .map((i) => ({ pixels: images.select(0, i).toTypedArray(), actual: actual[i]!, predicted: predicted[i]! }));
}

const percent = (fraction: number): string => `${(100 * fraction).toFixed(2)} %`;
const epochs = (count: number): string => `${count} epoch${count === 1 ? '' : 's'}`;

/** What comes of wrong options and files, and what the system refuses; anything else is a fault of the program, and keeps its stack. */
const isForPeople = (error: unknown): error is Error =>
  error instanceof Diverged || error instanceof NablaError || (error instanceof Error && 'syscall' in error);

try {
  await main(parseArguments(process.argv.slice(2)));
} catch (error) {
  if (!isForPeople(error)) throw error;
  console.error(`mnist: ${error.message}`);
  process.exitCode = 1;
}
