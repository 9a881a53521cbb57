/**
 * Sequence to sequence with attention: numbers are written backwards. `npx tsx examples/gallery/seq2seq.ts`
 *
 * A GRU reads the digits; another writes, and at each step looks back at what was read (additive attention, Bahdanau et al. 2014). In training it is
 * told the right digit before each ("teacher forcing"), so that the whole pass is one captured program; in use it goes by its own.
 */
import { bmm, capture, cat, full, manualSeed, nn, noGrad, optim, randint, type Tensor } from 'nabla';
import { isMain } from '../lib/main.js';

const LENGTH = 6;
const DIGITS = 10;
/** Stands before the first digit that is written. */
const START = DIGITS;

class Attention extends nn.Module<[Tensor, Tensor], Tensor> {
  query: nn.Linear;
  key: nn.Linear;
  score: nn.Linear;

  constructor(width: number) {
    super();
    this.query = new nn.Linear(width, width);
    this.key = new nn.Linear(width, width);
    this.score = new nn.Linear(width, 1);
  }

  /** What a query [N, 1, W] finds in states [N, T, W]: a mean of them, [N, 1, W]. */
  override forward(query: Tensor, states: Tensor): Tensor {
    const features = this.query.forward(query).add(this.key.forward(states)).tanh();
    const weights = this.score.forward(features).transpose(1, 2).softmax(-1); // [N, 1, T]
    return bmm(weights, states);
  }
}

class Translator extends nn.Module<[Tensor, Tensor?], Tensor> {
  embedding: nn.Embedding;
  reader: nn.GRU;
  attention: Attention;
  writer: nn.GRU;
  out: nn.Linear;

  constructor(width: number) {
    super();
    this.embedding = new nn.Embedding(DIGITS + 1, width);
    this.reader = new nn.GRU(width, width, { batchFirst: true });
    this.attention = new Attention(width);
    this.writer = new nn.GRU(2 * width, width, { batchFirst: true });
    this.out = new nn.Linear(width, DIGITS);
  }

  /** Digits [N, T] to scores [N, T, 10]. */
  override forward(source: Tensor, target?: Tensor): Tensor {
    const read = this.reader.forward(this.embedding.forward(source));
    let hidden = read.hn;
    let digit = full([source.shape[0]!, 1], START, { dtype: 'int32' });
    const scores: Tensor[] = [];
    for (let i = 0; i < LENGTH; i++) {
      const context = this.attention.forward(hidden.transpose(0, 1), read.output);
      const written = this.writer.forward(cat([this.embedding.forward(digit), context], 2), hidden);
      hidden = written.hn;
      scores.push(this.out.forward(written.output));
      digit = target === undefined ? scores[i]!.argmax(-1) : target.narrow(1, i, 1);
    }
    return cat(scores, 1);
  }
}

/** Trains for so many steps; gives the losses, and the share of new numbers that are written right, every digit of them. */
export function run(steps: number, log: (line: string) => void): { losses: number[]; accuracy: number } {
  manualSeed(0);
  const model = new Translator(48);
  const optimizer = new optim.Adam(model.parameters(), { lr: 5e-3 });
  const step = capture((source: Tensor) => {
    const target = source.flip(1);
    const scores = model.forward(source, target);
    const loss = nn.functional.crossEntropy(scores.flatten(0, 1), target.flatten());
    optimizer.zeroGrad();
    loss.backward();
    nn.utils.clipGradNorm_(model.parameters(), 1);
    optimizer.step();
    return loss;
  });
  const losses: number[] = [];
  for (let i = 1; i <= steps; i++) {
    losses.push(step(randint(0, DIGITS, [64, LENGTH])).item());
    if (i % 100 === 0) log(`step ${i}: loss ${losses.at(-1)!.toFixed(4)}`);
  }
  const source = randint(0, DIGITS, [200, LENGTH]);
  const written = noGrad(() => model.forward(source).argmax(-1));
  const accuracy = written.eq(source.flip(1)).all(1).float().mean().item();
  const text = (digits: Tensor) => (digits.toArray() as number[]).join('');
  for (let i = 0; i < 3; i++) log(`${text(source.select(0, i))} becomes ${text(written.select(0, i))}`);
  log(`${(100 * accuracy).toFixed(1)} % of 200 new numbers are written backwards without a mistake`);
  return { losses, accuracy };
}

if (isMain(import.meta.url)) run(600, console.log);
