import { DataLoader, TensorDataset } from '../../lib/data/index.js';
import { nn, optim, randint, randn, type Tensor, tensor, ValueError } from '../../lib/index.js';
import { build, cases as schedulerCases } from '../optim/schedulers.js';

/** Trains a network, and returns all that it came to: the loss of every step, then the parameters. */
export type TrainingRun = () => Tensor[];

interface Recipe {
  readonly model: nn.Layer;
  readonly inputs: number;
  readonly targets: (examples: number) => Tensor;
  readonly loss: (output: Tensor, target: Tensor) => Tensor;
  readonly optimizer?: (parameters: Tensor[]) => Stepping;
  /** How many there are. Default: EXAMPLES. */
  readonly examples?: number;
}

/** What of an optimizer is needed here; its step is given what computes a loss and its gradients. */
interface Stepping {
  zeroGrad(): void;
  step(closure: () => Tensor): unknown;
}

const sgd =
  (options: Partial<optim.SGDOptions>) =>
  (parameters: Tensor[]): Stepping =>
    new optim.SGD(parameters, { lr: 0.05, ...options });

/** Uneven, so that the last batch is another size, and large, so that threads have something to share. */
const EXAMPLES = 1100;
const BATCH = 256;
const EPOCHS = 2;

function train({ model, inputs, targets, loss, optimizer: make = sgd({}), examples = EXAMPLES }: Recipe): Tensor[] {
  const optimizer = make(model.parameters());
  const data = new TensorDataset(randn([examples, inputs]), targets(examples));
  const loader = new DataLoader(data, { batchSize: BATCH, shuffle: true });
  const losses: Tensor[] = [];
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    for (const [x, y] of loader) {
      optimizer.step(() => {
        optimizer.zeroGrad();
        const value = loss(model.forward(x!), y!);
        value.backward();
        losses.push(value.detach());
        return value;
      });
    }
  }
  return [...losses, ...model.parameters()];
}

const { functional } = nn;
const normal =
  (...shape: number[]) =>
  (examples: number): Tensor =>
    randn([examples, ...shape]);
const classes = (count: number) => (examples: number) => randint(count, [examples]);

type AnyOptimizer = optim.Optimizer<object, object>;

const optimizers = Object.values(optim).filter(
  (type): type is typeof optim.SGD => typeof type === 'function' && type.prototype instanceof optim.Optimizer,
);
const schedulers = [...new Set(schedulerCases.map(({ name }) => name))];
const clippings = [
  (parameters: Tensor[]) => nn.utils.clipGradNorm_(parameters, 0.5),
  (parameters: Tensor[]) => nn.utils.clipGradNorm_(parameters, 0.5, { normType: Number.POSITIVE_INFINITY }),
  (parameters: Tensor[]) => nn.utils.clipGradValue_(parameters, 0.01),
];

/** A scheduler with the first options that the optimizer can have: some set a momentum. */
function scheduleOf(name: string, optimizer: AnyOptimizer): optim.lrScheduler.Scheduler {
  for (const one of schedulerCases.filter((one) => one.name === name)) {
    // Options for two groups are of no use to one, either.
    try {
      return build(name, one.options, optimizer);
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
    }
  }
  throw new Error(`no ${name} fits a ${optimizer.constructor.name}`);
}

/** Every optimizer, every scheduler and every way to clip, in turn. */
const combinations = Array.from({ length: Math.max(optimizers.length, schedulers.length) }, (_, i) => {
  const type = optimizers[i % optimizers.length]!;
  return (parameters: Tensor[]): Stepping => {
    const optimizer = new type(parameters, { lr: 0.01 });
    const schedule = scheduleOf(schedulers[i % schedulers.length]!, optimizer);
    const step = (closure: () => Tensor) => {
      const loss = optimizer.step(() => {
        const value = closure();
        clippings[i % clippings.length]!(parameters);
        return value;
      });
      if (schedule instanceof optim.lrScheduler.ReduceLROnPlateau) schedule.step(loss.item());
      else (schedule as optim.lrScheduler.LRScheduler).step();
    };
    return { zeroGrad: () => optimizer.zeroGrad(), step };
  };
});

