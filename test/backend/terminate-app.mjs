// Terminates workers at random moments of what they do, while the main thread trains: `node terminate-app.mjs COUNT [SEED]`.
// Plain JavaScript over dist/, so that any Node runs it and workers start fast. Run by terminate.test.ts and scripts/terminate-workers.sh.
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

const nabla = new URL('../../dist/index.js', import.meta.url).href;
const binary = fileURLToPath(new URL('../../build/Release/nabla.node', import.meta.url));

/** A step of training on random rows, and these. */
async function training() {
  const { capture, nn, optim, randn } = await import(nabla);
  const model = new nn.Linear(16, 1);
  const sgd = new optim.SGD(model.parameters(), { lr: 0.01 });
  const step = capture((x, y) => {
    sgd.zeroGrad();
    const loss = nn.functional.mseLoss(model.forward(x), y);
    loss.backward();
    sgd.step();
    return loss;
  });
  return { step, rows: [randn([64, 16]), randn([64, 1])] };
}

/** What workers are in the middle of when they are terminated. Each says when it begins. */
const activities = {
  async loading(begin) {
    begin();
    await import(nabla);
    for (;;) await sleep(1);
  },
  async reloading(begin) {
    begin();
    for (;;) process.dlopen({ exports: {} }, binary);
  },
  async run(begin) {
    const { step, rows } = await training();
    begin();
    for (;;) await step.run(rows, { batchSize: 4, shuffle: true });
  },
  async 'a long run'(begin) {
    const { step, rows } = await training();
    begin();
    await step.run(rows, { batchSize: 4, epochs: 1e6 });
  },
  async replays(begin) {
    const { step, rows } = await training();
    begin();
    for (;;) step(...rows);
  },
  async linking(begin) {
    const { capture, ones } = await import(nabla);
    begin();
    for (;;) {
      const doubled = capture((x) => x.mul(2).sum());
      for (let i = 0; i < 3; i++) doubled(ones([4, 4]));
    }
  },
  async operations(begin) {
    const { randn } = await import(nabla);
    begin();
    for (;;)
      randn([300, 300])
        .matmul(randn([300, 300]))
        .exp()
        .sum()
        .item();
  },
};

/** Numbers in [0, 1) that are the same on every Node. */
function randomNumbers(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

async function terminateWorkers(count, seed) {
  const random = randomNumbers(seed);
  const names = Object.keys(activities);
  const { step, rows } = await training();
  let done = false;
  const trained = (async () => {
    let losses = new Float64Array(1);
    while (!done) losses = await step.run(rows, { batchSize: 8, epochs: 20 });
    return losses;
  })();
  for (let i = 0; i < count; i++) {
    const name = names[i % names.length];
    const worker = new Worker(new URL(import.meta.url), { workerData: name });
    worker.on('error', (error) => {
      throw new Error(`${name}: ${error.stack}`);
    });
    await new Promise((resolve) => worker.once('message', resolve));
    await sleep(random() * (name === 'loading' ? 120 : 8));
    await worker.terminate();
  }
  done = true;
  if (!(await trained).every(Number.isFinite)) throw new Error('the main thread did not train');
  console.log(`${process.version}: ${count} workers terminated`);
}

if (isMainThread) await terminateWorkers(Number(process.argv[2] ?? 200), Number(process.argv[3] ?? 1));
else await activities[workerData](() => parentPort.postMessage('begin'));
