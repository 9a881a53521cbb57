/*
 * Makes models with optimizers, one after the other, in a loop that never yields to the event loop, and prints the highest resident set in
 * bytes. Arguments: how many models, of a million parameters each.
 */
import { nn, optim, randn } from 'nabla';

const count = Number(process.argv[2]);
const x = randn([2, 1000]);

let highest = 0;
for (let i = 0; i < count; i++) {
  const model = new nn.Sequential(new nn.Linear(1000, 500), new nn.ReLU(), new nn.Linear(500, 1000));
  const optimizer = new optim.SGD(model.parameters(), { lr: 0.01, momentum: 0.9 });
  model.forward(x).square().mean().backward();
  optimizer.step();
  highest = Math.max(highest, process.memoryUsage.rss());
}
console.log(JSON.stringify({ highest }));
