/**
 * A small model for each customer, all trained at once in the background of one process: `npx tsx examples/per-tenant.ts --tenants 1000`.
 *
 * Here customers are made up: each has a curve of its own, of which the model sees some points. Of a real service, `dataOf` would read what is known
 * of a customer, and requests would go on being answered while the runs are under way.
 */
import { Command } from 'commander';
import { type Captured, capture, Generator, manualSeed, nn, noGrad, optim, rand, randn, type Tensor } from 'nabla';
import { ProgressBar } from 'nabla/training';
import { integer } from './lib/arguments.js';
import { isMain } from './lib/main.js';

const FEATURES = 8;
const BATCH = 32;

interface Tenant {
  readonly model: nn.Module<[Tensor], Tensor>;
  /** Trains the model on a batch. */
  readonly step: Captured<[Tensor, Tensor], Tensor>;
  readonly generator: Generator;
}

function tenant(seed: number): Tenant {
  manualSeed(seed);
  const model = new nn.Sequential(new nn.Linear(FEATURES, 32), new nn.ReLU(), new nn.Linear(32, 1));
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.01 });
  const step = capture((x: Tensor, y: Tensor) => {
    optimizer.zeroGrad();
    const loss = nn.functional.mseLoss(model.forward(x), y);
    loss.backward();
    optimizer.step();
    return loss;
  });
  return { model, step, generator: new Generator(seed) };
}

/** What is known of a customer: the points of a curve that nobody else has. */
function dataOf({ generator }: Tenant, rows = 320): [Tensor, Tensor] {
  const direction = randn([FEATURES, 1], { generator });
  const x = rand([rows, FEATURES], { generator }).mul(2).sub(1);
  return [x, x.matmul(direction).mul(0.5).sin()];
}

/** Makes and trains so many models. Gives the mean error of each on its own data, before and after. */
export async function trainAll(count: number, epochs: number, stream?: { write(text: string): unknown }) {
  const tenants = Array.from({ length: count }, (_, i) => tenant(i));
  const data = tenants.map((one) => dataOf(one));
  const errors = () =>
    noGrad(() => tenants.map(({ model }, i) => nn.functional.mseLoss(model.forward(data[i]![0]), data[i]![1]).item()));
  const before = errors();
  const bar = new ProgressBar('training', count, { unit: 'models', ...(stream && { stream }) });
  let done = 0;
  const runs = tenants.map(async ({ step, generator }, i) => {
    const losses = await step.run(data[i]!, { batchSize: BATCH, epochs, shuffle: true, generator });
    bar.update(++done, () => ({ loss: losses.at(-1)! }));
    return losses.length;
  });
  const start = performance.now();
  const steps = (await Promise.all(runs)).reduce((sum, one) => sum + one, 0);
  const stepsPerSecond = (1000 * steps) / (performance.now() - start);
  bar.finish({});
  return { before, after: errors(), stepsPerSecond };
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

if (isMain(import.meta.url)) {
  const { tenants, epochs } = new Command('examples/per-tenant.ts')
    .description('Trains a small model for each of many customers, all at once.')
    .option('--tenants <n>', 'how many customers there are', integer(1, 100_000), 100)
    .option('--epochs <n>', 'passes over the data of each', integer(1, 100_000), 50)
    .allowExcessArguments(false)
    .parse()
    .opts<{ tenants: number; epochs: number }>();
  const { before, after, stepsPerSecond } = await trainAll(tenants, epochs);
  console.log(`mean squared error ${mean(before).toFixed(4)} before, ${mean(after).toFixed(4)} after`);
  console.log(`${Math.round(stepsPerSecond).toLocaleString('en')} steps a second`);
  console.log(`${Math.round(process.memoryUsage().rss / tenants / 1024)} KB of memory for each, the program included`);
}