/** Between them ten activations and nine losses, dropout, both normalizations, every optimizer, scheduler and way to clip, and every option of SGD and of Adam. */
export const trainingRuns: Readonly<Record<string, TrainingRun>> = {
  'every optimizer and scheduler, with clipping': () =>
    combinations.flatMap((optimizer) =>
      train({
        model: new nn.Sequential(
          new nn.Linear(70, 130, { bias: false }),
          new nn.Tanh(),
          new nn.Linear(130, 33, { bias: false }),
        ),
        inputs: 70,
        targets: normal(33),
        loss: functional.mseLoss,
        optimizer,
        examples: 300,
      }),
    ),
  'cross-entropy, GELU, Tanh, LayerNorm, Dropout, momentum': () =>
    train({
      model: new nn.Sequential(
        new nn.Linear(300, 257),
        new nn.GELU(),
        new nn.LayerNorm(257),
        new nn.Dropout(0.2),
        new nn.Linear(257, 133),
        new nn.Tanh(),
        new nn.Linear(133, 10),
      ),
      inputs: 300,
      targets: classes(10),
      loss: functional.crossEntropy,
      optimizer: sgd({ momentum: 0.9 }),
    }),
  'cross-entropy of many classes, smoothed and weighted': () => {
    const weight = randn([700]).abs();
    return train({
      model: new nn.Sequential(new nn.Linear(65, 700), new nn.Softplus(), new nn.Linear(700, 700)),
      inputs: 65,
      targets: classes(700),
      loss: (output, target) => functional.crossEntropy(output, target, { weight, labelSmoothing: 0.1 }),
      optimizer: sgd({ momentum: 0.9, nesterov: true, weightDecay: 1e-3 }),
    });
  },
  'smooth L1, SiLU, RMSNorm, LeakyReLU': () =>
    train({
      model: new nn.Sequential(
        new nn.Linear(64, 515),
        new nn.SiLU(),
        new nn.RMSNorm(515),
        new nn.Linear(515, 130),
        new nn.LeakyReLU(),
        new nn.Linear(130, 65),
      ),
      inputs: 64,
      targets: normal(65),
      loss: functional.smoothL1Loss,
      optimizer: sgd({ momentum: 0.9, dampening: 0.5 }),
    }),
  'BCE with logits, ELU, Sigmoid': () =>
    train({
      model: new nn.Sequential(
        new nn.Linear(100, 300),
        new nn.ELU(),
        new nn.Linear(300, 200),
        new nn.Sigmoid(),
        new nn.Linear(200, 41),
      ),
      inputs: 100,
      targets: (examples) => randint(2, [examples, 41]).float(),
      loss: functional.binaryCrossEntropyWithLogits,
      optimizer: (parameters) => new optim.Adam(parameters, { lr: 0.01, amsgrad: true, weightDecay: 1e-3 }),
    }),
  'MSE and L1, wide ReLU': () =>
    train({
      model: new nn.Sequential(new nn.Linear(512, 1025), new nn.ReLU(), new nn.Linear(1025, 512)),
      inputs: 512,
      targets: normal(512),
      loss: (output, target) => functional.mseLoss(output, target).add(functional.l1Loss(output, target)),
      optimizer: (parameters) => new optim.AdamW(parameters, { lr: 0.01 }),
    }),
  'Huber and KL divergence, log-softmax': () =>
    train({
      model: new nn.Sequential(new nn.Linear(129, 260), new nn.Tanh(), new nn.Linear(260, 129)),
      inputs: 129,
      targets: normal(129),
      loss: (output, target) => {
        const divergence = functional.klDiv(output.logSoftmax(1), target.softmax(1), { reduction: 'batchmean' });
        return functional.huberLoss(output, target).add(divergence);
      },
    }),
  'negative log-likelihood, softmax, 0-d biases': () => {
    const model = new nn.Sequential(new nn.Linear(40, 1500), new nn.Sigmoid(), new nn.Linear(1500, 12));
    model[0].bias.data = tensor(0.5);
    return train({
      model,
      inputs: 40,
      targets: classes(12),
      loss: (output, target) => functional.nllLoss(output.softmax(1).log(), target),
    });
  },
};
