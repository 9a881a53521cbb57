import { DataLoader, TensorDataset } from '../../lib/data/index.js';
import { nn, optim, randint, randn, type Tensor, tensor } from '../../lib/index.js';

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

/** What of an optimizer is needed here. */
type Stepping = Pick<optim.SGD, 'zeroGrad' | 'step'>;

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
      const value = loss(model.forward(x!), y!);
      optimizer.zeroGrad();
      value.backward();
      optimizer.step();
      losses.push(value.detach());
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

/** Every optimizer that no other run has, with a schedule that it can have. */
const otherOptimizers: readonly ((parameters: Tensor[]) => optim.Optimizer<object, object>)[] = [
  (parameters) => new optim.Adamax(parameters, { weightDecay: 0.01 }),
  (parameters) => new optim.NAdam(parameters, { weightDecay: 0.01, decoupledWeightDecay: true }),
  (parameters) => new optim.RAdam(parameters, { lr: 0.01, betas: [0.9, 0.99] }),
  (parameters) => new optim.Adagrad(parameters, { lrDecay: 0.1 }),
  (parameters) => new optim.Adadelta(parameters),
  (parameters) => new optim.RMSprop(parameters, { lr: 1e-3, centered: true, momentum: 0.5 }),
  (parameters) => new optim.Rprop(parameters, { lr: 1e-3 }),
  (parameters) => new optim.ASGD(parameters, { t0: 2 }),
  (parameters) => new optim.Adafactor(parameters, { weightDecay: 0.1 }),
  (parameters) => new optim.Muon(parameters, { lr: 0.01 }),
];

/** An optimizer with a schedule, stepped and clipped together. */
const scheduled =
  (make: (typeof otherOptimizers)[number]) =>
  (parameters: Tensor[]): Stepping => {
    const optimizer = make(parameters);
    const schedule = new optim.lrScheduler.CosineAnnealingLR(optimizer, 10);
    const step = () => {
      nn.utils.clipGradNorm_(parameters, 0.5);
      optimizer.step();
      schedule.step();
      return undefined;
    };
    return { zeroGrad: () => optimizer.zeroGrad(), step: step as Stepping['step'] };
  };

/** Between them ten activations and nine losses, dropout, both normalizations, every optimizer, and every option of SGD and of Adam. */
export const trainingRuns: Readonly<Record<string, TrainingRun>> = {
  'every other optimizer, with clipping and a schedule': () =>
    otherOptimizers.flatMap((make) =>
      train({
        model: new nn.Sequential(
          new nn.Linear(70, 130, { bias: false }),
          new nn.Tanh(),
          new nn.Linear(130, 33, { bias: false }),
        ),
        inputs: 70,
        targets: normal(33),
        loss: functional.mseLoss,
        optimizer: scheduled(make),
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
