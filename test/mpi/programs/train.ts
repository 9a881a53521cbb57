import { createHash } from 'node:crypto';
import { capture, manualSeed, nn, optim, randn, type Tensor } from 'nabla';
import { DataLoader, TensorDataset } from 'nabla/data';
import {
  DataParallel,
  type DataParallelState,
  DistributedSampler,
  finalize,
  init,
  rank,
  size,
} from 'nabla/distributed';
import { loadCheckpoint, saveCheckpoint } from 'nabla/training';

/** What to do, as JSON: the mode is how steps are made. */
interface Task {
  readonly mode: 'plain' | 'captured' | 'run';
  readonly shards: number | null;
  readonly steps: number;
  readonly batch?: number;
  readonly deterministic?: boolean;
  readonly norm?: boolean;
  readonly clip?: boolean;
  readonly accumulate?: boolean;
  readonly bare?: boolean;
  /** Goes on until somebody ends it. */
  readonly forever?: boolean;
  readonly megabytes?: number;
  readonly save?: string;
  readonly load?: string;
}

const task: Task = JSON.parse(process.argv[2]!);
const { mode, shards, steps, batch = 32 } = task;
await init({ timeout: 30 });
manualSeed(7);
const [x, y] = [randn([320, 12]), randn([320, 3]).argmax(1)];
const model = new nn.Sequential(
  new nn.Linear(12, 40),
  ...(task.norm === true ? [new nn.BatchNorm1d(40)] : []),
  new nn.Tanh(),
  new nn.Dropout(0.3),
  new nn.Linear(40, 3),
);
const optimizer = new optim.Adam(model.parameters(), { lr: 0.01 });
const scheduler = new optim.lrScheduler.CosineAnnealingLR(optimizer, { TMax: 50 });
const parallel = new DataParallel(model, {
  shards,
  ...(task.deterministic === false && { deterministic: false }),
  ...(task.megabytes !== undefined && { bucketMegabytes: task.megabytes }),
});
const lossOf = (x: Tensor, y: Tensor) => nn.functional.crossEntropy(model.forward(x), y);
const backward = (x: Tensor, y: Tensor): Tensor => {
  if (task.bare !== true) return parallel.backward(lossOf, x, y);
  const loss = lossOf(x, y);
  loss.backward();
  return loss.detach();
};
const plain = (x: Tensor, y: Tensor): Tensor => {
  optimizer.zeroGrad();
  const loss = backward(x, y);
  if (task.accumulate === true) backward(x.mul(0.5), y);
  if (task.clip === true) nn.utils.clipGradNorm_(model.parameters(), 0.5);
  optimizer.step();
  scheduler.step();
  return loss;
};
const captured = capture(plain);
const step = mode === 'plain' ? plain : captured;
const dataset = new TensorDataset(x, y);
const sampler = new DistributedSampler(dataset, { shards, seed: 3 });
const loader = new DataLoader(dataset, { batchSize: batch / size(), sampler });
const perEpoch = x.shape[0]! / batch;
let done = 0;
if (task.load !== undefined) {
  const { step, extra } = await loadCheckpoint(task.load, { model, optimizer, schedulers: scheduler, generator: null });
  parallel.loadStateDict((extra as { parallel: DataParallelState }).parallel);
  done = step!;
}
const losses: number[] = [];
const end = done + steps;
while (done < end) {
  const epoch = Math.floor(done / perEpoch);
  sampler.setEpoch(epoch, (done % perEpoch) * batch);
  const count = Math.min(perEpoch - (done % perEpoch), end - done);
  if (mode === 'run') losses.push(...(await captured.run(loader)).slice(0, count));
  else {
    let left = count;
    for (const [x, y] of loader) {
      if (left-- === 0) break;
      losses.push(step(x!, y!).item());
    }
  }
  done += count;
}
const hash = createHash('sha256');
const state = { ...model.stateDict() };
for (const [name, one] of Object.entries(state)) hash.update(name).update(one.toTypedArray());
hash.update(JSON.stringify(optimizer.paramGroups.map(({ lr }) => lr))).update(Float64Array.from(losses));
const { generators } = parallel.stateDict();
if (generators !== null) hash.update(generators.toTypedArray());
if (task.save !== undefined) {
  const kept = { step: done, extra: { parallel: parallel.stateDict() } };
  if (rank() === 0)
    await saveCheckpoint(task.save, { model, optimizer, schedulers: scheduler, generator: null, ...kept });
}
if (task.forever === true) {
  console.log(`SAVED ${process.pid}`);
  for (;;) step(x.narrow(0, 0, batch / size()), y.narrow(0, 0, batch / size()));
}
const last = losses.at(-1);
console.log(`RESULT ${JSON.stringify({ rank: rank(), digest: hash.digest('hex'), last, count: losses.length })}`);
await finalize();
