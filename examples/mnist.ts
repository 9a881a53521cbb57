/**
 * Trains a multilayer perceptron on the whole of MNIST: `npm run demo`, or `npm run demo -- --help`.
 *
 * Saves the model, loads it back and compares, and draws a picture of how it went.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { isDeepStrictEqual } from 'node:util';
import { Generator, manualSeed, NablaError, nn, noGrad, optim, type Tensor } from 'nabla';
import { DataLoader, type LabelledImages, loadMnist, TensorDataset } from 'nabla/data';
import { loadSafetensors, saveSafetensors } from 'nabla/io';
import type { Epoch, History, Mistake } from './lib/history.js';
import { type MnistArguments, parseArguments, UsageError, usage } from './lib/mnist-options.js';
import { renderPicture } from './lib/picture.js';
import { Progress } from './lib/progress.js';

const CLASSES = 10;
const MOMENTUM = 0.9;

type Model = ReturnType<typeof buildModel>;

async function main(args: MnistArguments): Promise<void> {
  const start = performance.now();
  const { train, test } = await loadMnist(args.data);
  const inputs = train.images.numel() / train.images.size(0);

  manualSeed(args.seed);
  const model = buildModel(inputs, args.hidden);
  const shape = `${inputs}–${args.hidden}–${CLASSES}`;
  console.log(`${model}\n`);
  const history = trainModel(model, train, test, args);

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
  await writeFile(picturePath, renderPicture(history, surestMistakes(model, test), words));

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

/** Trains the model, printing how it goes. */
function trainModel(model: Model, train: LabelledImages, test: LabelledImages, args: MnistArguments): History {
  const loader = new DataLoader(new TensorDataset(train.images, train.labels), {
    batchSize: args.batchSize,
    shuffle: true,
    generator: new Generator().manualSeed(args.seed),
  });
  const sgd = new optim.SGD(model.parameters(), { lr: args.lr, momentum: MOMENTUM });
  const steps = args.epochs * loader.length;
  const losses: number[] = [];
  const done: Epoch[] = [];
  for (let epoch = 1; epoch <= args.epochs; epoch++) {
    const progress = new Progress({
      label: `epoch ${epoch}/${args.epochs}`,
      total: train.labels.numel(),
      unit: 'images',
    });
    const sums = { images: 0, loss: 0, correct: 0 };
    const means = () => ({ loss: (sums.loss / sums.images).toFixed(4), accuracy: percent(sums.correct / sums.images) });
    for (const [images, labels] of loader) {
      sgd.paramGroups[0]!.lr = args.lr * (1 - losses.length / steps);
      const { loss, correct } = step(model, sgd, images, labels);
      losses.push(loss);
      sums.images += labels.numel();
      sums.loss += loss * labels.numel();
      sums.correct += correct;
      progress.update(sums.images, means);
    }
    const result = evaluate(model, test);
    done.push({ trainLoss: sums.loss / sums.images, trainAccuracy: sums.correct / sums.images, ...result });
    progress.finish({ ...means(), test: percent(result.testAccuracy) });
  }
  return { losses, epochs: done };
}

/** One step of training; returns the loss of the batch and how many of its images were recognised. */
function step(model: Model, sgd: optim.SGD, images: Tensor, labels: Tensor): { loss: number; correct: number } {
  const logits = model.forward(images);
  const loss = nn.functional.crossEntropy(logits, labels);
  sgd.zeroGrad();
  loss.backward();
  sgd.step();
  if (!Number.isFinite(loss.item())) throw new UsageError(`the loss is no longer finite; try a smaller --lr`);
  return { loss: loss.item(), correct: countCorrect(logits, labels) };
}

function evaluate(model: Model, { images, labels }: LabelledImages): Pick<Epoch, 'testLoss' | 'testAccuracy'> {
  const logits = noGrad(() => model.forward(images));
  return {
    testLoss: nn.functional.crossEntropy(logits, labels).item(),
    testAccuracy: countCorrect(logits, labels) / labels.numel(),
  };
}

const countCorrect = (logits: Tensor, labels: Tensor): number => logits.detach().argmax(1).eq(labels).sum().item();

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

/** Wrong options, wrong files, and what the system refuses; anything else is a fault of the program, and keeps its stack. */
const isForPeople = (error: unknown): error is Error =>
  error instanceof UsageError || error instanceof NablaError || (error instanceof Error && 'syscall' in error);

try {
  const args = parseArguments(process.argv.slice(2));
  if (args === 'help') console.log(usage);
  else await main(args);
} catch (error) {
  if (!isForPeople(error)) throw error;
  console.error(`mnist: ${error.message}${error instanceof UsageError ? '\nSee npm run demo -- --help' : ''}`);
  process.exitCode = 1;
}
