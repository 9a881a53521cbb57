/**
 * Trains a model on MNIST in the background and meanwhile answers over HTTP what it says of images, in one process:
 *
 *     npx tsx examples/server.ts --port 8080 --epochs 20
 *     curl localhost:8080/predict --json '{"pixels": [0, 0.5, …]}'        784 numbers from 0 to 1
 *
 * Answers come from a copy of the model, which gets the new weights after each epoch. Ctrl-C stops training after the step under way.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Command } from 'commander';
import { capture, nn, noGrad, optim, type Tensor, tensor } from 'nabla';
import { loadMnist } from 'nabla/data';
import { integer, mnistFolder, text } from './lib/arguments.js';

const PIXELS = 784;
const CLASSES = 10;
const MAX_BODY_BYTES = 65_536;

const args = new Command('server.ts')
  .option('--port <n>', 'where to listen; 0 for any that is free', integer(0, 65_535), 8080)
  .option('--epochs <n>', 'passes over the training images', integer(1, 1e9), 20)
  .option('--data <folder>', 'the four MNIST files', text, mnistFolder())
  .allowExcessArguments(false)
  .parse()
  .opts<{ readonly port: number; readonly epochs: number; readonly data: string }>();

const build = () => new nn.Sequential(new nn.Linear(PIXELS, 256), new nn.ReLU(), new nn.Linear(256, CLASSES));
const model = build();
const served = build();
let epochsServed = 0;

function serveWeights(epochs: number): void {
  served.loadStateDict(model.stateDict());
  epochsServed = epochs;
}

const sgd = new optim.SGD(model.parameters(), { lr: 0.05, momentum: 0.9 });
const step = capture((images: Tensor, labels: Tensor) => {
  sgd.zeroGrad();
  const loss = nn.functional.crossEntropy(model.forward(images), labels);
  loss.backward();
  sgd.step();
  return loss;
});
const classify = capture((image: Tensor) => noGrad(() => served.forward(image).softmax(1)));

/** What is wrong with a request, and the status that says so. */
class RequestError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

async function answer(request: IncomingMessage): Promise<object> {
  if (request.url !== '/predict') throw new RequestError(404, 'there is only /predict');
  if (request.method !== 'POST') throw new RequestError(405, 'predictions are asked for with POST');
  const probabilities = classify(imageOf(await textOf(request))).toTypedArray();
  const digit = probabilities.indexOf(Math.max(...probabilities));
  return { digit, probability: probabilities[digit], epochs: epochsServed };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Not destroyed when left early: the connection is still to carry the answer.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw new RequestError(413, `the body is longer than ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function imageOf(body: string): Tensor {
  const pixels = parse(body)?.pixels;
  const isPixel = (value: unknown) => typeof value === 'number' && value >= 0 && value <= 1;
  if (Array.isArray(pixels) && pixels.length === PIXELS && pixels.every(isPixel)) return tensor([pixels]);
  throw new RequestError(400, `expected {"pixels": [${PIXELS} numbers from 0 to 1]}`);
}

function parse(body: string): { pixels?: unknown } | null {
  try {
    return JSON.parse(body);
  } catch {
    throw new RequestError(400, 'the body is not JSON');
  }
}

const server = createServer(async (request, response) => {
  const respond = (status: number, body: object) => {
    // A body that was not read to its end would be taken for the next request.
    response.writeHead(status, {
      'content-type': 'application/json',
      ...(!request.complete && { connection: 'close' }),
    });
    response.end(`${JSON.stringify(body)}\n`);
  };
  try {
    respond(200, await answer(request));
  } catch (error) {
    if (error instanceof RequestError) return respond(error.status, { error: error.message });
    console.error(error);
    respond(500, { error: 'internal error' });
  }
});

const { train } = await loadMnist(args.data);
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stop.abort());

serveWeights(0);
await once(server.listen(args.port, '127.0.0.1'), 'listening');
console.log(`Listening on http://127.0.0.1:${(server.address() as AddressInfo).port}/predict`);
try {
  await step.run([train.images.reshape([-1, PIXELS]), train.labels], {
    batchSize: 128,
    shuffle: true,
    epochs: args.epochs,
    signal: stop.signal,
    onEpoch: ({ epoch, loss }) => {
      serveWeights(epoch);
      console.log(`Epoch ${epoch}: loss ${loss.toFixed(4)}`);
    },
  });
  console.log('Trained; Ctrl-C ends the server');
  await once(stop.signal, 'abort');
} catch (error) {
  if (!stop.signal.aborted) throw error;
} finally {
  server.close();
}
console.log('Stopped');
