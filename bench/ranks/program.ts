import { writeSync } from 'node:fs';
import { capture, nn, ones, optim, setNumThreads, type Tensor, tensor, zeros } from 'nabla';
import { DataParallel, exchangeTimes, finalize, init, rank, size } from 'nabla/distributed';
import { labels, seeds, uniform } from '../drivers/inputs.js';
import { classifier } from '../drivers/nabla/training.js';
import { timerLateness } from '../latency/timer.js';
import { BATCH, LAYERS, MESSAGES, type RankReport, type StepTimes, STEPS } from './report.js';

// What every rank of the question `ranks` does: steps by themselves, then exchanges of some sizes, then steps in the background.

await init();
setNumThreads(1);
const background = Number(process.argv[2]);

const x = tensor(uniform(BATCH * LAYERS[0]!, seeds.x)).reshape([BATCH, LAYERS[0]!]);
const y = tensor(labels(BATCH, seeds.y, LAYERS.at(-1)!));
const lossOf = (model: nn.Sequential<nn.Layer[]>) => (x: Tensor, y: Tensor) =>
  nn.functional.crossEntropy(model.forward(x), y);

function stepOf(isBare: boolean) {
  const model = classifier(LAYERS);
  const optimizer = new optim.SGD(model.parameters(), { lr: 0.01 });
  const forward = lossOf(model);
  const parallel = isBare ? null : new DataParallel(model);
  return capture((x: Tensor, y: Tensor) => {
    optimizer.zeroGrad();
    if (parallel !== null) {
      const loss = parallel.backward(forward, x, y);
      optimizer.step();
      return loss;
    }
    const loss = forward(x, y);
    loss.backward();
    optimizer.step();
    return loss.detach();
  });
}

/** The fastest of some steps, with what of it went where. */
function times(step: () => unknown, steps: number): StepTimes {
  for (let i = 0; i < 5; i++) step();
  const all = Array.from({ length: steps }, () => {
    const before = exchangeTimes();
    const start = performance.now();
    step();
    const seconds = (performance.now() - start) / 1000;
    const after = exchangeTimes();
    const spent = (part: keyof typeof after) => after[part] - before[part];
    return {
      seconds,
      awaited: spent('awaited'),
      waiting: spent('waiting'),
      passing: spent('passing'),
      summing: spent('summing'),
      bytes: spent('bytes'),
    };
  });
  return all.sort((a, b) => a.seconds - b.seconds)[Math.floor(steps / 10)]!;
}

/** An exchange of so many numbers, by itself. */
function message(count: number): StepTimes {
  const weight = new nn.Parameter(zeros([count]));
  const model = new nn.ParameterList([weight]);
  const parallel = new DataParallel(model);
  const one = ones([1]);
  return times(() => {
    weight.grad = null;
    parallel.backward((x) => weight.sum().mul(x), one);
  }, 100);
}

const bareStep = size() === 1 ? stepOf(true) : null;
const step = stepOf(false);
const report: RankReport = {
  rank: rank(),
  bare: bareStep && times(() => bareStep(x, y), STEPS),
  step: times(() => step(x, y), STEPS),
  messages: size() === 2 ? MESSAGES.map((count) => ({ count, times: message(count) })) : [],
  late: null,
};
if (background > 0) {
  const running = step.run([x, y], { batchSize: BATCH, epochs: background });
  const late = timerLateness(1000 * report.step.seconds * background * 0.8);
  await running;
  Object.assign(report, { late: await late });
}
writeSync(1, `REPORT ${JSON.stringify(report)}\n`);
await finalize();
