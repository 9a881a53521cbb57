import { bmm, cat, empty, full, manualSeed, nn, noGrad, optim, randint, type Tensor } from 'nabla';
import type { Results } from './program.js';

const { functional: F } = nn;
const START = 0;
const END = 1;
const WORDS = 8;
const LENGTH = 5;

class Reader extends nn.Module<[Tensor], [Tensor, Tensor]> {
  embedding: nn.Embedding;
  gru: nn.GRU;
  dropout: nn.Dropout;

  constructor(words: number, width: number, dropout = 0.1) {
    super();
    this.embedding = new nn.Embedding(words, width);
    this.gru = new nn.GRU(width, width, { batchFirst: true });
    this.dropout = new nn.Dropout(dropout);
  }

  override forward(words: Tensor): [Tensor, Tensor] {
    const { output, hn } = this.gru.forward(this.dropout.forward(this.embedding.forward(words)));
    return [output, hn];
  }
}

class AdditiveAttention extends nn.Module<[Tensor, Tensor], [Tensor, Tensor]> {
  queryMap: nn.Linear;
  keyMap: nn.Linear;
  score: nn.Linear;

  constructor(width: number) {
    super();
    this.queryMap = new nn.Linear(width, width);
    this.keyMap = new nn.Linear(width, width);
    this.score = new nn.Linear(width, 1);
  }

  override forward(query: Tensor, keys: Tensor): [Tensor, Tensor] {
    const features = this.queryMap.forward(query).add(this.keyMap.forward(keys)).tanh();
    const weights = F.softmax(this.score.forward(features).squeeze(2).unsqueeze(1), -1);
    return [bmm(weights, keys), weights];
  }
}

class Writer extends nn.Module<[Tensor, Tensor, Tensor?], [Tensor, Tensor]> {
  embedding: nn.Embedding;
  attention: AdditiveAttention;
  gru: nn.GRU;
  out: nn.Linear;
  dropout: nn.Dropout;

  constructor(width: number, words: number, dropout = 0.1) {
    super();
    this.embedding = new nn.Embedding(words, width);
    this.attention = new AdditiveAttention(width);
    this.gru = new nn.GRU(2 * width, width, { batchFirst: true });
    this.out = new nn.Linear(width, words);
    this.dropout = new nn.Dropout(dropout);
  }

  /** With a target, each step is told the right word before; without, it goes by its own. */
  override forward(states: Tensor, start: Tensor, target?: Tensor): [Tensor, Tensor] {
    let hidden = start;
    let word = empty([states.size(0), 1], { dtype: 'int32' }).fill_(START);
    const [scores, attentions]: [Tensor[], Tensor[]] = [[], []];
    for (let i = 0; i < LENGTH; i++) {
      const embedded = this.dropout.forward(this.embedding.forward(word));
      const [context, weights] = this.attention.forward(hidden.permute([1, 0, 2]), states);
      const next = this.gru.forward(cat([embedded, context], 2), hidden);
      hidden = next.hn;
      const score = this.out.forward(next.output);
      scores.push(score);
      attentions.push(weights);
      word = target ? target.select(1, i).unsqueeze(1) : score.topk(1).indices.squeeze(-1).detach();
    }
    return [F.logSoftmax(cat(scores, 1), -1), cat(attentions, 1)];
  }
}

/** Sentences turned around: a GRU reads, another writes word by word, and looks back by attention. */
export function run(): Results {
  manualSeed(37);
  const source = randint(2, WORDS, [24, LENGTH]);
  const target = cat([source.slice(1, 0, -1).flip(1), full([24, 1], END, { dtype: 'int32' })], 1);
  const reader = new Reader(WORDS, 16);
  const writer = new Writer(16, WORDS);
  const optimizers = [reader, writer].map((one) => new optim.Adam(one.parameters(), { lr: 0.01 }));
  const criterion = new nn.NLLLoss();
  const losses: number[] = [];
  for (let step = 0; step < 24; step++) {
    const i = (step % 3) * 8;
    const wanted = target.slice(0, i, i + 8);
    for (const optimizer of optimizers) optimizer.zeroGrad();
    const [states, hidden] = reader.forward(source.slice(0, i, i + 8));
    const [written] = writer.forward(states, hidden, step < 20 ? wanted : undefined);
    const loss = criterion.forward(written.view([-1, WORDS]), wanted.reshape([-1]));
    loss.backward();
    for (const optimizer of optimizers) optimizer.step();
    losses.push(loss.item());
  }
  reader.eval();
  writer.eval();
  const [decoded, attention] = noGrad(() => writer.forward(...reader.forward(source.slice(0, 0, 2))));
  const finals = {
    'encoder.gru.weight_hh_l0': reader.stateDict()['gru.weight_hh_l0']!,
    'score.weight': writer.attention.score.weight,
    'out.weight': writer.out.weight,
  };
  return { losses, finals, outputs: { decoded: decoded.argmax(-1), attention: attention.index([0, 0]) } };
}
