import { capture, grad, nn, noGrad, optim, type Tensor, tensor } from 'nabla';
import type { ConvolutionWork, ConvnetName, ConvnetWork } from '../../harness/work.js';
import { labels, probe, seeds, uniform } from '../inputs.js';
import type { Task } from '../serve.js';
import type { Mode } from './training.js';

const filled = (shape: readonly number[], seed: number, bound = 1): Tensor =>
  tensor(
    uniform(
      shape.reduce((size, n) => size * n),
      seed,
      -bound,
      bound,
    ),
  ).reshape([...shape]);

export function convolution(work: ConvolutionWork, mode: Mode): Task {
  const { samples, channels, size, outputs, kernel, stride, backward } = work;
  const x = filled([samples, channels, size, size], seeds.x);
  const weight = filled([outputs, channels, kernel, kernel], seeds.weight).requiresGrad_(backward);
  const bias = filled([outputs], seeds.bias).requiresGrad_(backward);
  const places = Math.floor((size - 1) / stride) + 1;
  const convolve = (input: Tensor) =>
    nn.functional.conv2d(input, weight, { bias, stride, padding: Math.floor(kernel / 2) });
  const gradient = filled([samples, outputs, places, places], seeds.y);
  const plain = (from: Tensor): Tensor[] => {
    if (!backward) return [convolve(from)];
    const input = from.detach().requiresGrad_();
    const out = convolve(input);
    return [out, ...grad(out, [input, weight, bias], { gradOutputs: [gradient] }).map((one) => one!)];
  };
  const captured = mode === 'captured' ? capture(plain) : plain;
  const run = () => captured(x);
  const scales = [1, 1, 1 / (samples * places ** 2), 1 / (samples * places ** 2)];
  return { run, first: () => run().flatMap((part, i) => probe(part.toTypedArray(), scales[i])) };
}

class Block extends nn.Module<[Tensor], Tensor> {
  readonly conv1: nn.Conv2d<boolean>;
  readonly bn1: nn.BatchNorm2d;
  readonly conv2: nn.Conv2d<boolean>;
  readonly bn2: nn.BatchNorm2d;
  readonly shortcut: nn.Layer;

  constructor(inputs: number, outputs: number, stride: number) {
    super();
    this.conv1 = new nn.Conv2d<boolean>(inputs, outputs, 3, { stride, padding: 1, bias: false });
    this.bn1 = new nn.BatchNorm2d(outputs);
    this.conv2 = new nn.Conv2d<boolean>(outputs, outputs, 3, { padding: 1, bias: false });
    this.bn2 = new nn.BatchNorm2d(outputs);
    this.shortcut =
      stride > 1 ? new nn.Conv2d<boolean>(inputs, outputs, 1, { stride, bias: false }) : new nn.Identity();
  }

  override forward(x: Tensor): Tensor {
    const inner = this.bn1.forward(this.conv1.forward(x)).relu();
    return this.bn2.forward(this.conv2.forward(inner)).add(this.shortcut.forward(x)).relu();
  }
}

const blocks = [
  [16, 16, 1],
  [16, 16, 1],
  [16, 16, 1],
  [16, 32, 2],
  [32, 32, 1],
  [32, 32, 1],
  [32, 64, 2],
  [64, 64, 1],
  [64, 64, 1],
] as const;

interface Network {
  readonly shape: readonly number[];
  layers(): nn.Layer[];
  optimizer(parameters: nn.Parameter[]): { zeroGrad(): void; step(): void };
}

const networks: Record<ConvnetName, Network> = {
  digits: {
    shape: [1, 28, 28],
    layers: () => [
      ...[new nn.Conv2d(1, 32, 3), new nn.ReLU(), new nn.Conv2d(32, 64, 3), new nn.ReLU(), new nn.MaxPool2d(2)],
      ...[new nn.Dropout(0.25), new nn.Flatten(), new nn.Linear(9216, 128), new nn.ReLU(), new nn.Dropout(0.5)],
      new nn.Linear(128, 10),
    ],
    optimizer: (parameters) => new optim.Adadelta(parameters, { lr: 1 }),
  },
  lenet: {
    shape: [1, 28, 28],
    layers: () => [
      ...[new nn.Conv2d(1, 6, 5, { padding: 2 }), new nn.ReLU(), new nn.MaxPool2d(2)],
      ...[new nn.Conv2d(6, 16, 5), new nn.ReLU(), new nn.MaxPool2d(2), new nn.Flatten(), new nn.Linear(400, 120)],
      ...[new nn.ReLU(), new nn.Linear(120, 84), new nn.ReLU(), new nn.Linear(84, 10)],
    ],
    optimizer: (parameters) => new optim.SGD(parameters, { lr: 0.01 }),
  },
  resnet20: {
    shape: [3, 32, 32],
    layers: () => [
      ...[new nn.Conv2d<boolean>(3, 16, 3, { padding: 1, bias: false }), new nn.BatchNorm2d(16), new nn.ReLU()],
      ...blocks.map(([inputs, outputs, stride]) => new Block(inputs, outputs, stride)),
      ...[new nn.AdaptiveAvgPool2d(1), new nn.Flatten(), new nn.Linear(64, 10)],
    ],
    optimizer: (parameters) => new optim.SGD(parameters, { lr: 0.1, momentum: 0.9 }),
  },
};

export function convnet({ network: name, batch, pass }: ConvnetWork, mode: Mode): Task {
  const { shape, layers, optimizer: choose } = networks[name];
  const model = new nn.Sequential<nn.Layer[]>(...layers());
  model.parameters().forEach((parameter, i) => {
    const inputs = parameter.numel() / parameter.shape[0]!;
    if (parameter.ndim > 1) parameter.data = filled(parameter.shape, seeds.weight + i, inputs ** -0.5);
    else if (!parameter.eq(1).any().item()) parameter.data = parameter.detach().mul(0);
  });
  const [x, y] = [filled([batch, ...shape], seeds.x), tensor(labels(batch, seeds.y, 10))];
  const optimizer = choose(model.parameters());
  const step = (input: Tensor, target: Tensor): Tensor => {
    optimizer.zeroGrad();
    const loss = nn.functional.crossEntropy(model.forward(input), target);
    loss.backward();
    optimizer.step();
    return loss;
  };
  const answer = (input: Tensor): Tensor => noGrad(() => model.forward(input));
  const [trains, steps, answers] =
    mode === 'captured' ? [pass === 'step', capture(step), capture(answer)] : [pass === 'step', step, answer];
  const first = () => {
    model.eval();
    const values = probe(answer(x).toTypedArray());
    model.train(trains);
    return values;
  };
  model.train(trains);
  return { run: trains ? () => steps(x, y) : () => answers(x), first };
}
