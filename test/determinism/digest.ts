// Prints a digest of a trained network and of operations over sizes that leave remainders everywhere: digest.ts THREADS
import { createHash } from 'node:crypto';
import { manualSeed, nn, optim, randint, randn, setNumThreads } from '../../lib/index.js';

setNumThreads(Number(process.argv[2]));
manualSeed(0);
const hash = createHash('sha256');

const model = new nn.Sequential(new nn.Linear(300, 257), new nn.GELU(), new nn.Linear(257, 33), new nn.Tanh());
const head = new nn.Linear(33, 10);
const x = randn([512, 300]);
const y = randint(10, [512]);
const sgd = new optim.SGD([...model.parameters(), ...head.parameters()], { lr: 0.05, momentum: 0.9 });
for (let step = 0; step < 10; step++) {
  const loss = nn.functional.crossEntropy(head.forward(model.forward(x)), y);
  sgd.zeroGrad();
  loss.backward();
  sgd.step();
  hash.update(loss.toTypedArray());
}
for (const parameter of [...model.parameters(), ...head.parameters()]) hash.update(parameter.toTypedArray());

for (const dtype of ['float32', 'float64'] as const) {
  const z = randn([1001, 137], { dtype });
  const results = [
    z.sum(),
    z.sum(0),
    z.t().sum(0),
    z.std(1),
    z.logsumexp(0),
    z.softmax(1),
    z.norm(3),
    z.sin().mul(z.exp()).add(z.erf()).sum(1),
    z.abs().pow(1.7).log1p(),
  ];
  for (const result of results) hash.update(result.toTypedArray());
}

process.stdout.write(hash.digest('hex'));
