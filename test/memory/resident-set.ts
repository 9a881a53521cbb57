/*
 * Trains a 784-128-10 network in a synchronous loop that never yields to the event loop, and prints the resident set after a warm-up
 * and its highest value from there on, in bytes. Arguments: steps, warm-up steps.
 */
import { manualSeed, nn, optim, randint, randn } from 'nabla';

const [steps, warmUp] = process.argv.slice(2).map(Number) as [number, number];

manualSeed(0);
const model = new nn.Sequential(new nn.Linear(784, 128), new nn.ReLU(), new nn.Linear(128, 10));
const optimizer = new optim.SGD(model.parameters(), { lr: 0.01 });
const criterion = new nn.CrossEntropyLoss();
const x = randn([32, 784]);
const y = randint(10, [32]);

let settled = 0;
let highest = 0;
for (let step = 1; step <= steps; step++) {
  optimizer.zeroGrad();
  criterion.forward(model.forward(x), y).backward();
  optimizer.step();
  if (step === warmUp) settled = process.memoryUsage.rss();
  if (step > warmUp && step % 50 === 0) highest = Math.max(highest, process.memoryUsage.rss());
}
console.log(JSON.stringify({ settled, highest }));
