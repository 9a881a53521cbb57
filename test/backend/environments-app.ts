// Uses the thread pool from several environments of one process; the first argument says how. Run by environments.test.ts.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { elementsOf, matrix, quarters } from './matrices.js';

/** Loads the addon in this environment, not before. Returns one large product's checksum, computed again and again until `done`. */
async function multiply(done: (round: number) => boolean): Promise<number> {
  const { backend, setNumThreads } = await import('../../lib/backend/index.js');
  setNumThreads(3);
  const a = matrix('float32', [200, 150], 'rows', quarters);
  const b = matrix('float32', [150, 210], 'columns', quarters);
  const out = matrix('float32', [200, 210], 'rows', () => 0);
  let checksum = 0;
  for (let round = 0; !done(round); round++) {
    backend.matmul(a, b, [out], null);
    checksum = elementsOf(out).reduce((sum, value, i) => sum + value * (i % 7), 0);
  }
  return checksum;
}

/** This program again: it is bundled, so that workers of Node 20 can load it. */
const startWorker = (rounds: number): Worker => new Worker(new URL(import.meta.url), { workerData: rounds });

async function checksumOf(worker: Worker): Promise<number> {
  const [[checksum]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')]);
  return checksum;
}

const modes: Record<string, () => Promise<void>> = {
  async together() {
    const workers = [startWorker(50), startWorker(50), startWorker(50)].map(checksumOf);
    const own = await multiply((round) => round === 50);
    for (const checksum of await Promise.all(workers)) assert.equal(checksum, own);
  },
  async unload() {
    // The main thread does not load the addon: with each worker it comes and goes.
    const first = await checksumOf(startWorker(5));
    await sleep(100);
    assert.equal(await checksumOf(startWorker(5)), first);
    await sleep(100);
  },
  async resize() {
    const { setNumThreads } = await import('../../lib/backend/index.js');
    const expected = await multiply((round) => round === 1);
    const worker = checksumOf(startWorker(300));
    let done = false;
    worker.finally(() => {
      done = true;
    });
    for (let round = 0; !done; round++) {
      setNumThreads(1 + (round % 4));
      await sleep(1);
    }
    assert.equal(await worker, expected);
  },
  async terminate() {
    const worker = startWorker(Number.POSITIVE_INFINITY);
    await sleep(1000);
    await worker.terminate();
    assert.ok(Number.isFinite(await multiply((round) => round === 5)));
  },
  async exit() {
    startWorker(Number.POSITIVE_INFINITY);
    await multiply((round) => round === 5);
    await sleep(1000);
    process.exit(0);
  },
};

if (isMainThread) await modes[process.argv[2]!]!();
else parentPort!.postMessage(await multiply((round) => round >= workerData));
