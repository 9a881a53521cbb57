import { arange, capture, cat, nn, optim, type Tensor, tensor } from 'nabla';
import type { NetworkName, NetworkWork } from '../../harness/work.js';
import { labels, seeds, uniform } from '../inputs.js';
import type { Task } from '../serve.js';
import type { Mode } from './training.js';

const F = nn.functional;

class WordModel extends nn.Module<[x: Tensor], Tensor> {
  encoder = new nn.Embedding(1000, 200);
  rnn: nn.LSTM | nn.GRU;
  decoder = new nn.Linear(200, 1000);

  constructor(cell: typeof nn.LSTM | typeof nn.GRU) {
    super();
    this.rnn = new cell(200, 200, 2);
  }

  override forward(x: Tensor): Tensor {
    const embedded = this.encoder.forward(x);
    const { rnn } = this;
    const [output] = rnn instanceof nn.LSTM ? rnn.forward(embedded) : rnn.forward(embedded);
    return this.decoder.forward(output).reshape([-1, 1000]);
  }
}

class Sequence extends nn.Module<[x: Tensor], Tensor> {
  rnn = new nn.LSTM(8, 32, { batchFirst: true });
  head = new nn.Linear(32, 1);

  override forward(x: Tensor): Tensor {
    return this.head.forward(this.rnn.forward(x)[0].select(1, -1));
  }
}

class GptBlock extends nn.Module<[x: Tensor], Tensor> {
  ln1 = new nn.LayerNorm(128);
  ln2 = new nn.LayerNorm(128);
  attend = new nn.Linear(128, 384);
  project = new nn.Linear(128, 128);
  up = new nn.Linear(128, 512);
  down = new nn.Linear(512, 128);

  override forward(x: Tensor): Tensor {
    const parts = this.attend.forward(this.ln1.forward(x)).split(128, -1);
    const [q, k, v] = parts.map((part) => part.unflatten(-1, [4, 32]).transpose(1, 2));
    const y = F.scaledDotProductAttention(q!, k!, v!, { isCausal: true });
    const z = x.add(this.project.forward(y.transpose(1, 2).flatten(2)));
    return z.add(this.down.forward(F.gelu(this.up.forward(this.ln2.forward(z)))));
  }
}

class Gpt extends nn.Module<[x: Tensor], Tensor> {
  tokens = new nn.Embedding(65, 128);
  places = new nn.Embedding(64, 128);
  blocks = new nn.Sequential(...Array.from({ length: 4 }, () => new GptBlock()));
  norm = new nn.LayerNorm(128);
  head = new nn.Linear(128, 65, { bias: false });

  override forward(x: Tensor): Tensor {
    const y = this.tokens.forward(x).add(this.places.forward(arange(64, { dtype: 'int32' })));
    return this.head.forward(this.norm.forward(this.blocks.forward(y))).reshape([-1, 65]);
  }
}

class Encoder extends nn.Module<[x: Tensor], Tensor> {
  encoder = new nn.TransformerEncoder(new nn.TransformerEncoderLayer(64, 4, 256, { dropout: 0, batchFirst: true }), 2);
  head = new nn.Linear(64, 10);

  override forward(x: Tensor): Tensor {
    return this.head.forward(this.encoder.forward(x).mean(1));
  }
}

class Tables extends nn.Module<[x: Tensor], Tensor> {
  tables = new nn.ModuleList(Array.from({ length: 8 }, () => new nn.Embedding(10_000, 64)));
  hidden = new nn.Linear(512, 256);
  head = new nn.Linear(256, 1);

  override forward(x: Tensor): Tensor {
    const rows = [...this.tables].map((table, i) => table.forward(x.select(1, i)));
    return this.head.forward(F.relu(this.hidden.forward(cat(rows, 1))));
  }
}

type Parameters = ReturnType<nn.Module['parameters']>;

interface Training {
  readonly model: nn.Module<[x: Tensor], Tensor>;
  readonly x: Tensor;
  readonly y: Tensor;
  readonly loss: (input: Tensor, target: Tensor) => Tensor;
  readonly optimizer: (parameters: Parameters) => { zeroGrad(): void; step(): unknown };
}

const tokens = (rows: number, columns: number, count: number, seed: number): Tensor =>
  tensor(labels(rows * columns, seed, count)).reshape([rows, columns]);

const floats = (shape: number[], seed: number): Tensor =>
  tensor(
    uniform(
      shape.reduce((a, b) => a * b, 1),
      seed,
    ),
  ).reshape(shape);

const ofWords =
  (cell: typeof nn.LSTM | typeof nn.GRU) =>
  (batch: number): Training => ({
    model: new WordModel(cell),
    x: tokens(35, batch, 1000, seeds.x),
    y: tokens(35, batch, 1000, seeds.y).flatten(),
    loss: (input, target) => F.crossEntropy(input, target),
    optimizer: (parameters) => new optim.SGD(parameters, { lr: 1 }),
  });

const trainings: Record<NetworkName, (batch: number) => Training> = {
  wordLstm: ofWords(nn.LSTM),
  wordGru: ofWords(nn.GRU),
  lstm: (batch) => ({
    model: new Sequence(),
    x: floats([batch, 20, 8], seeds.x),
    y: floats([batch, 1], seeds.y),
    loss: (input, target) => F.mseLoss(input, target),
    optimizer: (parameters) => new optim.Adam(parameters, { lr: 1e-3 }),
  }),
  charGpt: (batch) => ({
    model: new Gpt(),
    x: tokens(batch, 64, 65, seeds.x),
    y: tokens(batch, 64, 65, seeds.y).flatten(),
    loss: (input, target) => F.crossEntropy(input, target),
    optimizer: (parameters) => new optim.AdamW(parameters, { lr: 1e-3 }),
  }),
  encoder: (batch) => ({
    model: new Encoder(),
    x: floats([batch, 32, 64], seeds.x),
    y: tensor(labels(batch, seeds.y, 10)),
    loss: (input, target) => F.crossEntropy(input, target),
    optimizer: (parameters) => new optim.Adam(parameters, { lr: 1e-3 }),
  }),
  embeddings: (batch) => ({
    model: new Tables(),
    x: tokens(batch, 8, 10_000, seeds.x),
    y: floats([batch, 1], seeds.y),
    loss: (input, target) => F.mseLoss(input, target),
    optimizer: (parameters) => new optim.Adagrad(parameters, { lr: 1e-2 }),
  }),
};

export function network({ network, batch }: NetworkWork, mode: Mode): Task {
  const { model, x, y, loss, optimizer } = trainings[network](batch);
  const parameters = model.parameters();
  for (const [i, parameter] of parameters.entries()) {
    parameter.data = tensor(uniform(parameter.numel(), seeds.weight + i, -0.1, 0.1)).reshape(parameter.shape);
  }
  const updating = optimizer(parameters);
  const isClipped = network.startsWith('word');
  const plain = (x: Tensor, y: Tensor): Tensor => {
    updating.zeroGrad();
    const value = loss(model.forward(x), y);
    value.backward();
    if (isClipped) nn.utils.clipGradNorm_(parameters, 0.25);
    updating.step();
    return value;
  };
  const step = mode === 'captured' ? capture(plain) : plain;
  const run = () => step(x, y);
  return { run, first: () => [run().item(), run().item(), run().item()] };
}
