// How much memory a captured step of 8-32-1 takes, with model and Adam: captured.ts COUNT. In the mean of so many models, after as many to begin with.
import v8 from 'node:v8';
import vm from 'node:vm';
import { capture, nn, optim, randn, type Tensor } from '../../lib/index.js';

v8.setFlagsFromString('--expose-gc');
const gc = vm.runInNewContext('gc') as () => void;
const [x, y] = [randn([32, 8]), randn([32, 1])];

function tenant() {
  const model = new nn.Sequential(new nn.Linear(8, 32), new nn.ReLU(), new nn.Linear(32, 1));
  const optimizer = new optim.Adam(model.parameters());
  const step = capture((x: Tensor, y: Tensor) => {
    optimizer.zeroGrad();
    const loss = nn.functional.mseLoss(model.forward(x), y);
    loss.backward();
    optimizer.step();
    return loss;
  });
  for (let i = 0; i < 3; i++) step(x, y);
  return { model, step };
}

const kept: object[] = [];

/** What lives in memory when there are so many. */
async function used(count: number): Promise<number> {
  for (; kept.length < count; ) {
    kept.push(tenant());
    // What can be found again stays until the loop yields.
    if (kept.length % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await new Promise((resolve) => setTimeout(resolve, 10));
  for (let i = 0; i < 3; i++) gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

const count = Number(process.argv[2]);
const before = await used(count);
const each = (await used(2 * count)) - before;
console.log(JSON.stringify({ each: Math.round(each / count) }));
