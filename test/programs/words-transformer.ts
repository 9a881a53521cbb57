import { arange, manualSeed, nn, noGrad, ones, optim, randint, stack, type Tensor } from 'nabla';
import type { Results } from './program.js';

class Positions extends nn.Module<[Tensor], Tensor> {
  dropout: nn.Dropout;
  declare table: Tensor;

  constructor(width: number, dropout: number, longest: number) {
    super();
    this.dropout = new nn.Dropout(dropout);
    const rates = arange(0, width, 2)
      .float()
      .mul(-Math.log(10000) / width)
      .exp();
    const angles = arange(longest).float().unsqueeze(1).mul(rates);
    // Sines and cosines by turns.
    this.registerBuffer('table', stack([angles.sin(), angles.cos()], 2).flatten(1).unsqueeze(1));
  }

  override forward(x: Tensor): Tensor {
    return this.dropout.forward(x.add(this.table.slice(0, 0, x.shape[0])));
  }
}

class CausalModel extends nn.Module<[Tensor, Tensor], Tensor> {
  positions: Positions;
  embedding: nn.Embedding;
  linear: nn.Linear;
  encoder: nn.TransformerEncoder;
  readonly width: number;

  constructor(vocabulary: number, width: number, heads: number, inner: number, layers: number, dropout: number) {
    super();
    this.width = width;
    this.positions = new Positions(width, dropout, 64);
    this.embedding = new nn.Embedding(vocabulary, width);
    this.linear = new nn.Linear(width, vocabulary);
    this.encoder = new nn.TransformerEncoder(new nn.TransformerEncoderLayer(width, heads, inner, dropout), layers);
    this.embedding.weight.data.uniform_(-0.1, 0.1);
    this.linear.bias.data.zero_();
    this.linear.weight.data.uniform_(-0.1, 0.1);
  }

  override forward(source: Tensor, mask: Tensor): Tensor {
    const embedded = this.embedding.forward(source).mul(Math.sqrt(this.width));
    return this.linear.forward(this.encoder.forward(this.positions.forward(embedded), mask));
  }
}

/** A causal language model of two encoder layers, with clipping and a rate that falls with every epoch. */
export function run(): Results {
  manualSeed(33);
  const corpus = arange(204)
    .mul(5)
    .add(randint(0, 2, [204]))
    .remainder(9);
  const source = corpus.view([4, -1]).t().contiguous();
  const model = new CausalModel(9, 16, 2, 32, 2, 0.1);
  const mask = ones([10, 10]).mul(Number.NEGATIVE_INFINITY).triu(1);
  const optimizer = new optim.SGD(model.parameters(), { lr: 1 });
  const scheduler = new optim.lrScheduler.StepLR(optimizer, 1, { gamma: 0.95 });
  const losses: number[] = [];
  const lrs: number[] = [];
  model.train();
  for (let epoch = 0; epoch < 5; epoch++) {
    for (let i = 0; i < 50; i += 10) {
      const output = model.forward(source.slice(0, i, i + 10), mask).view([-1, 9]);
      const loss = nn.functional.crossEntropy(output, source.slice(0, i + 1, i + 11).reshape([-1]));
      optimizer.zeroGrad();
      loss.backward();
      nn.utils.clipGradNorm_(model.parameters(), 0.5);
      optimizer.step();
      losses.push(loss.item());
      lrs.push(...scheduler.getLastLr());
    }
    scheduler.step();
  }
  model.eval();
  const next = noGrad(() =>
    model
      .forward(source.slice(0, 0, 10), mask)
      .index([-1])
      .argmax(-1),
  );
  const state = model.stateDict();
  const finals = {
    'embedding.weight': model.embedding.weight,
    'linear.weight': model.linear.weight,
    in_proj: state['encoder.layers.1.self_attn.in_proj_weight']!,
    linear1: state['encoder.layers.0.linear1.weight']!,
  };
  return { losses, lrs, finals, outputs: { next } };
}
