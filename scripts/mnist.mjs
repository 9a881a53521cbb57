// An epoch of MNIST, as a user of the package would write it; the matrix runs it after each installation: mnist.mjs FOLDER
import assert from 'node:assert/strict';
import { backendName, manualSeed, nn, noGrad, optim } from 'nabla';
import { DataLoader, loadMnist, TensorDataset } from 'nabla/data';

assert.equal(backendName(), 'native');
const { train, test } = await loadMnist(process.argv[2]);
manualSeed(0);
const model = new nn.Sequential(new nn.Flatten(), new nn.Linear(784, 64), new nn.ReLU(), new nn.Linear(64, 10));
const loader = new DataLoader(new TensorDataset(train.images, train.labels), { batchSize: 128, shuffle: true });
const sgd = new optim.SGD(model.parameters(), { lr: 0.1, momentum: 0.9 });
const criterion = new nn.CrossEntropyLoss();
for (const [images, labels] of loader) {
  const loss = criterion.forward(model.forward(images), labels);
  sgd.zeroGrad();
  loss.backward();
  sgd.step();
}
const right = noGrad(() => model.forward(test.images))
  .argmax(1)
  .eq(test.labels)
  .sum()
  .item();
const accuracy = right / test.labels.numel();
assert.ok(accuracy > 0.93, `${accuracy} of the answers are right`);
console.log(`MNIST: ${(100 * accuracy).toFixed(1)} % after an epoch`);
