import { writeFileSync } from 'node:fs';
import { capture, manualSeed, nn, noGrad, ones, optim, type Tensor, zeros } from 'nabla';
import { allReduce, barrier, broadcast, DataParallel, finalize, init, rank } from 'nabla/distributed';

// What goes wrong, on rank 1 alone; the others must notice.
const [how, seconds = '3', log] = process.argv.slice(2);
await init({ timeout: Number(seconds) });
const isOdd = rank() === 1;
const step = (model: nn.Linear) => {
  const parallel = new DataParallel(model);
  const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 });
  return capture((x: Tensor) => {
    optimizer.zeroGrad();
    const loss = parallel.backward((x) => model.forward(x).square().mean(), x);
    optimizer.step();
    return loss;
  });
};

switch (how) {
  case 'parameters':
    new DataParallel(new nn.Linear(3, isOdd ? 4 : 2));
    break;
  case 'buffers':
    new DataParallel(isOdd ? new nn.BatchNorm1d(3) : new nn.BatchNorm1d(3, { trackRunningStats: false }));
    break;
  case 'seeds':
    manualSeed(isOdd ? 1 : 0);
    new DataParallel(new nn.Linear(3, 2));
    break;
  case 'shards':
    new DataParallel(new nn.Linear(3, 2), { shards: isOdd ? 8 : 4 });
    break;
  case 'shapes':
    await allReduce(ones([isOdd ? 3000 : 2000]));
    break;
  case 'kinds':
    await (isOdd ? broadcast(ones([1])) : allReduce(ones([1])));
    break;
  case 'order':
    await (isOdd ? barrier() : allReduce(ones([1])));
    break;
  case 'program': {
    const first = new nn.Linear(3, 3);
    const model = new nn.Sequential(first, new nn.Linear(3, 3));
    const parallel = new DataParallel(model);
    // Rank 1 leaves a layer out, so that it has no gradients of it.
    const lossOf = (x: Tensor) => (isOdd ? first : model).forward(x).square().mean();
    capture((x: Tensor) => parallel.backward(lossOf, x))(ones([4, 3]));
    break;
  }
  case 'breaks': {
    // On rank 1 the backward pass fails when the gradients of the last layer are on their way.
    const layers = [1, 2, 3].map(() => new nn.Linear(256, 256));
    const parallel = new DataParallel(new nn.Sequential(...layers));
    parallel.backward(
      (x) => {
        const hidden = layers[0]!.forward(x).exp();
        const result = layers[2]!.forward(layers[1]!.forward(hidden)).mean();
        if (isOdd) noGrad(() => hidden.add_(1));
        return result;
      },
      ones([4, 256]),
    );
    break;
  }
  case 'throws': {
    const train = step(new nn.Linear(3, 2));
    for (let i = 0; i < 1000; i++) {
      if (isOdd && i === 5) throw new Error('rank 1 has had enough');
      train(ones([4, 3]));
    }
    break;
  }
  case 'leaves':
    if (!isOdd) await allReduce(ones([3]));
    break;
  case 'endless': {
    const train = step(new nn.Linear(3, 2));
    const rows = zeros([64, 3]);
    if (rank() <= 1) console.log(`PID ${rank()} ${process.pid}`);
    try {
      for (;;) await train.run([rows], { batchSize: 4, epochs: 10 });
    } catch (error) {
      if (log !== undefined) writeFileSync(`${log}-${rank()}`, String(error));
      throw error;
    }
  }
}
await finalize();
