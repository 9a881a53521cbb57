import { arange, manualSeed, multinomial, nn, noGrad, randint, type Tensor, zeros } from 'nabla';
import type { Results } from './program.js';

type State = [h: Tensor, c: Tensor];

class LanguageModel extends nn.Module<[Tensor, State], [Tensor, State]> {
  drop: nn.Dropout;
  encoder: nn.Embedding;
  rnn: nn.LSTM;
  decoder: nn.Linear;

  constructor(vocabulary: number, width: number, depth: number, dropout: number) {
    super();
    this.drop = new nn.Dropout(dropout);
    this.encoder = new nn.Embedding(vocabulary, width);
    this.rnn = new nn.LSTM(width, width, depth, { dropout });
    this.decoder = new nn.Linear(width, vocabulary);
    this.decoder.weight = this.encoder.weight;
    nn.init.uniform_(this.encoder.weight, -1, 1);
    nn.init.zeros_(this.decoder.bias);
    nn.init.uniform_(this.decoder.weight, -1, 1);
  }

  override forward(input: Tensor, hidden: State): [Tensor, State] {
    const { output, state } = this.rnn.forward(this.drop.forward(this.encoder.forward(input)), hidden);
    const scores = this.decoder.forward(this.drop.forward(output));
    return [nn.functional.logSoftmax(scores.view([-1, scores.shape.at(-1)!]), 1), [state.hn, state.cn]];
  }
}

/** Texts side by side in columns. */
function columns(data: Tensor, count: number): Tensor {
  const whole = data.shape[0]! - (data.shape[0]! % count);
  return data.narrow(0, 0, whole).view([count, -1]).t().contiguous();
}

const start = (batch: number): State => [zeros([2, batch, 16]), zeros([2, batch, 16])];

/** Twelve words, each by chance from what the ones before make likely. */
function sampled(model: LanguageModel): number[] {
  let hidden = start(1);
  const word = zeros([1, 1], { dtype: 'int32' });
  return Array.from({ length: 12 }, () => {
    const [output, next] = model.forward(word, hidden);
    hidden = next;
    const index = multinomial(output.squeeze().div(0.8).exp(), 1).item();
    word.fill_(index);
    return index;
  });
}

/** A language model of two LSTM layers with tied weights, truncated backpropagation, clipping, and plain updates by hand. */
export function run(): Results {
  manualSeed(1111);
  const corpus = arange(244)
    .mul(3)
    .add(randint(0, 2, [244]))
    .remainder(7);
  const source = columns(corpus, 6);
  const length = source.shape[0]!;
  const model = new LanguageModel(7, 16, 2, 0.2);
  const criterion = new nn.NLLLoss();
  let lr = 5;
  let best = Number.POSITIVE_INFINITY;
  const losses: number[] = [];
  const lrs: number[] = [];
  for (let epoch = 0; epoch < 4; epoch++) {
    model.train();
    let hidden = start(6);
    let total = 0;
    for (let i = 0; i < length - 1; i += 5) {
      const end = Math.min(i + 5, length - 1);
      model.zeroGrad();
      const [output, next] = model.forward(source.slice(0, i, end), [hidden[0].detach(), hidden[1].detach()]);
      hidden = next;
      const loss = criterion.forward(output, source.slice(0, i + 1, end + 1).reshape([-1]));
      loss.backward();
      nn.utils.clipGradNorm_(model.parameters(), 0.25);
      for (const p of model.parameters()) p.data.add_(p.grad!, { alpha: -lr });
      losses.push(loss.item());
      lrs.push(lr);
      total += loss.item();
    }
    if (total < 0.97 * best) best = total;
    else lr /= 4;
  }
  model.eval();
  const words = noGrad(() => sampled(model));
  const finals = {
    'encoder.weight': model.encoder.weight,
    weight_ih_l0: model.stateDict()['rnn.weight_ih_l0']!,
    weight_hh_l1: model.stateDict()['rnn.weight_hh_l1']!,
    'decoder.bias': model.decoder.bias,
  };
  return { losses, lrs, finals, outputs: { words, ppl: Math.exp(losses.at(-1)!) } };
}
