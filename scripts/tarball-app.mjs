// A program as a user of the package would write it; scripts/check-tarball.sh runs it. Its argument is the backend to expect.
import assert from 'node:assert/strict';
import { backendName, manualSeed, nn, optim, randn, tensor } from 'nabla';
import { TensorDataset } from 'nabla/data';

assert.equal(backendName(), process.argv[2]);

manualSeed(0);
const model = new nn.Sequential(new nn.Linear(3, 8), new nn.Tanh(), new nn.Linear(8, 1));
const sgd = new optim.SGD(model.parameters(), { lr: 0.1 });
const criterion = new nn.MSELoss();
const x = randn([32, 3]);
const y = x.matmul(tensor([[1], [-2], [0.5]]));
const losses = [];
for (let step = 0; step < 100; step++) {
  const loss = criterion.forward(model.forward(x), y);
  sgd.zeroGrad();
  loss.backward();
  sgd.step();
  losses.push(loss.item());
}
assert.ok(losses.at(-1) < losses[0] / 10, `the loss went from ${losses[0]} to ${losses.at(-1)}`);
assert.equal(new TensorDataset(x, y).length, 32);
console.log(`trained on the ${backendName()} backend: loss ${losses[0].toFixed(4)} to ${losses.at(-1).toFixed(4)}`);
