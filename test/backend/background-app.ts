// Trains in the background of several environments of one process; the first argument says how. Run by background.test.ts.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

const ENDLESS = 2_000_000;

/** Loads the addon in this environment, not before. Calls `underway` when some steps are done; returns the last loss and weights. */
async function train(steps: number, underway: () => void = () => {}): Promise<number[]> {
  const { training } = await import('./training.js');
  const { valuesOf } = await import('./operands.js');
  const { executable, loop, weights } = training(steps);
  const done = executable.start(loop);
  while (Atomics.load(loop.control, 1) < Math.min(10, steps)) await sleep(1);
  underway();
  assert.equal(await done, null);
  return [loop.history.array('float64')[steps - 1]!, ...valuesOf(weights)];
}

/** This program again: it is bundled, so that workers of Node 20 can load it. */
const startWorker = (steps: number): Worker => new Worker(new URL(import.meta.url), { workerData: steps });

/** What it says at last. Both of its messages may come at once. */
async function resultOf(worker: Worker): Promise<number[]> {
  const messages: unknown[] = [];
  worker.on('message', (message) => messages.push(message));
  await once(worker, 'exit');
  return messages.at(-1) as number[];
}

const modes: Record<string, () => Promise<void>> = {
  async together() {
    const workers = [startWorker(3000), startWorker(3000)].map(resultOf);
    const own = await train(3000);
    assert.ok(own.every(Number.isFinite));
    for (const result of await Promise.all(workers)) assert.deepEqual(result, own);
  },
  async alone() {
    // The main thread does not load the addon: with the worker it goes.
    const first = await resultOf(startWorker(100));
    assert.deepEqual(await resultOf(startWorker(100)), first);
  },
  async terminate() {
    const worker = startWorker(ENDLESS);
    await once(worker, 'message');
    await worker.terminate();
    assert.equal((await train(10)).length, 4);
  },
  async 'worker exit'() {
    const worker = startWorker(-ENDLESS);
    assert.deepEqual(await once(worker, 'exit'), [0]);
  },
  async exit() {
    startWorker(ENDLESS).once('message', () => train(ENDLESS, () => process.exit(0)));
    await sleep(30_000);
  },
  async pending() {
    // Nothing but the loop keeps the process alive.
    train(100_000).then(() => process.stdout.write('done'));
  },
};

if (isMainThread) await modes[process.argv[2]!]!();
else {
  const underway = workerData < 0 ? () => process.exit() : () => parentPort!.postMessage('underway');
  parentPort!.postMessage(await train(Math.abs(workerData), underway));
}
