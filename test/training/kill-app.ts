import { createHash } from 'node:crypto';
import { capture, manualSeed, nn, optim, randn, type Tensor } from 'nabla';
import { DataLoader, TensorDataset } from 'nabla/data';
import { CheckpointManager } from 'nabla/training';

// A training that may be killed at any moment, and goes on where it was: `kill-app.ts FOLDER EPOCHS`. At the end it says what came of it.

const [folder = '', epochs = ''] = process.argv.slice(2);

manualSeed(1);
const model = new nn.Sequential(new nn.Linear(8, 64), new nn.ReLU(), new nn.Dropout(0.2), new nn.Linear(64, 1));
const optimizer = new optim.Adam(model.parameters(), { lr: 0.01 });
const schedulers = new optim.lrScheduler.CosineAnnealingLR(optimizer, 8 * Number(epochs));
const x = randn([250, 8]);
const loader = new DataLoader(new TensorDataset(x, x.square().sum(1, true)), { batchSize: 32, shuffle: true });
const step = capture((x: Tensor, y: Tensor) => {
  optimizer.zeroGrad();
  const loss = nn.functional.mseLoss(model.forward(x), y);
  loss.backward();
  optimizer.step();
  schedulers.step();
  return loss;
});

const manager = new CheckpointManager(folder, { keepLast: 2 });
const parts = { model, optimizer, schedulers, loader };
const saved = await manager.load(parts);
const losses = saved === null ? [] : [...(saved.extra as { losses: number[] }).losses];
console.log(`begins after ${losses.length}`);
if (losses.length < Number(epochs)) {
  await step.run(loader, {
    epochs: Number(epochs) - losses.length,
    onEpoch: async ({ loss }) => {
      losses.push(loss);
      await manager.save({ ...parts, step: losses.length, metric: loss, extra: { losses } });
    },
  });
}

const hash = createHash('sha1').update(JSON.stringify(losses));
for (const values of Object.values(model.stateDict())) hash.update(values.toTypedArray());
for (const { expAvg, expAvgSq } of optimizer.state.values())
  hash.update(expAvg.toTypedArray()).update(expAvgSq.toTypedArray());
console.log(
  `ends with ${hash
    .update(JSON.stringify(schedulers.stateDict()))
    .update(randn([4]).toTypedArray())
    .digest('hex')}`,
);
